//! Their keys, and what becomes of each.

use serde_json::{Value as Json, json};

use super::super::duration;
use super::super::yaml::{Content, Node};
use super::rules::{self, Kind};
use super::{Import, is_off, text, texts};

/// What is done with a key.
type Key = fn(&mut Import<'_>, &str, &Node);

/// Keys of both shapes that mean something here, by their paths.
pub(super) const KEYS: &[(&str, Key)] = &[
    // Who is traced.
    ("executable_name", |import, path, node| rules::single(import, path, node, Kind::Regex)),
    ("executable_path", |import, path, node| rules::single(import, path, node, Kind::Glob)),
    ("auto_target_exe", |import, path, node| rules::single(import, path, node, Kind::Glob)),
    ("open_port", |import, path, node| rules::single(import, path, node, Kind::Glob)),
    ("target_pids", |import, path, node| rules::single(import, path, node, Kind::Glob)),
    ("service_name", |import, _, node| import.out.service.name = owned(node)),
    ("service_namespace", |import, _, node| import.out.service.namespace = owned(node)),
    ("discovery.services", |import, path, node| rules::list(import, path, node, Kind::Regex, true)),
    ("discovery.instrument", |import, path, node| rules::list(import, path, node, Kind::Glob, true)),
    ("discovery.exclude_services", |import, path, node| rules::list(import, path, node, Kind::Regex, false)),
    ("discovery.exclude_instrument", |import, path, node| rules::list(import, path, node, Kind::Glob, false)),
    ("extensions.obi.capture.rules", rules::second),
    ("extensions.obi.capture.policy.default_action", rules::policy),
    ("extensions.obi.capture.policy.match_order", |import, path, node| {
        if text(node) == Some("last_match_wins") {
            import.lose(path, node.place, "the first rule that fits counts: turn their order round");
        }
    }),
    // How soon a process is seen is not a question here.
    ("extensions.obi.capture.policy.min_process_age", |_, _, _| {}),
    ("extensions.obi.capture.policy.poll_interval", |_, _, _| {}),
    ("discovery.exclude_otel_instrumented_services", |import, _, node| {
        import.out.set("wirespan.sdk", if truth(node) { "defer" } else { "ignore" }.into());
    }),
    ("discovery.skip_go_specific_tracers", |import, _, node| {
        if truth(node) {
            import.out.set("wirespan.uprobes", "none".into());
        }
    }),
    // Standard parts of the second shape are the same here.
    ("tracer_provider", same),
    ("meter_provider", same),
    ("file_format", |_, _, _| {}),
    ("extensions.obi.version", |_, _, _| {}),
    ("log_level", |import, path, node| {
        let level = text(node).unwrap_or_default().to_ascii_lowercase();
        match level.as_str() {
            "error" | "warn" | "info" | "debug" => import.out.set("log_level", level.into()),
            _ => import.lose(path, node.place, "write off, error, warn, info, debug or trace"),
        }
    }),
    ("trace_printer", printer),
    ("print_traces", |import, _, node| {
        if truth(node) {
            import.out.is_shown = true;
            import.out.set("wirespan.output", "console".into());
        }
    }),
    ("shutdown_timeout", |import, path, node| time(import, path, node, "wirespan.shutdown_timeout")),
    // Where it goes.
    ("otel_traces_export.endpoint", |import, _, node| import.out.traces.endpoint = owned(node)),
    ("otel_traces_export.protocol", |import, _, node| import.out.traces.protocol = owned(node)),
    ("otel_traces_export.max_queue_size", |import, path, node| {
        number(import, path, node, "tracer_provider.processors[].batch.max_queue_size");
    }),
    ("otel_traces_export.batch_max_size", |import, path, node| {
        number(import, path, node, "tracer_provider.processors[].batch.max_export_batch_size");
    }),
    ("otel_traces_export.batch_timeout", |import, path, node| {
        time(import, path, node, "tracer_provider.processors[].batch.schedule_delay");
    }),
    ("otel_traces_export.sampler", sampler),
    ("otel_metrics_export.endpoint", |import, _, node| import.out.metrics.endpoint = owned(node)),
    ("otel_metrics_export.protocol", |import, _, node| import.out.metrics.protocol = owned(node)),
    ("otel_metrics_export.interval", |import, path, node| {
        time(import, path, node, "meter_provider.readers[].periodic.interval");
    }),
    ("otel_metrics_export.ttl", |import, path, node| time(import, path, node, "wirespan.metrics.expiry")),
    ("prometheus_export.ttl", |import, path, node| time(import, path, node, "wirespan.metrics.expiry")),
    ("prometheus_export.port", |import, path, node| match text(node).and_then(|text| text.parse::<u16>().ok()) {
        Some(0) => {}
        Some(port) => {
            import.out.set("wirespan.prometheus_listen", format!("127.0.0.1:{port}").into());
            import.lose(path, node.place, "served on the loopback interface; write 0.0.0.0 to serve others");
        }
        None => import.lose(path, node.place, "not a port"),
    }),
    ("prometheus_export.path", |import, path, node| {
        if text(node) != Some("/metrics") {
            import.lose(path, node.place, "it is /metrics");
        }
    }),
    // What is told.
    ("routes.patterns", routes),
    ("routes.unmatched", unmatched),
    ("extensions.obi.capture.instrumentation.http.routes.incoming.patterns", routes),
    ("extensions.obi.capture.instrumentation.http.routes.incoming.unmatched", unmatched),
    // The same again, as their tool writes it.
    ("extensions.obi.capture.instrumentation.http.routes.outgoing", |_, _, _| {}),
    ("ebpf.context_propagation", propagation),
    ("extensions.obi.capture.engine.propagation.context_propagation", propagation),
    ("ebpf.bpf_fs_path", |import, _, node| put(import, "wirespan.bpf_fs", node)),
    ("extensions.obi.capture.engine.bpf_filesystem.path", |import, _, node| put(import, "wirespan.bpf_fs", node)),
];

/// Why keys have no equivalent, by what their paths begin with; the first that fits counts.
const REASONS: &[(&str, &str)] = &[
    ("attributes.kubernetes", "metadata of pods is found where there is a Kubernetes API"),
    ("extensions.obi.enrich.enrichers.kubernetes", "metadata of pods is found where there is a Kubernetes API"),
    ("attributes.select", "`wirespan.metrics.attributes` names the attributes of a metric"),
    ("attributes", "see `wirespan.metrics`"),
    ("discovery.default_exclude", "wirespan leaves out itself; other agents take a rule with `exclude`"),
    ("discovery", ""),
    ("ebpf.track_request_headers", "they are read anyway"),
    ("ebpf.heuristic_sql_detect", "protocols are recognised by what is said"),
    ("ebpf.buffer_sizes", "see `wirespan.capture.turn_budget`"),
    ("ebpf", "of how it captures; see `wirespan.capture` and `wirespan.limits`"),
    ("extensions.obi.capture.engine", "of how it captures; see `wirespan.capture` and `wirespan.limits`"),
    ("extensions.obi.capture.instrumentation", "all protocols that are recognised are told"),
    ("extensions.obi.capture.network", "connections are told as metrics of their own (docs/metrics.md)"),
    ("network", "connections are told as metrics of their own (docs/metrics.md)"),
    ("filter", "filter in the Collector"),
    ("grafana", "write its OTLP end point, and its key as the header `Authorization`"),
    ("internal_metrics", "wirespan's own metrics are among the others"),
    ("otel_traces_export.insecure_skip_verify", "name the authority: `tls.ca_file` of the exporter"),
    ("otel_metrics_export.insecure_skip_verify", "name the authority: `tls.ca_file` of the exporter"),
    ("otel_metrics_export.features", "all metrics are told (docs/metrics.md)"),
    ("otel_metrics_export.buckets", "those of the semantic conventions"),
    ("prometheus_export.features", "all metrics are told (docs/metrics.md)"),
    ("prometheus_export.buckets", "those of the semantic conventions"),
    ("routes.ignored_patterns", "sample or filter in the Collector"),
    ("name_resolver", "peers are named by what is known of them"),
];

/// Why a key has no equivalent, if that is known.
pub(super) fn reason(path: &str) -> &'static str {
    let is_below = |above: &str| path.strip_prefix(above).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
    REASONS.iter().find(|(above, _)| is_below(above)).map_or("", |(_, why)| why)
}

