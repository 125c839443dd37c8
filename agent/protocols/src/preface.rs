//! What comes before a protocol on a connection that passes through a proxy: the PROXY protocol, versions 1 and 2
//! (haproxy.org, `proxy-protocol.txt`), SOCKS 4, 4a and 5 (RFC 1928, RFC 1929). Recognised by content, like protocols.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Longest preface of one direction, bytes. Those of SOCKS are shorter; a header of the PROXY protocol may carry more.
pub const MAX_LEN: usize = 4096;

/// Longest line of PROXY, version 1.
const MAX_LINE: usize = 107;
const V1: &[u8] = b"PROXY ";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A preface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preface {
    /// What it is: `proxy`, `socks4`, `socks5`.
    pub kind: &'static str,
    /// The client for which the connection was made, if the preface says it.
    pub client: Option<SocketAddr>,
    /// Its bytes: of the client, of the server.
    pub used: [usize; 2],
    /// The server refused.
    pub refused: bool,
}

/// What the first bytes of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No preface.
    None,
    /// Perhaps one, with more bytes.
    More,
    /// A whole one.
    Whole(Preface),
}

/// Looks at the first bytes of the client and of the server.
#[must_use]
pub fn read(client: &[u8], server: &[u8]) -> Verdict {
    let verdict = match client.first() {
        Some(b'P') => version1(client),
        Some(b'\r') => version2(client),
        Some(4) => socks4(client, server),
        Some(5) => socks5(client, server),
        _ => Some(Verdict::None),
    };
    match verdict {
        None if client.len() <= MAX_LEN && server.len() <= MAX_LEN => Verdict::More,
        None => Verdict::None,
        Some(verdict) => verdict,
    }
}

fn whole(kind: &'static str, used: [usize; 2], refused: bool) -> Option<Verdict> {
    Some(Verdict::Whole(Preface { kind, client: None, used, refused }))
}

fn version1(bytes: &[u8]) -> Option<Verdict> {
    if !bytes.starts_with(V1) {
        return if V1.starts_with(bytes) { None } else { Some(Verdict::None) };
    }
    let near = bytes.get(..MAX_LINE).unwrap_or(bytes);
    let Some(end) = memchr::memmem::find(near, b"\r\n") else {
        return if near.len() < MAX_LINE { None } else { Some(Verdict::None) };
    };
    let line = near.get(V1.len()..end).and_then(|line| str::from_utf8(line).ok())?;
    let mut words = line.split(' ');
    let client = match (words.next(), words.next(), words.next(), words.next(), words.next()) {
        (Some("UNKNOWN"), ..) => None,
        (Some("TCP4" | "TCP6"), Some(address), Some(_), Some(port), Some(_)) => {
            let address: Option<IpAddr> = address.parse().ok();
            match address.zip(port.parse().ok()) {
                Some(client) => Some(SocketAddr::from(client)),
                None => return Some(Verdict::None),
            }
        }
        _ => return Some(Verdict::None),
    };
    Some(Verdict::Whole(Preface { kind: "proxy", client, used: [end + 2, 0], refused: false }))
}

fn version2(bytes: &[u8]) -> Option<Verdict> {
    if !bytes.starts_with(V2) {
        return if V2.starts_with(bytes) { None } else { Some(Verdict::None) };
    }
    let [command, family, high, low] = *bytes.get(V2.len()..)?.first_chunk()?;
    let used = V2.len() + 4 + usize::from(u16::from_be_bytes([high, low]));
    // LOCAL (a health check of the proxy itself) and PROXY.
    if command >> 4 != 2 || command & 0xf > 1 || used > MAX_LEN {
        return Some(Verdict::None);
    }
    let addresses = bytes.get(V2.len() + 4..used)?;
    let client = match (command & 0xf, family >> 4) {
        (1, 1) => {
            let address = addresses.first_chunk().map(|octets: &[u8; 4]| IpAddr::V4(Ipv4Addr::from(*octets)));
            address.zip(port(addresses, 8))
        }
        (1, 2) => {
            let address = addresses.first_chunk().map(|octets: &[u8; 16]| IpAddr::V6(Ipv6Addr::from(*octets)));
            address.zip(port(addresses, 32))
        }
        _ => None,
    };
    let client = client.map(SocketAddr::from);
    Some(Verdict::Whole(Preface { kind: "proxy", client, used: [used, 0], refused: false }))
}

