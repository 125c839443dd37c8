//! The parts of OpenTelemetry's file format and its variables that are more than a value: their keys, for reading, the schema
//! and the documentation. [`super::exporters`] reads them.

use serde_json::json;

use super::exporters::{self as read, OTLP_GRPC, OTLP_HTTP};
use super::setting::{Access, DOCTOR, FLAG, Flag, PRINT, RUN, Setting, file, list, outside, place, unused, variable};
use super::settings::MANY;
use super::shape::Shape;
use super::{env, file as root};

/// The beginning of the file.
pub(super) const HEAD: &[Setting] = &[file("file_format")
    .doc("Version of the file format: \"1.0\".")
    .access(Access::Part(root::file_format, Shape::Text, false))];

/// Spans; [`super::settings`] has the numbers of the batch processor.
pub(super) const TRACES: &[Setting] = &[
    file("tracer_provider.processors[].batch.exporter").doc("Where spans go.").access(Access::Section(SPAN_EXPORTER)),
    file("tracer_provider.processors[].simple.exporter")
        .doc("The same; a `simple` processor is treated as a `batch` with default settings.")
        .access(Access::Section(SPAN_EXPORTER)),
    file("tracer_provider.sampler")
        .doc("Which requests become spans: `always_on`, `always_off`, `trace_id_ratio_based` with a `ratio`, or one of these as the `root` of `parent_based`.")
        .default("`parent_based` with `always_on`")
        .access(Access::Part(read::sampler, Shape::Keys("sampler", &[ROOT_SAMPLER, PARENT_BASED]), false)),
    unused("tracer_provider.limits"),
    unused("tracer_provider.tracer_configurator/development"),
    unused("tracer_provider.id_generator"),
];

/// Metrics; [`super::settings`] has the interval.
pub(super) const METRICS: &[Setting] = &[
    file("meter_provider.readers[].periodic.exporter")
        .doc("Where metrics go.")
        .access(Access::Section(METRIC_EXPORTER)),
    file("meter_provider.readers[].periodic.cardinality_limits")
        .doc("`default`: as `wirespan.metrics.cardinality_limit`.")
        .access(Access::Section(CARDINALITY_LIMITS)),
    unused("meter_provider.readers[].periodic.timeout"),
    unused("meter_provider.readers[].periodic.producers"),
    file("meter_provider.readers[].pull.exporter.prometheus/development")
        .doc("Serve metrics to Prometheus on `host` and `port`: as `wirespan.prometheus_listen`.")
        .access(Access::Part(read::prometheus, Shape::Keys("prometheus", &[PROMETHEUS]), true)),
    file("meter_provider.readers[].pull.cardinality_limits")
        .doc("`default`: as `wirespan.metrics.cardinality_limit`.")
        .access(Access::Section(CARDINALITY_LIMITS)),
    unused("meter_provider.readers[].pull.producers"),
    unused("meter_provider.views"),
    unused("meter_provider.exemplar_filter"),
    unused("meter_provider.meter_configurator/development"),
];

/// Log records: advice is sent as soon as it is there, so batching has no effect.
pub(super) const LOGS: &[Setting] = &[
    file("logger_provider.processors[].batch.exporter").doc("Where advice goes.").access(Access::Section(LOG_EXPORTER)),
    unused("logger_provider.processors[].batch.schedule_delay"),
    unused("logger_provider.processors[].batch.export_timeout"),
    unused("logger_provider.processors[].batch.max_queue_size"),
    unused("logger_provider.processors[].batch.max_export_batch_size"),
    file("logger_provider.processors[].simple.exporter").doc("The same.").access(Access::Section(LOG_EXPORTER)),
    unused("logger_provider.processors[].simple.schedule_delay"),
    unused("logger_provider.processors[].simple.export_timeout"),
    unused("logger_provider.processors[].simple.max_queue_size"),
    unused("logger_provider.processors[].simple.max_export_batch_size"),
    unused("logger_provider.limits"),
    unused("logger_provider.logger_configurator/development"),
];

/// OpenTelemetry knows four grades of each level, and `fatal`; wirespan takes the level.
pub(super) const GRADES: &[&str] = &[
    "trace2", "trace3", "trace4", "debug2", "debug3", "debug4", "info2", "info3", "info4", "warn2", "warn3", "warn4",
    "error2", "error3", "error4", "fatal", "fatal2", "fatal3", "fatal4",
];

/// Another way to say what stands at the beginning.
pub(super) const LOG_LEVEL: &[Setting] = &[file("wirespan.log_level")
    .doc("As `log_level` at the top.")
    .also(GRADES)
    .default("`info`")
    .alias()
    .access(place!([] log_level))];

/// The end of the file: what it switches off, and what wirespan does not have.
pub(super) const TAIL: &[Setting] = &[
    file("disabled").doc("Nothing is exported.").default("`false`").access(Access::Part(
        root::disabled,
        Shape::Truth,
        false,
    )),
    unused("attribute_limits"),
    unused("propagator"),
    unused("resource"),
    unused("instrumentation/development"),
    unused("distribution"),
];

