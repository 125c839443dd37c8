//! Handshake messages in clear (RFC 8446, section 4): hellos are kept whole, all others are skipped by their length.

/// Types of messages.
pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const SERVER_HELLO: u8 = 2;
pub(super) const NEW_SESSION_TICKET: u8 = 4;
pub(super) const END_OF_EARLY_DATA: u8 = 5;
pub(super) const CERTIFICATE: u8 = 11;
pub(super) const SERVER_KEY_EXCHANGE: u8 = 12;
pub(super) const CERTIFICATE_REQUEST: u8 = 13;
pub(super) const SERVER_HELLO_DONE: u8 = 14;
pub(super) const KEY_UPDATE: u8 = 24;

/// Bytes of a message's header.
const HEADER: usize = 4;
/// Longest hello that is kept: with post-quantum key shares they have some 2 KiB, with long tickets some more.
pub(super) const MAX_HELLO: usize = 16 * 1024;

/// A message that has passed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub kind: u8,
    /// Body of a hello that was not too long.
    pub body: Vec<u8>,
}

/// The messages of one direction, across records.
#[derive(Debug, Default)]
pub(super) struct Messages {
    header: [u8; HEADER],
    have: u8,
    /// Bytes of the body that have not come.
    left: u32,
    body: Vec<u8>,
}

impl Messages {
    fn keeps(&self) -> bool {
        matches!(self.header[0], CLIENT_HELLO | SERVER_HELLO)
    }

    /// Reads on in the body of a record; the next message that ends in `bytes`.
    pub fn next(&mut self, bytes: &mut &[u8]) -> Option<Message> {
        while usize::from(self.have) < HEADER {
            let (byte, rest) = bytes.split_first()?;
            self.header[usize::from(self.have)] = *byte;
            self.have += 1;
            *bytes = rest;
            self.left = u32::from_be_bytes([0, self.header[1], self.header[2], self.header[3]]);
        }
        let (now, rest) = bytes.split_at(bytes.len().min(self.left as usize));
        *bytes = rest;
        if self.keeps() && self.body.len() + self.left as usize <= MAX_HELLO {
            self.body.extend_from_slice(now);
        }
        // Not more than `left`, which is a u32.
        self.left -= now.len() as u32;
        (self.left == 0).then(|| {
            self.have = 0;
            Message { kind: self.header[0], body: std::mem::take(&mut self.body) }
        })
    }

    /// `len` bytes of a record's body were lost. Gives the message that ended with them; `Err` when more than the body of
    /// a message that is skipped is concerned.
    pub fn gap(&mut self, len: u64) -> Result<Option<Message>, ()> {
        let skips = usize::from(self.have) == HEADER && !self.keeps() && len <= u64::from(self.left);
        if !skips {
            return Err(());
        }
        // Not more than `left`, which is a u32.
        self.left -= len as u32;
        Ok(self.next(&mut &b""[..]))
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        self.body.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_joined_and_skipped() {
        let mut messages = Messages::default();
        let mut rest = &b"\x02\0\0\x03ab"[..];
        assert_eq!(messages.next(&mut rest), None);
        let mut rest = &b"c\x0b\0\x10\0xyz"[..];
        assert_eq!(messages.next(&mut rest), Some(Message { kind: SERVER_HELLO, body: b"abc".to_vec() }));
        assert_eq!(messages.next(&mut rest), None);
        assert_eq!(messages.gap(4000), Ok(None));
        assert_eq!(messages.gap(93), Ok(Some(Message { kind: CERTIFICATE, body: Vec::new() })));
        assert_eq!(messages.gap(1), Err(()));
        let mut rest = &b"\x0e\0\0\0"[..];
        assert_eq!(messages.next(&mut rest).map(|message| message.kind), Some(SERVER_HELLO_DONE));
    }
}
