//! A receiver of OTLP over HTTP that reads, counts and says yes, in this process.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, ensure};

use super::otlp;

/// What one request may be long.
const MOST: usize = 64 << 20;

/// Receives until the process ends.
pub struct Sink {
    port: u16,
    received: Arc<Received>,
}

#[derive(Default)]
struct Received {
    bytes: AtomicU64,
    spans: AtomicU64,
}

impl Sink {
    /// Listens.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let sink = Self { port: listener.local_addr()?.port(), received: Arc::default() };
        let received = Arc::clone(&sink.received);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let received = Arc::clone(&received);
                std::thread::spawn(move || serve(stream, &received));
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
        self.received.bytes.load(Ordering::Relaxed)
    }

    /// Spans received.
    pub fn spans(&self) -> u64 {
        self.received.spans.load(Ordering::Relaxed)
    }
}

/// Until the sender goes away.
fn serve(stream: TcpStream, received: &Received) -> Result<()> {
    let mut answers = stream.try_clone()?;
    let mut reader = BufReader::with_capacity(1 << 16, stream);
    let mut body = Vec::new();
    while let Some(head) = Head::read(&mut reader)? {
        head.body(&mut reader, &mut body)?;
        received.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
        if head.has_spans {
            received.spans.fetch_add(otlp::spans(&body), Ordering::Relaxed);
        }
        answers.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n")?;
    }
    Ok(())
}

/// What matters of a request's head.
#[derive(Default)]
struct Head {
    has_spans: bool,
    length: Option<usize>,
    is_chunked: bool,
}

impl Head {
    /// None at the end of the connection.
    fn read(reader: &mut impl BufRead) -> Result<Option<Self>> {
        let mut head = Self::default();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                return Ok(Some(head));
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                head.length = value.trim().parse().ok();
            }
            head.is_chunked |= line.strip_prefix("transfer-encoding:").is_some_and(|v| v.trim() == "chunked");
            head.has_spans |= line.starts_with("post /v1/traces ");
        }
    }

    /// Replaces what is in `body`.
    fn body(&self, reader: &mut impl BufRead, body: &mut Vec<u8>) -> Result<()> {
        body.clear();
        if !self.is_chunked {
            return append(reader, self.length.context("a body without a length")?, body);
        }
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let length = usize::from_str_radix(line.trim_end(), 16)?;
            append(reader, length, body)?;
            // Behind a chunk ends its line; trailers nobody sends.
            line.clear();
            reader.read_line(&mut line)?;
            if length == 0 {
                return Ok(());
            }
        }
    }
}

fn append(reader: &mut impl BufRead, length: usize, body: &mut Vec<u8>) -> Result<()> {
    let whole = body.len().checked_add(length);
    ensure!(whole.is_some_and(|whole| whole <= MOST), "a body of more than {MOST} bytes");
    let read = reader.take(length as u64).read_to_end(body)?;
    ensure!(read == length, "a body that is cut off");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Head;

    fn body(mut request: &[u8]) -> Option<(bool, Vec<u8>)> {
        let head = Head::read(&mut request).ok()??;
        let mut body = b"of before".to_vec();
        head.body(&mut request, &mut body).ok()?;
        Some((head.has_spans, body))
    }

    #[test]
    fn bodies_have_a_length_or_chunks() {
        let request = b"POST /v1/traces HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcd";
        assert_eq!(body(request), Some((true, b"abc".to_vec())));
        let request =
            b"POST /v1/metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nA\r\n0123456789\r\n0\r\n\r\n";
        assert_eq!(body(request), Some((false, b"ab0123456789".to_vec())));
    }

    #[test]
    fn what_is_cut_off_or_too_long_is_no_body() {
        assert_eq!(body(b"POST /v1/traces HTTP/1.1\r\nContent-Length: 3\r\n\r\nab"), None);
        assert_eq!(body(b"POST /v1/traces HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\nab"), None);
        assert_eq!(body(b"POST /v1/traces HTTP/1.1\r\n\r\n"), None);
        assert_eq!(body(b""), None);
    }
}
