use std::collections::HashMap;

use super::*;

fn read(variables: &[(&str, &str)], flag: Option<&str>) -> Result<Settings, Invalid> {
    let variables: HashMap<_, _> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    settings(&|name| variables.get(name).cloned(), flag)
}

fn otlp(variables: &[(&str, &str)], flag: Option<&str>) -> Otlp {
    read(variables, flag).unwrap().otlp.unwrap()
}

#[test]
fn nothing_set_means_no_end_point_and_the_defaults() {
    let settings = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")], None).unwrap();
    assert_eq!((settings.otlp, settings.exporters, settings.warnings), (None, None, Vec::new()));
    let batch = settings.batch;
    assert_eq!((batch.max_queue_size, batch.max_export_batch_size), (2048, 512));
    assert_eq!((batch.schedule_delay, batch.export_timeout), (Duration::from_secs(5), Some(Duration::from_secs(30))));
}

#[test]
fn end_points_follow_the_rules_of_each_kind() {
    let url = |variables: &[(&str, &str)], flag| otlp(variables, flag).endpoint.to_string();
    let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/otel/");
    let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://d/ingest");
    let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    assert_eq!(url(&[base], None), "http://c:4318/otel/v1/traces");
    assert_eq!(url(&[base, own], None), "https://d/ingest");
    assert_eq!(url(&[base, own], Some("http://[::1]:1")), "http://[::1]:1/v1/traces");
    assert_eq!(url(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[::1]")], None), "http://[::1]/v1/traces");
    assert_eq!(url(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c/?k=v")], None), "http://c/v1/traces?k=v");
    assert_eq!(url(&[("OTEL_TRACES_EXPORTER", "otlp")], None), "http://localhost:4318/v1/traces");
    assert_eq!(url(&[("OTEL_TRACES_EXPORTER", "otlp"), grpc], None), "http://localhost:4317/");
    assert_eq!(url(&[grpc], Some("c:4317")), "https://c:4317/");
    assert_eq!(url(&[grpc, ("OTEL_EXPORTER_OTLP_INSECURE", "true")], Some("c:4317")), "http://c:4317/");
}

#[test]
fn the_signals_own_variable_goes_first() {
    let read = otlp(
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=1"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "Authorization=Bearer%20x%2C=,  b = 2 ,"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "7"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "250"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"),
            ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key.pem"),
            ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "/chain.pem"),
        ],
        None,
    );
    assert_eq!(read.headers.len(), 2);
    assert_eq!(
        (&read.headers["authorization"], &read.headers["b"]),
        (&"Bearer x,=".parse().unwrap(), &"2".parse().unwrap())
    );
    assert!(!format!("{read:?}").contains("Bearer"), "values are secrets");
    assert_eq!((read.timeout, read.compression), (Some(Duration::from_millis(250)), Compression::Gzip));
    assert_eq!(read.certificate, Some("/ca.pem".into()));
    assert_eq!(read.client_identity, Some(("/chain.pem".into(), "/key.pem".into())));
}

#[test]
fn unknown_names_are_warned_of_and_ignored() {
    let settings = read(
        &[
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
            ("OTEL_TRACES_EXPORTER", "zipkin, otlp,CONSOLE"),
        ],
        None,
    )
    .unwrap();
    assert_eq!(settings.exporters, Some(vec![TracesExporter::Otlp, TracesExporter::Console]));
    let otlp = settings.otlp.unwrap();
    assert_eq!((otlp.protocol, otlp.compression), (Protocol::HttpProtobuf, Compression::None));
    assert_eq!(settings.warnings.len(), 3);
    for (name, warning) in [
        "OTEL_TRACES_EXPORTER: 'zipkin'",
        "OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json'",
        "OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd'",
    ]
    .iter()
    .zip(&settings.warnings)
    {
        assert!(warning.starts_with(name), "{warning}");
    }
}

#[test]
fn what_cannot_be_used_is_one_clear_line() {
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://collector"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:99999"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:0"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c d"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://u:hunter2@c"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "-1"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a b=hunter2"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=hunter2%zz"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=hunter2%0a"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key.pem"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ("OTEL_BSP_SCHEDULE_DELAY", "soon"),
    ] {
        let error = read(&[("OTEL_TRACES_EXPORTER", "otlp"), (name, value)], None).unwrap_err().to_string();
        assert!(error.starts_with(name) && !error.contains('\n') && !error.contains("hunter2"), "{error}");
    }
    assert!(read(&[], Some("nonsense")).unwrap_err().to_string().starts_with("--otlp-endpoint: "));
}

#[test]
fn headers_that_frame_a_request_are_refused() {
    for header in ["Content-Length=1", "transfer-encoding=chunked", "a=b,Connection=close", "TE=x", "grpc-timeout=1S"] {
        for variable in ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"] {
            let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"), (variable, header)];
            let get =
                |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            let error = settings(&get, None).unwrap_err().to_string();
            assert!(error.starts_with(variable) && error.contains("cannot be set"), "{error}");
        }
    }
}
