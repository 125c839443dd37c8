use super::*;
use crate::trace::sampler::Sampler;
use proptest::prelude::*;
use std::time::Duration;

pub(super) type Variables = &'static [(&'static str, &'static str)];

fn lookup(variables: Variables) -> impl Fn(&str) -> Option<String> {
    move |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
}

pub(super) fn from(text: &str, variables: Variables) -> Result<Config, Error> {
    layer::settle(vec![file::parse("w.yaml", text, &lookup(variables))?]).map(|(config, _)| config)
}

pub(super) fn mistake(text: &str) -> String {
    from(text, &[]).unwrap_err().to_string()
}

/// What one flag says.
fn flag(long: &str, text: &str) -> Layer {
    let mut layer = Layer::default();
    let setting = settings::all().find(|setting| setting.flags.iter().any(|flag| flag.long == long)).unwrap();
    assert!(layer.write(setting, Source::Flag, long, &[text.into()]).is_ok());
    layer
}

pub(super) fn environment(variables: Variables) -> Config {
    load(Layer::default(), &lookup(variables)).unwrap()
}

const WHOLE: &str = r#"
file_format: "1.0"
log_level: debug
resource:
  attributes: [{name: service.name, value: agent}]
tracer_provider:
  sampler: {parent_based: {root: {trace_id_ratio_based: {ratio: 0.25}}}}
  processors:
    - batch:
        schedule_delay: 1000
        export_timeout: ${TIMEOUT:-20000}
        max_queue_size: 1024
        max_export_batch_size: 128
        exporter:
          otlp_http:
            endpoint: http://${COLLECTOR:-localhost}:4318/v1/traces
            compression: gzip
            timeout: 5000
            headers:
              - name: api-key
                value: "to,ken ${KEY}"
            tls:
              ca_file: /ca.pem
meter_provider:
  readers:
    - pull:
        exporter:
          prometheus/development: {host: localhost, port: 9999}
    - periodic:
        interval: 15000
        exporter: {otlp_grpc: {endpoint: "http://c:4317", tls: {insecure: true}}}
wirespan:
  select: ["port=8000", "comm in (a,b)"]
  backend: syscalls
  capture: {turn_budget: 2048, ring_bytes: 1048576, queue_time: false}
  limits: {connections: 100, processes: 200}
  routes:
    - /users/{id}
    - {service: shop, pattern: "/items/{id}"}
  known_methods: [GET, PURGE]
  redaction: {also: [ssn], except: [code]}
  returned_rows: true
  connections: {spans: false}
"#;

