//! Records and messages, built by hand.

pub(super) const SHA256: u16 = 0x1301;
pub(super) const SHA384: u16 = 0x1302;
pub(super) const GCM12: u16 = 0xc02f;

/// Finished of TLS 1.3 by the hash of the suite, in its record.
pub(super) fn finished13(suite: u16) -> Vec<u8> {
    data(1 + 16 + 4 + if suite == SHA384 { 48 } else { 32 })
}

pub(super) fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3][..], &u16::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}

/// A record of application data of `len` bytes, protection included.
pub(super) fn data(len: usize) -> Vec<u8> {
    record(23, &vec![0x5a; len])
}

pub(super) fn change() -> Vec<u8> {
    record(20, &[1])
}

/// A handshake record after ChangeCipherSpec.
pub(super) fn encrypted() -> Vec<u8> {
    record(22, &[0xa5; 40])
}

pub(super) fn alert(level: u8, code: u8) -> Vec<u8> {
    record(21, &[level, code])
}

pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind][..], &length[1..], body].concat()
}

fn small(body: &[u8]) -> Vec<u8> {
    [&[u8::try_from(body.len()).unwrap()][..], body].concat()
}

fn large(body: &[u8]) -> Vec<u8> {
    [&u16::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat()
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &large(body)].concat()
}

/// The message of a client that asks for `name` and offers `protocols`, with `padding` bytes of key shares.
pub(super) fn client_hello_message(name: &str, protocols: &[&str], padding: usize) -> Vec<u8> {
    client_hello_with(name, protocols, padding, &[])
}

/// A ClientHello that announces early data.
pub(super) fn early_hello() -> Vec<u8> {
    record(22, &client_hello_with("shop.test", &["http/1.1"], 100, &extension(42, &[])))
}

fn client_hello_with(name: &str, protocols: &[&str], padding: usize, more: &[u8]) -> Vec<u8> {
    let names: Vec<u8> = protocols.iter().flat_map(|name| small(name.as_bytes())).collect();
    let extensions = [
        extension(51, &vec![7; padding]),
        extension(0, &large(&[&[0][..], &large(name.as_bytes())].concat())),
        extension(16, &large(&names)),
        extension(43, &small(&[0x3a, 0x3a, 3, 4, 3, 3])),
        more.to_vec(),
    ]
    .concat();
    let body =
        [&[3, 3][..], &[9; 32], &small(&[1; 32]), &large(&[0x13, 1, 0x13, 2]), &small(&[0]), &large(&extensions)];
    message(1, &body.concat())
}

pub(super) fn client_hello() -> Vec<u8> {
    record(22, &client_hello_message("shop.test", &["h2", "http/1.1"], 100))
}

pub(super) fn server_hello_message(version: u16, suite: u16, random: &[u8; 32], more: &[u8]) -> Vec<u8> {
    let mut extensions = more.to_vec();
    if version > 0x0303 {
        extensions.extend(extension(43, &version.to_be_bytes()));
    }
    let legacy = version.min(0x0303).to_be_bytes();
    let body = [&legacy[..], random, &small(&[1; 32]), &suite.to_be_bytes(), &[0], &large(&extensions)];
    message(2, &body.concat())
}

/// A ServerHello of TLS 1.3.
pub(super) fn server_hello13(suite: u16) -> Vec<u8> {
    record(22, &server_hello_message(0x0304, suite, &[4; 32], &[]))
}

/// The same, resuming a session.
pub(super) fn resuming13(suite: u16) -> Vec<u8> {
    record(22, &server_hello_message(0x0304, suite, &[4; 32], &extension(41, &[0, 0])))
}

/// A HelloRetryRequest.
pub(super) fn retry() -> Vec<u8> {
    // SHA-256 of "HelloRetryRequest".
    let random = *b"\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c";
    record(22, &server_hello_message(0x0304, SHA256, &random, &extension(51, &[0, 24])))
}

/// A ServerHello of TLS 1.2 that chose `h2`.
pub(super) fn server_hello12(suite: u16) -> Vec<u8> {
    record(22, &server_hello_message(0x0303, suite, &[4; 32], &extension(16, &large(&small(b"h2")))))
}

/// The flight of a server in a full handshake of TLS 1.2, certificates of `certificates` bytes in it.
pub(super) fn server_flight12(suite: u16, certificates: usize, asks: bool) -> Vec<u8> {
    let messages = [
        message(11, &vec![6; certificates]),
        message(12, &[5; 300]),
        if asks { message(13, &[1; 30]) } else { Vec::new() },
        message(14, &[]),
    ]
    .concat();
    let records = messages.chunks(16_384).flat_map(|part| record(22, part));
    [server_hello12(suite), records.collect()].concat()
}

/// What the client answers to it.
pub(super) fn client_flight12() -> Vec<u8> {
    [record(22, &message(16, &[2; 66])), change(), encrypted()].concat()
}

/// The flight of a server of TLS 1.3.
pub(super) fn server_flight13(suite: u16) -> Vec<u8> {
    [server_hello13(suite), change(), data(40), data(1500), data(300), finished13(suite)].concat()
}
