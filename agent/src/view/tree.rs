//! The tree of a trace: its spans as rows of a waterfall, with their depth and the critical path.
//!
//! The critical path is what the end of the trace waited for: from the end of a span backwards, the child that ended last before that
//! point, and so on. What lies on it would make the whole shorter if it was shorter itself.

use rustc_hash::FxHashMap;

use super::traces::Trace;
use crate::trace::setup;
use crate::trace::span::{Span, SpanId};

/// A row of a waterfall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which of [`Trace::spans`].
    pub span: usize,
    /// Spans above it.
    pub depth: usize,
    /// Whether the end of the trace waited for it.
    pub is_critical: bool,
}

/// Spans as rows, parents before their children, children in the order of their beginnings. A span whose parent is not there stands
/// at the top. Of a circle every span is told once.
#[must_use]
pub fn rows(trace: &Trace) -> Vec<Row> {
    let children = Children::of(trace);
    let is_critical = critical(&trace.spans, &children);
    let mut rows = Vec::with_capacity(trace.spans.len());
    let mut told = vec![false; trace.spans.len()];
    let mut stack: Vec<(usize, usize)> = children.top.iter().rev().map(|span| (*span, 0)).collect();
    loop {
        while let Some((span, depth)) = stack.pop() {
            if std::mem::replace(&mut told[span], true) {
                continue;
            }
            rows.push(Row { span, depth, is_critical: is_critical[span] });
            stack.extend(children.below[span].iter().rev().map(|child| (*child, depth + 1)));
        }
        // What is left are circles.
        match told.iter().position(|told| !told) {
            Some(span) => stack.push((span, 0)),
            None => return rows,
        }
    }
}

/// Who is below whom, by place.
struct Children {
    top: Vec<usize>,
    below: Vec<Vec<usize>>,
}

impl Children {
    fn of(trace: &Trace) -> Self {
        let spans = &trace.spans;
        let places: FxHashMap<SpanId, usize> = spans.iter().enumerate().map(|(at, span)| (span.span_id, at)).collect();
        // The set-up of a connection stands below the request that it was for.
        let mut asked_for: FxHashMap<SpanId, usize> = FxHashMap::default();
        for (at, span) in spans.iter().enumerate() {
            asked_for.extend(span.links.iter().map(|link| (link.span_id, at)));
        }
        let (mut top, mut below) = (Vec::new(), vec![Vec::new(); spans.len()]);
        for (at, span) in spans.iter().enumerate() {
            let linked = || asked_for.get(&span.span_id).filter(|_| span.name == setup::NAME);
            let parent = span.parent.and_then(|parent| places.get(&parent)).or_else(linked).copied();
            match parent.filter(|parent| *parent != at) {
                Some(parent) => below[parent].push(at),
                None => top.push(at),
            }
        }
        let by_start = |at: &usize| (spans[*at].start_unix_ns, std::cmp::Reverse(spans[*at].end_unix_ns));
        below.iter_mut().chain([&mut top]).for_each(|list| list.sort_by_key(by_start));
        Self { top, below }
    }
}

/// Which spans the end of the trace waited for.
fn critical(spans: &[Span], children: &Children) -> Vec<bool> {
    let mut is_critical = vec![false; spans.len()];
    let Some(root) = children.top.iter().copied().max_by_key(|at| spans[*at].end_unix_ns) else { return is_critical };
    let mut stack = vec![(root, spans[root].end_unix_ns)];
    while let Some((span, until)) = stack.pop() {
        if std::mem::replace(&mut is_critical[span], true) {
            continue;
        }
        let mut until = until;
        let mut ending: Vec<usize> = children.below[span].clone();
        ending.sort_by_key(|at| std::cmp::Reverse(spans[*at].end_unix_ns));
        for child in ending {
            let (start, end) = (spans[child].start_unix_ns, spans[child].end_unix_ns);
            if end <= until {
                stack.push((child, end));
                until = start;
            }
        }
    }
    is_critical
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
