//! The head of an answer (RFC 3875, section 6): lines as in HTTP, of which `Status` and `Location` say how it ended.

/// Longest head that is looked at, bytes.
pub(super) const MAX_HEAD: usize = 8 * 1024;

/// Length of the head at the beginning of what was sent, its empty line included.
pub(super) fn head_len(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(end) = memchr::memchr(b'\n', &bytes[at..]) {
        let line = &bytes[at..at + end];
        at += end + 1;
        if line.is_empty() || line == b"\r" {
            return Some(at);
        }
    }
    None
}

/// The status that a head says: 200 where it says none.
pub(super) fn status(head: &[u8]) -> u16 {
    let mut status = 200;
    for line in head.split(|byte| *byte == b'\n') {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else { continue };
        if name.eq_ignore_ascii_case(b"status") {
            let digits = value.trim_ascii_start().get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
            return digits.and_then(|digits| digits.parse().ok()).filter(|code| *code >= 100).unwrap_or(status);
        }
        if name.eq_ignore_ascii_case(b"location") {
            status = 302;
        }
    }
    status
}
