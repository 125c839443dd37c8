//! Secrets in parameters, and cookies in answers, blanked before bytes are recorded.

use crate::blank::{Blank, blank, blank_words};

/// Parameters whose values are secrets, and a header of answers. A web server makes names of headers by itself.
const SECRETS: [&str; 12] = [
    "HTTP_AUTHORIZATION",
    "HTTP_PROXY_AUTHORIZATION",
    "HTTP_COOKIE",
    "HTTP_X_API_KEY",
    "HTTP_API_KEY",
    "HTTP_APIKEY",
    "HTTP_X_AUTH_TOKEN",
    "HTTP_X_ACCESS_TOKEN",
    "HTTP_X_CSRF_TOKEN",
    "HTTP_X_SESSION_TOKEN",
    "PHP_AUTH_PW",
    "PHP_AUTH_DIGEST",
];
const COOKIE: &[u8] = b"set-cookie:";
/// As many bytes in front of a value are needed to know it: its name and both lengths.
const BEFORE: usize = 32;

/// One direction of a connection.
#[derive(Debug, Default)]
struct Values {
    /// What came last.
    before: Vec<u8>,
    /// Bytes of a secret that are still to come.
    left: usize,
    /// In a secret that ends with its line.
    in_line: bool,
}

/// Blanks one direction.
pub(super) fn values() -> Box<dyn Blank> {
    Box::new(Values::default())
}

/// Where a value begins, if what ends at `end` is a secret's name behind the lengths of both; and how long it is.
fn secret(text: &[u8], end: usize) -> Option<usize> {
    let name = SECRETS.iter().map(|name| name.as_bytes()).find(|name| text[..end].ends_with(name))?;
    let lengths = &text[..end - name.len()];
    let is_named = |length: Option<&u8>| length.is_some_and(|length| usize::from(*length) == name.len());
    match *lengths {
        [.., value] if value < 0x80 && is_named(lengths.iter().nth_back(1)) => Some(usize::from(value)),
        [.., a, b, c, d] if a >= 0x80 && is_named(lengths.iter().nth_back(4)) => {
            usize::try_from(u32::from_be_bytes([a & 0x7f, b, c, d])).ok()
        }
        _ => None,
    }
}

impl Values {
    fn line(&mut self, bytes: &mut [u8]) -> (usize, u64) {
        let len = blank_words(bytes);
        self.in_line = len == bytes.len();
        (len, len as u64)
    }
}

impl Blank for Values {
    fn bytes(&mut self, bytes: &mut [u8]) -> u64 {
        let (mut at, mut blanked) = (0, 0);
        if self.in_line {
            (at, blanked) = self.line(bytes);
        }
        let first = self.left.min(bytes.len() - at);
        blanked += blank(&mut bytes[at..at + first]);
        self.left -= first;
        at += first;
        // Names end with a letter, so that few places are looked at.
        let mut text = std::mem::take(&mut self.before);
        let carried = text.len();
        text.extend_from_slice(&bytes[at..]);
        let mut end = carried.max(1);
        while end <= text.len() {
            let here = at + end - carried;
            if text[end - 1] == b':'
                && end >= COOKIE.len()
                && text[end - COOKIE.len()..end].eq_ignore_ascii_case(COOKIE)
            {
                let (len, some) = self.line(&mut bytes[here..]);
                (blanked, end) = (blanked + some, end + len);
            } else if text[end - 1].is_ascii_uppercase()
                && let Some(len) = secret(&text, end)
            {
                let now = len.min(bytes.len() - here);
                blanked += blank(&mut bytes[here..here + now]);
                self.left = len - now;
                end += now;
            }
            end += 1;
        }
        let keep = text.len().saturating_sub(BEFORE);
        text.drain(..keep);
        // A value that was blanked holds no names.
        self.before = if self.left > 0 || self.in_line { Vec::new() } else { text };
        blanked
    }

    fn skipped(&mut self) {
        self.before.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &[u8], size: usize) -> (String, u64) {
        let mut values = values();
        let (mut all, mut blanked) = (Vec::new(), 0);
        for part in text.chunks(size) {
            let mut part = part.to_vec();
            blanked += values.bytes(&mut part);
            all.extend(part);
        }
        (all.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' }).collect(), blanked)
    }

    #[test]
    fn values_of_secrets_are_blanked_whatever_the_segments() {
        let long = [b"\x0b\x80\x00\x00\xc8HTTP_COOKIE".as_slice(), &[b's'; 200], b"\x09\x03HTTP_HOSTabc"].concat();
        let short = b"\x01\x01ab\x12\x06HTTP_AUTHORIZATIONsecret\x04\x02HTTPok".to_vec();
        let lines = b"Status: 200\r\nSet-Cookie: a=b; c\r\nX: y\r\n\r\n".to_vec();
        for size in [1, 2, 3, 7, 19, 4096] {
            let (text, blanked) = said(&long, size);
            assert_eq!((blanked, text.matches('s').count()), (200, 0), "{size}");
            assert!(text.ends_with("HTTP_HOSTabc"));
            assert_eq!(said(&short, size).0, "..ab..HTTP_AUTHORIZATION******..HTTPok", "{size}");
            assert_eq!(said(&lines, size).0, "Status:.200..Set-Cookie:.****.*..X:.y....", "{size}");
        }
    }

    #[test]
    fn what_only_reads_like_one_stays() {
        for text in [b"a HTTP_COOKIE=abc".as_slice(), b"\x0c\x03HTTP_COOKIEabc"] {
            assert_eq!(said(text, 100).1, 0);
        }
    }
}
