//! Header lines: which field one is, if it is one that matters (RFC 9110, section 5).

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
        b'c' => named(line, b"Content-Length", Field::ContentLength),
        b't' => named(line, b"Transfer-Encoding", Field::TransferEncoding)
            .or_else(|| named(line, b"traceparent", Field::TraceParent))
            .or_else(|| named(line, b"tracestate", Field::TraceState)),
        b'e' => named(line, b"Expect", Field::Expect),
        b'u' => named(line, b"User-Agent", Field::UserAgent),
        b'x' => named(line, b"X-Forwarded-For", Field::ForwardedFor),
        b'f' => named(line, b"Forwarded", Field::Forwarded),
        _ if first == b' ' || first == b'\t' => return Shape::Fold(line.trim_ascii()),
        _ => None,
    };
    found.unwrap_or(Shape::Other)
}

/// Whether a line that begins so can be anything but [`Shape::Other`].
#[inline]
pub(super) fn may_matter(first: u8) -> bool {
    const INITIALS: [bool; 256] = {
        let mut table = [false; 256];
        let mut at = 0;
        while at < b"hcteuxf".len() {
            table[b"hcteuxf"[at] as usize] = true;
            table[b"HCTEUXF"[at] as usize] = true;
            at += 1;
        }
        table[b' ' as usize] = true;
        table[b'\t' as usize] = true;
        table[b'\r' as usize] = true;
        table
    };
    INITIALS[usize::from(first)]
}

/// The field, if the line has this name. `name` is its usual spelling, which is compared as a few words of memory.
#[inline]
fn named<'a, const LEN: usize>(line: &'a [u8], name: &[u8; LEN], field: Field) -> Option<Shape<'a>> {
    let (start, rest) = line.split_first_chunk::<LEN>()?;
    // The byte after the name tells nearly all other names with the same first letter.
    if !rest.first().is_some_and(|next| *next == b':' || next.is_ascii_whitespace())
        || (start != name && !start.eq_ignore_ascii_case(name))
    {
        return None;
    }
    let value = rest.trim_ascii_start().strip_prefix(b":")?;
    Some(Shape::Field(field, value.trim_ascii()))
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
