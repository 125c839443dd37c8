//! Is this TLS? By a ClientHello, which only a client sends, and first.

use super::message::CLIENT_HELLO;
use super::record::HANDSHAKE;
use crate::protocol::{Context, Probe};
use crate::stream::Direction;

/// A record header (content type 22, version 3.x, a length), a message header (type 1, a length), a version 3.x.
pub(super) fn probe(bytes: &[u8], context: Context) -> Probe {
    if !context.from_start || context.direction == Some(Direction::ToClient) {
        return Probe::No;
    }
    let fits = |at: usize, good: fn(u8) -> bool| bytes.get(at).is_none_or(|byte| good(*byte));
    let possible = fits(0, |kind| kind == HANDSHAKE)
        && fits(1, |major| major == 3)
        && fits(2, |minor| minor <= 4)
        // A record holds at most 2^14 bytes.
        && fits(3, |length| length <= 0x40)
        && fits(5, |kind| kind == CLIENT_HELLO)
        // No hello has 64 KiB or more.
        && fits(6, |length| length == 0)
        && fits(9, |major| major == 3);
    match possible {
        true if bytes.len() > 9 => Probe::Yes(Direction::ToServer),
        true => Probe::Maybe,
        false => Probe::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_client_hello_at_the_start() {
        let start = Context { direction: None, from_start: true };
        let hello = b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03abc";
        assert_eq!(probe(hello, start), Probe::Yes(Direction::ToServer));
        for cut in 0..10 {
            assert_eq!(probe(&hello[..cut], start), Probe::Maybe, "{cut}");
        }
        assert_eq!(probe(hello, Context { from_start: false, ..start }), Probe::No);
        assert_eq!(probe(hello, Context { direction: Some(Direction::ToClient), ..start }), Probe::No);
        for other in
            [&b"\x16\x03\x03\0\x4a\x02\0\0\x46\x03\x03"[..], b"GET / HTTP/1.1", b"\x15\x03\x01\0\x02", b"\0\0\0\x08"]
        {
            assert_eq!(probe(other, start), Probe::No, "{other:?}");
        }
    }
}
