use super::super::validate_text;
use super::*;

/// The second shape, shortened: what their own tool makes of a file of the first.
const SECOND: &str = r#"
file_format: "1.0"
log_level: debug
meter_provider:
  readers:
    - periodic:
        exporter: {otlp_grpc: {endpoint: "http://collector:4317", tls: {insecure: true}}}
        interval: 60000
    - pull: {exporter: {prometheus/development: {port: 0}}}
propagator: {}
resource: {}
tracer_provider:
  processors:
    - batch:
        exporter: {otlp_grpc: {endpoint: "http://collector:4317", tls: {insecure: true}}}
        max_queue_size: 16384
extensions:
  obi:
    version: "2.0"
    capture:
      policy: {default_action: exclude, match_order: first_match_wins, poll_interval: 0s, min_process_age: 5s}
      rules:
        - action: exclude
          name: exclude-collectors
          match: {process: {exe_path_glob: ['{*/obi,*otelcol}']}}
        - action: exclude
          match: {process: {exports_otlp: {port: 4317, protocol: protobuf}}}
        - action: include
          match: {process: {open_ports: "8080", exe_path_glob: [/srv/cart-*]}, kubernetes: {namespace_glob: [shop, cart-*]}}
      instrumentation:
        http: {routes: {incoming: {unmatched: heuristic, patterns: ["/cart/{id}"]}, outgoing: {unmatched: heuristic}}}
      engine: {propagation: {context_propagation: disabled}}
"#;

const FIRST: &str = r#"
executable_name: "^/opt/shop/.*$"
open_port: 80,8000-8002
service_name: shop
service_namespace: store
log_level: INFO
trace_printer: text
discovery:
  services:
    - name: cart
      namespace: store
      exe_path: "cart|basket"
      k8s_namespace: ^shop$
      k8s_pod_labels: {tier: ^front$}
    - exe_path: "^[a-z]+$"
  exclude_instrument:
    - k8s_owner_name: cron
    - exe_path: "*/beyla"
routes:
  patterns: ["/users/:id", "/static/*"]
  unmatched: wildcard
otel_traces_export:
  endpoint: http://collector:4318
  max_queue_size: 4096
  sampler: {name: parentbased_traceidratio, arg: "0.25"}
otel_metrics_export: {endpoint: "collector:4317", interval: 10s, features: [application]}
prometheus_export: {port: 8999, path: /metrics}
attributes: {select: {http_server_request_duration: {include: ["*"]}}}
ebpf: {context_propagation: headers, wakeup_len: 100, track_request_headers: true}
network: {enable: false}
"#;

fn of(text: &str) -> Imported {
    file("theirs.yaml", text, &|_| None).unwrap()
}

/// What is written is accepted; rules, where this version has them.
#[track_caller]
fn accepted(yaml: &str) {
    let has_rules = super::super::settings::all().any(|setting| setting.path.starts_with("wirespan.rules"));
    let mut text = yaml.to_owned();
    if !has_rules && let Some(at) = yaml.find("  rules:\n") {
        let rest = &yaml[at + "  rules:\n".len()..];
        let end = rest.split_inclusive('\n').take_while(|line| line.starts_with("    ")).map(str::len).sum::<usize>();
        text = format!("{}{}", &yaml[..at], &rest[end..]);
    }
    assert_eq!(validate_text("ours.yaml", &text, &|_| None), Ok(vec![]), "{yaml}");
}

#[track_caller]
fn has(yaml: &str, parts: &[&str]) {
    for part in parts {
        assert!(yaml.contains(part), "{part}\n{yaml}");
    }
}

