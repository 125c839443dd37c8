//! Texts of an exchange, and the room of those of an earlier one: most exchanges are made, measured and let go of, and
//! allocations would be a good part of what that costs.

use std::borrow::Cow;

/// Longest method token. The longest registered one has 17 letters.
pub(crate) const MAX_METHOD: usize = 64;

/// Largest buffer that is kept, bytes.
pub(crate) const MAX_TEXT: usize = 256;
/// Most buffers that are kept of one exchange.
pub(crate) const MAX_BUFFERS: usize = 4;

/// Room for texts. No part of what an exchange says: copies have none, and all are equal.
#[derive(Debug, Default)]
pub struct Buffers(Vec<String>);

impl Clone for Buffers {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Buffers {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Buffers {}

impl Buffers {
    /// Room for a test.
    #[cfg(test)]
    pub(crate) fn of(texts: Vec<String>) -> Self {
        Self(texts)
    }

    /// How many there are.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Text of the wire, capped.
    pub(crate) fn text(&mut self, bytes: &[u8], cap: usize) -> String {
        let mut text = self.0.pop().unwrap_or_default();
        put(&mut text, bytes, cap);
        text
    }

    /// Keeps the room of a text that nobody needs.
    pub(crate) fn take(&mut self, text: &mut Option<String>) {
        if let Some(text) = text.take()
            && text.capacity() <= MAX_TEXT
            && self.0.len() < MAX_BUFFERS
        {
            self.0.push(text);
        }
    }

    /// Heap bytes held.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.0.capacity() * size_of::<String>() + self.0.iter().map(String::capacity).sum::<usize>()
    }
}

/// Replaces a text by one of the wire, capped.
pub(crate) fn put(text: &mut String, bytes: &[u8], cap: usize) {
    text.clear();
    let bytes = bytes.get(..cap).unwrap_or(bytes);
    match str::from_utf8(bytes) {
        Ok(new) => text.push_str(new),
        Err(_) => text.push_str(&String::from_utf8_lossy(bytes)),
    }
}

/// Text of the wire, capped.
pub(crate) fn text<T: for<'a> From<&'a str> + From<String>>(bytes: &[u8], cap: usize) -> T {
    let bytes = bytes.get(..cap).unwrap_or(bytes);
    str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes).into_owned().into(), T::from)
}

/// Methods that everybody knows are not copied.
pub(crate) fn method(method: &[u8]) -> Cow<'static, str> {
    Cow::Borrowed(match method {
        b"GET" => "GET",
        b"POST" => "POST",
        b"PUT" => "PUT",
        b"HEAD" => "HEAD",
        b"DELETE" => "DELETE",
        b"PATCH" => "PATCH",
        b"OPTIONS" => "OPTIONS",
        b"CONNECT" => "CONNECT",
        _ => return Cow::Owned(text(method, MAX_METHOD)),
    })
}
