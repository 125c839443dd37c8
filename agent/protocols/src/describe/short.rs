//! Short texts, kept in place. Most values of spans are short, are made on one thread and let go of on another: an allocation, or
//! a count of owners that two processors write, costs more than the copy of a few bytes.

use std::fmt;

/// Longest text, bytes: what makes a [`Value`](super::value::Value) no larger than without it.
pub const MAX: usize = 22;

/// A text of at most [`MAX`] bytes.
#[derive(Clone, Copy)]
pub struct Short {
    len: u8,
    bytes: [u8; MAX],
}

impl Short {
    /// `None` if the text is too long.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; MAX];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { len: u8::try_from(text.len()).ok()?, bytes })
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The text. Looked through each time, since it was copied as bytes; short as it is.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl fmt::Debug for Short {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe::value::Value;

    #[test]
    fn what_fits_is_kept_as_it_is() {
        for text in ["", "/", "żółw", "127.0.0.1", &"x".repeat(MAX)] {
            assert_eq!(Short::new(text).map(|short| short.as_str().to_owned()).as_deref(), Some(text));
        }
        assert!(Short::new(&"x".repeat(MAX + 1)).is_none() && Short::new(&"x".repeat(300)).is_none());
    }

    #[test]
    fn a_value_is_no_larger_for_it() {
        assert_eq!(size_of::<Value>(), 24);
    }
}
