//! The table of settings: flags, variables, the file, `config print`, the schema and the documentation come from it.
//!
//! A setting is a field with its documentation, type and default; behind them stands where it can be given. A new one needs
//! nothing else but the code that uses the field. [`super::standard`] has what OpenTelemetry calls differently.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::groups::{self, Batch, Capture, Cluster, Limits, Looked, Metrics, Runtimes, Shown};
use super::rules::RuleList;
use super::setting::{
    ADVISE, Access, DOCTOR, FLAG, Flag, LOOK, Means, PRINT, RECORD, REPLAY, RUN, Setting, TARGETS, file, list, outside,
    place, positive, settings, variable,
};
use super::standard;
use super::words::{Backend, Lockdown, LogFormat, LogLevel, Output, Route, Sdk, Uprobes};
use crate::process::Selectors;
use crate::trace::sampler::Sampler;

/// Most of what can be counted.
pub(super) const MANY: u64 = 1 << 24;
/// All commands that have settings.
const ALL: u8 = RUN | RECORD | REPLAY | ADVISE | PRINT | TARGETS | DOCTOR | LOOK;
/// Settings that parts of OpenTelemetry's format give, too: where spans are shown,
pub(super) const OUTPUT: &str = "wirespan.output";
/// in which file,
pub(super) const OUTPUT_FILE: &str = "wirespan.output_file";
/// and where Prometheus may fetch metrics.
pub(super) const PROMETHEUS_LISTEN: &str = "wirespan.prometheus_listen";
/// Where the page is served.
pub(super) const WEB_LISTEN: &str = "wirespan.web_listen";

/// Every setting, in the order of the file.
pub(super) const TABLES: &[&[Setting]] = &[
    SOURCE,
    standard::HEAD,
    LOG,
    groups::BATCH,
    standard::TRACES,
    METRIC_READER,
    standard::METRICS,
    standard::LOGS,
    GENERAL,
    standard::LOG_LEVEL,
    groups::CAPTURE,
    groups::LIMITS,
    groups::RUNTIMES,
    groups::CLUSTER,
    groups::SERIES,
    DETAILS,
    groups::SHOWN,
    groups::LOOKED,
    standard::TAIL,
    standard::VARIABLES,
];

/// Every setting, in the order of the file.
pub(crate) fn all() -> impl Iterator<Item = &'static Setting> {
    TABLES.iter().flat_map(|table| table.iter())
}

