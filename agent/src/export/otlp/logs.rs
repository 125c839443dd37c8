//! From log records to an encoded `ExportLogsServiceRequest`, and the sink that sends it.
//!
//! Log records are few: they are built of the generated types of opentelemetry-proto.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1 as proto;
use prost::Message as _;

use super::{Sender, typed};
use crate::config::otlp::Otlp;
use crate::export::groups::SCHEMA_URL;
use crate::export::log::LogRecord;
use crate::export::notice::Reporter;
use crate::export::queue::Batching;
use crate::export::worker::{Delivery, Sink};
use crate::lockdown::Duty;
use crate::trace::span::Resource;

/// Log records are few: a batch is what one report gave.
pub const WAITING: Batching = Batching { max_queue: 512, max_bytes: 4 << 20, max_batch: 256, delay: Duration::ZERO };

/// Encodes a batch as one request. All records of wirespan belong to the agent, so those of one resource follow each
/// other.
#[must_use]
pub fn request(batch: &[LogRecord]) -> Vec<u8> {
    let groups = batch.chunk_by(|a, b| a.resource == b.resource);
    let resource_logs = groups.filter_map(|group| Some(resource_logs(&group.first()?.resource, group))).collect();
    ExportLogsServiceRequest { resource_logs }.encode_to_vec()
}

fn resource_logs(owner: &Resource, group: &[LogRecord]) -> proto::ResourceLogs {
    let scope = proto::ScopeLogs {
        scope: Some(typed::scope()),
        log_records: group.iter().map(log_record).collect(),
        schema_url: SCHEMA_URL.into(),
    };
    proto::ResourceLogs {
        resource: Some(typed::resource(owner)),
        scope_logs: vec![scope],
        schema_url: SCHEMA_URL.into(),
    }
}

fn log_record(log: &LogRecord) -> proto::LogRecord {
    let (trace_id, span_id) =
        log.span.map(|(trace_id, span_id)| (trace_id.to_vec(), span_id.to_vec())).unwrap_or_default();
    proto::LogRecord {
        time_unix_nano: log.time_unix_ns,
        observed_time_unix_nano: log.time_unix_ns,
        severity_number: log.severity as i32,
        severity_text: log.severity.text().into(),
        body: Some(typed::text(&log.body)),
        attributes: typed::attributes(log.attributes.iter().map(|(key, value)| (&**key, value))),
        trace_id,
        span_id,
        event_name: log.event_name.into(),
        ..proto::LogRecord::default()
    }
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
    fn duty(&self) -> Duty {
        self.0.duty()
    }

    async fn deliver(&mut self, batch: Vec<LogRecord>) -> Delivery {
        self.0.request(request(&batch), batch.len() as u64).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::log::Severity;
    use crate::trace::span::Value;
    use opentelemetry_proto::tonic::common::v1::any_value::Value as Decoded;
    use std::sync::Arc;

    #[test]
    fn records_decode_to_what_was_encoded() {
        let resource = Arc::new(Resource {
            service_name: "wirespan".into(),
            attributes: vec![("service.name".into(), Value::Static("wirespan"))],
            ..Resource::default()
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
