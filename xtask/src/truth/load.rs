//! The clients: keep-alive connections that ask one request after the other; a few hang up before the answer.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::plan::{Kind, Request, Requests};

/// One request of so many is given up.
const HANGS_UP: u32 = 23;
/// After so long, which is less than any request takes.
const PATIENCE: Duration = Duration::from_millis(2);
/// Longer than any request takes.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What is asked.
pub struct Load<'a> {
    /// Whom.
    pub port: u16,
    /// The first request's number: drivers keep statements prepared, so that no name may come twice to one server.
    pub first: u32,
    /// How many requests.
    pub requests: u32,
    /// On so many connections.
    pub connections: u32,
    /// What they do, by turns.
    pub kinds: &'a [Kind],
}

impl Load<'_> {
    /// Asks everything; what became of each request, and why those failed that should not have.
    pub fn run(&self) -> (Requests, Vec<String>) {
        let next = AtomicU32::new(self.first);
        let (done, failed) = (Mutex::new(Requests::new()), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..self.connections {
                scope.spawn(|| {
                    let mut connection = None;
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= self.first + self.requests {
                            break;
                        }
                        let Some(kind) = self.kinds.get(number as usize % self.kinds.len().max(1)).copied() else {
                            break;
                        };
                        let result = self.one(&mut connection, number, kind);
                        let is_answered = matches!(result, Ok(true));
                        if let (Err(e), Ok(mut failed)) = (result, failed.lock()) {
                            connection = None;
                            failed.push(format!("r{number} ({}): {e:#}", kind.name()));
                        }
                        if let Ok(mut done) = done.lock() {
                            done.insert(number, Request { kind, is_answered });
                        }
                    }
                });
            }
        });
        (done.into_inner().unwrap_or_default(), failed.into_inner().unwrap_or_default())
    }

    /// Whether it was answered.
    fn one(&self, connection: &mut Option<BufReader<TcpStream>>, number: u32, kind: Kind) -> Result<bool> {
        let mut reader = match connection.take() {
            Some(reader) => reader,
            None => BufReader::new(connect(self.port)?),
        };
        let hangs_up = number % HANGS_UP == 11;
        send(&mut reader, &format!("r{number}"), kind)?;
        if hangs_up {
            std::thread::sleep(PATIENCE);
            return Ok(false);
        }
        if answer(&mut reader)? {
            *connection = Some(reader);
        }
        Ok(true)
    }
}

/// A few requests that are not counted, until the server has opened its connections and compiled what it compiles.
pub fn warm(port: u16, kinds: &[Kind]) -> Result<()> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(move || -> Result<()> {
                    for kind in kinds {
                        let mut reader = BufReader::new(connect(port)?);
                        send(&mut reader, "w", *kind)?;
                        answer(&mut reader)?;
                    }
                    Ok(())
                })
            })
            .collect();
        threads.into_iter().try_for_each(|t| t.join().unwrap_or_else(|_| anyhow::bail!("a thread died")))
    })
}

fn connect(port: u16) -> Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    Ok(stream)
}

fn send(reader: &mut BufReader<TcpStream>, id: &str, kind: Kind) -> Result<()> {
    let head = format!("GET /work?id={id}&mode={} HTTP/1.1\r\nHost: truth\r\n\r\n", kind.name());
    Ok(reader.get_mut().write_all(head.as_bytes())?)
}

/// Reads an answer to its end; whether the connection can be used again.
fn answer(reader: &mut BufReader<TcpStream>) -> Result<bool> {
    let status = line(reader)?;
    ensure!(status.contains(" 200"), "answered {status:?}");
    let (mut length, mut is_chunked, mut stays) = (None, false, status.starts_with("http/1.1"));
    loop {
        let line = line(reader)?;
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok();
        }
        is_chunked |= line.strip_prefix("transfer-encoding:").is_some_and(|v| v.trim() == "chunked");
        stays &= line.strip_prefix("connection:").is_none_or(|v| v.trim() != "close");
    }
    if is_chunked {
        loop {
            let length = u64::from_str_radix(&line(reader)?, 16).context("a chunk without a length")?;
            skip(reader, length)?;
            line(reader)?;
            if length == 0 {
                return Ok(stays);
            }
        }
    }
    // Without a length it ends with the connection.
    skip(reader, length.unwrap_or(u64::MAX))?;
    Ok(stays && length.is_some())
}

fn line(reader: &mut BufReader<TcpStream>) -> Result<String> {
    let mut line = String::new();
    ensure!(reader.read_line(&mut line)? > 0, "the server hung up");
    Ok(line.trim_end().to_ascii_lowercase())
}

fn skip(reader: &mut BufReader<TcpStream>, length: u64) -> Result<()> {
    let read = std::io::copy(&mut reader.take(length), &mut std::io::sink())?;
    ensure!(read == length || length == u64::MAX, "an answer that is cut off");
    Ok(())
}
