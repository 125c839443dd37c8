//! What the OpenTelemetry SDK in a process publishes about it (OTEP 4719, "Process Context"): its resource. The process chooses it:
//! each attribute has a limit, and all of a process together.

use wirespan_semconv::SERVICE_NAME;

use super::environment::{MAX_NAME, cut};

/// Most bytes of a value that are kept.
const MAX_VALUE: usize = 1024;
/// Most bytes of the attributes of one process together.
const MAX_TOTAL: usize = 4096;
/// Most attributes of one process.
const MAX_ATTRIBUTES: usize = 64;
/// What begins so is better known from outside, or is about the SDK. Command lines, which hold secrets, are `process.`.
const KNOWN_BETTER: [&str; 5] = ["process.", "host.", "os.", "container.", "telemetry."];
/// How the name begins that SDKs give to services without one.
const NAMELESS: &str = "unknown_service";

/// A published resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// When it was published, `CLOCK_BOOTTIME`, ns; older SDKs: since 1970. Another time is another resource.
    pub at_ns: u64,
    /// Attributes whose values are texts, in the order of the resource, each key once.
    pub attributes: Box<[(Box<str>, Box<str>)]>,
    /// Where its threads have the address of the span that they are in (OTEP 4947), bytes from the thread pointer.
    pub span_at: Option<i64>,
}

impl Published {
    /// Keeps what there is room for. Of several attributes with one key the first counts.
    #[must_use]
    pub fn new<'a>(at_ns: u64, attributes: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut kept: Vec<(Box<str>, Box<str>)> = Vec::new();
        let mut left = MAX_TOTAL;
        for (key, value) in attributes {
            let is_name = key == SERVICE_NAME;
            let says_nothing = key.is_empty() || value.is_empty() || is_name && value.starts_with(NAMELESS);
            if says_nothing || key.len() > MAX_NAME || KNOWN_BETTER.iter().any(|prefix| key.starts_with(prefix)) {
                continue;
            }
            let value = cut(value, if is_name { MAX_NAME } else { MAX_VALUE });
            let bytes = key.len() + value.len();
            if kept.len() < MAX_ATTRIBUTES && bytes <= left && !kept.iter().any(|(known, _)| **known == *key) {
                left -= bytes;
                kept.push((key.into(), value.into()));
            }
        }
        Self { at_ns, attributes: kept.into(), span_at: None }
    }

    /// Bytes of what is kept.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.attributes.iter().map(|(key, value)| key.len() + value.len() + 32).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(attributes: &[(&str, &str)]) -> Vec<(String, String)> {
        let published = Published::new(1, attributes.iter().copied());
        published.attributes.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    #[test]
    fn what_is_known_better_is_not_taken() {
        let all = [
            ("service.name", "shop"),
            ("process.command_line", "shop --password=x"),
            ("process.pid", "1"),
            ("host.name", "pod"),
            ("os.type", "windows"),
            ("container.id", "x"),
            ("telemetry.sdk.language", "java"),
            ("deployment.environment.name", "production"),
            ("", "x"),
            ("team", ""),
            ("service.name", "second"),
        ];
        let expected = [("service.name", "shop"), ("deployment.environment.name", "production")];
        assert_eq!(kept(&all), expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_service_without_a_name_is_given_none() {
        for name in ["unknown_service", "unknown_service:java"] {
            assert_eq!(kept(&[("service.name", name)]), []);
        }
        assert_eq!(kept(&[("service.version", "unknown_service")]).len(), 1);
    }

    #[test]
    fn a_process_has_a_share_and_no_more() {
        let long = "é".repeat(10_000);
        let found =
            kept(&[("service.name", &long), (&long, "x"), ("a", &long), ("b", &long), ("c", &long), ("d", &long)]);
        let lengths: Vec<_> = found.iter().map(|(_, value)| value.len()).collect();
        assert_eq!(lengths, [254, 1024, 1024, 1024], "whole characters");
        let keys: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
        let many: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "x")).collect();
        assert_eq!(kept(&many).len(), MAX_ATTRIBUTES);
    }
}
