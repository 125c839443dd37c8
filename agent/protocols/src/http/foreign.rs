//! Headers by which tracing systems other than W3C Trace Context name a request: B3, Jaeger, X-Ray, SkyWalking, and request ids.
//!
//! Those that hold the ids of a trace and of a span become a link to that span; all others an attribute
//! `http.request.header.<key>`, as the conventions have it. Nothing is kept of a request without them.

use crate::describe::value::{Attribute, Value};
use crate::exchange::detail::Identity;

/// Longest value that is kept, bytes.
const MAX_VALUE: usize = 512;

/// One of the headers: its place in [`HEADERS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header(u8);

const B3: Header = Header(0);
const B3_TRACE: Header = Header(1);
const B3_SPAN: Header = Header(2);
const JAEGER: Header = Header(3);
const X_RAY: Header = Header(4);

/// Names, as they are mostly spelt, and the attributes that they become.
const HEADERS: [(&[u8], &str); 7] = [
    (b"b3", "http.request.header.b3"),
    (b"X-B3-TraceId", "http.request.header.x-b3-traceid"),
    (b"X-B3-SpanId", "http.request.header.x-b3-spanid"),
    (b"uber-trace-id", "http.request.header.uber-trace-id"),
    (b"X-Amzn-Trace-Id", "http.request.header.x-amzn-trace-id"),
    (b"sw8", "http.request.header.sw8"),
    (b"X-Request-Id", "http.request.header.x-request-id"),
];

impl Header {
    /// How many there are.
    pub const COUNT: usize = HEADERS.len();

    /// The header of this name, in any spelling. CGI has `_` for `-`.
    #[must_use]
    pub fn named(name: &[u8]) -> Option<Self> {
        let is_same = |header: &[u8]| {
            let same = |(one, other): (&u8, &u8)| one.eq_ignore_ascii_case(other) || *one == b'-' && *other == b'_';
            header.len() == name.len() && header.iter().zip(name).all(same)
        };
        let place = HEADERS.iter().position(|(header, _)| is_same(header))?;
        u8::try_from(place).ok().map(Self)
    }

    /// The names, for whoever looks for them.
    #[must_use]
    pub const fn name(place: usize) -> &'static [u8] {
        HEADERS[place].0
    }
}

/// What a request has of them. Each is there at most once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foreign(Vec<(Header, Box<str>)>);

impl Foreign {
    /// Keeps a header, the first one of its name.
    pub fn keep(&mut self, header: Header, value: &[u8]) {
        if self.get(header).is_none() {
            let value = value.get(..MAX_VALUE).unwrap_or(value);
            self.0.push((header, String::from_utf8_lossy(value).into()));
        }
    }

    /// Heap bytes held.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let texts: usize = self.0.iter().map(|(_, value)| value.len()).sum();
        texts + self.0.capacity() * size_of::<(Header, Box<str>)>()
    }

    /// The spans that they name.
    #[must_use]
    pub fn spans(&self) -> Vec<Identity> {
        self.identities().into_iter().flatten().collect()
    }

    /// Adds those that name no span.
    pub fn describe(&self, attributes: &mut Vec<Attribute>) {
        let [b3, b3_pair, jaeger, x_ray] = self.identities().map(|identity| identity.is_some());
        for (header, value) in &self.0 {
            let is_told = match *header {
                B3 => b3,
                B3_TRACE | B3_SPAN => b3_pair,
                JAEGER => jaeger,
                X_RAY => x_ray,
                _ => false,
            };
            if let (false, Some((_, key))) = (is_told, HEADERS.get(usize::from(header.0))) {
                attributes.push((*key, Value::List([value.clone()].into())));
            }
        }
    }

    fn get(&self, header: Header) -> Option<&str> {
        self.0.iter().find(|(one, _)| *one == header).map(|(_, value)| &**value)
    }

    fn identities(&self) -> [Option<Identity>; 4] {
        let pair = self.get(B3_TRACE).zip(self.get(B3_SPAN));
        [
            self.get(B3).and_then(b3),
            pair.and_then(|(trace, span)| of_b3(trace, span)),
            self.get(JAEGER).and_then(jaeger),
            self.get(X_RAY).and_then(x_ray),
        ]
    }
}

/// `{trace id}-{span id}-{sampled}-{parent}`, the last two optional.
fn b3(value: &str) -> Option<Identity> {
    let mut fields = value.split('-');
    of_b3(fields.next()?, fields.next()?)
}

fn of_b3(trace: &str, span: &str) -> Option<Identity> {
    (matches!(trace.len(), 16 | 32) && span.len() == 16).then(|| identity(trace, span))?
}

/// `{trace id}:{span id}:{parent}:{flags}`, without leading zeros; the colons may be percent-encoded.
fn jaeger(value: &str) -> Option<Identity> {
    let value = value.replace("%3A", ":").replace("%3a", ":");
    let mut fields = value.split(':');
    let found = identity(fields.next()?, fields.next()?)?;
    (fields.count() == 2).then_some(found)
}

