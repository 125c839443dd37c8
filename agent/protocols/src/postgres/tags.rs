//! Command tags, for those who group by them.

/// Whether it is the command tag of a PostgreSQL server, upper case: one to four words, of which the first says what was done
/// and the others to what kind of thing.
pub(super) fn is_known(tag: &str) -> bool {
    let mut words = tag.split(' ');
    words.next().is_some_and(|verb| VERBS.split_whitespace().any(|one| one == verb))
        && words.clone().count() < 4
        && words.all(|word| THINGS.split_whitespace().any(|one| one == word))
}

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
    fn what_is_defined_is_known_and_what_is_invented_is_not() {
        for tag in ["SELECT", "CREATE TABLE", "CREATE TABLE AS", "DROP MATERIALIZED VIEW", "DEALLOCATE ALL", "OK"] {
            assert!(is_known(tag), "{tag}");
        }
        for tag in ["SELECT1", "CREATE T17", "", "TABLE", "CREATE TABLE TABLE TABLE TABLE"] {
            assert!(!is_known(tag), "{tag}");
        }
    }
}
