//! Recognition by content.

use super::frame::{HEAD_LEN, Head, PREFACE, kind};
use super::resync;
use crate::protocol::{Context, Probe};
use crate::stream::Direction;

/// A client begins with its preface, a server with its settings. In mid-connection certain only on a chain of frames with
/// header blocks that show who sends them.
pub(super) fn probe(bytes: &[u8], context: Context) -> Probe {
    if context.from_start { first(bytes, context.direction) } else { midway(bytes, context.direction) }
}

fn first(bytes: &[u8], direction: Option<Direction>) -> Probe {
    // As much of it as no other protocol begins with.
    const CERTAIN: usize = 18;
    let len = bytes.len().min(PREFACE.len());
    if direction != Some(Direction::ToClient) && bytes.get(..len) == PREFACE.get(..len) {
        return if len >= CERTAIN { Probe::Yes(Direction::ToServer) } else { Probe::Maybe };
    }
    if direction != Some(Direction::ToServer) { settings(bytes) } else { Probe::No }
}

/// Whether a server's first frame begins here. Only what the client says makes it certain.
fn settings(bytes: &[u8]) -> Probe {
    let Some(head) = bytes.first_chunk::<HEAD_LEN>().map(Head::parse) else {
        return if bytes.len() >= 4 && bytes.starts_with(&[0, 0]) && bytes.get(3) == Some(&kind::SETTINGS) {
            Probe::Maybe
        } else {
            Probe::No
        };
    };
    let is_first = head.kind == kind::SETTINGS && head.flags == 0 && head.is_plausible(Some(Direction::ToClient));
    if is_first { Probe::Maybe } else { Probe::No }
}

fn midway(bytes: &[u8], direction: Option<Direction>) -> Probe {
    let Some(chain) = resync::chain(bytes, direction, |_| true) else { return Probe::No };
    match chain.direction {
        Some(shown) => Probe::Yes(shown),
        // What has no header block may be anything; a few frames of a connection are likely to have one soon.
        None if chain.frames > 0 && bytes.get(3).is_some_and(|first| *first != kind::DATA) => Probe::Maybe,
        None => Probe::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(bytes: &[u8], from_start: bool) -> Probe {
        probe(bytes, Context { direction: None, from_start })
    }

    #[test]
    fn beginnings() {
        assert_eq!(at(PREFACE, true), Probe::Yes(Direction::ToServer));
        assert_eq!(at(&PREFACE[..5], true), Probe::Maybe);
        assert_eq!(at(b"PRI * HTTP/1.1\r\n\r\n", true), Probe::No);
        assert_eq!(at(b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64", true), Probe::Maybe);
        assert_eq!(at(b"GET / HTTP/1.1\r\n\r\n", true), Probe::No);
        assert_eq!(at(b"\0\0\0\x08\x04\xd2\x16\x2f", true), Probe::No);
    }

    #[test]
    fn in_mid_connection() {
        let request = b"\0\0\x04\x01\x05\0\0\0\x03\x82\x86\x84\xbe";
        let response = b"\0\0\x01\x01\x04\0\0\0\x03\x88\0\0\x02\0\x01\0\0\0\x03hi";
        assert_eq!(at(request, false), Probe::Yes(Direction::ToServer));
        assert_eq!(at(response, false), Probe::Yes(Direction::ToClient));
        assert_eq!(at(b"\0\0\x04\x08\0\0\0\0\0\0\x01\0\0", false), Probe::Maybe);
        assert_eq!(at(&request[1..], false), Probe::No);
        assert_eq!(at(b"\0\0\x04\x01\x05\0\0\0\x02\x82\x86\x84\xbe", false), Probe::No);
        assert_eq!(at(&[0; 40], false), Probe::No);
    }
}
