//! Header fields of requests and responses that a user asked for as attributes of spans: `http.request.header.<key>`,
//! `http.response.header.<key>`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::options::Options;
use super::value::{Attribute, Value};
use crate::stream::Direction;

/// Most fields of one message that are kept, and most bytes of each.
const MAX_FIELDS: usize = 16;
const MAX_VALUE: usize = 1024;
/// Most different fields that are asked for in the life of a process.
const MAX_NAMES: usize = 1024;

/// Fields that let somebody in, whatever their names say.
const SECRETS: [&str; 6] =
    ["authorization", "proxy-authorization", "cookie", "set-cookie", "www-authenticate", "x-amz-security-token"];

/// The fields that are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// Of requests and of responses: names in lower case, and the attribute that each is.
    wanted: [Vec<(Box<str>, &'static str)>; 2],
}

/// A field that was seen: the attribute that it is, and its value, as a part of the exchange.
pub type Kept = Vec<(&'static str, Box<str>)>;

fn side(direction: Direction) -> usize {
    usize::from(direction == Direction::ToClient)
}

/// Keys of attributes are known at compile time; those that a user chooses are made once, and stay.
fn key(prefix: &str, name: &str) -> Option<&'static str> {
    static KEYS: Mutex<Option<HashMap<String, &'static str>>> = Mutex::new(None);
    let mut keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
    let keys = keys.get_or_insert_default();
    let key = format!("{prefix}{name}");
    if let Some(known) = keys.get(&key) {
        return Some(known);
    }
    (keys.len() < MAX_NAMES).then(|| {
        let known: &'static str = Box::leak(key.clone().into_boxed_str());
        keys.insert(key, known);
        known
    })
}

impl Headers {
    /// Whether none is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wanted.iter().all(Vec::is_empty)
    }

    /// Asks for a field of messages in a direction. `false` if too many were asked for.
    pub fn want(&mut self, direction: Direction, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let prefix = ["http.request.header.", "http.response.header."][side(direction)];
        let Some(key) = key(prefix, &name) else { return false };
        let wanted = &mut self.wanted[side(direction)];
        if wanted.iter().all(|(known, _)| **known != *name) {
            wanted.push((name.into(), key));
        }
        true
    }

    /// Asks for what others ask for, too.
    pub fn join(&mut self, others: &Self) {
        for (own, others) in self.wanted.iter_mut().zip(&others.wanted) {
            for other in others {
                if !own.contains(other) {
                    own.push(other.clone());
                }
            }
        }
    }

    /// Keeps a line of a header block if it is a field that is asked for.
    pub fn keep(&self, direction: Direction, line: &[u8], kept: &mut Kept) {
        if self.wanted[side(direction)].is_empty() {
            return;
        }
        if let Some((name, value)) = line.iter().position(|byte| *byte == b':').map(|at| line.split_at(at)) {
            self.keep_field(direction, name, value.get(1..).unwrap_or_default(), kept);
        }
    }

    /// Keeps a field if it is asked for.
    pub fn keep_field(&self, direction: Direction, name: &[u8], value: &[u8], kept: &mut Kept) {
        let wanted = &self.wanted[side(direction)];
        if wanted.is_empty() || kept.len() >= MAX_FIELDS * 2 {
            return;
        }
        let found = wanted.iter().find(|(wanted, _)| wanted.as_bytes().eq_ignore_ascii_case(name));
        let of_side = |kept: &Kept| kept.iter().filter(|(key, _)| wanted.iter().any(|(_, known)| known == key)).count();
        if let Some((_, key)) = found
            && of_side(kept) < MAX_FIELDS
        {
            let value = value.trim_ascii();
            let value = value.get(..MAX_VALUE).unwrap_or(value);
            kept.push((key, String::from_utf8_lossy(value).into()));
        }
    }

    /// Adds what was kept of these fields. The values of secrets are not told.
    pub fn describe(&self, kept: &Kept, options: &Options, attributes: &mut Vec<Attribute>) {
        for (name, key) in self.wanted.iter().flatten() {
            let values = kept.iter().filter(|(kept, _)| kept == key);
            let is_secret = is_secret(name, options);
            let value = |text: &str| if is_secret { "REDACTED".into() } else { text.into() };
            let values: Vec<Box<str>> = values.map(|(_, text)| value(text)).collect();
            // A field that the convention has already is set once.
            if !values.is_empty() && attributes.iter().all(|(known, _)| known != key) {
                attributes.push((key, Value::List(values.into())));
            }
        }
    }
}

fn is_secret(name: &str, options: &Options) -> bool {
    let is_excepted = options.secrets.excepts(name);
    !is_excepted && (SECRETS.contains(&name) || options.secrets.hide(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe::redact::names::Names;

    fn told(options: &Options, lines: &[(Direction, &str)]) -> String {
        let mut kept = Kept::new();
        for (direction, line) in lines {
            options.headers.keep(*direction, line.as_bytes(), &mut kept);
        }
        let mut attributes = Vec::new();
        options.headers.describe(&kept, options, &mut attributes);
        attributes.iter().map(|(key, value)| format!("{key}={value:?}\n")).collect()
    }

    fn asking(names: &[(Direction, &str)]) -> Headers {
        let mut headers = Headers::default();
        assert!(names.iter().all(|(direction, name)| headers.want(*direction, name)));
        headers
    }

    #[test]
    fn fields_that_are_asked_for() {
        use Direction::{ToClient, ToServer};
        let headers =
            asking(&[(ToServer, "X-Tenant"), (ToClient, "x-cache"), (ToServer, "Cookie"), (ToServer, "X-Api-Key")]);
        let options = Options { headers: headers.into(), ..Options::default() };
        let lines = [
            (ToServer, "x-tenant:  shop "),
            (ToServer, "X-TENANT: till"),
            (ToServer, "x-tenants: no"),
            (ToServer, "Cookie: id=1"),
            (ToServer, "X-Api-Key: s3cret"),
            (ToServer, "x-cache: no"),
            (ToClient, "X-Cache: HIT"),
            (ToClient, "x-cache"),
        ];
        let text = told(&options, &lines);
        assert!(
            text.contains("http.request.header.x-tenant") && text.contains("shop") && text.contains("till"),
            "{text}"
        );
        assert!(text.contains("http.response.header.x-cache") && text.contains("HIT"), "{text}");
        assert!(!text.contains("id=1") && !text.contains("s3cret") && !text.contains("no\""), "{text}");
        let told_all = Options { secrets: Names::new(&[], &["cookie".into()]), ..options };
        assert!(told(&told_all, &lines).contains("id=1"));
    }

    #[test]
    fn what_is_kept_has_a_limit() {
        let headers = asking(&[(Direction::ToServer, "a")]);
        let mut kept = Kept::new();
        for _ in 0..1000 {
            headers.keep(Direction::ToServer, format!("a: {}", "x".repeat(5000)).as_bytes(), &mut kept);
        }
        assert_eq!((kept.len(), kept[0].1.len()), (MAX_FIELDS, MAX_VALUE));
    }
}
