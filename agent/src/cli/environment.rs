//! The agent's own environment. It may hold anything, also what is not UTF-8.

use std::ffi::{OsStr, OsString};

use crate::config;

/// A variable; none if it is not UTF-8, which [`check`] has told.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).and_then(|value| value.into_string().ok())
}

/// The names of all variables that are UTF-8.
pub fn names() -> impl Iterator<Item = String> {
    std::env::vars_os().filter_map(|(name, _)| name.into_string().ok())
}

/// All variables that are UTF-8, with their values.
pub fn all() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Looks for values that cannot be read: a mistake in a variable of ours, as any other mistake in it; one in a variable of
/// OpenTelemetry is told, and ignored.
///
/// # Errors
/// The first mistake.
pub fn check() -> Result<Vec<String>, config::Error> {
    unreadable(std::env::vars_os())
}

fn unreadable(variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Vec<String>, config::Error> {
    let mut warnings = Vec::new();
    let is_unreadable = |value: &OsStr| value.to_str().is_none();
    for (name, _) in variables.filter(|(_, value)| is_unreadable(value)) {
        let name = name.to_string_lossy();
        if name.starts_with("WIRESPAN_") {
            return Err(config::Error::new(name, "the value is not UTF-8"));
        }
        if name.starts_with("OTEL_") {
            warnings.push(format!("{name}: the value is not UTF-8; ignored"));
        }
    }
    Ok(warnings)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    #[test]
    fn a_value_that_is_not_utf8_is_an_error_a_warning_or_nothing() {
        let odd = || OsString::from_vec(vec![b'x', 0xff]);
        let of = |name: OsString| unreadable([("PATH".into(), "/bin".into()), (name, odd())].into_iter());
        assert_eq!(of("HOME".into()), Ok(vec![]));
        assert_eq!(of(odd()), Ok(vec![]));
        assert_eq!(of("OTEL_SERVICE_NAME".into()).unwrap(), ["OTEL_SERVICE_NAME: the value is not UTF-8; ignored"]);
        let error = of("WIRESPAN_SELECT".into()).unwrap_err();
        assert_eq!(error.to_string(), "WIRESPAN_SELECT: the value is not UTF-8");
    }
}