const SPAN_EXPORTER: &[Setting] = &[
    file(OTLP_HTTP).doc("OTLP, protobuf over HTTP.").access(Access::Part(
        read::traces_http,
        Shape::Keys("otlp", &[OTLP]),
        true,
    )),
    file(OTLP_GRPC).doc("OTLP over gRPC.").access(Access::Part(read::traces_grpc, Shape::Keys("otlp", &[OTLP]), true)),
    file("console").doc("Lines for people, on stdout.").access(Access::Part(
        read::console,
        Shape::Own(|| json!(true)),
        true,
    )),
    file("otlp_file/development").doc("OTLP JSON lines.").access(Access::Part(
        read::otlp_file,
        Shape::Keys("otlp_file", &[OTLP_FILE]),
        true,
    )),
];

const METRIC_EXPORTER: &[Setting] = &[
    file(OTLP_HTTP).doc("OTLP, protobuf over HTTP.").access(Access::Part(
        read::metrics_http,
        Shape::Keys("otlp_metrics", &[OTLP, OTLP_METRICS]),
        true,
    )),
    file(OTLP_GRPC).doc("OTLP over gRPC.").access(Access::Part(
        read::metrics_grpc,
        Shape::Keys("otlp_metrics", &[OTLP, OTLP_METRICS]),
        true,
    )),
    unused("console"),
    unused("otlp_file/development"),
];

const LOG_EXPORTER: &[Setting] = &[
    file(OTLP_HTTP).doc("OTLP, protobuf over HTTP.").access(Access::Part(
        read::logs_http,
        Shape::Keys("otlp", &[OTLP]),
        true,
    )),
    file(OTLP_GRPC).doc("OTLP over gRPC.").access(Access::Part(read::logs_grpc, Shape::Keys("otlp", &[OTLP]), true)),
    unused("console"),
    unused("otlp_file/development"),
];

/// One limit holds for all metrics and readers.
const CARDINALITY_LIMITS: &[Setting] = &[
    file("default")
        .doc("As `wirespan.metrics.cardinality_limit`.")
        .alias()
        .within(1, MANY)
        .access(place!([.metrics.settings] cardinality_limit)),
    unused("counter"),
    unused("gauge"),
    unused("histogram"),
    unused("observable_counter"),
    unused("observable_gauge"),
    unused("observable_up_down_counter"),
    unused("up_down_counter"),
];

/// Keys of `otlp_file/development`.
pub(super) const OTLP_FILE: &[Setting] =
    &[file("output_stream").doc("`stdout`, or a file as `file:///PATH`.").default("`stdout`")];

/// Keys of `prometheus/development`.
pub(super) const PROMETHEUS: &[Setting] = &[
    file("host").doc("Address, or `localhost`.").default("`localhost`"),
    file("port").doc("Port.").default("9464").within(1, u16::MAX as u64).access(Access::Listed(Shape::Number)),
    unused("without_scope_info"),
    unused("with_resource_constant_labels"),
    unused("translation_strategy"),
];

/// Keys of `sampler`, and of the `root` of `parent_based`.
pub(super) const ROOT_SAMPLER: &[Setting] = &[
    file("always_on").doc("All.").access(Access::Listed(Shape::Own(|| json!(true)))),
    file("always_off").doc("None.").access(Access::Listed(Shape::Own(|| json!(true)))),
    file("trace_id_ratio_based.ratio")
        .doc("This part of all traces, 0 to 1.")
        .default("1")
        .access(Access::Listed(Shape::Ratio)),
];

/// Parents are always followed, which is what the keys without effect say by default.
pub(super) const PARENT_BASED: &[Setting] = &[
    file("parent_based.root")
        .doc("The sampler of requests without a parent; others do as their parent does.")
        .access(Access::Listed(Shape::Keys("root_sampler", &[ROOT_SAMPLER]))),
    unused("parent_based.remote_parent_sampled"),
    unused("parent_based.remote_parent_not_sampled"),
    unused("parent_based.local_parent_sampled"),
    unused("parent_based.local_parent_not_sampled"),
];

