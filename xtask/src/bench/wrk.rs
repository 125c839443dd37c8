//! wrk: keep-alive load, as fast as it goes or with a pause between the requests of a connection.

use std::process::Command;

use anyhow::{Context as _, Result};

use super::nginx;
use crate::sh;

/// What wrk counted.
pub struct Load {
    /// Requests a second.
    pub rate: f64,
    /// Requests answered.
    pub requests: u64,
    /// Those of them that were answered with an error's status.
    pub failed: u64,
}

/// Connections of a paced run: many, because a pause is a millisecond at least.
pub const PACED: u32 = 64;

/// One thread; 16 connections, or [`PACED`]. `pause_ms` between answer and next request, for less than saturation.
pub fn run(port: u16, seconds: u32, pause_ms: Option<u32>) -> Result<Load> {
    get(&format!("http://127.0.0.1:{port}/"), seconds, pause_ms)
}

/// [`run`] of any URL.
pub fn get(url: &str, seconds: u32, pause_ms: Option<u32>) -> Result<Load> {
    let mut cmd = Command::new("wrk");
    let connections = if pause_ms.is_some() { PACED } else { 16 };
    cmd.args(["-t1", &format!("-c{connections}"), &format!("-d{seconds}s")]);
    if let Some(pause) = pause_ms {
        let script = nginx::folder("wrk")?.join("pause.lua");
        std::fs::write(&script, format!("function delay() return math.random(0, {}) end\n", 2 * pause))?;
        cmd.arg("-s").arg(script);
    }
    parse(&sh::output(cmd.arg(url))?)
}

fn parse(text: &str) -> Result<Load> {
    let rate = text.lines().find_map(|l| l.strip_prefix("Requests/sec:")).and_then(|r| r.trim().parse().ok());
    let requests = text.lines().find_map(|l| l.trim().split_once(" requests in ")).and_then(|(n, _)| n.parse().ok());
    let failed = text.lines().find_map(|l| l.trim().strip_prefix("Non-2xx or 3xx responses:")?.trim().parse().ok());
    Ok(Load {
        rate: rate.context("wrk tells no rate")?,
        requests: requests.context("wrk tells no requests")?,
        failed: failed.unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn what_wrk_prints() {
        let text = "Running 3s test @ http://127.0.0.1:80/\n  1 threads and 16 connections\n  41 requests in 3.00s, 6.2KB read\n\
                    Requests/sec:  13.66\nTransfer/sec:  2.06KB\n";
        let load = parse(text).unwrap();
        assert_eq!((load.rate, load.requests, load.failed), (13.66, 41, 0));
        assert_eq!(parse(&format!("{text}  Non-2xx or 3xx responses: 7\n")).unwrap().failed, 7);
        assert!(parse("unable to connect").is_err());
    }
}
