//! A page to take away: one HTML file with the map, the operations, the worst traces, the advice and the agent's account. It needs
//! nothing else: no script, no address, so that it can be attached to a ticket and opened anywhere.
//!
//! Layout, from the bottom up: [`html`]: text that stays text; [`map`], [`tables`], [`waterfall`]: a file for each part;
//! [`difference`]: two of them side by side; [`Taken`]: what a page is made of.

pub mod difference;
pub mod html;
pub mod map;
pub mod tables;
#[cfg(test)]
mod tests;
pub mod waterfall;

use crate::advise::report::Report;
use crate::view::ask::{Account, Source};
use crate::view::filter::Filter;
use crate::view::rows::{CallRow, OperationRow, Over, TraceOrder};
use crate::view::text::clock;
use crate::view::traces::{Counts, Trace};
use html::Html;

/// Most operations and edges in a page.
const MAX_ROWS: usize = 300;
/// Traces of each kind: those that failed, the slowest.
const MAX_TRACES: usize = 15;

/// What a page is made of.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Of what: a file, or this host.
    pub of: String,
    /// Operations, those that took most of the time first.
    pub operations: Vec<OperationRow>,
    /// Who calls whom.
    pub calls: Vec<CallRow>,
    /// The worst traces.
    pub traces: Vec<Trace>,
    /// Advice.
    pub advice: Report,
    /// The agent's account; of a recording there is none.
    pub account: Account,
    /// What became of traces.
    pub counts: Counts,
    /// From when to when, ns since the Unix epoch.
    pub interval: (u64, u64),
}

impl Taken {
    /// Takes everything out. `of`: what it is about.
    #[must_use]
    pub fn from(source: &mut Source<'_>, of: String) -> Self {
        let store = source.store;
        let mut operations = store.operation_rows(Over::All, &Filter::default());
        operations.truncate(MAX_ROWS);
        let mut calls = store.call_rows(Over::All);
        calls.truncate(MAX_ROWS);
        let mut traces: Vec<Trace> = Vec::new();
        for order in [TraceOrder::Failed, TraceOrder::Slowest] {
            let rows = store.trace_rows(&Filter::default(), None, order, MAX_TRACES);
            let rows = rows.into_iter().filter(|row| order != TraceOrder::Failed || row.failed > 0);
            for row in rows {
                if traces.iter().all(|known| known.id != row.id) {
                    traces.extend(store.traces.get(&row.id).cloned());
                }
            }
        }
        Self {
            of,
            operations,
            calls,
            traces,
            advice: source.host.advice(),
            account: source.host.account(),
            counts: store.traces.counts(),
            interval: (source.clock.unix(store.began_ns), source.clock.unix(store.now_ns)),
        }
    }

    /// Seconds that it is about.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.interval.1.saturating_sub(self.interval.0) as f64 / 1e9
    }
}

/// The page.
#[must_use]
pub fn page(taken: &Taken) -> String {
    let mut html = Html::new(&format!("wirespan: {}", taken.of));
    html.heading(1, &format!("What happened: {}", taken.of));
    let mut from = String::new();
    clock(&mut from, taken.interval.0);
    let (seconds, counts) = (taken.seconds(), taken.counts);
    html.paragraph(&format!(
        "{seconds:.1} s from {from} UTC; {} spans, {} traces kept, {} let go of.",
        counts.spans, counts.kept, counts.let_go
    ));
    html.section("advice", "Advice", |html| tables::advice(html, &taken.advice));
    html.section("map", "Who calls whom", |html| {
        map::draw(html, &taken.calls);
        tables::calls(html, &taken.calls);
    });
    html.section("operations", "Operations", |html| tables::operations(html, &taken.operations));
    html.section("traces", "The worst traces", |html| waterfall::all(html, &taken.traces));
    html.section("account", "The agent's account", |html| tables::account(html, &taken.account));
    html.finish()
}
