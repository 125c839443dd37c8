//! An HTTP client that keeps its own clock: a process of its own, so that it can be selected.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// Arguments of the hidden command.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Where the server listens
    #[arg(long)]
    port: u16,
    /// Requests of each connection
    #[arg(long)]
    requests: u32,
    /// Connections
    #[arg(long)]
    connections: u32,
    /// What the paths begin with
    #[arg(long)]
    prefix: String,
    /// Pause between the two halves of a request, 1 to 4 times so long
    #[arg(long)]
    split_us: Option<u64>,
    /// `path nanoseconds` of each request
    #[arg(long)]
    output: PathBuf,
}

/// Nanoseconds of each request by path.
pub type Times = std::collections::HashMap<String, u64>;

/// Runs the client as another process.
pub fn spawn(port: u16, requests: u32, connections: u32, prefix: &str, split_us: Option<u64>) -> Result<Times> {
    let output = super::nginx::folder("client")?.join("times");
    let mut cmd = Command::new(std::env::current_exe()?);
    cmd.args(["bench-client", "--port", &port.to_string(), "--requests", &requests.to_string(), "--prefix", prefix]);
    cmd.args(["--connections", &connections.to_string()]).arg("--output").arg(&output);
    if let Some(pause) = split_us {
        cmd.args(["--split-us", &pause.to_string()]);
    }
    crate::sh::run(&mut cmd)?;
    let text = std::fs::read_to_string(output)?;
    let line = |line: &str| Some((line.split_once(' ')?.0.to_owned(), line.split_once(' ')?.1.parse().ok()?));
    Ok(text.lines().filter_map(line).collect())
}

/// The client's process.
pub fn run(args: &Args) -> Result<()> {
    let connection = |number: u32| -> Result<String> {
        let stream = TcpStream::connect(("127.0.0.1", args.port))?;
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut times = String::new();
        // As good as random for phases, and the same each time.
        let mut seed = u64::from(number) + 1;
        for request in 0..args.requests {
            let path = format!("{}{number}-{request}", args.prefix);
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let pause = args.split_us.map(|us| Duration::from_micros(us + (seed >> 33) % (3 * us).max(1)));
            let begin = Instant::now();
            exchange(&stream, &mut reader, &path, pause)?;
            writeln!(times, "{path} {}", begin.elapsed().as_nanos())?;
            std::thread::sleep(Duration::from_micros(200 + (seed >> 40) % 300));
        }
        Ok(times)
    };
    let texts = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..args.connections).map(|n| scope.spawn(move || connection(n))).collect();
        threads
            .into_iter()
            .map(|t| t.join().unwrap_or_else(|_| anyhow::bail!("a thread died")))
            .collect::<Result<Vec<_>>>()
    })?;
    std::fs::write(&args.output, texts.concat())?;
    Ok(())
}

fn exchange(mut to: &TcpStream, from: &mut BufReader<TcpStream>, path: &str, pause: Option<Duration>) -> Result<()> {
    let (first, second) = (format!("GET {path} HTTP/1.1\r\n"), "Host: bench\r\n\r\n");
    match pause {
        Some(pause) => {
            to.write_all(first.as_bytes())?;
            std::thread::sleep(pause);
            to.write_all(second.as_bytes())?;
        }
        None => to.write_all((first + second).as_bytes())?,
    }
    let mut length = None;
    loop {
        let mut line = String::new();
        from.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse::<u64>().ok();
        }
    }
    let mut body = from.by_ref().take(length.context("an answer without a length")?);
    std::io::copy(&mut body, &mut std::io::sink())?;
    Ok(())
}