fn port(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|port| u16::from_be_bytes(*port))
}

/// `CONNECT` of SOCKS 4, with a name in 4a; an answer of eight bytes.
fn socks4(client: &[u8], server: &[u8]) -> Option<Verdict> {
    if client.get(1).is_some_and(|command| *command != 1) {
        return Some(Verdict::None);
    }
    let address = client.get(4..8)?;
    let mut end = text(client, 8)?;
    if address.starts_with(&[0, 0, 0]) && address != [0; 4] {
        end = text(client, end)?;
    }
    match server {
        [] => None,
        [0, ..] if server.len() < 8 => None,
        [0, code @ 0x5a..=0x5d, ..] => whole("socks4", [end, 8], *code != 0x5a),
        _ => Some(Verdict::None),
    }
}

/// The end of a text that a zero ends.
fn text(bytes: &[u8], from: usize) -> Option<usize> {
    memchr::memchr(0, bytes.get(from..)?).map(|len| from + len + 1)
}

/// Greeting, perhaps name and password, then a request.
fn socks5(client: &[u8], server: &[u8]) -> Option<Verdict> {
    let none = Some(Verdict::None);
    let methods = usize::from(*client.get(1)?);
    if methods == 0 {
        return none;
    }
    let mut up = 2 + methods;
    client.get(..up)?;
    let mut down = 2;
    match *server.first_chunk::<2>()? {
        [5, 0] => {}
        [5, 2] => {
            let rest = client.get(up..)?;
            if *rest.first()? != 1 {
                return none;
            }
            let name = usize::from(*rest.get(1)?);
            let password = usize::from(*rest.get(2 + name)?);
            up += 3 + name + password;
            client.get(..up)?;
            let [version, status] = *server.get(down..)?.first_chunk::<2>()?;
            down += 2;
            match (version, status) {
                (1, 0) => {}
                (1, _) => return whole("socks5", [up, down], true),
                _ => return none,
            }
        }
        [5, 0xff] => return whole("socks5", [up, down], true),
        _ => return none,
    }
    let request = client.get(up..)?;
    // CONNECT only: what follows is the other protocol then.
    if request.first().is_some_and(|version| *version != 5) || request.get(1).is_some_and(|command| *command != 1) {
        return none;
    }
    up += match address(request) {
        Address::More => return None,
        Address::Invalid => return none,
        Address::Whole(len) => len,
    };
    let reply = server.get(down..)?;
    if reply.first().is_some_and(|version| *version != 5) {
        return none;
    }
    let refused = *reply.get(1)? != 0;
    down += match address(reply) {
        Address::More => return None,
        Address::Invalid => return none,
        Address::Whole(len) => len,
    };
    whole("socks5", [up, down], refused)
}

enum Address {
    More,
    Invalid,
    Whole(usize),
}

