//! From log records to an encoded `ExportLogsServiceRequest`, and the sink that sends it.
//!
//! Field numbers are those of opentelemetry-proto 1.x: `collector/logs/v1/logs_service.proto` and `logs/v1/logs.proto`.
//! The tests decode what is written here with generated types.

use std::time::Duration;

use super::Sender;
use super::encode::{any_value, attribute, instrumentation_scope, resource};
use super::wire::Writer;
use crate::config::otlp::Otlp;
use crate::export::groups::SCHEMA_URL;
use crate::export::log::LogRecord;
use crate::export::notice::Reporter;
use crate::export::queue::Batching;
use crate::export::worker::{Delivery, Sink};
use crate::trace::span::Value;

mod request {
    pub const RESOURCE_LOGS: u32 = 1;
}
/// `ResourceLogs` and `ScopeLogs`.
mod container {
    pub const SUBJECT: u32 = 1;
    pub const CONTENT: u32 = 2;
    pub const SCHEMA_URL: u32 = 3;
}
mod record {
    pub const TIME_UNIX_NANO: u32 = 1;
    pub const SEVERITY_NUMBER: u32 = 2;
    pub const SEVERITY_TEXT: u32 = 3;
    pub const BODY: u32 = 5;
    pub const ATTRIBUTES: u32 = 6;
    pub const TRACE_ID: u32 = 9;
    pub const SPAN_ID: u32 = 10;
    pub const OBSERVED_TIME_UNIX_NANO: u32 = 11;
    pub const EVENT_NAME: u32 = 12;
}

/// Log records are few: a batch is what one report gave.
pub const WAITING: Batching = Batching { max_queue: 512, max_bytes: 4 << 20, max_batch: 256, delay: Duration::ZERO };

/// Encodes a batch as one request. All records of wirespan belong to the agent, so those of one resource follow each
/// other.
#[must_use]
pub fn request(batch: &[LogRecord]) -> Vec<u8> {
    let mut writer = Writer::with_capacity(batch.len() * 1024);
    for group in batch.chunk_by(|a, b| a.resource == b.resource) {
        let Some(first) = group.first() else { continue };
        writer.message(request::RESOURCE_LOGS, |writer| {
            writer.message(container::SUBJECT, |writer| resource(writer, &first.resource));
            writer.message(container::CONTENT, |writer| {
                writer.message(container::SUBJECT, instrumentation_scope);
                for one in group {
                    writer.message(container::CONTENT, |writer| log_record(writer, one));
                }
                writer.bytes(container::SCHEMA_URL, SCHEMA_URL.as_bytes());
            });
            writer.bytes(container::SCHEMA_URL, SCHEMA_URL.as_bytes());
        });
    }
    writer.into_bytes()
}

fn log_record(writer: &mut Writer, log: &LogRecord) {
    if log.time_unix_ns != 0 {
        writer.fixed64(record::TIME_UNIX_NANO, log.time_unix_ns);
        writer.fixed64(record::OBSERVED_TIME_UNIX_NANO, log.time_unix_ns);
    }
    writer.varint(record::SEVERITY_NUMBER, log.severity as u64);
    writer.bytes(record::SEVERITY_TEXT, log.severity.text().as_bytes());
    writer.message(record::BODY, |writer| any_value(writer, &Value::Text(log.body.as_str().into())));
    for (key, value) in &log.attributes {
        attribute(writer, record::ATTRIBUTES, key, value);
    }
    if let Some((trace_id, span_id)) = &log.span {
        writer.bytes(record::TRACE_ID, trace_id);
        writer.bytes(record::SPAN_ID, span_id);
    }
    writer.bytes(record::EVENT_NAME, log.event_name.as_bytes());
}

/// Sends log records to one end point.
#[derive(Debug)]
pub struct LogsSink(Sender);

impl LogsSink {
    /// A sink; it connects with the first batch.
    ///
    /// # Errors
    /// When certificates or keys cannot be read or used.
    pub fn new(config: &Otlp, timeout: Duration, reporter: Reporter) -> anyhow::Result<Self> {
        Sender::new(config, (!timeout.is_zero()).then_some(timeout), reporter).map(Self)
    }
}

impl Sink<LogRecord> for LogsSink {
    async fn deliver(&mut self, batch: Vec<LogRecord>) -> Delivery {
        self.0.request(request(&batch), batch.len() as u64).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::log::Severity;
    use crate::trace::span::Resource;
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::common::v1::any_value::Value as Decoded;
    use prost::Message as _;
    use std::sync::Arc;

    #[test]
    fn records_decode_to_what_was_encoded() {
        let resource = Arc::new(Resource {
            service_name: "wirespan".into(),
            attributes: vec![("service.name".into(), Value::Static("wirespan"))],
        });
        let log = LogRecord {
            event_name: "wirespan.advice",
            time_unix_ns: 17,
            severity: Severity::Warn,
            body: "web opened 120 connections.".to_owned(),
            attributes: vec![
                ("wirespan.advice.kind".into(), Value::Static("no_pool")),
                ("wirespan.advice.cost".into(), Value::Double(58.2)),
            ],
            span: Some(([7; 16], [8; 8])),
            resource,
        };
        let bytes = request(&[log.clone(), LogRecord { span: None, severity: Severity::Info, ..log }]);
        let decoded = ExportLogsServiceRequest::decode(bytes.as_slice()).unwrap();
        assert_eq!(decoded.resource_logs.len(), 1);
        let scope = &decoded.resource_logs[0].scope_logs[0];
        assert_eq!(scope.scope.as_ref().unwrap().name, crate::export::groups::SCOPE_NAME);
        let [first, second] = scope.log_records.as_slice() else { panic!("two records") };
        assert_eq!((first.time_unix_nano, first.severity_number, first.severity_text.as_str()), (17, 13, "WARN"));
        assert_eq!(
            (first.event_name.as_str(), &first.trace_id, &first.span_id),
            ("wirespan.advice", &vec![7; 16], &vec![8; 8])
        );
        let body = first.body.as_ref().unwrap().value.clone().unwrap();
        assert_eq!(body, Decoded::StringValue("web opened 120 connections.".to_owned()));
        assert_eq!(first.attributes[1].value.as_ref().unwrap().value, Some(Decoded::DoubleValue(58.2)));
        assert_eq!((second.severity_number, second.trace_id.len()), (9, 0));
    }
}