#[test]
fn a_whole_file() {
    let config = from(WHOLE, &[("KEY", "s3cret"), ("COLLECTOR", "otel")]).unwrap();
    assert_eq!(config.log_level, LogLevel::Debug);
    assert_eq!((config.otlp, config.output), (true, Output::None));
    let batch = &config.batch;
    assert_eq!((batch.queue, batch.size), (1024, 128));
    assert_eq!((batch.delay, batch.timeout), (Duration::from_secs(1), Duration::from_secs(20)));
    let variable = |name: &str| config.otlp_variable(&format!("OTEL_EXPORTER_OTLP_{name}"));
    assert_eq!(variable("TRACES_ENDPOINT").as_deref(), Some("http://otel:4318/v1/traces"));
    assert_eq!(variable("TRACES_PROTOCOL").as_deref(), Some("http/protobuf"));
    assert_eq!(variable("TRACES_HEADERS").as_deref(), Some("api-key=to%2Cken%20s3cret"));
    assert_eq!(variable("TRACES_CERTIFICATE").as_deref(), Some("/ca.pem"));
    assert_eq!(variable("TRACES_TIMEOUT").as_deref(), Some("5000"));
    assert_eq!(variable("METRICS_PROTOCOL").as_deref(), Some("grpc"));
    assert_eq!(variable("METRICS_INSECURE").as_deref(), Some("true"));
    assert_eq!(config.prometheus_listen, Some("127.0.0.1:9999".parse().unwrap()));
    assert_eq!(config.metric_interval, Duration::from_secs(15));
    assert_eq!(config.backend, Backend::Syscalls);
    let (capture, limits) = (&config.capture, &config.limits);
    assert_eq!((capture.turn_budget, capture.ring_bytes, capture.queue_time), (2048, 1 << 20, false));
    assert_eq!((limits.connections, limits.processes), (100, 200));
    assert_eq!(crate::process::Rules::from(config.selectors.clone()).ports().into_iter().collect::<Vec<_>>(), [8000]);
    let routes = config.trace().options.routes;
    assert_eq!(
        routes.find("any", "/users/7", true).map(|route| route.pattern.to_string()).as_deref(),
        Some("/users/{id}")
    );
    assert_eq!(
        routes.find("shop", "/items/7", true).map(|route| route.pattern.to_string()).as_deref(),
        Some("/items/{id}")
    );
    assert_eq!(routes.find("any", "/items/7", true).map(|route| route.is_guess), Some(true), "unless it is off");
    let off = from("wirespan: {routes: {heuristic: false, patterns: [\"/users/{id}\"]}}", &[]).unwrap();
    assert!(off.trace().options.routes.find("any", "/items/7", true).is_none());
    assert_eq!(config.sampler, Sampler::parse("parentbased_traceidratio", Some("0.25")).unwrap());
    assert_eq!(config.known_methods.as_deref(), Some(&["GET".into(), "PURGE".into()][..]));
    assert!(config.returned_rows && !config.connection_spans);
    let secrets = config.trace().options.secrets;
    assert_eq!(crate::trace::redact::query("ssn=1&code=2&sig=3", &secrets), "ssn=REDACTED&code=2&sig=REDACTED");
    assert_eq!(config.warnings, ["w.yaml:4:1: `resource` has no effect here"]);
}