settings! {
    /// The effective configuration.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Config []
    with {
        /// Batches of spans.
        batch: Batch,
        /// Capture sizes.
        capture: Capture,
        /// Limits of tables.
        limits: Limits,
        /// Container runtimes.
        runtimes: Runtimes,
        /// Kubernetes.
        kubernetes: Cluster,
        /// What the console shows.
        console: Shown,
        /// What is kept for those who look.
        view: Looked,
        /// Metrics.
        metrics: Metrics,
        /// Whether spans are exported over OTLP.
        otlp: bool,
        /// Whether findings of the advisor are exported as log records over OTLP.
        otlp_logs: bool,
        /// `OTEL_EXPORTER_OTLP_*` variables after flags, environment and file: what the OTLP exporter is made of.
        otlp_variables: BTreeMap<String, String>,
        /// Which exchanges become spans.
        sampler: Sampler,
        /// What the user should know: one line each.
        warnings: Vec<String>,
    }
    {
        SOURCE {
            /// Configuration file (YAML).
            file: Option<PathBuf> = None,
                outside()
                    .flags(&[Flag { long: "config", value: "FILE", of: ALL, rank: 0, ..FLAG }])
                    .variables(&[variable("WIRESPAN_CONFIG")]);
        }
        LOG {
            /// What wirespan logs on stderr; `debug` adds why the kernel refuses programs.
            log_level: LogLevel = LogLevel::default(),
                file("log_level").live()
                    .also(standard::GRADES)
                    .flags(&[
                        Flag { long: "log-level", value: "LEVEL", help: "What to log on stderr", of: ALL, rank: 4, ..FLAG },
                        Flag {
                            long: "verbose",
                            short: Some('v'),
                            help: "Log more: as `--log-level debug`",
                            of: ALL,
                            rank: 5,
                            means: Means::Word("debug"),
                            ..FLAG
                        },
                    ])
                    .variables(&[variable("WIRESPAN_LOG_LEVEL")]);
        }
        METRIC_READER {
            /// Time between two exports of metrics, ms.
            metric_interval: Duration = Duration::from_secs(60),
                file("meter_provider.readers[].periodic.interval").variables(&[positive("OTEL_METRIC_EXPORT_INTERVAL")]);
        }
        GENERAL {
            /// Selectors of the processes to trace, a list or a single one; several are alternatives.
            selectors: Selectors = Selectors::default(),
                file("wirespan.select").live()
                    .default("every process but wirespan")
                    .flags(&[
                        Flag {
                            long: "select",
                            value: "SELECTOR",
                            help: "Trace only processes that this selects; several are alternatives",
                            of: FLAG.of | TARGETS,
                            rank: 1,
                            ..FLAG
                        },
                        Flag {
                            long: "pid",
                            short: Some('p'),
                            value: "PID",
                            help: "Trace only this process and the workers that it forks: as `--select pid=PID`",
                            of: FLAG.of | TARGETS,
                            rank: 2,
                            means: Means::Process,
                        },
                    ])
                    .variables(&[list("WIRESPAN_SELECT", &[';'])]);
            /// Ordered rules: the first one that chooses a process takes it in, with what it says of it, or out.
            rules: RuleList = RuleList::default(),
                file("wirespan.rules").live().default("none").see("[below](#rules)");
            /// Key of the label or annotation by which containers, pods and namespaces opt in (`true`) and out (`false`); empty: they
            /// cannot.
            opt_in_label: Box<str> = "wirespan.io/enabled".into(),
                file("wirespan.opt_in_label").live().see("[below](#opting-in-and-out)").variables(&[variable("WIRESPAN_OPT_IN_LABEL")]);
            /// Where spans are shown.
            output: Output = Output::Console,
                file(OUTPUT)
                    .default("`console`, or `none` if there is an OTLP endpoint")
                    .flags(&[Flag {
                        long: "output",
                        short: Some('o'),
                        value: "OUTPUT",
                        help: "Where spans are shown [default: console, unless there is an OTLP end point]",
                        of: RUN | PRINT,
                        rank: 7,
                        ..FLAG
                    }])
                    .variables(&[variable("WIRESPAN_OUTPUT")]);
            /// File for the outputs `console` and `otlp-json`.
            output_file: Option<PathBuf> = None,
                file(OUTPUT_FILE)
                    .default("stdout")
                    .flags(&[Flag {
                        long: "output-file",
                        value: "PATH",
                        help: "Write there instead of to stdout",
                        of: RUN | REPLAY | PRINT,
                        rank: 8,
                        ..FLAG
                    }])
                    .variables(&[variable("WIRESPAN_OUTPUT_FILE")]);
            /// How to log on stderr: `text` is lines with time and level, `json` one object a line with `time`, `level` and
            /// `message`.
            log_format: Option<LogFormat> = None,
                file("wirespan.log_format").live()
                    .default("`text`; commands that only print an answer write `wirespan: …`")
                    .flags(&[Flag {
                        long: "log-format",
                        value: "FORMAT",
                        help: "How to log on stderr",
                        of: ALL,
                        rank: 6,
                        ..FLAG
                    }])
                    .variables(&[variable("WIRESPAN_LOG_FORMAT")]);
            /// How to capture; `auto` takes the best that the kernel grants.
            backend: Backend = Backend::default(),
                file("wirespan.backend")
                    .flags(&[Flag { long: "backend", value: "BACKEND", help: "How to capture", of: FLAG.of | TARGETS | DOCTOR, rank: 3, ..FLAG }])
                    .variables(&[variable("WIRESPAN_BACKEND")]);
            /// Which break points the kernel may set in the code of programs (uprobes): those that show for which request a runtime
            /// works and, with `tls`, the secrets of handshakes (`contexts`, formerly `auto`, or `all`: in this version the same), or `none`.
            uprobes: Uprobes = Uprobes::default(),
                file("wirespan.uprobes")
                    .also(&["auto"])
                    .see("[security.md](security.md#the-promise)")
                    .variables(&[variable("WIRESPAN_UPROBES")]);
            /// What wirespan forbids itself when all is attached, by capabilities, seccomp and Landlock: what the kernel has of them
            /// (`auto`), all of them or it does not run (`strict`), or nothing (`off`).
            lockdown: Lockdown = Lockdown::default(),
                file("wirespan.lockdown")
                    .see("[security.md](security.md#lock-in)")
                    .variables(&[variable("WIRESPAN_LOCKDOWN")]);
            /// Puts a `traceparent` header into HTTP/1 requests that have none, so that spans of other hosts join the trace. This is
            /// the only setting that changes what programs send.
            propagate: bool = false,
                file("wirespan.propagate")
                    .see("[spans.md](spans.md#putting-traceparent-into-requests)")
                    .flags(&[Flag {
                        long: "propagate",
                        help: "Put a `traceparent` header into HTTP/1 requests that have none",
                        of: RUN | PRINT,
                        rank: 12,
                        ..FLAG
                    }])
                    .variables(&[variable("WIRESPAN_PROPAGATE")]);
            /// Reads what processes encrypt with TLS: the secrets of each handshake are taken from their library, once, and what passes is
            /// decrypted here. A rule may say otherwise.
            tls: bool = false,
                file("wirespan.tls")
                    .see("[security.md](security.md#inside-tls)")
                    .flags(&[Flag {
                        long: "tls",
                        help: "Read what processes encrypt with TLS, by the keys of their libraries",
                        of: RUN | TARGETS | PRINT | LOOK,
                        rank: 13,
                        ..FLAG
                    }])
                    .variables(&[variable("WIRESPAN_TLS")]);
            /// Tells profilers for which span each thread works, in the map that the OpenTelemetry eBPF profiler reads: only threads of
            /// runtimes that handle one request after the other on them.
            profiles: bool = false,
                file("wirespan.profiles")
                    .see("[spans.md](spans.md#profiles-by-span)")
                    .variables(&[variable("WIRESPAN_PROFILES")]);
            /// Of processes that export their own OpenTelemetry traces or metrics: whether to leave out what their SDK is taken to
            /// tell (`defer`), the same but for calls of databases (`defer-http`), or nothing (`ignore`).
            sdk: Sdk = Sdk::default(),
                file("wirespan.sdk").see("[spans.md](spans.md#processes-with-an-sdk)").variables(&[variable("WIRESPAN_SDK")]);
        }
        DETAILS {
            /// More names of parameters in URLs whose values are hidden.
            redact_also: Vec<Box<str>> = Vec::new(),
                file("wirespan.redaction.also").live().default("none").variables(&[list("WIRESPAN_REDACTION_ALSO", &[','])]);
            /// Names of parameters in URLs whose values are shown even though they look like secrets.
            redact_except: Vec<Box<str>> = Vec::new(),
                file("wirespan.redaction.except").live()
                    .default("none")
                    .see("[below](#secrets-in-urls)")
                    .variables(&[list("WIRESPAN_REDACTION_EXCEPT", &[','])]);
            /// Guesses routes for paths that no pattern matches.
            guess_routes: bool = true,
                file("wirespan.routes.heuristic").live().variables(&[variable("WIRESPAN_ROUTES_HEURISTIC")]);
            /// Patterns for `http.route`; without `heuristic`, the list can be given directly under `routes`.
            routes: Vec<Route> = Vec::new(),
                file("wirespan.routes.patterns").live()
                    .default("none")
                    .see("[below](#routes)")
                    .shorthand()
                    .variables(&[list("WIRESPAN_ROUTES", &[',', ';'])]);
            /// Header fields of requests that become attributes of spans (`http.request.header.<key>`).
            request_headers: Vec<Box<str>> = Vec::new(),
                file("wirespan.headers.request").live().default("none").see("[below](#headers)").variables(&[list("WIRESPAN_HEADERS_REQUEST", &[','])]);
            /// Header fields of responses that become attributes of spans (`http.response.header.<key>`).
            response_headers: Vec<Box<str>> = Vec::new(),
                file("wirespan.headers.response").live().default("none").see("[below](#headers)").variables(&[list("WIRESPAN_HEADERS_RESPONSE", &[','])]);
            /// HTTP methods that are known; replaces the usual list.
            known_methods: Option<Vec<Box<str>>> = None,
                file("wirespan.known_methods").live()
                    .default("the ten of the conventions")
                    .variables(&[list("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", &[','])]);
            /// Adds `db.response.returned_rows` to spans of databases that tell it.
            returned_rows: bool = false,
                file("wirespan.returned_rows").live().variables(&[variable("WIRESPAN_RETURNED_ROWS")]);
            /// The BPF file system for `profiles`; the profiler must use the same.
            bpf_fs: PathBuf = "/sys/fs/bpf".into(),
                file("wirespan.bpf_fs").variables(&[variable("WIRESPAN_BPF_FS")]);
            /// How long all exporters together may take at the end to deliver what is waiting, ms.
            shutdown_timeout: Duration = Duration::from_secs(5), file("wirespan.shutdown_timeout");
            /// How often the advisor runs, ms; 0: never.
            advisor_interval: Duration = Duration::from_secs(60),
                file("wirespan.advisor.interval").see("[advisor.md](advisor.md)");
            /// Export spans of connection set-up (`connection_setup` and its phases).
            connection_spans: bool = true, file("wirespan.connections.spans").live();
            /// Adds `wirespan.exchange.id` to spans of requests: the same at both ends of a call, by which a Collector or a
            /// backend joins what the agents of two hosts saw.
            exchange_ids: bool = false,
                file("wirespan.links.attribute").live()
                    .see("[spans.md](spans.md#across-hosts)")
                    .variables(&[variable("WIRESPAN_LINKS_ATTRIBUTE")]);
            /// Export spans of wirespan's own work.
            telemetry_spans: bool = false,
                file("wirespan.telemetry.spans").see("[spans.md](spans.md#wirespans-own-work)");
            /// Serve `/livez`, `/readyz`, `/metrics` and, to this host alone, `/debug/targets` at `http://ADDRESS`; an address with
            /// its port, such as 127.0.0.1:9464, or a port of the loopback interface.
            listen: Option<SocketAddr> = None,
                file("wirespan.listen")
                    .flags(&[Flag {
                        long: "listen",
                        value: "ADDR",
                        help: "Serve health, metrics and targets on this address, such as 127.0.0.1:9464",
                        of: RUN | PRINT | DOCTOR,
                        rank: 13,
                        ..FLAG
                    }])
                    .variables(&[variable("WIRESPAN_LISTEN")]);
            /// The same as `wirespan.listen`, by the name that OpenTelemetry's variables and exporters give it; both may be given.
            prometheus_listen: Option<SocketAddr> = None,
                file(PROMETHEUS_LISTEN)
                    .flags(&[Flag {
                        long: "prometheus-listen",
                        value: "ADDR",
                        help: "Serve metrics to Prometheus on this address, such as 127.0.0.1:9464",
                        of: RUN | PRINT,
                        rank: 11,
                        ..FLAG
                    }])
                    .variables(&[variable("WIRESPAN_PROMETHEUS_LISTEN")]);
            /// Serve the page at `http://ADDRESS`: what talks to what, what is slow, and why. It may be the address of `listen`; one that is
            /// not of the loopback interface needs `view.token`.
            web_listen: Option<SocketAddr> = None,
                file(WEB_LISTEN)
                    .see("[view.md](view.md#the-page)")
                    .flags(&[Flag {
                        long: "web-listen",
                        value: "ADDR",
                        help: "Serve the page on this address, such as 127.0.0.1:9470",
                        of: RUN | PRINT | DOCTOR,
                        rank: 14,
                        ..FLAG
                    }])
                    .variables(&[variable("WIRESPAN_WEB_LISTEN")]);
        }
    }
}
