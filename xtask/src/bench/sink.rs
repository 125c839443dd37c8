//! A receiver of OTLP over HTTP that reads and says yes, in this process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};

/// Receives until the process ends.
pub struct Sink {
    port: u16,
    bytes: Arc<AtomicU64>,
}

impl Sink {
    /// Listens.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let sink = Self { port: listener.local_addr()?.port(), bytes: Arc::default() };
        let bytes = Arc::clone(&sink.bytes);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let bytes = Arc::clone(&bytes);
                std::thread::spawn(move || serve(stream, &bytes));
            }
        });
        Ok(sink)
    }

    /// For `--otlp-endpoint`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Bytes of bodies received.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// Until the sender goes away.
fn serve(stream: TcpStream, bytes: &AtomicU64) -> Result<()> {
    let mut answers = stream.try_clone()?;
    let mut reader = BufReader::with_capacity(1 << 16, stream);
    let mut room = vec![0; 1 << 16];
    loop {
        let mut length = None;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse::<usize>().ok();
            }
        }
        let mut left = length.context("a body without a length")?;
        bytes.fetch_add(left as u64, Ordering::Relaxed);
        while left > 0 {
            let most = left.min(room.len());
            let read = reader.read(&mut room[..most])?;
            if read == 0 {
                return Ok(());
            }
            left -= read;
        }
        answers.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n")?;
    }
}
