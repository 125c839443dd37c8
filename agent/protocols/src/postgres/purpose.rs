//! What a statement is for, and what drivers and ORMs send by themselves before the first statement of the program.

use super::PostgresExchange;
use crate::exchange::detail::Purpose;

/// Upper case, and only what no program sends as its own first work, or hardly ever; `BEGIN` and `SELECT 1` are not here:
/// settings (pgJDBC, psycopg, Rails, asyncpg), the server's version and schema (SQLAlchemy),
/// `set_config` (Django), the types of the database (Rails, Npgsql, asyncpg), recovery state (target session attributes).
const PREAMBLE: [&str; 12] = [
    "SET ",
    "SHOW ",
    "SELECT VERSION()",
    "SELECT PG_CATALOG.VERSION()",
    "SELECT CURRENT_SCHEMA()",
    "SELECT SET_CONFIG(",
    "SELECT PG_CATALOG.SET_CONFIG(",
    "SELECT PG_IS_IN_RECOVERY()",
    "SELECT PG_CATALOG.PG_IS_IN_RECOVERY()",
    "SELECT T.OID, T.TYPNAME",
    "SELECT OID, TYPNAME",
    "SELECT TYPNAME AS NAME, OID",
];

/// Statements that begin like a setting but belong to a transaction of the program.
const TRANSACTION: [&str; 3] = ["SET LOCAL ", "SET TRANSACTION ", "SET CONSTRAINTS "];

/// Longest description of a step, bytes.
const MAX_WHAT: usize = 64;

/// What a statement is for.
pub(super) fn of(postgres: &PostgresExchange) -> Purpose {
    let text = postgres.text.as_deref().or(postgres.summary.as_deref()).or(postgres.command.as_deref());
    let mut words = text.unwrap_or_default().trim_start().splitn(2, |letter: char| !letter.is_ascii_alphabetic());
    let first = words.next().unwrap_or_default().to_ascii_uppercase();
    match first.as_str() {
        "BEGIN" | "COMMIT" | "ROLLBACK" | "START" | "END" | "SAVEPOINT" | "RELEASE" | "ABORT" => Purpose::Transaction,
        "SET" | "SHOW" | "RESET" | "DISCARD" | "DEALLOCATE" => Purpose::Session,
        "SELECT" => {
            // Without a table nothing is fetched: `SELECT 1`, `SELECT version()`, `SELECT current_schema()`.
            let rest = words.next().unwrap_or_default();
            let fetches = rest.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
            let known = postgres.text.is_some() && !postgres.text_truncated;
            if known && !fetches.into_iter().any(|word| word.eq_ignore_ascii_case("from")) && rest.len() < 64 {
                Purpose::Session
            } else {
                Purpose::Data
            }
        }
        _ => Purpose::Data,
    }
}

/// What a driver does with a statement, in few different words; `None` when it is the program's own.
pub(super) fn preamble(text: &str) -> Option<Box<str>> {
    let begins = |prefix: &&str| text.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix));
    let known = PREAMBLE.iter().any(begins) && !TRANSACTION.iter().any(begins);
    known.then(|| words(text))
}

/// Settings that a driver tries and that a server may lack: 42704 is an undefined object.
pub(super) fn is_optional(operation: &str, sqlstate: &str) -> bool {
    let command = operation.split(' ').next().unwrap_or_default();
    ["SET", "SHOW"].iter().any(|name| name.eq_ignore_ascii_case(command)) && sqlstate == "42704"
}

/// The first two words: the verb and what it is about (`SET search_path`, `SELECT version()`).
fn words(text: &str) -> Box<str> {
    let mut words = text.split([' ', '\t', '\n', '=', ';', ',']).filter(|word| !word.is_empty());
    let mut what = words.next().unwrap_or_default().to_ascii_uppercase();
    if let Some(second) = words.next() {
        // Arguments of a function are values, even if they became `?`.
        let name = second.split_inclusive('(').next().unwrap_or_default();
        what.push(' ');
        what.push_str(name);
        if name.ends_with('(') {
            what.push(')');
        }
    }
    if what.len() > MAX_WHAT {
        let end = (0..=MAX_WHAT).rev().find(|end| what.is_char_boundary(*end)).unwrap_or(0);
        what.truncate(end);
    }
    what.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn what_drivers_send() {
        for (text, what) in [
            ("SET extra_float_digits = ?", "SET extra_float_digits"),
            ("set client_encoding to ?", "SET client_encoding"),
            ("select pg_catalog.version()", "SELECT pg_catalog.version()"),
            ("SELECT version();", "SELECT version()"),
            ("show standard_conforming_strings", "SHOW standard_conforming_strings"),
            ("SELECT set_config(?, ?, false)", "SELECT set_config()"),
        ] {
            assert_eq!(preamble(text).as_deref(), Some(what), "{text}");
        }
    }

    #[test]
    fn what_programs_send() {
        for text in
            ["SELECT ?", "BEGIN", "SET LOCAL x = ?", "set transaction isolation level serializable", "SETTLE", ""]
        {
            assert_eq!(preamble(text), None, "{text}");
        }
    }

    #[test]
    fn statements_that_fetch_nothing_belong_to_the_session() {
        let of =
            |text: &str| super::of(&PostgresExchange { text: Some(Arc::from(text)), ..PostgresExchange::default() });
        for text in
            ["SELECT ?", "select version()", "SET search_path TO a", "SHOW timezone", "SELECT pg_catalog.version()"]
        {
            assert_eq!(of(text), Purpose::Session, "{text}");
        }
        for text in ["BEGIN", "COMMIT", "start transaction isolation level serializable", "ROLLBACK"] {
            assert_eq!(of(text), Purpose::Transaction, "{text}");
        }
        for text in
            ["SELECT * FROM orders", "SELECT a\nFROM\tb", "INSERT INTO a VALUES (?)", "UPDATE a SET b = ?", "selection"]
        {
            assert_eq!(of(text), Purpose::Data, "{text}");
        }
    }
}
