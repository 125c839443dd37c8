//! Captures made by the test: conversations as packets.

use std::io::Write;
use std::process::Stdio;

use super::Told;

const CLIENT: [u8; 4] = [192, 0, 2, 1];
const SERVER: [u8; 4] = [192, 0, 2, 2];

/// One connection. Times are in milliseconds since the capture's beginning; each step takes ten.
pub struct Talk {
    /// Microseconds, and frames.
    packets: Vec<(u64, Vec<u8>)>,
    port: u16,
    pub now_ms: u64,
    next: [u32; 2],
}

impl Talk {
    /// A connection that the capture sees from its handshake on.
    pub fn new(port: u16) -> Self {
        let mut talk = Self { next: [999, 4999], ..Self::joined(port) };
        talk.packet(0, 0x02, b"");
        talk.next[0] += 1;
        talk.packet(1, 0x12, b"");
        talk.next[1] += 1;
        talk.packet(0, 0x10, b"");
        talk
    }

    /// A connection that was there before the capture.
    pub fn joined(port: u16) -> Self {
        Self { packets: Vec::new(), port, now_ms: 0, next: [1000, 5000] }
    }

    fn packet(&mut self, from: usize, flags: u8, payload: &[u8]) {
        let (ports, ends) = ([self.port, 80], [CLIENT, SERVER]);
        let to = 1 - from;
        let mut frame = vec![0; 12];
        frame.extend([8, 0]);
        let len = u16::try_from(40 + payload.len()).unwrap();
        frame.extend([&[0x45, 0][..], &len.to_be_bytes(), &[0, 0, 0, 0, 64, 6, 0, 0], &ends[from], &ends[to]].concat());
        frame.extend([ports[from].to_be_bytes(), ports[to].to_be_bytes()].concat());
        let ack = if flags & 0x10 == 0 { 0 } else { self.next[to] };
        frame.extend([self.next[from].to_be_bytes(), ack.to_be_bytes()].concat());
        frame.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        frame.extend(payload);
        self.packets.push((self.now_ms * 1000, frame));
    }

    fn say(&mut self, from: usize, bytes: &[u8]) -> &mut Self {
        for part in bytes.chunks(1400) {
            self.packet(from, 0x18, part);
            self.next[from] += u32::try_from(part.len()).unwrap();
        }
        self.now_ms += 10;
        self
    }

    /// The client sends.
    pub fn ask(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.say(0, bytes.as_ref())
    }

    /// The server sends.
    pub fn answer(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.say(1, bytes.as_ref())
    }

    /// The client sends what the capture misses.
    pub fn miss(&mut self, len: u32) -> &mut Self {
        self.next[0] += len;
        self
    }

    /// Time passes.
    pub fn rest(&mut self, ms: u64) -> &mut Self {
        self.now_ms += ms;
        self
    }

    /// Both ends close.
    pub fn end(&mut self) -> &mut Self {
        for from in [0, 1] {
            self.packet(from, 0x11, b"");
            self.next[from] += 1;
        }
        self
    }

    /// What the agent makes of it.
    #[track_caller]
    pub fn replay(&self) -> Told {
        let number = |number: u64| u32::try_from(number).unwrap().to_le_bytes();
        let mut file = [&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0][..], &[0; 8], &[0xff, 0xff, 0, 0, 1, 0, 0, 0]].concat();
        for (at_us, frame) in &self.packets {
            let len = number(frame.len() as u64);
            file.extend([number(1_700_000_000 + at_us / 1_000_000), number(at_us % 1_000_000), len, len].concat());
            file.extend(frame);
        }
        let mut command = std::process::Command::new(wirespan_tests::binary());
        command.args(["replay", "-", "--output", "otlp-json"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || input.write_all(&file).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        Told::read(&output)
    }
}

/// A request.
pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// A response.
pub fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}