#[test]
fn what_is_printed_says_the_same() {
    let config = from(WHOLE, &[]).unwrap();
    let printed = config.to_yaml();
    assert!(!printed.contains("2Cken") && printed.contains("api-key"), "secrets stay");
    let endpoint = environment(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://me:s3cret@c:4318")]).to_yaml();
    assert!(!endpoint.contains("s3cret") && endpoint.contains("@c:4318"), "{endpoint}");
    let again = from(&printed, &[]).unwrap_or_else(|error| panic!("{error}\n{printed}"));
    assert_eq!(again.to_yaml(), printed);
    assert_eq!(again.selectors, config.selectors);
    assert_eq!((&again.routes, again.sampler), (&config.routes, config.sampler));
    assert_eq!((again.batch, again.capture, again.limits), (config.batch, config.capture, config.limits));
    let default = Config::default();
    assert_eq!(from(&default.to_yaml(), &[]).unwrap(), default);
}

#[test]
fn mistakes_have_a_place_and_the_right_spelling() {
    for (text, expected) in [
        ("file_format: \"1.0\"\nwirespn:\n", "w.yaml:2:1: unknown key `wirespn`; did you mean `wirespan`?"),
        (
            "file_format: \"1.0\"\nwirespan:\n  selct: [a]\n",
            "w.yaml:3:3: wirespan: unknown key `selct`; did you mean `select`?",
        ),
        (
            "wirespan:\n  capture:\n    ring_byte: 3\n",
            "w.yaml:3:5: wirespan.capture: unknown key `ring_byte`; did you mean `ring_bytes`?",
        ),
        (
            "wirespan: {redaction: {zzzzzzzz: 1}}",
            "w.yaml:1:24: wirespan.redaction: unknown key `zzzzzzzz`; write one of also, except",
        ),
        (
            "wirespan:\n  select:\n    - \"prot=1\"\n",
            "w.yaml:3:7: selector `prot=1`: unknown label `prot` at column 1; did you mean `port`?",
        ),
        ("wirespan: {backend: socket}", "w.yaml:1:21: `backend`: unknown value `socket`; did you mean `sockets`?"),
        (
            "wirespan: {capture: {ring_bytes: 100000}}",
            "w.yaml:1:34: `ring_bytes` must be a power of two, such as 16777216",
        ),
        ("wirespan: {limits: {processes: 0}}", "w.yaml:1:32: `processes` must be between 1 and 16777216"),
        ("wirespan: {limits: {processes: \"9\"}}", "w.yaml:1:32: `processes` must be a whole number"),
        ("file_format: \"2.0\"", "w.yaml:1:14: file_format `2.0` is not known: write \"1.0\""),
        ("a: 1\na: 2\n", "w.yaml:2:1: `a` is given twice, first in line 1"),
        ("disabled: yes", "w.yaml:1:11: `disabled` must be true or false"),
        ("wirespan: {routes: [users]}", "w.yaml:1:21: route pattern `users`: must begin with `/`"),
        ("wirespan: {output: \"${A\"}", "w.yaml:1:20: `${` without `}`"),
        (
            "tracer_provider: {sampler: {trace_id_ratio_based: {ratio: 2}}}",
            "w.yaml:1:59: sampler argument `2` is not a number between 0 and 1",
        ),
        (
            "tracer_provider: {sampler: {always: }}",
            "w.yaml:1:29: tracer_provider.sampler: unknown key `always`; did you mean `always_on`?",
        ),
        ("- a\n", "w.yaml:1:1: the file must be a mapping"),
    ] {
        assert_eq!(mistake(text), expected, "{text}");
    }
    let broken = mistake("wirespan: [a\n");
    assert!(broken.starts_with("w.yaml:2:1: not YAML: ") && !broken.contains('\n'), "{broken}");
    let missing = load(flag("config", "/none.yaml"), &lookup(&[]));
    assert!(missing.unwrap_err().to_string().starts_with("/none.yaml: cannot be read: "));
}

#[test]
fn aliases_and_merges_are_bounded() {
    let config = from("x-none: &b {backend: sockets, output: none}\nwirespan:\n  <<: *b\n  output: console\n", &[]);
    let unknown = config.unwrap_err().to_string();
    assert!(unknown.starts_with("w.yaml:1:1: unknown key `x-none`; write one of file_format, "), "{unknown}");
    let config = from("wirespan:\n  <<: {backend: sockets, output: none}\n  output: console\n", &[]).unwrap();
    assert_eq!((config.backend, config.output), (Backend::Sockets, Output::Console));
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for level in 1..12 {
        bomb += &format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 9].join(","));
    }
    assert!(mistake(&bomb).contains("too many"));
    assert!(mistake(&"[".repeat(100)).contains("too deeply nested"));
}

