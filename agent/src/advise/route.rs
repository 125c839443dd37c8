//! What is counted of one route: where the time of its requests goes, and what is odd about their calls.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::edge::{EdgeId, StatementId, note_example};
use super::failure::Failure;
use super::limits;
use super::report::Example;
use super::request::{Child, Outcome, Request, Work};

/// A part of a route's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PartOf {
    /// Calls to a peer.
    Calls(EdgeId),
    /// Connections to it were set up.
    SetUp(EdgeId),
}

/// One statement, often within one request.
#[derive(Clone, Debug)]
pub struct Repeats {
    /// Requests in which it ran, by how often (the last one: so often or more).
    pub histogram: Box<[u32; HISTOGRAM]>,
    /// Requests in which it ran.
    pub requests: u64,
    /// Most often within one request.
    pub most: u32,
    /// How often it ran.
    pub count: u64,
    /// How long all of them took.
    pub total_ns: u64,
    /// How long these requests took.
    pub requests_ns: u64,
    /// Traces.
    pub examples: Vec<Example>,
}

/// Counts of repetitions that are told apart.
pub const HISTOGRAM: usize = 65;

impl Repeats {
    fn new() -> Self {
        Self {
            histogram: Box::new([0; HISTOGRAM]),
            requests: 0,
            most: 0,
            count: 0,
            total_ns: 0,
            requests_ns: 0,
            examples: Vec::new(),
        }
    }

    /// How often it runs at the median of the requests in which it does.
    #[must_use]
    pub fn median(&self) -> u32 {
        self.quantile(1, 2)
    }

    fn quantile(&self, part: u64, of: u64) -> u32 {
        let mut seen = 0;
        let at = self.histogram.iter().position(|count| {
            seen += u64::from(*count);
            seen * of > self.requests * part
        });
        at.and_then(|at| u32::try_from(at).ok()).unwrap_or(0)
    }
}

/// Calls one after another.
#[derive(Clone, Debug, Default)]
pub struct Chains {
    /// Requests with such a chain.
    pub requests: u64,
    /// Time that would be saved if the calls of each chain ran side by side.
    pub saved_ns: u64,
    /// Time of these requests.
    pub requests_ns: u64,
    /// The calls of one of them, in their order.
    pub calls: Vec<(EdgeId, Option<StatementId>, u64)>,
    /// Traces.
    pub examples: Vec<Example>,
}

/// Who failed: the deepest one that is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Culprit {
    /// Services on the way from the route's own (left out) to the one whose call failed (the last).
    pub via: Vec<Arc<str>>,
    /// The service whose call failed, and what it called.
    pub edge: EdgeId,
    /// What happened.
    pub failure: Failure,
}

/// One cause behind failing requests.
#[derive(Clone, Debug)]
pub struct Cause {
    /// Who and what.
    pub culprit: Culprit,
    /// Failing requests behind which it is, by their status.
    pub failing: FxHashMap<Arc<str>, u64>,
    /// Time of these requests.
    pub failing_ns: u64,
    /// Time of the failing calls.
    pub call_ns: u64,
    /// Successful requests in which the same happened.
    pub elsewhere: u64,
    /// Traces.
    pub examples: Vec<Example>,
}

/// One route, see the module's text.
#[derive(Clone, Debug, Default)]
pub struct Route {
    /// Requests.
    pub requests: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Their time.
    pub total_ns: u64,
    /// Time in which nothing that is known was waited for.
    pub self_ns: u64,
    /// Time by part.
    pub parts: FxHashMap<PartOf, u64>,
    /// Statements.
    pub repeats: FxHashMap<(EdgeId, StatementId), Repeats>,
    /// Sequential calls.
    pub chains: Chains,
    /// Causes of failures.
    pub causes: Vec<Cause>,
    /// Some requests have calls that found no place.
    pub incomplete: bool,
    /// Entries that found no place.
    pub lost: u64,
}

impl Route {
    /// Takes in a request that has ended. Failures are told to [`blame`](Self::blame).
    pub fn add(&mut self, request: &mut Request, outcome: &Outcome) {
        let duration = outcome.end_ns.saturating_sub(outcome.start_ns);
        self.requests += 1;
        self.total_ns += duration;
        self.failed += u64::from(outcome.error.is_some());
        self.incomplete |= request.incomplete;
        // A set-up begins with its look-ups, which are calls of their own, too.
        request.children.sort_by_key(|child| (child.start_ns, child.work != Work::SetUp, child.end_ns));
        self.add_parts(&request.children, outcome);
        self.add_repeats(&request.children, outcome, duration);
        self.add_chain(&request.children, outcome, duration);
    }

