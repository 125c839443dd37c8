//! What a user can do about a receiver that refuses.

use http::StatusCode;
use tonic::Code;

use crate::config::otlp::{Protocol, Signal};

/// What to do about a status of HTTP.
pub(super) fn of_status(signal: Signal, status: StatusCode) -> Option<String> {
    match status {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => Some(absent(signal)),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(credentials(signal)),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Some("it takes no protobuf over HTTP: try OTEL_EXPORTER_OTLP_PROTOCOL=grpc".to_owned())
        }
        StatusCode::PAYLOAD_TOO_LARGE => Some("lower OTEL_BSP_MAX_EXPORT_BATCH_SIZE".to_owned()),
        _ => None,
    }
}

/// What to do about a status of gRPC.
pub(super) fn of_code(signal: Signal, code: Code) -> Option<String> {
    match code {
        Code::Unimplemented => Some(absent(signal)),
        Code::Unauthenticated | Code::PermissionDenied => Some(credentials(signal)),
        _ => None,
    }
}

/// What to do when there is somebody who does not understand.
pub(super) fn of_port(protocol: Protocol, port: Option<u16>) -> Option<&'static str> {
    match (protocol, port) {
        (Protocol::HttpProtobuf, Some(4317)) => {
            Some("port 4317 usually speaks gRPC: set OTEL_EXPORTER_OTLP_PROTOCOL=grpc, or use port 4318")
        }
        (Protocol::Grpc, Some(4318)) => {
            Some("port 4318 usually speaks HTTP: set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or use port 4317")
        }
        _ => None,
    }
}

fn absent(signal: Signal) -> String {
    let (word, name) = (signal.word(), signal.name());
    format!(
        "if it takes no {word}, switch them off with OTEL_{name}_EXPORTER=none, or name one that does with \
         OTEL_EXPORTER_OTLP_{name}_ENDPOINT"
    )
}

fn credentials(signal: Signal) -> String {
    let name = signal.name();
    format!("credentials belong into OTEL_EXPORTER_OTLP_HEADERS, or OTEL_EXPORTER_OTLP_{name}_HEADERS")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_names_the_signal() {
        let text = of_status(Signal::Metrics, StatusCode::NOT_FOUND).unwrap();
        assert!(text.contains("OTEL_METRICS_EXPORTER=none") && text.contains("OTLP_METRICS_ENDPOINT"), "{text}");
        assert_eq!(of_code(Signal::Metrics, Code::Unimplemented), Some(text));
        assert!(of_code(Signal::Logs, Code::Unauthenticated).is_some_and(|text| text.contains("LOGS_HEADERS")));
        assert!(of_port(Protocol::HttpProtobuf, Some(4317)).is_some_and(|text| text.contains("=grpc")));
        assert_eq!(of_port(Protocol::Grpc, Some(4317)), None);
        assert_eq!(of_status(Signal::Traces, StatusCode::BAD_REQUEST), None);
    }
}
