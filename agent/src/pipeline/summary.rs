//! The account at the end: events, spans by protocol, drops by reason.

use super::engine::Engine;
use crate::export::counts::Snapshot;
use crate::trace::Filtered;
use std::fmt::Write;
use wirespan_common::counters::Counter;
use wirespan_protocols::session::Reason;

/// What the stages outside the engine counted.
pub struct Outside<'a> {
    /// The kernel's counters, if there is a kernel.
    pub kernel: Option<[u64; Counter::COUNT]>,
    /// Records or packets that could not be decoded.
    pub undecodable: u64,
    /// Records of calls that lay in the ring buffer at the end, when there was no more time for them.
    pub unread: u64,
    /// Each exporter's name and counters.
    pub exporters: &'a [(&'static str, Snapshot)],
}

/// A few lines for a person; nothing that is zero but the totals.
#[must_use]
pub fn summary(engine: &Engine, outside: &Outside<'_>) -> String {
    let totals = engine.totals();
    let connections = engine.connection_counts();
    let mut text = format!("events {} (calls {})", totals.events, totals.calls);
    if let Some(kernel) = &outside.kernel {
        let delivered = kernel[Counter::Delivered as usize];
        let _ = write!(text, "; kernel: seen {} calls, delivered {delivered} records", kernel[Counter::Seen as usize]);
        let made_up = kernel[Counter::MadeUp as usize];
        if made_up > 0 {
            let _ = write!(text, " ({made_up} while the program at work was preempted)");
        }
        let propagated = kernel[Counter::Propagated as usize];
        if propagated > 0 {
            let _ = write!(text, ", put a header into {propagated} requests");
        }
    }
    let _ = write!(text, "\nspans {}", totals.spans);
    for (name, count) in engine.exchanges().filter(|(_, count)| *count > 0) {
        let _ = write!(text, ", {name} {count}");
    }
    let _ = write!(text, "; connections {}, of other protocols {}", connections.connections, connections.foreign);
    for (name, counts) in outside.exporters {
        let _ = write!(text, "\n{name}: exported {}", counts.exported);
        for (reason, lost) in counts.lost().iter().filter(|(_, lost)| *lost > 0) {
            let _ = write!(text, ", lost ({reason}) {lost}");
        }
    }
    let filtered = Filtered::ALL.iter().map(|reason| (reason.name(), engine.tracer().filtered()[*reason as usize]));
    line(&mut text, "filtered", filtered.chain([("process_not_selected", totals.not_selected)]));
    let kernel = outside.kernel.iter().flat_map(|kernel| {
        Counter::ALL
            .iter()
            .filter(|counter| counter.is_loss() || matches!(counter, Counter::OverBudgetBytes))
            .map(|counter| (counter.name(), kernel[*counter as usize]))
    });
    line(
        &mut text,
        "kernel left out",
        kernel.chain([("undecodable", outside.undecodable), ("unread", outside.unread)]),
    );
    let parsers = Reason::ALL.iter().map(|reason| (reason.name(), connections.reasons[*reason as usize]));
    let tracker = [
        ("connection_limit", connections.refused),
        ("memory_limit", connections.evicted),
        ("crowded_out", connections.crowded_out),
        ("orphan_data", connections.orphans),
    ];
    line(&mut text, "dropped", parsers.chain(tracker));
    let secrets = engine.secrets();
    line(
        &mut text,
        "secrets of TLS",
        [
            ("told", secrets.secrets),
            ("unclaimed", secrets.unclaimed),
            ("unanswered", secrets.unanswered),
            ("crowded_out", secrets.crowded_out),
        ]
        .into_iter(),
    );
    line(&mut text, "processes", engine.process_losses());
    text
}

fn line(text: &mut String, title: &str, counts: impl Iterator<Item = (&'static str, u64)>) {
    let mut separator = "";
    for (name, count) in counts.filter(|(_, count)| *count > 0) {
        if separator.is_empty() {
            let _ = write!(text, "\n{title}: ");
        }
        let _ = write!(text, "{separator}{name} {count}");
        separator = ", ";
    }
}
