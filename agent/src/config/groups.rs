//! The table of settings: those that stand together, as capture and limits.

use std::path::PathBuf;
use std::time::Duration;

use wirespan_common::limits;

use super::processors::Processors;
use super::setting::{
    Access, FLAG, Flag, REPLAY, RUN, Setting, file, list, outside, place, positive, settings, variable,
};
use super::settings::MANY;
use super::token::Token;
use super::words::{Kubernetes, View};
use crate::metrics::settings::{Reading, Settings};

settings! {
    /// How spans are batched for export (`OTEL_BSP_*`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Batch [.batch] {
        BATCH {
            /// How long a span waits at most for its batch, ms.
            delay: Duration = Duration::from_secs(5),
                file("tracer_provider.processors[].batch.schedule_delay").variables(&[variable("OTEL_BSP_SCHEDULE_DELAY")]);
            /// Timeout of a batch, retries included, ms.
            timeout: Duration = Duration::from_secs(30),
                file("tracer_provider.processors[].batch.export_timeout").variables(&[variable("OTEL_BSP_EXPORT_TIMEOUT")]);
            /// Spans that may wait for OTLP.
            queue: usize = 2048,
                file("tracer_provider.processors[].batch.max_queue_size").within(1, MANY)
                    .variables(&[positive("OTEL_BSP_MAX_QUEUE_SIZE")]);
            /// Spans in one request.
            size: usize = 512,
                file("tracer_provider.processors[].batch.max_export_batch_size").within(1, MANY)
                    .variables(&[positive("OTEL_BSP_MAX_EXPORT_BATCH_SIZE")]);
        }
    }
}

settings! {
    /// How much is captured.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Capture [.capture] {
        CAPTURE {
            /// Payload bytes copied of each *turn* (what passes in one direction until the other side speaks). Once a
            /// connection is recognised as a protocol that frames its messages by lengths, such as those of databases, it is
            /// 64 KiB, and 512 KiB for deep pipelines.
            turn_budget: u32 = limits::MAX_PAYLOAD as u32,
                file("wirespan.capture.turn_budget").within(0, limits::MAX_PAYLOAD as u64);
            /// Size of the ring buffer in bytes, a power of two.
            ring_bytes: u32 = limits::RING_BYTES,
                file("wirespan.capture.ring_bytes").within(64 * 1024, 1 << 30).power_of_two();
            /// Measures how long data waits in a socket until it is read (Linux 6.3), which costs a little for each arrival.
            queue_time: bool = true, file("wirespan.capture.queue_time");
        }
    }
}

settings! {
    /// Most of what is used, and of what is kept at a time.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Limits [.limits] {
        LIMITS {
            /// Connections that are followed at once.
            connections: u32 = limits::MAX_CONNECTIONS, file("wirespan.limits.connections").within(1, MANY);
            /// Processors that may be used, the time of the kernel programs included: a share of the host's (but at least a fifth of
            /// one), a number of them, or `none` for no limit. At the limit exchanges are left out by chance, and the others stand
            /// for them. The backend `syscalls` (before Linux 6.3) has no limit.
            cpu: Processors = Processors::Share(0.1),
                file("wirespan.limits.cpu").variables(&[variable("WIRESPAN_LIMITS_CPU")]);
            /// Processes that are remembered at once.
            processes: u32 = limits::MAX_PROCESSES, file("wirespan.limits.processes").within(1, MANY);
        }
    }
}

settings! {
    /// Whether and how Kubernetes is asked for pods.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Cluster [.kubernetes] {
        CLUSTER {
            /// Whether Kubernetes is asked for the pods of this node; `auto`: where the agent runs in a cluster, or has a `kubeconfig`.
            enabled: Kubernetes = Kubernetes::default(),
                file("wirespan.kubernetes.enabled")
                    .see("[kubernetes.md](kubernetes.md)")
                    .variables(&[variable("WIRESPAN_KUBERNETES_ENABLED")]);
            /// Name of this node.
            node: Option<String> = None,
                file("wirespan.kubernetes.node")
                    .default("`NODE_NAME` or `K8S_NODE_NAME`, else the host's name if there is such a node")
                    .variables(&[variable("WIRESPAN_KUBERNETES_NODE")]);
            /// File that says where the API server is and who asks.
            kubeconfig: Option<PathBuf> = None,
                file("wirespan.kubernetes.kubeconfig")
                    .default("the service account of the agent's pod")
                    .variables(&[variable("WIRESPAN_KUBERNETES_KUBECONFIG")]);
            /// Follows services and their end points in the whole cluster, so that peers have names (`service.peer.name`).
            peers: bool = true,
                file("wirespan.kubernetes.peers").variables(&[variable("WIRESPAN_KUBERNETES_PEERS")]);
        }
    }
}

