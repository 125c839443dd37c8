//! What the spans say against what is true. Nothing here runs anything: spans and the plan go in, numbers come out.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;

use serde::Serialize;

use super::plan::{KINDS, Kind, Name, Requests};
use super::span::{End, Role, Span};

/// Parents of spans of one sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How many there have to be.
    pub expected: u64,
    /// How many of them there are.
    pub seen: u64,
    /// Of these, those whose parent is the true one, in the same trace.
    pub right: u64,
    /// Of these, those without a parent.
    pub missing: u64,
    /// Of these, those with any other parent.
    pub wrong: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.expected += other.expected;
        self.seen += other.seen;
        self.right += other.right;
        self.missing += other.missing;
        self.wrong += other.wrong;
    }
}

/// Everything that is counted of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Requests that were answered.
    pub requests: u64,
    /// Calls by kind, in the order of [`KINDS`].
    pub calls: [Tally; KINDS.len()],
    /// The proxy's calls.
    pub proxy: Tally,
    /// SERVER spans whose caller was followed, too.
    pub links: Tally,
    /// Background calls, and those of them that have a parent.
    pub background: (u64, u64),
    /// Spans whose parent is no span of their trace that was exported.
    pub dangling: u64,
    /// Spans that begin before their parent or end after it, though they are neither late, and marked as that, nor of a client that
    /// hung up.
    pub outside: u64,
    /// Late calls among those whose time is outside of their parent's, as it should be.
    pub late_outside: u64,
    /// Requests whose tree has every span, each under its parent, and no other request's.
    pub exact: u64,
}

impl Counts {
    /// Calls of all kinds, and the proxy's.
    pub fn all_calls(&self) -> Tally {
        let mut all = self.proxy;
        self.calls.into_iter().for_each(|kind| all += kind);
        all
    }

    /// Calls of a kind.
    pub fn of(&self, kind: Kind) -> Tally {
        let at = KINDS.iter().position(|other| *other == kind);
        at.and_then(|at| self.calls.get(at)).copied().unwrap_or_default()
    }
}

/// A place in a tree.
type Place = (Role, End, Name);

/// What a span's parent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Right,
    Missing,
    Wrong,
}

/// Compares. `has_proxy`: requests come through one.
pub fn count(spans: &[Span], requests: &Requests, has_proxy: bool) -> Counts {
    let nobodys = spans.iter().filter(|span| (span.role, span.end) == (Role::Server, End::Client));
    let judge = Judge {
        by_id: spans.iter().map(|span| (span.id.as_str(), span)).collect(),
        nobodys: nobodys.filter_map(|span| span.name).filter(|name| name.request().is_none()).collect(),
        has_proxy,
    };
    let mut counts = Counts { requests: requests.values().filter(|r| r.is_answered).count() as u64, ..<_>::default() };
    // Places for which there is a span, and requests with a span that is not as it should be.
    let mut seen = BTreeSet::new();
    let mut spoilt = BTreeSet::new();
    for span in spans {
        if judge.is_cut_off(span) {
            continue;
        }
        judge.times(span, requests, &mut counts);
        let Some(name) = span.name else { continue };
        if let Name::Background(_) = name {
            if (span.role, span.end) == (Role::Server, End::Client) {
                counts.background.0 += 1;
                counts.background.1 += u64::from(span.parent.is_some());
            }
            spoilt.extend(judge.root(span).and_then(Name::request));
            if span.end != End::Server {
                continue;
            }
        }
        // What is in its place already is told twice.
        if !seen.insert((span.role, span.end, name)) {
            spoilt.extend(name.request());
        }
        let Some(verdict) = judge.parent(span, name) else { continue };
        if verdict != Verdict::Right {
            spoilt.extend(name.request());
            spoilt.extend(judge.root(span).and_then(Name::request));
        }
        if let Some(tally) = tally(&mut counts, span, name, requests) {
            tally.seen += 1;
            match verdict {
                Verdict::Right => tally.right += 1,
                Verdict::Missing => tally.missing += 1,
                Verdict::Wrong => tally.wrong += 1,
            }
        }
    }
    expect(&mut counts, requests, &seen, has_proxy);
    let answered = requests.iter().filter(|(_, request)| request.is_answered);
    counts.exact = answered
        .filter(|(number, request)| {
            let whole = places(**number, request.kind, has_proxy).all(|place| seen.contains(&place));
            whole && !spoilt.contains(*number)
        })
        .count() as u64;
    counts
}

/// Every place of a request's tree.
fn places(number: u32, kind: Kind, has_proxy: bool) -> impl Iterator<Item = Place> {
    let name = Name::Request(number);
    let proxy = [(Role::Proxy, End::Server, name), (Role::Proxy, End::Client, name)];
    let calls = kind.calls(number).flat_map(|call| {
        let Name::Call { digit, .. } = call else { return [(Role::Server, End::Client, call); 2] };
        let asked = match digit {
            2 => Role::Redis,
            3 => Role::Leaf,
            _ => Role::Postgres,
        };
        [(Role::Server, End::Client, call), (asked, End::Server, call)]
    });
    let proxy = proxy.into_iter().filter(move |_| has_proxy);
    proxy.chain([(Role::Server, End::Server, name)]).chain(calls)
}