/// The length of a request or reply of SOCKS 5, by the kind of its address.
fn address(message: &[u8]) -> Address {
    let len = match message.get(3) {
        None => return Address::More,
        Some(1) => 4,
        Some(3) => match message.get(4) {
            None => return Address::More,
            Some(len) => 1 + usize::from(*len),
        },
        Some(4) => 16,
        Some(_) => return Address::Invalid,
    };
    if message.len() < 6 + len { Address::More } else { Address::Whole(6 + len) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SOCKS5: (&[u8], &[u8]) =
        (b"\x05\x01\x00\x05\x01\x00\x03\x05a.b.c\x00P", b"\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00");
    const PASSWORD: (&[u8], &[u8]) = (
        b"\x05\x02\x00\x02\x01\x02me\x03pwd\x05\x01\x00\x01\x7f\x00\x00\x01\x00P",
        b"\x05\x02\x01\x00\x05\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    );

    fn found(client: &[u8], server: &[u8]) -> (&'static str, Option<String>, bool) {
        let more = |bytes: &[u8]| [bytes, b"GET / HTTP/1.1"].concat();
        let Verdict::Whole(preface) = read(&more(client), &more(server)) else { panic!("{:?}", read(client, server)) };
        assert_eq!(preface.used, [client.len(), server.len()]);
        assert_eq!(read(client, server), Verdict::Whole(preface));
        for cut in 0..client.len() {
            assert_eq!(read(&client[..cut], b"") == Verdict::More, cut > 0, "{cut} of {client:?}");
        }
        (preface.kind, preface.client.map(|client| client.to_string()), preface.refused)
    }

    #[test]
    fn prefaces() {
        let client = |text: &str| Some(text.to_owned());
        let v2 = |rest: &[u8]| [V2, rest].concat();
        assert_eq!(
            found(b"PROXY TCP4 198.51.100.7 192.0.2.2 5555 80\r\n", b""),
            ("proxy", client("198.51.100.7:5555"), false)
        );
        assert_eq!(found(b"PROXY TCP6 2001:db8::7 ::1 5 80\r\n", b""), ("proxy", client("[2001:db8::7]:5"), false));
        assert_eq!(found(b"PROXY UNKNOWN\r\n", b""), ("proxy", None, false));
        assert_eq!(
            found(&v2(b"\x21\x11\x00\x0c\xc63d\x07\xc0\x00\x02\x02\x15\xb3\x00P"), b""),
            ("proxy", client("198.51.100.7:5555"), false)
        );
        // A health check, with an extension.
        assert_eq!(found(&v2(b"\x20\x00\x00\x04\x04\x00\x01x"), b""), ("proxy", None, false));
        assert_eq!(found(SOCKS5.0, SOCKS5.1), ("socks5", None, false));
        assert_eq!(found(PASSWORD.0, PASSWORD.1), ("socks5", None, false));
        assert_eq!(found(b"\x04\x01\x00P\x7f\x00\x00\x01me\0", b"\0\x5a\0\0\0\0\0\0"), ("socks4", None, false));
        assert_eq!(found(b"\x04\x01\x00P\x00\x00\x00\x01\0a.b\0", b"\0\x5b\0\0\0\0\0\0"), ("socks4", None, true));
    }

    #[test]
    fn others() {
        for (client, server) in [
            (&b"PROPFIND / HTTP/1.1\r\n"[..], &b""[..]),
            (b"PROXY / HTTP/1.1\r\n\r\n", b""),
            (b"PROXY TCP4 x y z 1\r\n", b""),
            (b"\r\nGET / HTTP/1.1\r\n", b""),
            (b"\x05\x00", b""),
            (b"\x05\x01\x00", b"HTTP/1.1 400"),
            (b"\x04\x03\x00P", b""),
            (b"", b""),
        ] {
            assert_eq!(read(client, server), Verdict::None, "{client:?}");
        }
        assert_eq!(read(&[b"PROXY TCP4 ", &[b'1'; 200][..]].concat(), b""), Verdict::None);
    }

    proptest! {
        #[test]
        fn nothing_panics(client in prop::collection::vec(any::<u8>(), 0..60), server in prop::collection::vec(any::<u8>(), 0..40), first in 0..6u8) {
            let begin = [&b"PROXY "[..], V2, b"\x04\x01", b"\x05\x01", b"\x05\x01\x02", b""][usize::from(first)];
            if let Verdict::Whole(preface) = read(&[begin, &client].concat(), &server) {
                prop_assert!(preface.used[0] <= begin.len() + client.len() && preface.used[1] <= server.len());
            }
        }
    }
}
