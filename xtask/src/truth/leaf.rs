//! The HTTP server that the servers ask: a process of its own, so that it can be selected. A thread a connection.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use anyhow::Result;

use super::plan::Name;

/// Arguments of the hidden command.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Where it listens, on 127.0.0.1
    #[arg(long)]
    port: u16,
}

/// One request of so many is answered with 500.
const FAILS: u32 = 37;

/// Serves until it is ended.
pub fn run(args: &Args) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", args.port))?;
    for stream in listener.incoming() {
        let stream = stream?;
        // Whoever hangs up ends its thread; nobody waits for it.
        std::thread::spawn(move || serve(stream));
    }
    Ok(())
}

fn serve(mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut line = String::from("-");
        while !line.trim_end().is_empty() {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
        }
        let number = match Name::find(&first) {
            Some(Name::Background(number)) => number,
            Some(name) => name.request().unwrap_or(0),
            None => 0,
        };
        // Different times, so that answers come in another order than requests.
        std::thread::sleep(Duration::from_micros(u64::from(500 + number % 7 * 300)));
        let status = if number % FAILS == 5 { "500 Internal Server Error" } else { "200 OK" };
        write!(stream, "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n")?;
    }
}
