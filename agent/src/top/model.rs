//! What is shown, and the question that gets it.

use std::time::Instant;

use serde_json::Value;

use super::state::Page;
use crate::advise::report::Report;
use crate::trace::span::TraceId;
use crate::view::ask::{Account, Source};
use crate::view::connections::Connection;
use crate::view::filter::Filter;
use crate::view::rows::{CallRow, OperationRow, Over, TraceOrder, TraceRow};
use crate::view::traces::{Counts, Trace};
use crate::view::tree::{self, Row};

/// Most traces and connections that are listed.
const MAX_ROWS: usize = 1000;

/// What a page needs.
#[derive(Clone, Debug)]
pub struct Want {
    /// Which page.
    pub page: Page,
    /// What is looked for.
    pub filter: String,
    /// How traces are put in order.
    pub order: TraceOrder,
    /// Connections that ended, rather than those that are open.
    pub ended: bool,
    /// Spans of the trace that is shown already.
    pub known: Option<(TraceId, usize)>,
    /// All of it rather than the last minute: a recording.
    pub over: Over,
}

/// A trace, opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The trace.
    pub trace: Trace,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// A process that is traced or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Whether it is traced.
    pub traced: bool,
    /// Process id.
    pub pid: u64,
    /// Service, or its name.
    pub name: String,
    /// What it speaks.
    pub protocols: String,
    /// Why, or why not.
    pub why: String,
}

/// What a page shows.
#[derive(Clone, Debug, Default)]
pub enum Body {
    /// Nothing yet.
    #[default]
    Nothing,
    /// The table of operations.
    Operations(Vec<OperationRow>),
    /// Traces.
    Traces(Vec<TraceRow>),
    /// A trace; `None`: it was let go of.
    Trace(Option<Box<Opened>>),
    /// The map.
    Map(Vec<CallRow>),
    /// Connections.
    Connections(Vec<Connection>),
    /// Advice.
    Advice(Box<Report>),
    /// Processes.
    Selection(Vec<Target>),
}

/// An answer of the main thread.
#[derive(Debug)]
pub struct Answer {
    page: Page,
    body: Parts,
    account: Account,
    counts: Counts,
    now_unix_ns: u64,
    now_ns: u64,
    silence: Option<String>,
}

/// What is made into a [`Body`] by the viewer's own thread.
#[derive(Debug)]
enum Parts {
    Ready(Body),
    Trace(Option<Box<Trace>>),
    /// As it was.
    Same,
    Targets(String),
}

impl Want {
    /// Takes out what is wanted. On the main thread.
    #[must_use]
    pub fn answer(self, source: &mut Source<'_>) -> Answer {
        let store = source.store;
        let filter = Filter::new(&self.filter);
        let body = match &self.page {
            Page::Operations => Parts::Ready(Body::Operations(store.operation_rows(self.over, &filter))),
            Page::Traces(of) => {
                Parts::Ready(Body::Traces(store.trace_rows(&filter, of.as_ref(), self.order, MAX_ROWS)))
            }
            Page::Trace(id) => match store.traces.get(id) {
                Some(trace) if self.known == Some((*id, trace.spans.len())) => Parts::Same,
                found => Parts::Trace(found.cloned().map(Box::new)),
            },
            Page::Map => Parts::Ready(Body::Map(store.call_rows(self.over))),
            Page::Connections => Parts::Ready(Body::Connections(store.connection_rows(&filter, self.ended, MAX_ROWS))),
            Page::Advice => Parts::Ready(Body::Advice(Box::new(source.host.advice()))),
            Page::Selection => Parts::Targets(source.host.targets()),
        };
        Answer {
            page: self.page,
            body,
            account: source.host.account(),
            counts: store.traces.counts(),
            now_unix_ns: source.clock.unix(store.now_ns),
            now_ns: store.now_ns,
            silence: store.operations.table.is_empty().then(|| source.host.silence()),
        }
    }
}

/// What is shown.
#[derive(Debug, Default)]
pub struct Model {
    /// What the page shows.
    pub body: Body,
    /// The agent's account of itself.
    pub account: Account,
    /// What became of traces.
    pub counts: Counts,
    /// Event time, ns since the Unix epoch.
    pub now_unix_ns: u64,
    /// The same as kernel time, ns.
    pub now_ns: u64,
    /// Processors that the agent uses.
    pub cpu: Option<f64>,
    /// Why there is nothing to show, if there is nothing.
    pub silence: Option<String>,
    /// Which page [`Model::body`] is of.
    page: Option<Page>,
    used: Option<(f64, Instant)>,
}

impl Model {
    /// Whether there is nothing to show yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match &self.body {
            Body::Nothing => true,
            Body::Operations(rows) => rows.is_empty(),
            _ => false,
        }
    }

    /// Which trace is shown, and how many spans it has.
    #[must_use]
    pub fn known(&self) -> Option<(TraceId, usize)> {
        match &self.body {
            Body::Trace(Some(opened)) => Some((opened.trace.id, opened.trace.spans.len())),
            _ => None,
        }
    }

    /// The page that is shown, if it is `page`.
    #[must_use]
    pub fn body_of(&self, page: &Page) -> Option<&Body> {
        (self.page.as_ref() == Some(page)).then_some(&self.body)
    }

    /// Takes an answer in.
    pub fn take(&mut self, answer: Answer, now: Instant) {
        if let Some((before, at)) = self.used.replace((answer.account.cpu_seconds, now)) {
            let elapsed = now.duration_since(at).as_secs_f64();
            if elapsed > 0.05 {
                self.cpu = Some((answer.account.cpu_seconds - before) / elapsed);
            }
        }
        self.account = answer.account;
        self.counts = answer.counts;
        (self.now_unix_ns, self.now_ns) = (answer.now_unix_ns, answer.now_ns);
        self.silence = answer.silence;
        self.page = Some(answer.page);
        match answer.body {
            Parts::Ready(body) => self.body = body,
            Parts::Same => {}
            Parts::Trace(trace) => {
                self.body =
                    Body::Trace(trace.map(|trace| Box::new(Opened { rows: tree::rows(&trace), trace: *trace })));
            }
            Parts::Targets(json) => self.body = Body::Selection(targets(&json)),
        }
    }

    /// One that shows this, for tests.
    #[cfg(test)]
    pub(super) fn of(page: Page, body: Body) -> Self {
        Self { page: Some(page), body, ..Self::default() }
    }
}

/// The processes of `/debug/targets`: those that are traced first.
fn targets(json: &str) -> Vec<Target> {
    let told: Value = serde_json::from_str(json).unwrap_or_default();
    let text = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let list = |key: &str, traced: bool| {
        let all = told[key].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().map(move |one| Target {
            traced,
            pid: one["pid"].as_u64().unwrap_or_default(),
            name: if traced { text(one, "service") } else { text(one, "comm") },
            protocols: one["protocols"].as_object().map(spoken).unwrap_or_default(),
            why: text(one, "why"),
        })
    };
    list("targets", true).chain(list("others", false)).collect()
}

fn spoken(protocols: &serde_json::Map<String, Value>) -> String {
    let names: Vec<&str> = protocols.keys().map(String::as_str).collect();
    names.join(", ")
}
