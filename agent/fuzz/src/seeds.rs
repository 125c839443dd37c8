//! Inputs to begin with: without them it takes long to find even a first valid message.

use std::path::Path;

use wirespan::recording;
use wirespan::recording::file::Writer;
use wirespan_protocols::plain::{Secret, SecretKind};
use wirespan_protocols::stream::Direction::{ToClient, ToServer};

use crate::conversation::{script, script_with_secrets};

/// Larger captures would slow everything down.
const MOST: usize = 24 * 1024;

/// Those of a protocol, by the name of its target.
#[must_use]
pub fn of_protocol(name: &str) -> Vec<Vec<u8>> {
    match name {
        "http" => http(),
        "http2" => http2(),
        "postgresql" => postgres(),
        "redis" => redis(),
        "tls" => tls(),
        "dns" => dns_stream(),
        "dns_datagram" => dns_datagram(),
        "fastcgi" => fastcgi(),
        // Better than nothing.
        _ => vec![script(&[(ToServer, b"hello\r\n"), (ToClient, b"ok\r\n")])],
    }
}

/// HTTP/1.
fn http() -> Vec<Vec<u8>> {
    let request = b"POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc";
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n";
    let call = b"POST /a.B/C HTTP/1.1\r\nContent-Type: application/grpc-web\r\nContent-Length: 6\r\n\r\n\0\0\0\0\x01x";
    let answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web-text\r\nContent-Length: 36\r\n\r\n\
        AAAAAAF4gAAAABBncnBjLXN0YXR1czogNQ0K";
    let upgrade = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\n\r\n";
    let agreed = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    vec![
        script(&[(ToServer, request), (ToClient, b"HTTP/1.1 100 Continue\r\n\r\n"), (ToClient, chunked)]),
        script(&[(ToServer, call), (ToClient, answer)]),
        script(&[(ToServer, upgrade), (ToClient, agreed)]),
        script(&[(ToServer, b"GET / HTTP/1.0\r\n\r\n"), (ToClient, b"HTTP/1.0 404 No\r\nContent-Length: 0\r\n\r\n")]),
    ]
}

/// A frame of HTTP/2 on a stream: its type, its flags, its payload.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

/// HTTP/2, with and without gRPC.
fn http2() -> Vec<Vec<u8>> {
    let opening = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(4, 0, 0, &[0, 3, 0, 0, 0, 100])].concat();
    // GET, http, `/`, an authority that goes into the table; then the same from the table.
    let get = frame(1, 5, 1, b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff");
    let again = frame(1, 5, 3, b"\x82\x86\x84\xbe");
    let found = [frame(1, 4, 1, b"\x88\x5c\x01\x32"), frame(0, 9, 1, b"\x03hi\0\0\0")].concat();
    let refused = frame(3, 0, 3, &[0, 0, 0, 7]);
    let call = [
        frame(1, 0, 1, b"\x83\x86\x44\x04/a/b"),
        frame(9, 4, 1, b"\x5f\x10application/grpc\x40\x0cgrpc-timeout\x021S"),
        frame(0, 1, 1, b"\0\0\0\0\x01x"),
    ]
    .concat();
    let answer = [
        frame(1, 4, 1, b"\x88\x5f\x10application/grpc"),
        frame(0, 0, 1, b"\0\0\0\0\x02xy\0\0\0\0\0"),
        frame(1, 5, 1, b"\x3f\xe1\x1f\x40\x0bgrpc-status\x010"),
        frame(7, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]),
    ]
    .concat();
    vec![
        script(&[
            (ToServer, &[&opening[..], &get, &again].concat()),
            (ToClient, &frame(4, 0, 0, &[])),
            (ToClient, &[found, refused].concat()),
        ]),
        script(&[(ToServer, &[opening, call].concat()), (ToClient, &answer)]),
    ]
}

/// A message of PostgreSQL: its type and its body.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 4).to_be_bytes();
    [&[kind][..], &length, body].concat()
}

