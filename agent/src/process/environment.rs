//! The variables of an environment that somebody asked for. Whoever starts a process chooses them: each has a limit, and
//! all of a process together.

use std::sync::Arc;

/// The variable that names the service.
pub(super) const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
/// The variable of resource attributes.
pub(super) const RESOURCE_ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";
/// Most bytes of a service name that are kept.
pub(crate) const MAX_NAME: usize = 255;
/// Most bytes of resource attributes that are kept.
const MAX_ATTRIBUTES: usize = 2048;
/// Most bytes of a variable that a selector names: a selector is not longer.
const MAX_VALUE: usize = 4096;
/// Most bytes of the variables of one process together.
const MAX_TOTAL: usize = 8192;

/// Names and values in the order of the environment.
pub(super) type Environment = Arc<[(Box<str>, Box<str>)]>;

/// Takes the `wanted` variables out of the block of `/proc/PID/environ`. As for `getenv`, the first of several of one name
/// counts.
pub(super) fn wanted(block: &[u8], wanted: &[Box<str>]) -> Environment {
    let mut kept: Vec<(Box<str>, Box<str>)> = Vec::new();
    let mut left = MAX_TOTAL;
    for entry in block.split(|byte| *byte == 0) {
        let Some(end) = entry.iter().position(|byte| *byte == b'=') else { continue };
        let (name, value) = (&entry[..end], &entry[end + 1..]);
        let Some(name) = wanted.iter().find(|candidate| candidate.as_bytes() == name) else { continue };
        if kept.iter().any(|(known, _)| known == name) {
            continue;
        }
        let value = String::from_utf8_lossy(value.get(..MAX_VALUE).unwrap_or(value));
        let value = limited(name, &value);
        if name.len() + value.len() <= left {
            left -= name.len() + value.len();
            kept.push((name.clone(), value.into()));
        }
    }
    kept.into()
}

/// A value within the limit of its variable: a name is cut, and of a list the last pairs are left out.
fn limited<'a>(name: &str, value: &'a str) -> &'a str {
    match name {
        SERVICE_NAME => cut(value, MAX_NAME),
        RESOURCE_ATTRIBUTES if value.len() > MAX_ATTRIBUTES => {
            cut(value, MAX_ATTRIBUTES).rsplit_once(',').map_or("", |(pairs, _)| pairs)
        }
        _ => value,
    }
}

/// The beginning of a text, of at most `limit` bytes and whole characters.
#[must_use]
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<Box<str>> {
        [SERVICE_NAME, RESOURCE_ATTRIBUTES, "TIER"].map(Box::from).to_vec()
    }

    #[test]
    fn only_what_is_wanted_and_the_first_of_each() {
        let found = wanted(b"A=1\0TIER=web\0TIER=db\0OTEL_SERVICE_NAME=shop=x\0broken\0=\0", &names());
        let expected = [("TIER", "web"), ("OTEL_SERVICE_NAME", "shop=x")];
        assert_eq!(found.iter().map(|(name, value)| (&**name, &**value)).collect::<Vec<_>>(), expected);
        assert!(wanted(b"", &names()).is_empty());
    }

    #[test]
    fn a_process_has_a_share_and_no_more() {
        let long = "é".repeat(100_000);
        let block = format!("OTEL_SERVICE_NAME={long}\0OTEL_RESOURCE_ATTRIBUTES=a=1,b={long}\0TIER={long}\0");
        let found = wanted(block.as_bytes(), &names());
        assert_eq!(found[0].1.len(), 254, "whole characters");
        assert_eq!(&*found[1].1, "a=1", "whole pairs");
        assert!(found[2].1.len() <= MAX_VALUE + 2);
        let bytes: usize = found.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!(bytes <= MAX_TOTAL);
        let many: Vec<Box<str>> = (0..1000).map(|number| format!("V{number}").into()).collect();
        let block: String = many.iter().map(|name| format!("{name}={}\0", "x".repeat(4000))).collect();
        let found = wanted(block.as_bytes(), &many);
        assert_eq!(found.len(), 2);
    }
}