settings! {
    /// Whether and where container runtimes are asked for names and labels.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Runtimes [.runtimes] {
        RUNTIMES {
            /// Asks container runtimes for names, images and labels of containers.
            enabled: bool = true,
                file("wirespan.containers.enabled").variables(&[variable("WIRESPAN_CONTAINERS_ENABLED")]);
            /// Sockets of container runtimes; the file's name says which (`docker.sock`, `podman.sock`, `containerd.sock`, `crio.sock`).
            sockets: Vec<Box<str>> = Vec::new(),
                file("wirespan.containers.sockets")
                    .default("those that are there in the usual places")
                    .variables(&[list("WIRESPAN_CONTAINERS_SOCKETS", &[','])]);
        }
    }
}

settings! {
    /// Which spans [`Output::Console`] shows, and what of them.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Shown [.console] {
        SHOWN {
            /// Show the trace id of each span on the console.
            trace_ids: bool = false, outside().flags(&[Flag { long: "trace-id", of: RUN | REPLAY, rank: 12, ..FLAG }]);
            /// Show only what failed on the console.
            errors: bool = false, outside().flags(&[Flag { long: "errors", of: RUN | REPLAY, rank: 13, ..FLAG }]);
            /// Show only what took so long on the console, such as 100ms.
            slower_than: Duration = Duration::ZERO,
                outside()
                    .default("all")
                    .flags(&[Flag { long: "slower-than", value: "TIME", of: RUN | REPLAY, rank: 14, ..FLAG }]);
        }
    }
}

settings! {
    /// What is kept for those who look.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Looked [.view] {
        LOOKED {
            /// Memory for what was seen lately, bytes, where somebody looks: `wirespan top`, the page.
            memory: u32 = 32 << 20, file("wirespan.view.memory").within(1 << 20, u32::MAX as u64);
            /// What the page asks its readers for. Without one it is served on the loopback interface alone.
            token: Token = Token::default(),
                file("wirespan.view.token")
                    .secret()
                    .default("none")
                    .see("[view.md](view.md#who-may-look)")
                    .variables(&[variable("WIRESPAN_VIEW_TOKEN")]);
        }
    }
}

/// What is done about metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// Whether they are exported over OTLP.
    pub otlp: bool,
    /// Whether [`Output::OtlpJson`] writes them beside spans.
    pub lines: bool,
    /// How their values are told over OTLP and in lines; Prometheus is always told sums.
    pub reading: Reading,
    /// Limits and shapes.
    pub settings: Settings,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { otlp: false, lines: true, reading: Reading::default(), settings: Settings::default() }
    }
}

/// Settings that are fields of [`Settings`].
pub(super) const SERIES: &[Setting] = &[
    file("wirespan.metrics.cardinality_limit")
        .doc("Series of one metric of one service; `cardinality_limits.default` of a reader means the same.")
        .within(1, MANY)
        .access(place!([.metrics.settings] cardinality_limit)),
    file("wirespan.metrics.max_series")
        .doc("Series of all metrics together.")
        .within(1, MANY)
        .access(place!([.metrics.settings] max_series)),
    file("wirespan.metrics.expiry")
        .doc("How long a series without new measurements is kept, ms; at least two export intervals.")
        .access(place!([.metrics.settings] expiry)),
    file("wirespan.metrics.per_process")
        .doc("Each process has its own metrics, rather than each service.")
        .access(place!([.metrics.settings] per_process)),
    file("wirespan.metrics.attributes")
        .doc("Attributes to keep, by metric name.")
        .default("all")
        .see("[metrics.md](metrics.md)")
        .access(place!([.metrics.settings] attributes)),
];

impl Shown {
    /// As the console takes it.
    #[must_use]
    pub fn view(&self) -> View {
        let slowest_ns = u64::try_from(self.slower_than.as_nanos()).unwrap_or(u64::MAX);
        View { trace_ids: self.trace_ids, errors: self.errors, slowest_ns }
    }
}