/// PostgreSQL.
fn postgres() -> Vec<Vec<u8>> {
    let startup = b"\0\0\0\x19\0\x03\0\0user\0a\0database\0b\0\0";
    let ready = message(b'Z', b"I");
    let begun = [message(b'R', &[0; 4]), ready.clone()].concat();
    let simple = message(b'Q', b"SELECT a FROM b WHERE c = 'd'\0");
    let rows = [message(b'D', b"\0\x01\0\0\0\x01x"), message(b'C', b"SELECT 1\0"), ready.clone()].concat();
    let extended = [
        message(b'P', b"s\0SELECT $1\0\0\0"),
        message(b'B', b"\0s\0\0\0\0\0\0\0"),
        message(b'E', b"\0\0\0\0\0"),
        message(b'S', b""),
    ]
    .concat();
    let done = [message(b'1', b""), message(b'2', b""), rows.clone()].concat();
    vec![
        script(&[(ToServer, startup), (ToClient, &begun), (ToServer, &simple), (ToClient, &rows)]),
        script(&[(ToServer, startup), (ToClient, &begun), (ToServer, &extended), (ToClient, &done)]),
        script(&[(ToServer, b"\0\0\0\x08\x04\xd2\x16\x2f"), (ToClient, b"S")]),
    ]
}

/// Redis.
fn redis() -> Vec<Vec<u8>> {
    let set = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n";
    vec![
        script(&[(ToServer, set), (ToClient, b"+OK\r\n$1\r\nb\r\n")]),
        script(&[(ToServer, b"*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n"), (ToClient, b"%1\r\n+a\r\n:1\r\n")]),
        script(&[(ToServer, b"PING\r\n"), (ToClient, b"+PONG\r\n")]),
    ]
}

/// TLS: the beginning of a hello.
fn tls() -> Vec<Vec<u8>> {
    let hello = [&b"\x16\x03\x01\x00\x2d\x01\0\0\x29\x03\x03"[..], &[7; 32], b"\0\0\x02\x13\x01\x01\0"].concat();
    let answer = [&b"\x16\x03\x03\0\x2a\x02\0\0\x26\x03\x03"[..], &[9; 32], b"\0\x13\x01\0"].concat();
    let mut seeds = vec![script(&[(ToServer, &hello), (ToClient, &answer), (ToClient, b"\x15\x03\x03\0\x02\x02\x28")])];
    seeds.extend(FIXTURES.map(with_secrets));
    seeds
}

/// Connections with their secrets: one with a key stream and a tag in each version, and one in blocks.
const FIXTURES: [&str; 3] = [
    include_str!("../../protocols/src/tls/tests/decrypt/fixtures/ccm13.txt"),
    include_str!("../../protocols/src/tls/tests/decrypt/fixtures/gcm.txt"),
    include_str!("../../protocols/src/tls/tests/decrypt/fixtures/cbc_sha.txt"),
];

/// A fixture of the tests of TLS as a script.
fn with_secrets(text: &str) -> Vec<u8> {
    let hex = |text: &str| -> Vec<u8> {
        text.as_bytes()
            .chunks(2)
            .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect()
    };
    let (mut calls, mut secrets) = (Vec::new(), Vec::new());
    for (word, rest) in text.lines().filter_map(|line| line.split_once(' ')) {
        match word {
            ">" => calls.push((ToServer, hex(rest))),
            "<" => calls.push((ToClient, hex(rest))),
            label => {
                let secret = rest.split_once(' ').map(|(_, secret)| hex(secret));
                let secret = SecretKind::labelled(label.as_bytes()).zip(secret);
                secrets.extend(
                    secret.and_then(|(kind, bytes)| Secret::new(kind, &bytes)).map(|secret| (calls.len(), secret)),
                );
            }
        }
    }
    let turns: Vec<_> = calls.iter().map(|(direction, bytes)| (*direction, &bytes[..])).collect();
    script_with_secrets(&turns, &secrets)
}

const QUESTION: &[u8] = b"\0\x07\x01\0\0\x01\0\0\0\0\0\0\x01a\x02bc\0\0\x01\0\x01";
const ANSWER: &[u8] =
    b"\0\x07\x81\x80\0\x01\0\x01\0\0\0\0\x01a\x02bc\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\0\0\0\x09\0\x04\x7f\0\0\x01";

