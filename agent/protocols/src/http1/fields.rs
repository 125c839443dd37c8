//! Header lines: which field one is, if it is one that matters (RFC 9110, section 5).

use crate::http::foreign::Header;

/// The header fields that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Host,
    ContentLength,
    TransferEncoding,
    Expect,
    UserAgent,
    TraceParent,
    TraceState,
    ForwardedFor,
    Forwarded,
    ContentType,
    Upgrade,
    GrpcStatus,
    GrpcMessage,
    GrpcTimeout,
    /// One of another tracing system.
    Foreign(Header),
}

/// What a line of a header block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape<'a> {
    /// The end of the block.
    End,
    /// A field that matters, and its value.
    Field(Field, &'a [u8]),
    /// The continuation of the field before (obs-fold).
    Fold(&'a [u8]),
    /// Another field, or something broken.
    Other,
}

/// Recognises a header line.
#[inline]
pub(super) fn shape(line: &[u8]) -> Shape<'_> {
    let Some(&first) = line.first() else { return Shape::End };
    let found = match first | 0x20 {
        b'h' => named(line, b"Host", Field::Host),
        b'c' => named(line, b"Content-Length", Field::ContentLength)
            .or_else(|| named(line, b"Content-Type", Field::ContentType)),
        b't' => named(line, b"Transfer-Encoding", Field::TransferEncoding)
            .or_else(|| named(line, b"traceparent", Field::TraceParent))
            .or_else(|| named(line, b"tracestate", Field::TraceState)),
        b'e' => named(line, b"Expect", Field::Expect),
        b'u' => named(line, b"User-Agent", Field::UserAgent)
            .or_else(|| named(line, b"Upgrade", Field::Upgrade))
            .or_else(|| foreign(line)),
        b'g' => named(line, b"grpc-status", Field::GrpcStatus)
            .or_else(|| named(line, b"grpc-message", Field::GrpcMessage))
            .or_else(|| named(line, b"grpc-timeout", Field::GrpcTimeout)),
        b'x' => named(line, b"X-Forwarded-For", Field::ForwardedFor).or_else(|| foreign(line)),
        b'b' | b's' => foreign(line),
        b'f' => named(line, b"Forwarded", Field::Forwarded),
        _ if first == b' ' || first == b'\t' => return Shape::Fold(line.trim_ascii()),
        _ => None,
    };
    found.unwrap_or(Shape::Other)
}

/// Whether a line, its end included, may be anything but [`Shape::Other`]. A few of its bytes tell, mostly two: most lines are
/// not worth more.
#[inline]
pub(super) fn may_matter(line: &[u8]) -> bool {
    let Some(first) = line.first() else { return true };
    let mut ends = NAME_ENDS[usize::from(*first)];
    if ends == ALWAYS {
        return true;
    }
    while ends != 0 {
        if line.get(ends.trailing_zeros() as usize).is_some_and(|byte| ends_name(*byte)) {
            return true;
        }
        ends &= ends - 1;
    }
    false
}

const ALWAYS: u32 = u32::MAX;

/// By a line's first byte: a bit for the length of each name that begins so.
const NAME_ENDS: [u32; 256] = {
    const NAMES: [&[u8]; 11] = [
        b"Host",
        b"Content-Length",
        b"Content-Type",
        b"Expect",
        b"User-Agent",
        b"Upgrade",
        b"grpc-status",
        b"grpc-message",
        b"grpc-timeout",
        b"X-Forwarded-For",
        b"Forwarded",
    ];
    let mut table = [0; 256];
    let mut at = 0;
    while at < NAMES.len() + Header::COUNT {
        let name = if at < NAMES.len() { NAMES[at] } else { Header::name(at - NAMES.len()) };
        table[name[0].to_ascii_uppercase() as usize] |= 1 << name.len();
        table[name[0].to_ascii_lowercase() as usize] |= 1 << name.len();
        at += 1;
    }
    let mut at = 0;
    while at < b"tT \t\r\n".len() {
        table[b"tT \t\r\n"[at] as usize] = ALWAYS;
        at += 1;
    }
    table
};

/// Whether a field's name is over before this byte. White space before the colon is forbidden, and seen.
fn ends_name(byte: u8) -> bool {
    byte == b':' || byte.is_ascii_whitespace()
}

/// The field, if the line has this name. `name` is its usual spelling, which is compared as a few words of memory.
#[inline]
fn named<'a, const LEN: usize>(line: &'a [u8], name: &[u8; LEN], field: Field) -> Option<Shape<'a>> {
    let (start, rest) = line.split_first_chunk::<LEN>()?;
    // The byte after the name tells nearly all other names with the same first letter.
    let same = rest.first().is_some_and(|next| ends_name(*next)) && (start == name || start.eq_ignore_ascii_case(name));
    if !same {
        return None;
    }
    let value = match rest {
        [b':', value @ ..] => value,
        _ => rest.trim_ascii_start().strip_prefix(b":")?,
    };
    Some(Shape::Field(field, value.trim_ascii()))
}

/// The header of another tracing system, if the line is one.
fn foreign(line: &[u8]) -> Option<Shape<'_>> {
    let (name, rest) = line.split_at_checked(line.iter().position(|byte| ends_name(*byte))?)?;
    let header = Header::named(name)?;
    let value = rest.trim_ascii_start().strip_prefix(b":")?;
    Some(Shape::Field(Field::Foreign(header), value.trim_ascii()))
}

/// Whether a line has the form of a header field: a token and a colon.
pub(super) fn is_field(line: &[u8]) -> bool {
    match memchr::memchr(b':', line) {
        Some(0) | None => false,
        Some(at) => line.iter().take(at).all(|byte| is_tchar(*byte)) && is_text(line),
    }
}

/// Whether these bytes can be part of a header line: no control characters.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte >= 0x20 && *byte != 0x7f || *byte == b'\t')
}

/// `tchar` of RFC 9110, section 5.6.2.
pub(super) fn is_tchar(byte: u8) -> bool {
    TCHAR[usize::from(byte)]
}

const TCHAR: [bool; 256] = {
    const MARKS: &[u8] = b"!#$%&'*+-.^_`|~";
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128u8 {
        table[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < MARKS.len() {
        table[MARKS[at] as usize] = true;
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NAMES: [&str; 17] = [
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "Expect",
        "User-Agent",
        "traceparent",
        "tracestate",
        "X-Forwarded-For",
        "Forwarded",
        "Content-Type",
        "b3",
        "X-B3-TraceId",
        "X-B3-SpanId",
        "uber-trace-id",
        "X-Amzn-Trace-Id",
        "sw8",
        "X-Request-Id",
    ];

    #[test]
    fn names_are_known_in_any_spelling() {
        for name in NAMES {
            for name in [name.to_owned(), name.to_uppercase(), name.to_lowercase()] {
                for (line, known) in [
                    (format!("{name}: a b "), true),
                    (format!("{name} \t:a b"), true),
                    (format!("{name}s: a b"), false),
                    (format!("{}: a b", &name[..name.len() - 1]), false),
                    (format!("{name} a b"), false),
                ] {
                    assert_eq!(matches!(shape(line.as_bytes()), Shape::Field(_, b"a b")), known, "{line}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn what_matters_is_not_passed_over(name in prop::sample::select(&NAMES[..]), line in "[ \tA-Za-z:\r-]{0,20}") {
            for line in [&line, &format!("{name}{line}"), &format!("{}{line}", name.to_uppercase())] {
                let matters = shape(line.as_bytes()) != Shape::Other;
                prop_assert!(!matters || may_matter(format!("{line}\n").as_bytes()), "{line:?}");
            }
        }
    }
}