#[test]
fn where_spans_go() {
    let decided = |variables: Variables| {
        let config = environment(variables);
        (config.otlp, config.output)
    };
    assert_eq!(decided(&[]), (false, Output::Console));
    assert_eq!(decided(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318")]), (true, Output::None));
    assert_eq!(decided(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]), (false, Output::Console));
    assert_eq!(decided(&[("OTEL_TRACES_EXPORTER", "otlp")]), (true, Output::None));
    assert_eq!(decided(&[("OTEL_TRACES_EXPORTER", "none")]), (false, Output::None));
    assert_eq!(decided(&[("OTEL_TRACES_EXPORTER", "console,otlp")]), (true, Output::Console));
    assert_eq!(
        decided(&[("OTEL_TRACES_EXPORTER", "console"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c")]),
        (false, Output::Console)
    );
    assert_eq!(
        decided(&[("WIRESPAN_OUTPUT", "otlp-json"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c")]),
        (true, Output::OtlpJson)
    );
    assert_eq!(decided(&[("OTEL_SDK_DISABLED", "1")]), (false, Output::Console));
    assert_eq!(decided(&[("OTEL_SDK_DISABLED", "true")]), (false, Output::None));
}

#[test]
fn the_environment() {
    let config = environment(&[
        ("WIRESPAN_SELECT", "port=80,comm=a ; exe=/b"),
        ("WIRESPAN_BACKEND", "sockets"),
        ("WIRESPAN_LOG_LEVEL", "warn"),
        ("OTEL_BSP_SCHEDULE_DELAY", "soon"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_METRICS_EXPORTER", "prometheus"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_TRACES_SAMPLER", "always_off"),
        ("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "GET, PURGE"),
    ]);
    assert_eq!(config.selectors.iter().count(), 2);
    assert_eq!((config.backend, config.log_level), (Backend::Sockets, LogLevel::Warn));
    assert_eq!((config.batch.queue, config.batch.size), (100, 100));
    assert_eq!(config.sampler, Sampler::parse("always_off", None).unwrap());
    assert_eq!(config.known_methods.unwrap().len(), 2);
    assert_eq!(config.batch.delay, Duration::from_secs(5));
    assert_eq!(config.prometheus_listen, Some("127.0.0.1:9464".parse().unwrap()));
    assert_eq!(config.warnings.len(), 3, "{:?}", config.warnings);
    let wrong = load(Layer::default(), &lookup(&[("WIRESPAN_OUTPUT", "consol")])).unwrap_err();
    assert_eq!(wrong.to_string(), "WIRESPAN_OUTPUT: unknown value `consol`; did you mean `console`?");
    let wrong = load(Layer::default(), &lookup(&[("WIRESPAN_ROUTES_HEURISTIC", "1")])).unwrap_err();
    assert_eq!(wrong.to_string(), "WIRESPAN_ROUTES_HEURISTIC: `1` is neither `true` nor `false`");
    let wrong = load(Layer::default(), &lookup(&[("WIRESPAN_SELECT", "a=b")])).unwrap_err();
    assert_eq!(wrong.to_string(), "WIRESPAN_SELECT: `a=b`: unknown label `a` at column 1");
}

#[test]
fn a_misspelt_variable_is_noticed() {
    let names = ["WIRESPAN_SELCT", "WIRESPAN_OUTPUT", "PATH"].map(str::to_owned);
    assert_eq!(unknown_variables(names), ["WIRESPAN_SELCT: unknown variable; did you mean `WIRESPAN_SELECT`?"]);
}

#[test]
fn flags_then_environment_then_file() {
    let path = std::env::temp_dir().join(format!("wirespan-config-{}.yaml", std::process::id()));
    std::fs::write(&path, WHOLE).unwrap();
    let file: &'static str = path.to_str().unwrap().to_owned().leak();
    let variables: Variables = vec![
        ("WIRESPAN_CONFIG", file),
        ("WIRESPAN_BACKEND", "sockets"),
        ("WIRESPAN_LOG_LEVEL", "error"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:4318"),
    ]
    .leak();
    let config = load(flag("log-level", "trace"), &lookup(variables)).unwrap();
    assert_eq!((config.log_level, config.backend), (LogLevel::Trace, Backend::Sockets));
    assert_eq!(config.capture.turn_budget, 2048);
    assert_eq!(config.otlp_variable("OTEL_EXPORTER_OTLP_ENDPOINT").as_deref(), Some("http://env:4318"));
    assert_eq!(config.otlp_variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), None, "the file's is weaker");

    let variables: Variables = vec![("OTEL_CONFIG_FILE", file), ("WIRESPAN_BACKEND", "sockets")].leak();
    let config = load(Layer::default(), &lookup(variables)).unwrap();
    assert_eq!(config.backend, Backend::Syscalls, "variables do not count beside OTEL_CONFIG_FILE");
    assert!(config.warnings.iter().any(|warning| warning.contains("WIRESPAN_BACKEND")));
    std::fs::remove_file(path).unwrap();
}

proptest! {
    #[test]
    fn no_file_is_a_panic(text in "[a-z:\\-\\[\\]{}&*<\"'$ \n]{0,60}") {
        if let Err(error) = from(&text, &[]) {
            prop_assert!(!error.to_string().contains('\n'));
        }
    }
}