/// `Root=1-{8 digits}-{24 digits};Parent={16 digits};Sampled=1`, in any order.
fn x_ray(value: &str) -> Option<Identity> {
    let field = |name: &str| value.split(';').find_map(|field| field.trim().strip_prefix(name));
    let (time, rest) = field("Root=1-")?.split_once('-')?;
    let span = field("Parent=")?;
    (time.len() == 8 && rest.len() == 24 && span.len() == 16).then(|| identity(&[time, rest].concat(), span))?
}

fn identity(trace: &str, span: &str) -> Option<Identity> {
    Some(Identity { trace_id: number(trace)?, span_id: number(span)? })
}

/// A hexadecimal number that is not zero; a short one has leading zeros.
fn number<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.is_empty() || text.len() > 2 * N {
        return None;
    }
    for (at, digit) in text.bytes().rev().enumerate() {
        let digit = u8::try_from(char::from(digit).to_digit(16)?).ok()?;
        *bytes.get_mut(N - 1 - at / 2)? |= digit << (4 * (at % 2));
    }
    (bytes != [0; N]).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn foreign(headers: &[(&str, &str)]) -> Foreign {
        let mut foreign = Foreign::default();
        for (name, value) in headers {
            foreign.keep(Header::named(name.as_bytes()).unwrap(), value.as_bytes());
        }
        foreign
    }

    fn told(headers: &[(&str, &str)]) -> (Vec<String>, Vec<&'static str>) {
        let (foreign, mut attributes) = (foreign(headers), Vec::new());
        foreign.describe(&mut attributes);
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let links = foreign.spans().iter().map(|one| format!("{} {}", hex(&one.trace_id), hex(&one.span_id))).collect();
        (links, attributes.into_iter().map(|(key, _)| key).collect())
    }

    const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
    const SPAN: &str = "e457b5a2e4d86bd1";

    #[test]
    fn whole_ids_are_links() {
        let link = vec![format!("{TRACE} {SPAN}")];
        for headers in [
            &[("b3", &*format!("{TRACE}-{SPAN}-1-05e3ac9a4f6e3b90"))][..],
            &[("b3", &format!("{TRACE}-{SPAN}"))],
            &[("X-B3-TraceId", TRACE), ("X-B3-SpanId", SPAN)],
            &[("uber-trace-id", &format!("{TRACE}:{SPAN}:0:1"))],
            &[("UBER-TRACE-ID", &format!("{TRACE}%3A{SPAN}%3a0%3A1"))],
            &[("X-Amzn-Trace-Id", &format!("Root=1-80f198ee-56343ba864fe8b2a57d3eff7;Parent={SPAN};Sampled=1"))],
            &[("X-Amzn-Trace-Id", &format!("Self=x; Parent={SPAN}; Root=1-80f198ee-56343ba864fe8b2a57d3eff7"))],
        ] {
            assert_eq!(told(headers), (link.clone(), vec![]), "{headers:?}");
        }
        let short = vec![format!("{:0>32} {:0>16}", "64fe8b2a57d3eff7", "1")];
        assert_eq!(told(&[("uber-trace-id", "64fe8b2a57d3eff7:1:0:1")]).0, short, "as Jaeger shortens");
    }

    #[test]
    fn all_others_are_attributes() {
        for (name, value) in [
            ("b3", "0"),
            ("b3", &format!("{TRACE}-")),
            ("b3", &format!("{TRACE}-0000000000000000")),
            ("x-b3-traceid", TRACE),
            ("uber-trace-id", &format!("{TRACE}:{SPAN}")),
            ("uber-trace-id", &format!("{TRACE}g:{SPAN}:0:1")),
            ("x-amzn-trace-id", "Root=1-80f198ee-56343ba864fe8b2a57d3eff7"),
            ("sw8", "1-QUFB-QkJC-3-Q0ND-RERE-RUVF-RkZG"),
            ("x-request-id", "7b1f"),
        ] {
            assert_eq!(
                told(&[(name, value)]),
                (vec![], vec![&*format!("http.request.header.{name}")]),
                "{name}: {value}"
            );
        }
    }

    #[test]
    fn names_are_known_in_any_spelling() {
        assert_eq!(Header::named(b"X_B3_TRACEID"), Header::named(b"x-b3-traceid"));
        for name in ["", "b", "b34", "X-B3-Sampled", "X-Request-Ids"] {
            assert_eq!(Header::named(name.as_bytes()), None, "{name}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut foreign = Foreign::default();
        for _ in 0..1000 {
            foreign.keep(B3, &[b'x'; 10_000]);
            foreign.keep(JAEGER, "ä".repeat(5_000).as_bytes());
        }
        assert!(foreign.heap_bytes() < 2 * MAX_VALUE + 256);
    }

    proptest! {
        #[test]
        fn anything_may_come(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            for place in 0..Header::COUNT {
                let mut foreign = Foreign::default();
                foreign.keep(Header(place as u8), &value);
                foreign.describe(&mut Vec::new());
                prop_assert!(foreign.spans().len() <= 1);
            }
        }

        #[test]
        fn nearly_ids(value in "[0-9a-f:;=%ARootPrent-]{0,70}") {
            for place in 0..Header::COUNT {
                let mut foreign = Foreign::default();
                foreign.keep(Header(place as u8), value.as_bytes());
                prop_assert!(foreign.spans().iter().all(|one| one.trace_id != [0; 16] && one.span_id != [0; 8]));
            }
        }
    }
}
