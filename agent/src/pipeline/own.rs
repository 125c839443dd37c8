//! What the stages counted about the agent itself, as readings for its own metrics.

use super::advising::Standing;
use super::engine::Engine;
use super::governor;
use crate::advise::report::Kind;
use crate::export::counts::Snapshot;
use crate::metrics::catalog::Metric;
use crate::metrics::record::OwnReading;
use crate::telemetry::cost;
use crate::trace::Filtered;
use std::collections::BTreeMap;
use wirespan_common::counters::Counter;
use wirespan_protocols::session::Reason;
use wirespan_semconv as semconv;

/// What the stages outside the engine counted.
pub struct Outside {
    /// The kernel's counters.
    pub kernel: [u64; Counter::COUNT],
    /// Records that could not be decoded.
    pub undecodable: u64,
    /// Largest share of the ring buffer found filled.
    pub ring_fill: f64,
    /// Each exporter's name and counters.
    pub exporters: Vec<(&'static str, Snapshot)>,
    /// What is used, and left out, if that is limited.
    pub governor: Option<governor::Standing>,
    /// What the advisor found last, if it is asked.
    pub advice: Option<BTreeMap<Kind, Standing>>,
}

/// Every reading.
#[must_use]
pub fn readings(engine: &Engine, outside: &Outside) -> Vec<OwnReading> {
    let mut all = Vec::with_capacity(64);
    let mut push = |metric, labels: &[(&'static str, &'static str)], value: f64| {
        all.push(OwnReading { metric, labels: labels.to_vec(), value });
    };
    let (totals, connections) = (engine.totals(), engine.connection_counts());
    push(Metric::Events, &[], totals.events as f64);
    push(Metric::Spans, &[], totals.spans as f64);
    for (name, count) in engine.exchanges() {
        push(Metric::Exchanges, &[(semconv::PROTOCOL, name)], count as f64);
    }
    for counter in Counter::ALL {
        let count = outside.kernel[counter as usize] as f64;
        match counter {
            Counter::Seen => push(Metric::CaptureCalls, &[], count),
            Counter::Delivered => push(Metric::CaptureRecords, &[], count),
            Counter::LostExchanges => push(Metric::Dropped, &[(semconv::REASON, counter.name())], count),
            // Bytes, and no records; what is part of another number.
            other if !other.is_loss() => {}
            other => push(Metric::CaptureLeftOut, &[(semconv::REASON, other.name())], count),
        }
    }
    push(Metric::CaptureLeftOut, &[(semconv::REASON, "undecodable")], outside.undecodable as f64);
    push(Metric::CaptureRingFill, &[], outside.ring_fill);
    if let Some(governor) = &outside.governor {
        push(Metric::CpuUsage, &[], governor.agent + governor.kernel);
        push(Metric::CpuLimit, &[], governor.budget);
        push(Metric::ShedRatio, &[], governor.left_out);
    }
    for reason in Filtered::ALL {
        push(Metric::Filtered, &[(semconv::REASON, reason.name())], engine.tracer().filtered()[reason as usize] as f64);
    }
    push(Metric::Filtered, &[(semconv::REASON, "process_not_selected")], totals.not_selected as f64);
    for reason in Reason::ALL {
        push(Metric::ParserErrors, &[(semconv::REASON, reason.name())], connections.reasons[reason as usize] as f64);
    }
    for (reason, count) in [
        ("connection_limit", connections.refused),
        ("memory_limit", connections.evicted),
        ("crowded_out", connections.crowded_out),
        ("orphan_data", connections.orphans),
    ] {
        push(Metric::Dropped, &[(semconv::REASON, reason)], count as f64);
    }
    for (reason, count) in engine.process_losses() {
        push(Metric::Dropped, &[(semconv::REASON, reason)], count as f64);
    }
    push(Metric::SeenConnections, &[], connections.connections as f64);
    push(Metric::TrackedConnections, &[], engine.tracked() as f64);
    for (name, counts) in &outside.exporters {
        push(Metric::Exported, &[(semconv::EXPORTER, name), (semconv::OUTCOME, "exported")], counts.exported as f64);
        for (reason, lost) in counts.lost() {
            push(Metric::Exported, &[(semconv::EXPORTER, name), (semconv::OUTCOME, reason)], lost as f64);
        }
    }
    if let Some(advice) = &outside.advice {
        for kind in Kind::ALL {
            let standing = advice.get(&kind).copied().unwrap_or_default();
            let labels = [(semconv::WIRESPAN_ADVICE_KIND, kind.name())];
            push(Metric::AdviceFindings, &labels, standing.findings as f64);
            push(Metric::AdviceCost, &labels, standing.cost_seconds);
        }
    }
    if let Some((user, system)) = cost::cpu() {
        push(Metric::AgentCpu, &[(semconv::CPU_MODE, "user")], user);
        push(Metric::AgentCpu, &[(semconv::CPU_MODE, "system")], system);
    }
    if let Some(bytes) = cost::memory() {
        push(Metric::AgentMemory, &[], bytes);
    }
    all
}
