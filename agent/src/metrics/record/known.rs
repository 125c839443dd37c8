//! Names that may be labels. A peer can invent any number of commands, methods and schemes: those that nobody defined are
//! one, `_OTHER`, as the conventions have it for methods. Spans say them as they were sent.

/// The label of every other name.
pub(super) const OTHER: &str = "_OTHER";

/// A scheme of a URL.
pub(super) fn scheme(scheme: &str) -> &str {
    if matches!(scheme, "http" | "https" | "ws" | "wss") { scheme } else { OTHER }
}

/// A command of Redis, Valkey or their usual modules, upper case, with its subcommand.
pub(super) fn redis(command: &str) -> &str {
    let known = match command.split_once(' ') {
        Some((container, sub)) => {
            wirespan_protocols::redis::is_command(container) && SUBCOMMANDS.split_whitespace().any(|one| one == sub)
        }
        None => match command.split_once('.') {
            Some((module, name)) => MODULES
                .iter()
                .find(|(known, _)| *known == module)
                .is_some_and(|(_, names)| names.split_whitespace().any(|one| one == name)),
            None => wirespan_protocols::redis::is_command(command) || MORE.split_whitespace().any(|one| one == command),
        },
    };
    if known { command } else { OTHER }
}

/// The command tag of a PostgreSQL server, upper case: one to four words, of which the first says what was done and the
/// others to what kind of thing.
pub(super) fn postgres(tag: &str) -> &str {
    let mut words = tag.split(' ');
    let is_known = words.next().is_some_and(|verb| VERBS.split_whitespace().any(|one| one == verb))
        && words.clone().count() < 4
        && words.all(|word| THINGS.split_whitespace().any(|one| one == word));
    if is_known { tag } else { OTHER }
}

/// Commands of Redis 8 and Valkey whose keys wirespan does not look for.
const MORE: &str = "VADD VCARD VDIM VEMB VGETATTR VINFO VISMEMBER VLINKS VRANDMEMBER VREM VSETATTR VSIM VRANGE \
    DELIFEQ DELEX DIGEST MSETEX XACKDEL XDELEX HGETDEL RESTORE-ASKING SENTINEL COMMANDLOG ACL";

/// Second words, of whichever command.
const SUBCOMMANDS: &str = "CAT DELUSER DRYRUN GENPASS GETUSER HELP LIST LOAD LOG SAVE SETUSER USERS WHOAMI CACHING \
    GETNAME GETREDIR ID INFO KILL NO-EVICT NO-TOUCH PAUSE REPLY SETINFO SETNAME TRACKING TRACKINGINFO UNBLOCK UNPAUSE \
    CAPA IMPORT-SOURCE ADDSLOTS ADDSLOTSRANGE BUMPEPOCH COUNT-FAILURE-REPORTS COUNTKEYSINSLOT DELSLOTS DELSLOTSRANGE \
    FAILOVER FLUSHSLOTS FORGET GETKEYSINSLOT KEYSLOT LINKS MEET MYID MYSHARDID NODES REPLICAS REPLICATE RESET \
    SAVECONFIG SET-CONFIG-EPOCH SETSLOT SHARDS SLAVES SLOT-STATS SLOTS COUNT DOCS GETKEYS GETKEYSANDFLAGS GET REWRITE \
    RESETSTAT SET DELETE DUMP FLUSH RESTORE STATS DOCTOR GRAPH HISTOGRAM HISTORY LATEST MALLOC-STATS PURGE USAGE \
    LOADEX UNLOAD ENCODING FREQ IDLETIME REFCOUNT CHANNELS NUMPAT NUMSUB SHARDCHANNELS SHARDNUMSUB DEBUG EXISTS SHOW \
    LEN CREATE CREATECONSUMER DELCONSUMER DESTROY SETID CONSUMERS GROUPS STREAM OBJECT SLEEP SEGFAULT JMAP RELOAD \
    DIGEST DIGEST-VALUE CHANGE-REPL-ID SET-ACTIVE-EXPIRE QUICKLIST-PACKED-THRESHOLD PROTOCOL ERROR";

