//! Addresses to listen on.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Port of the Prometheus end point (OpenTelemetry, `OTEL_EXPORTER_PROMETHEUS_PORT`).
pub(super) const PROMETHEUS_PORT: u16 = 9464;

/// `HOST:PORT`, or a port on the loopback interface. Names are not looked up but `localhost`.
pub(super) fn parse(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim();
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("localhost", text));
    let host = match host {
        "localhost" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        "" => Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        other => other.parse().ok(),
    };
    match (host, port.parse()) {
        (Some(host), Ok(port)) => Ok(SocketAddr::new(host, port)),
        _ => {
            Err(format!("`{text}` is no address to listen on: write ADDRESS:PORT, such as 127.0.0.1:{PROMETHEUS_PORT}"))
        }
    }
}
