//! Blanking what lets somebody in, before bytes are written down: each protocol knows its own. Whatever a connection speaks,
//! its bytes are shown to all of them: what looks like a secret of one is blanked. That may be too much, and needs nothing
//! but the bytes.

/// What stands for a byte of a secret.
pub const BLANK: u8 = b'*';

/// What a protocol blanks.
#[derive(Clone, Copy, Debug)]
pub struct Blanking {
    /// What that is, for people: after "only", in the plural.
    pub what: &'static str,
    /// Begins with one direction of a connection.
    pub scan: fn() -> Box<dyn Blank>,
}

/// Looks at one direction of a connection, from its first call that was seen.
pub trait Blank: Send {
    /// A call begins whose whole length is `len`: blanks what can be told from its beginning alone, and tells how many bytes.
    fn call(&mut self, _len: u32, _head: &mut [u8]) -> u64 {
        0
    }

    /// Blanks secrets in the next bytes, and tells how many.
    fn bytes(&mut self, bytes: &mut [u8]) -> u64;

    /// Bytes are missing.
    fn skipped(&mut self);
}

/// Blanks bytes, and tells how many.
pub fn blank(bytes: &mut [u8]) -> u64 {
    bytes.fill(BLANK);
    bytes.len() as u64
}

/// Blanks the words of a secret that ends with its line, or before another control character, and tells its length. White space
/// between words belongs to the format and stays.
pub fn blank_words(bytes: &mut [u8]) -> usize {
    let is_end = |byte: &u8| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f;
    let end = bytes.iter().position(is_end).unwrap_or(bytes.len());
    let words = bytes.iter_mut().take(end).filter(|byte| !matches!(byte, b' ' | b'\t'));
    words.for_each(|byte| *byte = BLANK);
    end
}
