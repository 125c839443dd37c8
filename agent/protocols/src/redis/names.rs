//! Names of commands, for those who group by them: which ones somebody defined, what they are for, and which ones drivers
//! send by themselves.

use super::is_command;
use crate::exchange::detail::Purpose;

/// Whether it is a command of Redis, Valkey or their usual modules, upper case, with its subcommand.
pub(super) fn is_known(command: &str) -> bool {
    match command.split_once(' ') {
        Some((container, sub)) => is_command(container) && SUBCOMMANDS.split_whitespace().any(|one| one == sub),
        None => match command.split_once('.') {
            Some((module, name)) => MODULES
                .iter()
                .find(|(known, _)| *known == module)
                .is_some_and(|(_, names)| names.split_whitespace().any(|one| one == name)),
            None => is_command(command) || MORE.split_whitespace().any(|one| one == command),
        },
    }
}

/// What a command is for. Subcommands count with their command, here as below.
pub(super) fn purpose(command: &str) -> Purpose {
    match first(command) {
        "PING" | "SELECT" | "CLIENT" | "HELLO" | "AUTH" | "ECHO" | "COMMAND" | "READONLY" => Purpose::Session,
        "QUIT" => Purpose::Farewell,
        "MULTI" | "EXEC" | "DISCARD" | "WATCH" | "UNWATCH" => Purpose::Transaction,
        _ => Purpose::Data,
    }
}

/// What drivers send before the first command of the program, and no program as its own first work, or hardly ever: the
/// handshake (redis.io, "Connection management"), liveness, and what clients read about their server (`INFO` of ioredis,
/// `COMMAND DOCS` of redis-cli).
pub(super) fn is_preamble(command: &str) -> bool {
    ["HELLO", "AUTH", "SELECT", "CLIENT", "READONLY", "PING", "COMMAND", "INFO"].contains(&first(command))
}

/// Commands of a preamble that older servers and proxies refuse, and that drivers do without then. Not `AUTH` and its like.
pub(super) fn is_optional(command: &str, error: &str) -> bool {
    let is = |name: &&str| name.eq_ignore_ascii_case(first(command));
    ["HELLO", "CLIENT", "COMMAND", "READONLY"].iter().any(is) && ["ERR", "NOPROTO", "NOPERM"].contains(&error)
}

fn first(command: &str) -> &str {
    command.split(' ').next().unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_defined_is_known_and_what_is_invented_is_not() {
        for command in
            ["GET", "CLIENT SETINFO", "CONFIG GET", "JSON.GET", "FT.SEARCH", "VADD", "XGROUP CREATE", "OBJECT FREQ"]
        {
            assert!(is_known(command), "{command}");
        }
        for command in ["GET4711", "CLIENT X17", "JSON.GET1", "X.GET", "FT.", ".GET", "", "GET GET1", "NOPE GET"] {
            assert!(!is_known(command), "{command}");
        }
    }

    #[test]
    fn what_drivers_send_and_what_programs_send() {
        for command in ["HELLO", "AUTH", "CLIENT SETINFO", "SELECT", "PING", "COMMAND DOCS", "INFO"] {
            assert!(is_preamble(command), "{command}");
        }
        for command in ["GET", "CLIENTS", "SELECTED", ""] {
            assert!(!is_preamble(command), "{command}");
        }
    }
}