#[test]
fn the_first_shape_becomes_ours() {
    let Imported { yaml, lost } = of(FIRST);
    accepted(&yaml);
    has(
        &yaml,
        &[
            r#"select: "exe=/opt/shop/*,port in (80,8000,8001,8002)""#,
            r#"select: "exe in (*cart*,*basket*),k8s.namespace=shop,k8s.pod.label.tier=front""#,
            r#"exclude: "exe=*/beyla""#,
            r#"service_name: "shop""#,
            r#"service.namespace: "store""#,
            r#"output: "console""#,
            "- \"/users/{id}\"",
            "heuristic: false",
            r#"endpoint: "http://collector:4318/v1/traces""#,
            "otlp_grpc:",
            "interval: 10000",
            "max_queue_size: 4096",
            "ratio: 0.25",
            r#"prometheus_listen: "127.0.0.1:8999""#,
            "propagate: true",
        ],
    );
    let told = lost.join("\n");
    for part in [
        "theirs.yaml:15: discovery.services.exe_path: `^[a-z]+$` cannot be written with `*` alone",
        "theirs.yaml:15: discovery.services: this selector is left out",
        "discovery.exclude_instrument.k8s_owner_name: name the kind",
        "routes.unmatched: ",
        "attributes.select.http_server_request_duration.include: `wirespan.metrics.attributes`",
        "ebpf.wakeup_len: ",
        "otel_metrics_export.features: ",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    assert!(!told.contains("network.enable") && yaml.contains("# no equivalent: theirs.yaml:15: "), "{told}");
}

#[test]
fn the_second_shape_becomes_ours() {
    let Imported { yaml, lost } = of(SECOND);
    accepted(&yaml);
    has(
        &yaml,
        &[
            "log_level: \"debug\"",
            "endpoint: \"http://collector:4317\"",
            "max_queue_size: 16384",
            r#"exclude: "exe in (*/obi,*otelcol)""#,
            r#"select: "port=8080,exe=/srv/cart-*,k8s.namespace in (shop,cart-*)""#,
            "- \"/cart/{id}\"",
            "output: \"none\"",
        ],
    );
    let told = lost.join("\n");
    assert!(told.contains("exports_otlp: no label for it") && told.contains("`port` must be between 1"), "{told}");
    assert!(!yaml.contains("\"exe\""), "processes that no rule names stay as they are: {yaml}");
}

/// Without a rule that says otherwise the second shape traces everything.
#[test]
fn the_rest_is_traced_where_it_was() {
    let text = "extensions: {obi: {capture: {rules: [{action: exclude, match: {process: {languages: [go]}}}]}}}";
    let Imported { yaml, .. } = of(text);
    has(&yaml, &["- exclude: \"language=go\"", "- select: \"exe\""]);
    assert!(yaml.find("exclude:") < yaml.find("select:"), "{yaml}");
}

#[test]
fn variables_become_ours() {
    let variables = [
        ("BEYLA_OPEN_PORT", "8080"),
        ("OTEL_EBPF_AUTO_TARGET_EXE", "*/shop"),
        ("BEYLA_PROMETHEUS_PORT", "9400"),
        ("BEYLA_TRACE_PRINTER", "json"),
        ("BEYLA_BPF_CONTEXT_PROPAGATION", "all"),
        ("BEYLA_NO_SUCH_THING", "7"),
        ("BEYLA_CONFIG_PATH", "/etc/beyla.yaml"),
        ("HOME", "/root"),
    ];
    let Imported { yaml, lost } = environment(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())));
    accepted(&yaml);
    has(
        &yaml,
        &[
            r#"select: "port=8080,exe=*/shop""#,
            r#"prometheus_listen: "127.0.0.1:9400""#,
            r#"output: "otlp-json""#,
            "propagate: true",
        ],
    );
    let told = lost.join("\n");
    assert!(told.contains("BEYLA_NO_SUCH_THING") && told.contains("import that file"), "{told}");
    assert!(!told.contains("HOME"), "{told}");
}

/// Whatever stands there, what is written is accepted.
#[test]
fn odd_files_become_files() {
    for text in [
        "",
        "[]",
        "text",
        "discovery: 7",
        "discovery: {services: {a: 1}}",
        "open_port: x",
        "open_port: 1-65535",
        "routes: {patterns: ['/a/{', 'no slash', '']}",
        "prometheus_export: {port: 99999}",
        "otel_traces_export: {endpoint: 'not a url', sampler: {name: odd}, batch_max_size: 99999999999}",
        "tracer_provider: {sampler: {odd: {}}, processors: [{batch: {max_queue_size: -1}}]}",
        "log_level: LOUD\nshutdown_timeout: soon\nservice_name: x",
        "extensions: {obi: {capture: {rules: [7, {match: 7}]}}}",
    ] {
        accepted(&of(text).yaml);
    }
    assert!(file("theirs.yaml", "a: [", &|_| None).is_err());
}
