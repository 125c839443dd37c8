//! Traces of connections that were set up: `connection_setup` and its children.

use wirespan_tests::span::Span;
use wirespan_tests::spans::Spans;

/// One connection as one of its ends set it up.
#[derive(Clone, Debug)]
pub struct SetUp {
    pub root: Span,
    pub phases: Spans,
}

impl SetUp {
    /// The phase of this name, if it was told.
    pub fn phase(&self, name: &str) -> Option<&Span> {
        self.phases.iter().find(|span| span.name == name)
    }

    /// The phase of this name.
    #[track_caller]
    pub fn has_phase(&self, name: &str) -> &Span {
        self.phase(name).unwrap_or_else(|| panic!("no {name} in {self:#?}"))
    }

    /// How long a phase took, in nanoseconds.
    pub fn took(&self, name: &str) -> Option<u64> {
        self.phase(name).map(|span| span.end - span.start)
    }
}

/// Every set-up, in the order of their beginnings. Each child lies within its root and in its trace.
#[track_caller]
pub fn setups(spans: &Spans) -> Vec<SetUp> {
    let roots = spans.pick(|span| span.name == "connection_setup" && span.kind == "INTERNAL");
    let of = |root: &Span| {
        let phases = spans.pick(|span| span.parent.as_deref() == Some(&root.span_id));
        for phase in phases.iter() {
            assert_eq!(phase.trace_id, root.trace_id);
            assert!(root.encloses(phase), "{phase:#?}\nis not within\n{root:#?}");
        }
        SetUp { root: root.clone(), phases }
    };
    roots.iter().map(of).collect()
}

/// Those of who connected: nobody else knows how long it took.
#[track_caller]
pub fn client_setups(spans: &Spans) -> Vec<SetUp> {
    setups(spans).into_iter().filter(|setup| setup.phase("socket connect").is_some()).collect()
}

/// Those of who accepted.
#[track_caller]
pub fn server_setups(spans: &Spans) -> Vec<SetUp> {
    setups(spans).into_iter().filter(|setup| setup.phase("socket connect").is_none()).collect()
}