/// Keys of OTLP exporters; their variables are `OTEL_EXPORTER_OTLP_…` and `OTEL_EXPORTER_OTLP_{TRACES,METRICS,LOGS}_…`.
pub(crate) const OTLP: &[Setting] = &[
    file("endpoint")
        .doc("URL: the whole of it in the file and in variables of one signal, else a base to which, for HTTP, `v1/traces`, `v1/metrics` or `v1/logs` is appended.")
        .variables(&[variable("ENDPOINT")]),
    outside()
        .doc("The protocol; the file names it by the exporter.")
        .default("`http/protobuf`")
        .variables(&[variable("PROTOCOL")])
        .access(Access::Listed(Shape::OneOf(&["http/protobuf", "grpc"]))),
    file("compression")
        .doc("How requests are compressed.")
        .default("`none`")
        .variables(&[variable("COMPRESSION")])
        .access(Access::Listed(Shape::OneOf(&["none", "gzip"]))),
    file("timeout")
        .doc("Timeout of one attempt, ms; 0: none.")
        .default("10000")
        .variables(&[variable("TIMEOUT")])
        .access(Access::Listed(Shape::Milliseconds)),
    file("encoding").doc("Must be `protobuf`.").default("`protobuf`").access(Access::Listed(Shape::OneOf(&["protobuf"]))),
    file("headers_list")
        .doc("`key=value,key=value`, values percent-encoded; headers that frame a request (`content-length`, `connection`, …) are refused.")
        .secret()
        .variables(&[list("HEADERS", &[','])]),
    file("headers").doc("A list of headers with `name` and `value`.").secret().access(Access::Listed(Shape::Own(headers))),
    file("tls.ca_file")
        .doc("PEM file of certificate authorities to trust.")
        .default("the system's")
        .variables(&[variable("CERTIFICATE")]),
    file("tls.key_file").doc("PEM file of the client's key, for mutual TLS.").variables(&[variable("CLIENT_KEY")]),
    file("tls.cert_file")
        .doc("PEM file of the client's certificate chain, for mutual TLS.")
        .variables(&[variable("CLIENT_CERTIFICATE")]),
    file("tls.insecure")
        .doc("Whether gRPC goes without TLS if the URL has no scheme.")
        .default("`false`")
        .variables(&[variable("INSECURE")])
        .access(Access::Listed(Shape::Truth)),
];

/// Further keys of OTLP exporters of metrics.
pub(crate) const OTLP_METRICS: &[Setting] = &[
    file("temporality_preference")
        .doc("Whether sums are those since the beginning or since the last export.")
        .default("`cumulative`")
        .variables(&[variable("TEMPORALITY_PREFERENCE")])
        .access(Access::Listed(Shape::OneOf(&["cumulative", "delta", "lowmemory", "low_memory"]))),
    file("default_histogram_aggregation")
        .doc("The kind of histograms.")
        .default("`explicit_bucket_histogram`")
        .variables(&[variable("DEFAULT_HISTOGRAM_AGGREGATION")])
        .access(Access::Listed(Shape::OneOf(&["explicit_bucket_histogram", "base2_exponential_bucket_histogram"]))),
];

fn headers() -> serde_json::Value {
    let text = json!({"type": ["string", "null"]});
    let header = json!({
        "type": "object",
        "properties": {"name": {"type": "string"}, "value": text},
        "required": ["name"],
        "additionalProperties": false,
    });
    json!({"type": ["array", "null"], "items": header})
}

/// Flags and variables of several things at once, and those that are read along with another one.
pub(super) const VARIABLES: &[Setting] = &[
    outside()
        .doc("Export over OTLP to this base URL.")
        .flags(&[Flag {
            long: "otlp-endpoint",
            value: "URL",
            help: "Export over OTLP to this end point",
            of: RUN | PRINT | DOCTOR,
            rank: 10,
            ..FLAG
        }])
        .access(Access::Act(env::otlp_endpoint)),
    outside()
        .doc("`otlp`, `console`, `none`, or several separated by commas.")
        .default("`otlp` if there is an endpoint for traces")
        .variables(&[variable("OTEL_TRACES_EXPORTER")])
        .access(Access::Act(env::traces_exporter)),
    outside()
        .doc("`otlp`, `prometheus`, `none`, or several separated by commas.")
        .default("`otlp` if there is an endpoint for metrics")
        .variables(&[variable("OTEL_METRICS_EXPORTER")])
        .access(Access::Act(env::metrics_exporter)),
    outside()
        .doc("`otlp`, `none`: where advice goes.")
        .default("`otlp` if there is an endpoint for logs")
        .see("[advisor.md](advisor.md)")
        .variables(&[variable("OTEL_LOGS_EXPORTER")])
        .access(Access::Act(env::logs_exporter)),
    outside()
        .doc("`true`: nothing is exported.")
        .default("`false`")
        .variables(&[variable("OTEL_SDK_DISABLED")])
        .access(Access::Act(env::sdk_disabled)),
    outside()
        .doc("`always_on`, `always_off`, `traceidratio`, each also with `parentbased_`.")
        .default("`parentbased_always_on`")
        .variables(&[variable("OTEL_TRACES_SAMPLER")]),
    outside()
        .doc("The ratio of `traceidratio`, 0 to 1.")
        .default("1")
        .variables(&[variable("OTEL_TRACES_SAMPLER_ARG")]),
    outside()
        .doc("Where Prometheus can scrape, with `prometheus` above: address, or `localhost`.")
        .default("`localhost`")
        .variables(&[variable("OTEL_EXPORTER_PROMETHEUS_HOST")]),
    outside().doc("The port of that.").default("9464").variables(&[variable("OTEL_EXPORTER_PROMETHEUS_PORT")]),
];
