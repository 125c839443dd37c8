//! Who takes OTLP over HTTP and only weighs it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// A receiver, until the tests end.
pub struct Receiver {
    bytes: Arc<AtomicU64>,
    pub port: u16,
}

impl Receiver {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let bytes = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&bytes);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counted = Arc::clone(&counted);
                thread::spawn(move || take(&stream, &counted));
            }
        });
        Self { bytes, port }
    }

    /// Bytes of heads and bodies so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// Every request of a connection; `None` at its end.
fn take(mut stream: &TcpStream, counted: &AtomicU64) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut head, mut body) = (0, 0);
        loop {
            let mut line = String::new();
            head += Some(reader.read_line(&mut line).ok()?).filter(|length| *length > 0)?;
            let (key, value) = line.split_once(':').unwrap_or_default();
            if key.eq_ignore_ascii_case("content-length") {
                body = value.trim().parse().ok()?;
            }
            if line.trim().is_empty() {
                break;
            }
        }
        std::io::copy(&mut reader.by_ref().take(body), &mut std::io::sink()).ok()?;
        counted.fetch_add(head as u64 + body, Ordering::Relaxed);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n")
            .ok()?;
    }
}