fn owned(node: &Node) -> Option<String> {
    text(node).filter(|text| !text.is_empty()).map(str::to_owned)
}

pub(super) fn truth(node: &Node) -> bool {
    text(node).is_some_and(|text| text.eq_ignore_ascii_case("true") || text == "1")
}

/// The same text at a path of ours.
fn put(import: &mut Import<'_>, path: &str, node: &Node) {
    if let Some(value) = owned(node) {
        import.out.set(path, value.into());
    }
}

fn number(import: &mut Import<'_>, path: &str, node: &Node, to: &str) {
    match text(node).and_then(|text| text.parse::<u64>().ok()) {
        Some(0) => {}
        Some(value) => import.out.set(to, value.into()),
        None => import.lose(path, node.place, "not a number"),
    }
}

/// A time with its unit, in milliseconds.
fn time(import: &mut Import<'_>, path: &str, node: &Node, to: &str) {
    match text(node).map(duration) {
        Some(Ok(time)) if time.is_zero() => {}
        Some(Ok(time)) => import.out.set(to, u64::try_from(time.as_millis()).unwrap_or(u64::MAX).into()),
        _ => import.lose(path, node.place, "not a time"),
    }
}

fn printer(import: &mut Import<'_>, path: &str, node: &Node) {
    let output = match text(node).unwrap_or_default() {
        "" | "disabled" => return,
        "text" => "console",
        "json" | "json_indent" => "otlp-json",
        _ => return import.lose(path, node.place, "write console or otlp-json as `wirespan.output`"),
    };
    import.out.is_shown = true;
    import.out.set("wirespan.output", output.into());
}

