//! What an agent that runs tells about itself, where it listens.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use wirespan_semconv::instrument::Section;

use crate::config::Config;
use crate::export::prometheus::names;
use crate::metrics::catalog::CATALOG;

/// Where agents listen unless told else.
const USUAL: ([u8; 4], u16) = ([127, 0, 0, 1], 9464);
/// Longest wait for each part of an answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Most bytes of an answer.
const MAX_ANSWER: u64 = 16 << 20;

/// Where an agent with this configuration listens.
pub(super) fn address(config: &Config) -> SocketAddr {
    config.listen.or(config.prometheus_listen).unwrap_or_else(|| USUAL.into())
}

/// The answer to `GET`.
///
/// # Errors
/// When nobody listens there, or answers with another status than 200.
pub(super) fn ask(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes())?;
    let mut bytes = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        return Err(io::Error::other(status.to_owned()));
    }
    Ok(body.to_owned())
}

/// Of `/metrics` what the agent counts of its own work: the others tell of those whom it traces.
///
/// # Errors
/// As [`ask`].
pub(super) fn own_metrics(address: SocketAddr) -> io::Result<String> {
    Ok(own(&ask(address, "/metrics")?))
}

fn own(text: &str) -> String {
    let own: Vec<String> = CATALOG.iter().filter(|one| one.section == Section::Agent).map(names::metric).collect();
    let is_own = |line: &&str| {
        let series = line.strip_prefix("# HELP ").or_else(|| line.strip_prefix("# TYPE ")).unwrap_or(line);
        let name = series.split(['{', ' ']).next().unwrap_or_default();
        own.iter()
            .any(|known| name == known || name.strip_prefix(known.as_str()).is_some_and(|rest| rest.starts_with('_')))
    };
    text.lines().filter(is_own).flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Answers once.
    fn server(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]);
            stream.write_all(answer.as_bytes()).unwrap();
        });
        address
    }

    #[test]
    fn only_an_answer_that_is_one_counts() {
        assert_eq!(ask(server("HTTP/1.1 200 OK\r\n\r\nbody"), "/x").unwrap(), "body");
        assert!(ask(server("HTTP/1.1 503 Service Unavailable\r\n\r\n"), "/x").unwrap_err().to_string().contains("503"));
        assert!(ask(server("nonsense"), "/x").is_err());
    }

    #[test]
    fn what_is_told_of_others_is_left_out() {
        let text = "# HELP wirespan_capture_ring_fill_ratio How full\nwirespan_capture_ring_fill_ratio 0.5\n\
                    http_server_request_duration_seconds_count{http_route=\"/secret\"} 5\nprocess_cpu_time_seconds_total 3\n";
        let kept = own(text);
        assert!(
            kept.contains("ring_fill_ratio 0.5") && kept.contains("process_cpu_time") && kept.contains("# HELP"),
            "{kept}"
        );
        assert!(!kept.contains("secret"), "{kept}");
    }
}
