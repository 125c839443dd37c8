//! What SQLSTATEs mean.

/// Whether it is neither success nor a warning. Classes are two characters, digits before letters (PostgreSQL documentation, appendix A).
pub(super) fn is_failure(sqlstate: &str) -> bool {
    !sqlstate.starts_with("00") && !sqlstate.starts_with("01")
}

/// SQLSTATEs behind which services usually stand still, in words (PostgreSQL documentation, appendix A).
pub(super) fn explain(code: &str) -> Option<String> {
    let meaning = match code {
        "28P01" => "wrong password",
        "28000" => "not allowed to log in",
        "3D000" => "no such database",
        "53300" => "too many connections",
        "57P01" | "57P02" => "the server is shutting down",
        "57P03" => "the server is not ready",
        "57014" => "the statement was cancelled",
        "40001" => "serialisation failure",
        "40P01" => "deadlock",
        "42P01" => "no such table",
        "42703" => "no such column",
        "42601" => "syntax error",
        "23505" => "a unique key is violated",
        "25P02" => "the transaction has failed before",
        "55P03" => "the lock was not available",
        _ if code.len() == 5 => return Some(format!("SQLSTATE {code}")),
        _ => return None,
    };
    Some(format!("{meaning} (SQLSTATE {code})"))
}
