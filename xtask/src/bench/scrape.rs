//! The agent's Prometheus end point.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// One scrape.
pub struct Scrape {
    text: String,
    /// How long it took.
    pub took: Duration,
}

impl Scrape {
    /// Asks once.
    pub fn of(port: u16) -> Result<Self> {
        let begin = Instant::now();
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text).context("the metrics end point does not answer")?;
        Ok(Self { text, took: begin.elapsed() })
    }

    /// Length of the answer, bytes.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The sum of the samples of a name.
    pub fn sum(&self, name: &str) -> f64 {
        let of_name = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
        // Labels may hold spaces; the value follows the last brace, or the name.
        let value = |line: &str| line.rsplit(['}', ' ']).find_map(|word| word.trim().parse::<f64>().ok());
        self.text.lines().filter(of_name).filter_map(value).sum()
    }
}
