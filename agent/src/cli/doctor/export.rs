//! Where telemetry goes: an empty request to each receiver, by the exporters' own code.

use std::time::Duration;

use super::super::destinations;
use super::check::{Area, Check};
use crate::config::Config;
use crate::config::otlp::{Otlp, Protocol};
use crate::export::otlp::Sender;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_millis(1500);

/// All receivers at once.
pub(super) fn checks(config: &Config) -> Vec<Check> {
    let settings = destinations::settings(config);
    if settings.is_empty() {
        return vec![Check::unused(Area::Export, "OTLP", "no end point is configured: spans are shown, not sent")];
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return vec![Check::unused(Area::Export, "OTLP", "not tried").because(error.to_string())],
    };
    runtime.block_on(async {
        let mut tasks = Vec::new();
        for otlp in settings {
            tasks.push(tokio::spawn(async move { (probe(&otlp).await, otlp) }));
        }
        let mut checks = Vec::new();
        for task in tasks {
            if let Ok((tried, otlp)) = task.await {
                checks.push(told(&otlp, tried));
            }
        }
        checks
    })
}

async fn probe(otlp: &Otlp) -> Result<String, String> {
    let mut sender = Sender::new(otlp, None, Box::new(|_| ())).map_err(|error| format!("{error:#}"))?;
    sender.probe(PATIENCE).await
}

fn told(otlp: &Otlp, tried: Result<String, String>) -> Check {
    let (signal, protocol) = (
        otlp.signal.word(),
        match otlp.protocol {
            Protocol::HttpProtobuf => "HTTP",
            Protocol::Grpc => "gRPC",
        },
    );
    let (name, what) = (format!("OTLP {signal}"), format!("{} by OTLP/{protocol}", otlp.target()));
    match tried {
        Ok(answer) => Check::yes(Area::Export, name, format!("{what}: an empty request was {answer}")),
        Err(why) => Check::no(
            Area::Export,
            name,
            format!("{what} takes an empty request"),
            format!("{signal} are kept for a while, then dropped"),
            cure(&why),
        )
        .because(why),
    }
}

/// By what the receiver or the network says.
fn cure(why: &str) -> &'static str {
    let has = |words: &[&str]| words.iter().any(|word| why.contains(word));
    if has(&["401", "403", "Unauthenticated", "PermissionDenied", "unauthenticated", "permission"]) {
        "credentials: OTEL_EXPORTER_OTLP_HEADERS, or `headers` in the file"
    } else if has(&["404", "Unimplemented", "unimplemented"]) {
        "the right path and protocol: 4318 speaks HTTP (…/v1/traces), 4317 gRPC; a receiver for this signal"
    } else if has(&["certificate", "tls", "TLS", "handshake"]) {
        "https:// or http:// as the receiver speaks it, and the authority that signed its certificate (OTEL_EXPORTER_OTLP_CERTIFICATE)"
    } else {
        "a receiver that listens there, a name that resolves, a network policy or firewall that lets the agent through"
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::super::check::Answer;
    use super::*;
    use crate::config::{self, Layer};

    /// What is said of a receiver that answers so to every request.
    fn told_of(status: &'static str, variables: &[(&str, &str)]) -> Vec<Check> {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", server.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in server.incoming() {
                let mut stream = stream.unwrap();
                let mut request = [0; 4096];
                let _ = stream.read(&mut request);
                let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
        });
        let get = |name: &str| match name {
            "OTEL_EXPORTER_OTLP_ENDPOINT" => Some(address.clone()),
            _ => variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
        };
        checks(&config::load(Layer::default(), &get).unwrap())
    }

    #[test]
    fn every_signal_is_tried_and_the_status_told() {
        let checks = told_of("200 OK", &[]);
        let names: Vec<_> = checks.iter().map(|check| (check.name.as_str(), check.answer)).collect();
        assert_eq!(names, [("OTLP traces", Answer::Yes), ("OTLP metrics", Answer::Yes), ("OTLP logs", Answer::Yes)]);
        let refused =
            &told_of("401 Unauthorized", &[("OTEL_METRICS_EXPORTER", "none"), ("OTEL_LOGS_EXPORTER", "none")]);
        assert_eq!((refused.len(), refused[0].answer), (1, Answer::No));
        assert!(refused[0].why.as_ref().unwrap().contains("401"), "{refused:?}");
        assert!(refused[0].cure.as_ref().unwrap().contains("HEADERS"), "{refused:?}");
    }

    #[test]
    fn nobody_there_is_told_for_grpc_as_well() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        for protocol in ["grpc", "http/protobuf"] {
            let get = |name: &str| match name {
                "OTEL_EXPORTER_OTLP_ENDPOINT" => Some(format!("http://127.0.0.1:{port}")),
                "OTEL_EXPORTER_OTLP_PROTOCOL" => Some(protocol.to_owned()),
                _ => None,
            };
            let begin = std::time::Instant::now();
            let checks = checks(&config::load(Layer::default(), &get).unwrap());
            assert!(checks.iter().all(|check| check.answer == Answer::No), "{checks:?}");
            assert!(checks[0].why.as_ref().unwrap().contains("refused"), "{checks:?}");
            assert!(begin.elapsed() < 2 * PATIENCE);
        }
    }

    #[test]
    fn without_an_end_point_nothing_is_tried() {
        let checks = checks(&config::load(Layer::default(), &|_| None).unwrap());
        assert_eq!((checks.len(), checks[0].answer), (1, Answer::Unused));
    }
}
