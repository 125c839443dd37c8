//! Their variables, as the file that says the same.

use super::super::Place;
use super::super::yaml::{Content, Key, Node};

/// Variables whose names are not their paths in capitals; the prefix left out.
const NAMES: &[(&str, &str)] = &[
    ("BPF_CONTEXT_PROPAGATION", "ebpf.context_propagation"),
    ("BPF_ENABLE_CONTEXT_PROPAGATION", "ebpf.enable_context_propagation"),
    ("BPF_TRACK_REQUEST_HEADERS", "ebpf.track_request_headers"),
    ("BPF_HIGH_REQUEST_VOLUME", "ebpf.high_request_volume"),
    ("BPF_FS_PATH", "ebpf.bpf_fs_path"),
    ("HEURISTIC_SQL_DETECT", "ebpf.heuristic_sql_detect"),
    ("SKIP_GO_SPECIFIC_TRACERS", "discovery.skip_go_specific_tracers"),
    ("EXCLUDE_OTEL_INSTRUMENTED_SERVICES", "discovery.exclude_otel_instrumented_services"),
    ("DISCOVERY_POLL_INTERVAL", "discovery.poll_interval"),
    ("METRICS_INTERVAL", "otel_metrics_export.interval"),
    ("OTEL_METRICS_TTL", "otel_metrics_export.ttl"),
    ("OTEL_METRICS_FEATURES", "otel_metrics_export.features"),
    ("METRICS_FEATURES", "otel_metrics_export.features"),
    ("OTLP_TRACES_BATCH_TIMEOUT", "otel_traces_export.batch_timeout"),
    ("OTLP_TRACES_MAX_QUEUE_SIZE", "otel_traces_export.max_queue_size"),
    ("OTLP_TRACES_BATCH_MAX_SIZE", "otel_traces_export.batch_max_size"),
    ("PROMETHEUS_PORT", "prometheus_export.port"),
    ("PROMETHEUS_PATH", "prometheus_export.path"),
    ("PROMETHEUS_FEATURES", "prometheus_export.features"),
    ("KUBE_METADATA_ENABLE", "attributes.kubernetes.enable"),
    ("KUBE_CLUSTER_NAME", "attributes.kubernetes.cluster_name"),
    ("NETWORK_METRICS", "network.enable"),
    ("INTERNAL_METRICS_PROMETHEUS_PORT", "internal_metrics.prometheus.port"),
];

/// Variables that are keys of the file by their own names.
const TOP: &[&str] = &[
    "AUTO_TARGET_EXE",
    "EXECUTABLE_NAME",
    "EXECUTABLE_PATH",
    "OPEN_PORT",
    "LOG_LEVEL",
    "SERVICE_NAME",
    "SERVICE_NAMESPACE",
    "SHUTDOWN_TIMEOUT",
    "TARGET_PIDS",
    "TRACE_PRINTER",
    "PRINT_TRACES",
];

/// No place: they are not in a file.
const NOWHERE: Place = Place { line: 0, column: 0 };

/// The variables as a file. Those that nobody knows are `lost`.
pub(super) fn tree(variables: impl Iterator<Item = (String, String)>, lost: &mut Vec<String>) -> Node {
    let mut root = Node { place: NOWHERE, value: Content::Mapping(Vec::new()) };
    let mut all: Vec<(String, String)> = variables.filter(|(_, value)| !value.is_empty()).collect();
    all.sort();
    for (name, value) in all {
        let Some(rest) = ["BEYLA_", "OTEL_EBPF_"].iter().find_map(|prefix| name.strip_prefix(prefix)) else { continue };
        let path = NAMES.iter().find(|(known, _)| *known == rest).map(|(_, path)| (*path).to_owned());
        match path.or_else(|| TOP.contains(&rest).then(|| rest.to_ascii_lowercase())) {
            Some(path) => insert(&mut root, &path, value),
            None if rest == "CONFIG_PATH" => lost.push(format!("{name}: import that file, too")),
            None if matches!(value.as_str(), "false" | "0") => {}
            None => lost.push(format!("no equivalent: {name}")),
        }
    }
    root
}

fn insert(node: &mut Node, path: &str, value: String) {
    let (key, rest) = path.split_once('.').map_or((path, None), |(key, rest)| (key, Some(rest)));
    let Content::Mapping(entries) = &mut node.value else { return };
    let at = entries.iter().position(|(known, _)| known.name == key).unwrap_or_else(|| {
        let empty = Node { place: NOWHERE, value: Content::Mapping(Vec::new()) };
        entries.push((Key { place: NOWHERE, name: key.to_owned() }, empty));
        entries.len() - 1
    });
    let Some((_, inner)) = entries.get_mut(at) else { return };
    match rest {
        Some(rest) => insert(inner, rest, value),
        None => inner.value = Content::Scalar { text: value, quoted: false },
    }
}