/// Modules that come with Redis 8 and Redis Stack.
const MODULES: [(&str, &str); 9] = [
    (
        "JSON",
        "ARRAPPEND ARRINDEX ARRINSERT ARRLEN ARRPOP ARRTRIM CLEAR DEBUG DEL FORGET GET MERGE MGET MSET NUMINCRBY \
         NUMMULTBY OBJKEYS OBJLEN RESP SET STRAPPEND STRLEN TOGGLE TYPE",
    ),
    (
        "FT",
        "_LIST AGGREGATE ALIASADD ALIASDEL ALIASUPDATE ALTER CONFIG CREATE CURSOR DICTADD DICTDEL DICTDUMP DROPINDEX \
         EXPLAIN EXPLAINCLI HYBRID INFO PROFILE SEARCH SPELLCHECK SUGADD SUGDEL SUGGET SUGLEN SYNDUMP SYNUPDATE TAGVALS",
    ),
    ("BF", "ADD CARD EXISTS INFO INSERT LOADCHUNK MADD MEXISTS RESERVE SCANDUMP LOAD"),
    ("CF", "ADD ADDNX COUNT DEL EXISTS INFO INSERT INSERTNX LOADCHUNK MEXISTS RESERVE SCANDUMP"),
    ("CMS", "INCRBY INFO INITBYDIM INITBYPROB MERGE QUERY"),
    ("TOPK", "ADD COUNT INCRBY INFO LIST QUERY RESERVE"),
    ("TDIGEST", "ADD BYRANK BYREVRANK CDF CREATE INFO MAX MERGE MIN QUANTILE RANK RESET REVRANK TRIMMED_MEAN"),
    (
        "TS",
        "ADD ALTER CREATE CREATERULE DECRBY DEL DELETERULE GET INCRBY INFO MADD MGET MRANGE MREVRANGE QUERYINDEX RANGE \
         REVRANGE",
    ),
    ("GRAPH", "CONFIG CONSTRAINT DELETE EXPLAIN LIST PROFILE QUERY RO_QUERY SLOWLOG"),
];

/// First words of command tags (PostgreSQL, `cmdtaglist.h`), and of what else answers in its protocol.
const VERBS: &str = "ALTER ANALYZE BEGIN CALL CHECKPOINT CLOSE CLUSTER COMMENT COMMIT COPY CREATE DEALLOCATE DECLARE \
    DELETE DISCARD DO DROP EXECUTE EXPLAIN FETCH GRANT IMPORT INSERT LISTEN LOAD LOCK LOGIN MERGE MOVE NOTIFY PREPARE \
    REASSIGN REFRESH REINDEX RELEASE RESET REVOKE ROLLBACK SAVEPOINT SECURITY SELECT SET SHOW START TRUNCATE UNLISTEN \
    UPDATE VACUUM VALUES WITH BASE_BACKUP IDENTIFY_SYSTEM CREATE_REPLICATION_SLOT DROP_REPLICATION_SLOT \
    START_REPLICATION TIMELINE_HISTORY OK REPLACE UPSERT SUBSCRIBE USE";

/// Their other words.
const THINGS: &str = "ACCESS AGGREGATE ALL AND AS BACKUP CAST CATALOG CLASS COLLATION COLUMN CONFIGURATION CONSTRAINT \
    CONSTRAINTS CONVERSION CURSOR DATA DATABASE DEFAULT DICTIONARY DOMAIN EVENT EXTENSION FAMILY FOREIGN FUNCTION IN INDEX \
    INTO KEY LABEL LANGUAGE LARGE MAPPING MATERIALIZED METHOD OBJECT OPERATOR OWNED PARAMETER PARSER PLANS POLICY \
    PREPARED PRIVILEGES PROCEDURE PUBLICATION ROLE ROUTINE RULE SCHEMA SEARCH SEQUENCE SEQUENCES SERVER SESSION SINK \
    SOURCE STATISTICS SUBSCRIPTION SYSTEM TABLE TABLES TABLESPACE TEMP TEMPLATE TEXT TO TRANSACTION TRANSFORM TRIGGER TYPE \
    USER VARIABLE VIEW WRAPPER SLOT AUTHORIZATION CHARACTERISTICS";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_defined_is_kept_and_what_is_invented_is_one() {
        for command in
            ["GET", "CLIENT SETINFO", "CONFIG GET", "JSON.GET", "FT.SEARCH", "VADD", "XGROUP CREATE", "OBJECT FREQ"]
        {
            assert_eq!(redis(command), command);
        }
        for command in ["GET4711", "CLIENT X17", "JSON.GET1", "X.GET", "FT.", ".GET", "", "GET GET1", "NOPE GET"] {
            assert_eq!(redis(command), OTHER, "{command}");
        }
        for tag in ["SELECT", "CREATE TABLE", "CREATE TABLE AS", "DROP MATERIALIZED VIEW", "DEALLOCATE ALL", "OK"] {
            assert_eq!(postgres(tag), tag);
        }
        for tag in ["SELECT1", "CREATE T17", "", "TABLE", "CREATE TABLE TABLE TABLE TABLE"] {
            assert_eq!(postgres(tag), OTHER, "{tag}");
        }
        assert_eq!(["http", "wss", "x17"].map(scheme), ["http", "wss", OTHER]);
    }
}
