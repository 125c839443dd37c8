//! What drivers and ORMs send by themselves before the first request of the program.
//!
//! Only what no program sends as its own first work, or hardly ever; `BEGIN` and `SELECT 1` are not here.

use wirespan_protocols::exchange::{Detail, Exchange};
use wirespan_protocols::postgres::Operation;

/// Redis: the handshake (redis.io, "Connection management"), liveness, and what clients read about their server
/// (`INFO` of ioredis, `COMMAND DOCS` of redis-cli). Subcommands count with their command.
const REDIS: [&str; 8] = ["HELLO", "AUTH", "SELECT", "CLIENT", "READONLY", "PING", "COMMAND", "INFO"];

/// PostgreSQL, upper case: settings (pgJDBC, psycopg, Rails, asyncpg), the server's version and schema (SQLAlchemy),
/// `set_config` (Django), the types of the database (Rails, Npgsql, asyncpg), recovery state (target session attributes).
const POSTGRES: [&str; 12] = [
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

/// What a driver did with this exchange, in few different words; `None` when it is the program's own.
pub(super) fn step(exchange: &Exchange) -> Option<Box<str>> {
    match &exchange.detail {
        Detail::Redis(redis) => {
            let command = redis.command.split(' ').next().unwrap_or_default();
            REDIS.contains(&command).then(|| redis.command.clone())
        }
        Detail::Postgres(postgres) if postgres.operation == Operation::Statement => {
            let text = postgres.text.as_deref()?;
            let begins =
                |prefix: &&str| text.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix));
            let known = POSTGRES.iter().any(begins) && !TRANSACTION.iter().any(begins);
            known.then(|| words(text))
        }
        _ => None,
    }
}

/// Whether an exchange belongs to the set-up although it is no step of a preamble: a start-up that failed.
pub(super) fn is_start_up(exchange: &Exchange) -> bool {
    matches!(&exchange.detail, Detail::Postgres(postgres) if postgres.operation == Operation::Startup)
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
    use wirespan_protocols::exchange::{Ending, Window};
    use wirespan_protocols::postgres::PostgresExchange;
    use wirespan_protocols::redis::RedisExchange;

    fn exchange(detail: Detail) -> Exchange {
        let request = Window::default();
        Exchange { request, response: None, actor: Default::default(), ending: Ending::Answered, end_ns: 0, detail }
    }

    fn sql(text: &str) -> Option<Box<str>> {
        let postgres = PostgresExchange { text: Some(text.into()), ..PostgresExchange::default() };
        step(&exchange(Detail::Postgres(Box::new(postgres))))
    }

    fn redis(command: &str) -> Option<Box<str>> {
        let redis = RedisExchange { command: command.into(), ..RedisExchange::default() };
        step(&exchange(Detail::Redis(Box::new(redis))))
    }

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
            assert_eq!(sql(text).as_deref(), Some(what), "{text}");
        }
        for command in ["HELLO", "AUTH", "CLIENT SETINFO", "SELECT", "PING", "COMMAND DOCS", "INFO"] {
            assert_eq!(redis(command).as_deref(), Some(command));
        }
    }

    #[test]
    fn what_programs_send() {
        for text in
            ["SELECT ?", "BEGIN", "SET LOCAL x = ?", "set transaction isolation level serializable", "SETTLE", ""]
        {
            assert_eq!(sql(text), None, "{text}");
        }
        for command in ["GET", "CLIENTS", "SELECTED", ""] {
            assert_eq!(redis(command), None, "{command}");
        }
    }
}
