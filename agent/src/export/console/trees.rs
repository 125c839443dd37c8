//! The console by traces: once a trace is complete its spans stand together, indented, each with a bar of its time in the trace.
//!
//! A trace is complete when nothing of it came for two seconds; one whose root is there, and all parents of whose spans are, when
//! nothing came for a quarter of a second. What comes later stands by itself.

use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::layout::Layout;
use super::line::{Painter, Place};
use super::{Lines, shows};
use crate::export::output::Format;
use crate::trace::setup;
use crate::trace::span::{Span, SpanId, TraceId};
use crate::view::traces::Trace;
use crate::view::tree;

/// How long a trace waits for what may come, and one that lacks nothing.
const QUIET: Duration = Duration::from_secs(2);
const QUIET_WHOLE: Duration = Duration::from_millis(150);
/// Most spans that wait.
const MAX_WAITING: usize = 16 * 1024;

/// Traces that wait, and how they are drawn.
pub struct Trees {
    lines: Lines,
    waiting: FxHashMap<TraceId, Waiting>,
    /// Spans that wait.
    spans: usize,
    /// What time it is.
    now: Box<dyn Fn() -> Instant + Send>,
}

impl std::fmt::Debug for Trees {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Trees").field("lines", &self.lines).finish_non_exhaustive()
    }
}

struct Waiting {
    trace: Trace,
    heard: Instant,
}

impl Trees {
    /// Trees of lines like these.
    #[must_use]
    pub fn new(lines: Lines) -> Self {
        Self::timed(lines, Box::new(Instant::now))
    }

    pub(super) fn timed(lines: Lines, now: Box<dyn Fn() -> Instant + Send>) -> Self {
        let lines = Lines { bars: true, ..lines };
        Self { lines, waiting: FxHashMap::default(), spans: 0, now }
    }

    fn take_in(&mut self, span: &Span, now: Instant) {
        for link in &span.links {
            // The set-up of a connection stands with the request that it was for.
            let is_set_up = |waiting: &Waiting| waiting.trace.spans.iter().any(|span| span.name == setup::NAME);
            if link.trace_id != span.trace_id
                && self.waiting.get(&link.trace_id).is_some_and(is_set_up)
                && let Some(moved) = self.waiting.remove(&link.trace_id)
            {
                self.of(span.trace_id, now).trace.spans.extend(moved.trace.spans);
            }
        }
        self.spans += 1;
        let waiting = self.of(span.trace_id, now);
        waiting.heard = now;
        waiting.trace.spans.push(span.clone());
    }

    fn of(&mut self, id: TraceId, now: Instant) -> &mut Waiting {
        self.waiting.entry(id).or_insert_with(|| Waiting { trace: Trace::of(id, Vec::new()), heard: now })
    }

    /// Draws what is complete; `all`: everything.
    fn draw(&mut self, now: Instant, all: bool) -> &[u8] {
        self.lines.begin();
        let is_full = self.spans > MAX_WAITING;
        let mut done: Vec<Waiting> = Vec::new();
        self.waiting.retain(|_, waiting| {
            let quiet = now.duration_since(waiting.heard);
            let is_done = all || is_full || quiet >= QUIET || quiet >= QUIET_WHOLE && is_whole(&waiting.trace);
            if is_done {
                let trace = std::mem::replace(&mut waiting.trace, Trace::of([0; 16], Vec::new()));
                done.push(Waiting { trace, heard: waiting.heard });
            }
            !is_done
        });
        done.sort_by_key(|waiting| (waiting.heard, waiting.trace.interval()));
        for waiting in &done {
            self.spans -= waiting.trace.spans.len();
            self.lines.tree(&waiting.trace);
        }
        self.lines.text.as_bytes()
    }
}

/// Whether a trace lacks nothing that it names: it has a root, and each span's parent.
fn is_whole(trace: &Trace) -> bool {
    let ids: rustc_hash::FxHashSet<SpanId> = trace.spans.iter().map(|span| span.span_id).collect();
    trace.spans.iter().all(|span| span.parent.is_none_or(|parent| ids.contains(&parent)))
        // The set-up of a connection waits for the request that it was for.
        && trace.spans.iter().any(|span| span.parent.is_none() && span.name != setup::NAME)
}

impl Format for Trees {
    fn render(&mut self, batch: &[Span]) -> &[u8] {
        let now = (self.now)();
        batch.iter().for_each(|span| self.take_in(span, now));
        self.draw(now, false)
    }

    fn idle_after(&self) -> Option<Duration> {
        (!self.waiting.is_empty()).then_some(QUIET_WHOLE)
    }

    fn idle(&mut self) -> &[u8] {
        let now = (self.now)();
        self.draw(now, false)
    }

    fn finish(&mut self) -> &[u8] {
        let now = (self.now)();
        self.draw(now, true)
    }
}

impl Lines {
    /// Appends a trace, if the view shows anything of it: then all of it.
    fn tree(&mut self, trace: &Trace) {
        if !trace.spans.iter().any(|span| shows(&self.view, span)) {
            return;
        }
        let rows = tree::rows(trace);
        // A part of a set-up has no line of its own: its set-up's line tells it.
        let rows: Vec<_> = rows.into_iter().filter(|row| !setup::is_part(&trace.spans[row.span])).collect();
        let (start, end) = trace.interval();
        let layout: Layout = self.layout_now();
        let painter = Painter { colour: self.colour, layout };
        for row in &rows {
            let span = &trace.spans[row.span];
            let place =
                (rows.len() > 1).then_some(Place { depth: row.depth, is_critical: row.is_critical, start, end });
            painter.line(&mut self.text, span, place);
        }
    }
}

#[cfg(test)]
#[path = "trees_tests.rs"]
mod tests;
