//! The smallest pieces of RESP: lines, numbers, and short words kept without allocation.

use memchr::memchr;

/// The line at the front of `bytes` without its CRLF; `None` if its end is not there yet, an error if it ends with a
/// bare line feed.
pub fn line(bytes: &[u8]) -> Result<Option<&[u8]>, ()> {
    let Some(end) = memchr(b'\n', bytes) else { return Ok(None) };
    match end.checked_sub(1) {
        Some(cut) if bytes[cut] == b'\r' => Ok(Some(&bytes[..cut])),
        _ => Err(()),
    }
}

/// A decimal integer with an optional sign and nothing else.
pub fn number(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    let mut value: u64 = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + u64::from(digit - b'0');
    }
    if negative { 0i64.checked_sub_unsigned(value) } else { i64::try_from(value).ok() }
}

/// The beginning of a string from the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Word {
    bytes: [u8; Self::CAPACITY],
    len: u8,
}

impl Word {
    /// Bytes kept.
    pub const CAPACITY: usize = 32;

    /// The first bytes of `text`.
    pub fn new(text: &[u8]) -> Self {
        let mut word = Self::default();
        let len = text.len().min(Self::CAPACITY);
        word.bytes[..len].copy_from_slice(&text[..len]);
        word.len = u8::try_from(len).unwrap_or(0);
        word
    }

    /// The prefix of an error message: its first word when that is in capitals, else the generic `ERR`.
    pub fn error(text: &[u8]) -> Self {
        let end = text.iter().position(|byte| matches!(byte, b' ' | b'\r' | b'\n')).unwrap_or(text.len());
        let word = &text[..end];
        let proper = word.first().is_some_and(u8::is_ascii_uppercase)
            && word.len() <= Self::CAPACITY
            && word.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_');
        Self::new(if proper { word } else { b"ERR" })
    }

    /// What was kept.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// As text, for words that are ASCII.
    pub fn text(&self) -> Box<str> {
        String::from_utf8_lossy(self.bytes()).into()
    }
}