/// DNS over TCP.
fn dns_stream() -> Vec<Vec<u8>> {
    let framed = |message: &[u8]| [&(message.len() as u16).to_be_bytes()[..], message].concat();
    vec![script(&[(ToServer, &framed(QUESTION)), (ToClient, &framed(ANSWER))])]
}

/// DNS over UDP.
fn dns_datagram() -> Vec<Vec<u8>> {
    vec![script(&[(ToServer, QUESTION), (ToClient, ANSWER)])]
}

/// Captures of the replay tests with this ending.
fn captures(ending: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/replay/captures");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == ending));
    paths.sort();
    paths.into_iter().filter_map(|path| std::fs::read(path).ok()).filter(|bytes| bytes.len() <= MOST).collect()
}

/// Captures of tcpdump.
#[must_use]
pub fn pcap() -> Vec<Vec<u8>> {
    captures("pcap")
}

/// Captures of Wireshark.
#[must_use]
pub fn pcapng() -> Vec<Vec<u8>> {
    captures("pcapng")
}

/// Recordings of what the captures tell.
#[must_use]
pub fn recordings() -> Vec<Vec<u8>> {
    let record = |capture: Vec<u8>| -> anyhow::Result<Vec<u8>> {
        let mut source = recording::from_reader(std::io::Cursor::new(capture))?;
        let mut writer = Writer::new(Vec::new())?;
        while let Some(event) = source.next()? {
            writer.write(&event)?;
        }
        Ok(writer.finish()?)
    };
    pcap().into_iter().filter_map(|capture| record(capture).ok()).collect()
}

/// Two types: an integer, and a structure with two members of it.
#[must_use]
pub fn btf() -> Vec<Vec<u8>> {
    let strings = b"\0int\0sock\0a\0b\0";
    let types: [u32; 13] = [1, 1 << 24, 4, 32, 5, 4 << 24 | 2, 8, 10, 1, 0, 12, 1, 32];
    let header: [u32; 5] = [24, 0, types.len() as u32 * 4, types.len() as u32 * 4, strings.len() as u32];
    let mut blob = 0xeb9f_u16.to_ne_bytes().to_vec();
    blob.extend([1, 0]);
    blob.extend(header.iter().chain(&types).flat_map(|word| word.to_ne_bytes()));
    blob.extend(strings);
    vec![blob]
}

/// Configurations.
#[must_use]
pub fn yaml() -> Vec<Vec<u8>> {
    let unit = include_bytes!("../../../deploy/systemd/wirespan.yaml");
    let page = include_str!("../../../docs/configuration.md");
    let examples = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let aliases = b"a: &a {b: c}\nwirespan:\n  <<: *a\n  output: \"${X:-none}\"\n";
    examples.map(|text| text.as_bytes().to_vec()).chain([unit.to_vec(), aliases.to_vec()]).collect()
}

/// Selectors.
#[must_use]
pub fn selectors() -> Vec<Vec<u8>> {
    let texts = ["port=8000,user!=root", "comm in (a,b)", "!container", "env.A_B notin (x, y)", "exe=/a/b,pid==7"];
    texts.into_iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// FastCGI.
fn fastcgi() -> Vec<Vec<u8>> {
    let params = b"\x01\x04\0\x01\0\x14\x04\0\x0e\x04REQUEST_METHODPOST\0\0\0\0\x01\x04\0\x01\0\0\0\0";
    let begin = b"\x01\x01\0\x01\0\x08\0\0\0\x01\0\0\0\0\0\0";
    let asks = [&begin[..], params, b"\x01\x05\0\x01\0\x03\0\0abc\x01\x05\0\x01\0\0\0\0"].concat();
    let answers = b"\x01\x06\0\x01\0\x11\x01\0Status: 404 a\r\n\r\n\0\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0";
    vec![script(&[(ToServer, &asks), (ToClient, answers)])]
}
