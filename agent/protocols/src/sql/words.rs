//! The key words that the summary knows.

/// What a statement that begins with some word is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Select,
    Insert,
    Update,
    Delete,
    Merge,
    /// `TABLE t`: short for `SELECT * FROM t`.
    Table,
    Values,
    /// `EXPLAIN …`: another statement follows.
    Explain,
    /// The verb alone says it (`BEGIN`, `SET` …): names after it are generated or of no interest.
    Bare,
    /// The verb alone, and a statement after `AS` or `FOR` (`PREPARE`, `DECLARE`).
    Prefix,
    /// `START TRANSACTION`.
    Start,
    /// The verb and one name (`CALL`, `COPY`).
    Named,
    /// The verb, words that say what kind of thing, and one name (`CREATE`, `ALTER`).
    Define,
    /// The same with a list of names (`DROP`, `TRUNCATE`, `LOCK` …).
    List,
}

/// The word in upper case, if it is short enough to be a key word.
pub(super) struct Upper {
    bytes: [u8; 16],
    len: usize,
}

impl Upper {
    pub fn new(word: &[u8]) -> Self {
        let mut bytes = [0; 16];
        let len = if word.len() <= bytes.len() { word.len() } else { 0 };
        for (upper, byte) in bytes.iter_mut().zip(word).take(len) {
            *upper = byte.to_ascii_uppercase();
        }
        Self { bytes, len }
    }

    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// The verbs that begin a statement anywhere a query may stand.
pub(super) fn query_verb(word: &[u8]) -> Option<Verb> {
    Some(match word {
        b"SELECT" => Verb::Select,
        b"INSERT" => Verb::Insert,
        b"UPDATE" => Verb::Update,
        b"DELETE" => Verb::Delete,
        b"MERGE" => Verb::Merge,
        _ => return None,
    })
}

/// The verbs that begin a statement.
pub(super) fn statement_verb(word: &[u8]) -> Option<Verb> {
    query_verb(word).or_else(|| {
        Some(match word {
            b"TABLE" => Verb::Table,
            b"VALUES" => Verb::Values,
            b"EXPLAIN" => Verb::Explain,
            b"BEGIN" | b"COMMIT" | b"ROLLBACK" | b"END" | b"ABORT" | b"SAVEPOINT" | b"RELEASE" | b"SET" | b"RESET"
            | b"SHOW" | b"LISTEN" | b"UNLISTEN" | b"NOTIFY" | b"DISCARD" | b"DEALLOCATE" | b"EXECUTE" | b"FETCH"
            | b"MOVE" | b"CLOSE" | b"DO" | b"GRANT" | b"REVOKE" | b"CHECKPOINT" | b"LOAD" | b"SECURITY" | b"IMPORT"
            | b"REASSIGN" => Verb::Bare,
            b"PREPARE" | b"DECLARE" => Verb::Prefix,
            b"START" => Verb::Start,
            b"CALL" | b"COPY" => Verb::Named,
            b"CREATE" | b"ALTER" | b"REFRESH" | b"COMMENT" | b"REINDEX" | b"CLUSTER" => Verb::Define,
            b"DROP" | b"TRUNCATE" | b"LOCK" | b"VACUUM" | b"ANALYZE" | b"ANALYSE" => Verb::List,
            _ => return None,
        })
    })
}

/// Words between the verb of a definition and the name that are part of the operation (`CREATE FOREIGN TABLE`).
pub(super) fn is_kind_of_thing(word: &[u8]) -> bool {
    matches!(
        word,
        b"TABLE"
            | b"VIEW"
            | b"MATERIALIZED"
            | b"INDEX"
            | b"SEQUENCE"
            | b"SCHEMA"
            | b"DATABASE"
            | b"FUNCTION"
            | b"PROCEDURE"
            | b"ROUTINE"
            | b"TRIGGER"
            | b"EVENT"
            | b"TYPE"
            | b"DOMAIN"
            | b"EXTENSION"
            | b"ROLE"
            | b"USER"
            | b"GROUP"
            | b"RULE"
            | b"POLICY"
            | b"PUBLICATION"
            | b"SUBSCRIPTION"
            | b"FOREIGN"
            | b"DATA"
            | b"WRAPPER"
            | b"SERVER"
            | b"MAPPING"
            | b"TABLESPACE"
            | b"AGGREGATE"
            | b"OPERATOR"
            | b"COLLATION"
            | b"CONVERSION"
            | b"LANGUAGE"
            | b"STATISTICS"
            | b"COLUMN"
            | b"ACCESS"
            | b"METHOD"
            | b"SYSTEM"
            | b"OWNED"
            | b"DEFAULT"
            | b"PRIVILEGES"
    )
}

/// Words between the verb of a definition and the name that say nothing about either.
pub(super) fn is_modifier(word: &[u8]) -> bool {
    matches!(
        word,
        b"OR"
            | b"REPLACE"
            | b"TEMP"
            | b"TEMPORARY"
            | b"UNLOGGED"
            | b"UNIQUE"
            | b"GLOBAL"
            | b"LOCAL"
            | b"RECURSIVE"
            | b"CONSTRAINT"
            | b"TRUSTED"
            | b"PROCEDURAL"
            | b"CONCURRENTLY"
            | b"IF"
            | b"NOT"
            | b"EXISTS"
            | b"ONLY"
            | b"ON"
            | b"FOR"
            | b"FULL"
            | b"FREEZE"
            | b"VERBOSE"
            | b"ANALYZE"
    )
}