/// Where a span with a parent to be judged is counted.
fn tally<'a>(counts: &'a mut Counts, span: &Span, name: Name, requests: &Requests) -> Option<&'a mut Tally> {
    match (span.end, name) {
        (End::Server, _) => Some(&mut counts.links),
        (End::Client, Name::Request(number)) => requests.contains_key(&number).then_some(&mut counts.proxy),
        (End::Client, Name::Call { number, kind, .. }) => {
            let at = KINDS.iter().position(|other| *other == kind)?;
            requests.contains_key(&number).then_some(counts.calls.get_mut(at)?)
        }
        _ => None,
    }
}

/// How many there have to be: all of what was answered, and of what was not answered those that there are.
fn expect(counts: &mut Counts, requests: &Requests, seen: &BTreeSet<Place>, has_proxy: bool) {
    let mut wanted = seen.clone();
    for (number, request) in requests.iter().filter(|(_, request)| request.is_answered) {
        wanted.extend(places(*number, request.kind, has_proxy));
    }
    for (role, end, name) in wanted {
        let is_known = name.request().is_none_or(|number| requests.contains_key(&number));
        let is_root = end == End::Server && role == if has_proxy { Role::Proxy } else { Role::Server };
        match (end, name) {
            _ if !is_known || is_root => {}
            (End::Server, _) => counts.links.expected += 1,
            (End::Client, Name::Request(_)) => counts.proxy.expected += 1,
            (End::Client, Name::Call { kind, .. }) => {
                if let Some(tally) = KINDS.iter().position(|k| *k == kind).and_then(|at| counts.calls.get_mut(at)) {
                    tally.expected += 1;
                }
            }
            _ => {}
        }
    }
}

struct Judge<'a> {
    by_id: BTreeMap<&'a str, &'a Span>,
    /// Background calls whose own span there is.
    nobodys: BTreeSet<Name>,
    has_proxy: bool,
}

impl<'a> Judge<'a> {
    /// Nobody waits for background calls that are under way when the agent begins or ends: of these only the server's end is seen.
    fn is_cut_off(&self, span: &Span) -> bool {
        let name = span.name.filter(|name| matches!(name, Name::Background(_)));
        span.end == End::Server && name.is_some_and(|name| !self.nobodys.contains(&name))
    }

    fn parent_of(&self, span: &Span) -> Option<&'a Span> {
        self.by_id.get(span.parent.as_deref()?).copied().filter(|parent| parent.trace == span.trace)
    }

    /// The name of the span at the top; bounded, should spans be each other's parents.
    fn root(&self, span: &Span) -> Option<Name> {
        let mut at = self.parent_of(span)?;
        for _ in 0..16 {
            match self.parent_of(at) {
                Some(above) => at = above,
                None => break,
            }
        }
        at.name
    }

    /// None where there is no parent to find: requests of the load, background calls.
    fn parent(&self, span: &Span, name: Name) -> Option<Verdict> {
        let server = if self.has_proxy { Role::Proxy } else { Role::Server };
        let (role, end, wanted) = match (span.end, name) {
            (End::Server, Name::Request(_)) if span.role == server => return None,
            (End::Server, Name::Request(_)) => (Role::Proxy, End::Client, name),
            (End::Server, _) => (Role::Server, End::Client, name),
            (End::Client, Name::Request(_)) => (Role::Proxy, End::Server, name),
            (End::Client, Name::Call { number, .. }) => (Role::Server, End::Server, Name::Request(number)),
            _ => return None,
        };
        if span.parent.is_none() {
            return Some(Verdict::Missing);
        }
        let is_right = |parent: &Span| (parent.role, parent.end, parent.name) == (role, end, Some(wanted));
        Some(if self.parent_of(span).is_some_and(is_right) { Verdict::Right } else { Verdict::Wrong })
    }

    fn times(&self, span: &Span, requests: &Requests, counts: &mut Counts) {
        let Some(parent) = self.parent_of(span) else {
            counts.dangling += u64::from(span.parent.is_some());
            return;
        };
        if parent.time.0 <= span.time.0 && span.time.1 <= parent.time.1 {
            return;
        }
        let number = span.name.and_then(Name::request);
        let hung_up = number.and_then(|number| requests.get(&number)).is_some_and(|request| !request.is_answered);
        // What drivers do by themselves says of no kind what it belongs to.
        let may_be_late = matches!(span.name, None | Some(Name::Call { kind: Kind::Late, .. }));
        let is_late = may_be_late && span.is_late && span.end == End::Client;
        counts.late_outside += u64::from(is_late);
        counts.outside += u64::from(!is_late && !hung_up);
    }
}