    /// Every moment of a request belongs to the call that was waited for first, else to the service itself.
    fn add_parts(&mut self, children: &[Child], outcome: &Outcome) {
        let mut reached = outcome.start_ns;
        let mut waited = 0;
        for child in children {
            let start = child.start_ns.max(reached);
            let end = child.end_ns.min(outcome.end_ns);
            if end <= start {
                continue;
            }
            reached = end;
            waited += end - start;
            let part = match child.work {
                Work::SetUp => PartOf::SetUp(child.edge),
                Work::Call(_) | Work::LookUp | Work::Transaction => PartOf::Calls(child.edge),
            };
            if self.parts.len() < limits::ROUTE_PARTS || self.parts.contains_key(&part) {
                *self.parts.entry(part).or_default() += end - start;
            } else {
                self.lost += 1;
            }
        }
        self.self_ns += outcome.end_ns.saturating_sub(outcome.start_ns).saturating_sub(waited);
    }

    fn add_repeats(&mut self, children: &[Child], outcome: &Outcome, duration: u64) {
        let mut counts: FxHashMap<(EdgeId, StatementId), (u32, u64)> = FxHashMap::default();
        for child in children.iter().filter(|child| !child.batched) {
            if let Work::Call(Some(statement)) = child.work {
                let entry = counts.entry((child.edge, statement)).or_default();
                entry.0 += 1;
                entry.1 += child.end_ns.saturating_sub(child.start_ns);
            }
        }
        for (statement, (count, ns)) in counts {
            let room = self.repeats.len() < limits::ROUTE_PARTS;
            let repeats = match self.repeats.get_mut(&statement) {
                Some(repeats) => repeats,
                None if room => self.repeats.entry(statement).or_insert_with(Repeats::new),
                None => {
                    self.lost += 1;
                    continue;
                }
            };
            if let Some(bar) = repeats.histogram.get_mut((count as usize).min(HISTOGRAM - 1)) {
                *bar += 1;
            }
            repeats.requests += 1;
            repeats.most = repeats.most.max(count);
            repeats.count += u64::from(count);
            repeats.total_ns += ns;
            repeats.requests_ns += duration;
            if count >= limits::N_PLUS_ONE {
                note_example(&mut repeats.examples, outcome.span);
            }
        }
    }

    /// Different calls to several peers, none of which began before the one before it ended.
    fn add_chain(&mut self, children: &[Child], outcome: &Outcome, duration: u64) {
        let mut calls: Vec<(EdgeId, Option<StatementId>, u64)> = Vec::new();
        let mut reached = 0;
        for child in children {
            let Work::Call(statement) = child.work else { continue };
            if child.start_ns < reached {
                return;
            }
            reached = child.end_ns;
            let ns = child.end_ns.saturating_sub(child.start_ns);
            let room = calls.len() < 16;
            match calls.iter_mut().find(|(edge, known, _)| *edge == child.edge && *known == statement) {
                Some((_, _, total)) => *total += ns,
                None if room => calls.push((child.edge, statement, ns)),
                None => {}
            }
        }
        let peers = calls.iter().any(|(edge, ..)| Some(*edge) != calls.first().map(|(first, ..)| *first));
        if calls.len() < limits::SEQUENTIAL_CALLS || !peers {
            return;
        }
        let total: u64 = calls.iter().map(|(.., ns)| ns).sum();
        let longest = calls.iter().map(|(.., ns)| *ns).max().unwrap_or(0);
        self.chains.requests += 1;
        self.chains.saved_ns += total - longest;
        self.chains.requests_ns += duration;
        if self.chains.calls.is_empty() {
            self.chains.calls = calls;
        }
        note_example(&mut self.chains.examples, outcome.span);
    }

    /// Counts what stands behind a failed request, or happened in a successful one.
    pub fn blame(&mut self, culprit: Culprit, call_ns: u64, outcome: &Outcome) {
        let at = match self.causes.iter().position(|cause| cause.culprit == culprit) {
            Some(at) => at,
            None if self.causes.len() < limits::CAUSES => {
                self.causes.push(Cause {
                    culprit,
                    failing: FxHashMap::default(),
                    failing_ns: 0,
                    call_ns: 0,
                    elsewhere: 0,
                    examples: Vec::new(),
                });
                self.causes.len() - 1
            }
            None => {
                self.lost += 1;
                return;
            }
        };
        let Some(cause) = self.causes.get_mut(at) else { return };
        match &outcome.error {
            Some(error) => {
                *cause.failing.entry(Arc::clone(error)).or_default() += 1;
                cause.failing_ns += outcome.end_ns.saturating_sub(outcome.start_ns);
                cause.call_ns += call_ns;
                note_example(&mut cause.examples, outcome.span);
            }
            None => cause.elsewhere += 1,
        }
    }
}
