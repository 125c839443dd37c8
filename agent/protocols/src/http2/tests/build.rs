//! Frames to test with.

use crate::http2::frame::{HEAD_LEN, PREFACE};
use crate::http2::hpack::tests::Encoder;
use crate::stream::Direction;

pub(super) const UP: Direction = Direction::ToServer;
pub(super) const DOWN: Direction = Direction::ToClient;

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// What a client sends first.
pub(super) fn opening() -> Vec<u8> {
    [&PREFACE[..], &frame(4, 0, 0, &[0, 3, 0, 0, 0, 100]), &frame(8, 0, 0, &[0, 1, 0, 0])].concat()
}

/// What a server sends first.
pub(super) fn settings() -> Vec<u8> {
    [frame(4, 0, 0, &[0, 4, 0, 1, 0, 0]), frame(4, 1, 0, &[])].concat()
}

pub(super) fn data(stream: u32, body: &[u8], ends: bool) -> Vec<u8> {
    frame(0, u8::from(ends), stream, body)
}

pub(super) fn padded(stream: u32, body: &[u8], pad: u8, ends: bool) -> Vec<u8> {
    frame(0, 8 | u8::from(ends), stream, &[&[pad], body, &vec![0; usize::from(pad)]].concat())
}

pub(super) fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(3, 0, stream, &code.to_be_bytes())
}

pub(super) fn go_away(last: u32) -> Vec<u8> {
    frame(7, 0, 0, &[last.to_be_bytes(), [0; 4]].concat())
}

/// A message of gRPC.
pub(super) fn message(len: usize) -> Vec<u8> {
    [&[0][..], &u32::try_from(len).unwrap().to_be_bytes(), &vec![9; len]].concat()
}

/// Trailers of gRPC-Web, which are part of the body.
pub(super) fn trailers(text: &str) -> Vec<u8> {
    [&[0x80][..], &u32::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat()
}

/// Splits the first frame, a header block, into pieces of `len` bytes.
pub(super) fn split(bytes: &[u8], len: usize) -> Vec<u8> {
    let size = usize::from(bytes[1]) << 8 | usize::from(bytes[2]);
    let (block, rest) = bytes[HEAD_LEN..].split_at(size);
    let stream = u32::from_be_bytes(bytes[5..9].try_into().unwrap());
    let count = block.chunks(len).count();
    let piece = |(at, piece): (usize, &[u8])| {
        let end = if at + 1 == count { 4 } else { 0 };
        if at == 0 { frame(1, bytes[4] & 1 | end, stream, piece) } else { frame(9, end, stream, piece) }
    };
    let pieces: Vec<u8> = block.chunks(len).enumerate().flat_map(piece).collect();
    [pieces, rest.to_vec()].concat()
}

/// One end, with the table of what it sends.
pub(super) struct Peer(Encoder, u8);

impl Peer {
    pub(super) fn new() -> Self {
        Self(Encoder::new(), 0)
    }

    pub(super) fn head(&mut self, stream: u32, fields: &[(&str, &str)], ends: bool) -> Vec<u8> {
        let mut block = Vec::new();
        for (name, value) in fields {
            self.1 = (self.1 + 8) & 0x18;
            self.0.field(&mut block, &(name.as_bytes().to_vec(), value.as_bytes().to_vec()), self.1);
        }
        frame(1, 4 | u8::from(ends), stream, &block)
    }

    pub(super) fn get(&mut self, stream: u32, path: &str) -> Vec<u8> {
        self.head(
            stream,
            &[
                (":method", "GET"),
                (":scheme", "http"),
                (":authority", "shop.example"),
                (":path", path),
                ("user-agent", "t/1"),
            ],
            true,
        )
    }

    pub(super) fn post(&mut self, stream: u32, path: &str, body: &[u8]) -> Vec<u8> {
        let fields = [
            (":method", "POST"),
            (":scheme", "http"),
            (":authority", "shop.example"),
            (":path", path),
            ("content-type", "x/y"),
        ];
        [self.head(stream, &fields, false), data(stream, body, true)].concat()
    }

    pub(super) fn respond(&mut self, stream: u32, status: u16, body: &[u8]) -> Vec<u8> {
        let head = self.head(stream, &[(":status", &status.to_string()), ("server", "s")], body.is_empty());
        let body = if body.is_empty() { Vec::new() } else { data(stream, body, true) };
        [head, body].concat()
    }

    /// Asks for a call of gRPC.
    pub(super) fn ask(&mut self, stream: u32, method: &str) -> Vec<u8> {
        let fields = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", method),
            (":authority", "shop.example"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("grpc-timeout", "2S"),
        ];
        self.head(stream, &fields, false)
    }
}