fn sampler(import: &mut Import<'_>, path: &str, node: &Node) {
    let entries = node.entries().unwrap_or_default();
    let get = |name: &str| entries.iter().find(|(key, ..)| *key == name).and_then(|(.., node)| text(node));
    let name = get("name").unwrap_or_default();
    let ratio = get("arg").and_then(|text| text.parse::<f64>().ok()).filter(|ratio| (0.0..=1.0).contains(ratio));
    let root = match (name.trim_start_matches("parentbased_"), ratio) {
        ("always_on", _) => json!({"always_on": {}}),
        ("always_off", _) => json!({"always_off": {}}),
        ("traceidratio", Some(ratio)) => json!({"trace_id_ratio_based": {"ratio": ratio}}),
        _ => return import.lose(path, node.place, "write a sampler of OpenTelemetry"),
    };
    let sampler = if name.starts_with("parentbased_") { json!({"parent_based": {"root": root}}) } else { root };
    import.out.set("tracer_provider.sampler", sampler);
}

fn routes(import: &mut Import<'_>, path: &str, node: &Node) {
    let patterns = texts(node, ',');
    // `:id` is another way to write `{id}`.
    let segment = |part: &str| match part.strip_prefix(':') {
        Some(name) if !name.is_empty() => format!("{{{name}}}"),
        _ => part.to_owned(),
    };
    let mut kept: Vec<Json> = Vec::new();
    for pattern in patterns {
        let ours = pattern.split('/').map(segment).collect::<Vec<_>>().join("/");
        match super::super::Route::new(None, &ours) {
            Ok(_) => kept.push(ours.into()),
            Err(why) => import.lose(path, node.place, &format!("`{pattern}`: {why}")),
        }
    }
    if !kept.is_empty() {
        import.out.set("wirespan.routes.patterns", kept.into());
    }
}

fn unmatched(import: &mut Import<'_>, path: &str, node: &Node) {
    let word = text(node).unwrap_or_default();
    import.out.set("wirespan.routes.heuristic", matches!(word, "" | "heuristic" | "low-cardinality").into());
    if matches!(word, "path" | "wildcard") {
        import.lose(path, node.place, "paths that no pattern matches have no route");
    }
}

fn propagation(import: &mut Import<'_>, path: &str, node: &Node) {
    let words = texts(node, ',');
    let has = |word: &str| words.iter().any(|one| one == word);
    if has("all") || has("headers") || has("http") {
        import.out.set("wirespan.propagate", true.into());
    }
    if has("all") || has("ip") || has("tcp") {
        import.lose(path, node.place, "both ends of calls on a host are joined anyway; nothing is put into packets");
    }
}

/// A part that OpenTelemetry defines.
fn same(import: &mut Import<'_>, path: &str, node: &Node) {
    if !is_off(node) {
        let value = json(node);
        import.out.is_shown |= value.pointer("/processors/0/batch/exporter/console").is_some();
        import.out.set(path, value);
    }
}

pub(super) fn json(node: &Node) -> Json {
    match &node.value {
        Content::Null => Json::Null,
        Content::Scalar { text, quoted } => match serde_json::from_str::<Json>(text) {
            Ok(value @ (Json::Bool(_) | Json::Number(_))) if !quoted => value,
            _ => text.clone().into(),
        },
        Content::Sequence(items) => items.iter().map(json).collect(),
        Content::Mapping(_) => {
            let entries = node.entries().unwrap_or_default();
            Json::Object(entries.into_iter().map(|(key, _, value)| (key.to_owned(), json(value))).collect())
        }
    }
}
