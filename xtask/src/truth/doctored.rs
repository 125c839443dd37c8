//! The self-test: spans of two requests and of nobody's work as they should be, then with one lie at a time, each of which must show
//! in the counts, and only where it belongs.

use anyhow::{Context as _, Result, ensure};

use super::count::{Counts, count};
use super::plan::{Kind, Name, Request, Requests};
use super::span::{End, Role, Span};

/// A change of the true spans, and what it does to the true counts.
type Lie = (&'static str, fn(&mut Story) -> Option<()>, fn(&mut Counts));

/// The spans.
struct Story(Vec<Span>);

/// The requests: one in a sequence, one with late calls, one whose client hung up.
fn requests() -> Requests {
    let request = |kind, is_answered| Request { kind, is_answered };
    let all = [(1, Kind::Sequential, true), (2, Kind::Late, true), (3, Kind::Timer, false)];
    all.into_iter().map(|(number, kind, is_answered)| (number, request(kind, is_answered))).collect()
}

impl Story {
    fn new() -> Self {
        let mut story = Self(Vec::new());
        for (number, request) in requests() {
            let begin = u64::from(number) * 1000;
            let proxy = story.add(Role::Proxy, End::Server, Name::Request(number), None, (begin, begin + 900));
            let passed =
                story.add(Role::Proxy, End::Client, Name::Request(number), Some(proxy), (begin + 1, begin + 899));
            let server =
                story.add(Role::Server, End::Server, Name::Request(number), Some(passed), (begin + 2, begin + 500));
            for call in request.kind.calls(number) {
                let from = begin + if request.kind == Kind::Late { 600 } else { 10 };
                let client = story.add(Role::Server, End::Client, call, Some(server), (from, from + 9));
                let asked = match call {
                    Name::Call { digit: 2, .. } => Role::Redis,
                    Name::Call { digit: 3, .. } => Role::Leaf,
                    _ => Role::Postgres,
                };
                story.add(asked, End::Server, call, Some(client), (from + 1, from + 8));
            }
        }
        let nobodys = story.add(Role::Server, End::Client, Name::Background(1), None, (1100, 1200));
        story.add(Role::Redis, End::Server, Name::Background(1), Some(nobodys), (1101, 1199));
        story
    }

    /// Its place is its identity.
    fn add(&mut self, role: Role, end: End, name: Name, parent: Option<usize>, time: (u64, u64)) -> usize {
        let above = parent.and_then(|at| self.0.get(at));
        let trace = above.map_or_else(|| format!("trace {}", self.0.len()), |span| span.trace.clone());
        let parent = above.map(|span| span.id.clone());
        let is_late = end == End::Client && matches!(name, Name::Call { kind: Kind::Late, .. });
        self.0.push(Span {
            id: format!("{}", self.0.len()),
            trace,
            parent,
            role,
            end,
            name: Some(name),
            time,
            is_late,
        });
        self.0.len() - 1
    }

    fn find(&mut self, role: Role, end: End, name: &str) -> Option<&mut Span> {
        let name = Name::find(name);
        self.0.iter_mut().find(|span| (span.role, span.end, span.name) == (role, end, name))
    }

    /// Makes a span another's child, as an agent would: in its trace.
    fn give(&mut self, child: (Role, End, &str), parent: (Role, End, &str)) -> Option<()> {
        let above = self.find(parent.0, parent.1, parent.2)?.clone();
        let span = self.find(child.0, child.1, child.2)?;
        (span.parent, span.trace) = (Some(above.id), above.trace);
        Some(())
    }
}

const SERVER: Role = Role::Server;

/// All lies.
const LIES: [Lie; 14] = [
    (
        "a call under another request",
        |story| story.give((SERVER, End::Client, "r1_s2"), (SERVER, End::Server, "r2")),
        |counts| {
            let [calls, ..] = &mut counts.calls;
            (calls.right, calls.wrong) = (3, 1);
            // Its time, and that its server is in another trace than it.
            (counts.outside, counts.dangling, counts.exact) = (1, 1, 0);
            (counts.links.right, counts.links.wrong) = (counts.links.right - 1, 1);
        },
    ),
    (
        "a call without a parent",
        |story| story.find(SERVER, End::Client, "r1_s2").map(|span| span.parent = None),
        |counts| {
            let [calls, ..] = &mut counts.calls;
            (calls.right, calls.missing, counts.exact) = (3, 1, 1);
        },
    ),
    (
        "a call under another call of the same request",
        |story| story.give((SERVER, End::Client, "r1_s2"), (SERVER, End::Client, "r1_s1")),
        |counts| {
            let [calls, ..] = &mut counts.calls;
            (calls.right, calls.wrong, counts.exact) = (3, 1, 1);
        },
    ),
    (
        "a late call that does not say so",
        |story| {
            let late = story.0.iter_mut().find(|span| span.is_late)?;
            late.is_late = false;
            Some(())
        },
        |counts| (counts.outside, counts.late_outside) = (counts.outside + 1, counts.late_outside - 1),
    ),
    (
        "a call that is not seen",
        |story| {
            story.0.retain(|span| (span.role, span.name) != (SERVER, Name::find("r1_s4")));
            Some(())
        },
        |counts| {
            let [calls, ..] = &mut counts.calls;
            (calls.seen, calls.right, counts.exact, counts.dangling) = (3, 3, 1, 1);
            (counts.links.right, counts.links.wrong) = (counts.links.right - 1, 1);
        },
    ),
    (
        "a call that is told twice",
        |story| {
            let again = Span { id: "again".into(), ..story.find(SERVER, End::Client, "r1_s4")?.clone() };
            story.0.push(again);
            Some(())
        },
        |counts| {
            let [calls, ..] = &mut counts.calls;
            (calls.seen, calls.right, counts.exact) = (5, 5, 1);
        },
    ),
    (
        "nobody's call under a request",
        |story| {
            story.give((SERVER, End::Client, "bg1"), (SERVER, End::Server, "r1"))?;
            story.give((Role::Redis, End::Server, "bg1"), (SERVER, End::Client, "bg1"))
        },
        |counts| (counts.background.1, counts.exact) = (1, 1),
    ),
    (
        "nobody's call that was under way at the end, which is no lie",
        |story| {
            story.0.retain(|span| (span.role, span.name) != (SERVER, Name::find("bg1")));
            Some(())
        },
        |counts| {
            counts.background.0 = 0;
            counts.links = super::count::Tally { expected: 13, seen: 13, right: 13, ..Default::default() };
        },
    ),
    (
        "a parent that does not exist",
        |story| story.find(SERVER, End::Client, "r1_s2").map(|span| span.parent = Some("none".into())),
        |counts| {
            let [calls, ..] = &mut counts.calls;
            (calls.right, calls.wrong, counts.dangling, counts.exact) = (3, 1, 1, 1);
        },
    ),
    (
        "a parent in another trace",
        |story| story.find(SERVER, End::Client, "r1_s2").map(|span| span.trace = "other".into()),
        |counts| {
            let [calls, ..] = &mut counts.calls;
            (calls.right, calls.wrong, counts.dangling, counts.exact) = (3, 1, 2, 1);
            (counts.links.right, counts.links.wrong) = (counts.links.right - 1, 1);
        },
    ),
    (
        "a database's span under another call",
        |story| story.give((Role::Postgres, End::Server, "r1_s4"), (SERVER, End::Client, "r1_s1")),
        |counts| {
            (counts.links.right, counts.links.wrong, counts.exact) = (counts.links.right - 1, 1, 1);
        },
    ),
    (
        "a server that is tied to no proxy",
        |story| story.find(SERVER, End::Server, "r2").map(|span| span.parent = None),
        |counts| (counts.links.right, counts.links.missing, counts.exact) = (counts.links.right - 1, 1, 1),
    ),
    (
        "a proxy's call under another request",
        |story| story.give((Role::Proxy, End::Client, "r1"), (Role::Proxy, End::Server, "r3")),
        |counts| {
            (counts.proxy.right, counts.proxy.wrong, counts.exact) = (2, 1, 1);
            (counts.links.right, counts.links.wrong) = (counts.links.right - 1, 1);
            (counts.outside, counts.dangling) = (1, 1);
        },
    ),
    (
        "a call that outlives its request",
        |story| story.find(SERVER, End::Client, "r1_s1").map(|span| span.time.1 = 1800),
        |counts| counts.outside = 1,
    ),
];

/// Fails if a lie is not noticed, or the truth is taken for one.
pub fn check() -> Result<()> {
    let truth = count(&Story::new().0, &requests(), true);
    ensure!(truth == expected(), "true spans are counted as {truth:?}, not {:?}", expected());
    for (what, doctor, change) in LIES {
        let mut story = Story::new();
        doctor(&mut story).with_context(|| format!("{what}: there is no such span"))?;
        let mut expected = expected();
        change(&mut expected);
        let counted = count(&story.0, &requests(), true);
        ensure!(counted == expected, "{what}: counted as {counted:?}, not {expected:?}");
    }
    Ok(())
}

/// What is counted of the truth.
fn expected() -> Counts {
    let right = |n| super::count::Tally { expected: n, seen: n, right: n, ..Default::default() };
    Counts {
        requests: 2,
        // Of the request whose client hung up those count that there are.
        calls: [right(4), right(0), right(3), right(0), right(3)],
        proxy: right(3),
        links: right(3 + 10 + 1),
        background: (1, 0),
        late_outside: 3,
        exact: 2,
        ..Counts::default()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_lie_is_noticed() {
        super::check().unwrap();
    }
}
