//! The packets without a tag that open a connection ("Start-up", chapter 55.2.1, and 55.7 of PostgreSQL's manual).

use super::wire::{cstr, int32};

/// The server takes no longer packet (`MAX_STARTUP_PACKET_LENGTH`).
pub(super) const MAX_PACKET: u32 = 10_000;

const CANCEL: u32 = 80_877_102;
const SSL: u32 = 80_877_103;
const GSS: u32 = 80_877_104;

/// What a connection begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Packet {
    /// A request to encrypt the connection: one byte answers it.
    Encrypt,
    /// A request to cancel what another connection does. Nothing answers it.
    Cancel,
    /// A start-up message of protocol 3.x.
    Startup(Parameters),
}

/// What is kept of a start-up message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters {
    pub user: Option<String>,
    pub database: Option<String>,
    /// The connection will speak the replication protocol.
    pub replication: bool,
}

/// What the first bytes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// A packet and its length.
    Complete(Packet, usize),
    /// More bytes are needed.
    Partial,
    /// No connection begins so.
    Invalid,
}

/// Reads a packet.
pub(super) fn opening(bytes: &[u8]) -> Opening {
    let Some((length, rest)) = int32(bytes) else {
        let begins = bytes.iter().zip([0, 0]).all(|(byte, zero)| *byte == zero);
        return if begins { Opening::Partial } else { Opening::Invalid };
    };
    if !(8..=MAX_PACKET).contains(&length) {
        return Opening::Invalid;
    }
    let Some((code, _)) = int32(rest) else { return Opening::Partial };
    let total = length as usize;
    let known = match code {
        SSL | GSS => length == 8,
        // The key has four bytes in protocol 3.0 and up to 256 in 3.2.
        CANCEL => (16..=12 + 256).contains(&length),
        _ => code >> 16 == 3 && length >= 9,
    };
    if !known {
        return Opening::Invalid;
    }
    if code >> 16 == 3 && !bytes.get(8).is_none_or(|byte| *byte == 0 || byte.is_ascii_lowercase() || *byte == b'_') {
        return Opening::Invalid;
    }
    let Some(packet) = bytes.get(..total) else { return Opening::Partial };
    let packet = match code {
        SSL | GSS => Packet::Encrypt,
        CANCEL => Packet::Cancel,
        _ => match parameters(packet.get(8..).unwrap_or_default()) {
            Some(parameters) => Packet::Startup(parameters),
            None => return Opening::Invalid,
        },
    };
    Opening::Complete(packet, total)
}

/// Pairs of NUL-terminated strings, ended by an empty one.
fn parameters(mut bytes: &[u8]) -> Option<Parameters> {
    let mut found = Parameters::default();
    loop {
        let (key, rest) = cstr(bytes)?;
        if key.is_empty() {
            return Some(found);
        }
        let (value, rest) = cstr(rest)?;
        bytes = rest;
        let text = || String::from_utf8_lossy(value.get(..256).unwrap_or(value)).into_owned();
        match key {
            b"user" => found.user = Some(text()),
            b"database" if !value.is_empty() => found.database = Some(text()),
            b"replication" => found.replication = is_on(value),
            _ => {}
        }
    }
}

/// `replication` is `database`, or a boolean in any of the spellings that the server takes (prefixes too).
fn is_on(value: &[u8]) -> bool {
    let value = value.to_ascii_lowercase();
    !value.is_empty()
        && (value == b"database"
            || value == b"on"
            || value == b"1"
            || b"true".starts_with(&value)
            || b"yes".starts_with(&value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(code: u32, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(8 + body.len()).unwrap();
        [&length.to_be_bytes()[..], &code.to_be_bytes(), body].concat()
    }

    #[test]
    fn all_kinds() {
        let startup = packet(3 << 16, b"user\0bob\0database\0shop\0options\0-c x\0\0");
        let expected = Parameters { user: Some("bob".into()), database: Some("shop".into()), replication: false };
        assert_eq!(opening(&startup), Opening::Complete(Packet::Startup(expected), startup.len()));
        for cut in 0..startup.len() {
            assert_eq!(opening(&startup[..cut]), Opening::Partial, "{cut}");
        }
        assert!(matches!(opening(&packet((3 << 16) + 2, b"user\0bob\0\0")), Opening::Complete(Packet::Startup(_), _)));
        assert_eq!(opening(&packet(SSL, b"")), Opening::Complete(Packet::Encrypt, 8));
        assert_eq!(opening(&packet(GSS, b"")), Opening::Complete(Packet::Encrypt, 8));
        assert_eq!(opening(&packet(CANCEL, &[0; 8])), Opening::Complete(Packet::Cancel, 16));
        assert_eq!(opening(&packet(CANCEL, &[0; 36])), Opening::Complete(Packet::Cancel, 44));
        assert_eq!(opening(b"GET / HTTP/1.1"), Opening::Invalid);
        assert_eq!(opening(&packet(2 << 16, b"user\0")), Opening::Invalid);
        assert_eq!(opening(&packet(3 << 16, b"user\0bob")), Opening::Invalid);
    }

    #[test]
    fn replication_is_recognised() {
        for (value, expected) in
            [("true", true), ("database", true), ("1", true), ("t", true), ("off", false), ("0", false)]
        {
            assert_eq!(is_on(value.as_bytes()), expected, "{value}");
        }
    }
}
