//! Many spans: picking some, and comparing what two backends made of the same traffic.

use std::ops::Deref;
use std::time::Duration;

use crate::span::Span;

/// Spans in the order of their starts.
#[derive(Clone, Debug, Default)]
pub struct Spans(Vec<Span>);

impl Deref for Spans {
    type Target = [Span];

    fn deref(&self) -> &[Span] {
        &self.0
    }
}

impl From<Vec<Span>> for Spans {
    fn from(mut spans: Vec<Span>) -> Self {
        // The sort is stable: what starts together stays in the order in which it ended.
        spans.sort_by_key(|span| span.start);
        Self(spans)
    }
}

impl Spans {
    /// Those for which it holds.
    #[must_use]
    pub fn pick(&self, choose: impl Fn(&Span) -> bool) -> Self {
        Self(self.0.iter().filter(|span| choose(span)).cloned().collect())
    }

    /// Spans of servers.
    #[must_use]
    pub fn servers(&self) -> Self {
        self.pick(|span| span.kind == "SERVER")
    }

    /// Spans of clients.
    #[must_use]
    pub fn clients(&self) -> Self {
        self.pick(|span| span.kind == "CLIENT")
    }

    /// Those of requests: what remains without set-ups of connections and look-ups.
    #[must_use]
    pub fn requests(&self) -> Self {
        self.pick(|span| span.kind != "INTERNAL")
    }

    /// One attribute of each, as text.
    #[must_use]
    pub fn texts(&self, key: &str) -> Vec<String> {
        self.0.iter().map(|span| span.text(key)).collect()
    }

    /// The name of each.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.0.iter().map(|span| span.name.as_str()).collect()
    }

    /// The only one.
    ///
    /// # Panics
    /// When there are none or several.
    #[track_caller]
    #[must_use]
    pub fn only(&self) -> &Span {
        assert_eq!(self.0.len(), 1, "one span was expected: {:#?}", self.0);
        &self.0[0]
    }

    /// Asserts how many there are.
    ///
    /// # Panics
    /// When there are more or fewer.
    #[track_caller]
    #[must_use]
    pub fn count(self, expected: usize) -> Self {
        let shown: Vec<_> = self.0.iter().take(40).map(Span::essence).collect();
        assert_eq!(self.0.len(), expected, "spans: {shown:#?}");
        self
    }

    /// The name of a span's parent, or its id when the parent is not among these.
    fn parent(&self, span: &Span) -> String {
        let Some(id) = &span.parent else { return "-".to_owned() };
        let ours = self.0.iter().find(|other| &other.span_id == id);
        ours.map_or_else(|| id.clone(), |parent| format!("{} {}", parent.kind, parent.name))
    }

    /// The same as if all were roots.
    #[must_use]
    pub fn without_parents(&self) -> Self {
        self.0.iter().map(|span| Span { parent: None, ..span.clone() }).collect::<Vec<_>>().into()
    }

    /// Asserts that another capture of the same traffic tells the same: the same spans, at nearly the same times.
    ///
    /// # Panics
    /// When it tells anything else.
    #[track_caller]
    pub fn agrees_with(&self, other: &Self, tolerance: Duration) {
        let key = |spans: &Self| {
            let told = |span: &Span| format!("{} parent {}", span.essence(), spans.parent(span));
            let mut list: Vec<_> = spans.0.iter().map(|span| (told(span), span.start, span.end)).collect();
            list.sort();
            list
        };
        let (ours, theirs) = (key(self), key(other));
        let essences = |list: &[(String, u64, u64)]| list.iter().map(|(text, ..)| text.clone()).collect::<Vec<_>>();
        let (ours_told, theirs_told) = (essences(&ours), essences(&theirs));
        if ours_told != theirs_told {
            let only = |a: &[String], b: &[String]| a.iter().filter(|x| !b.contains(x)).cloned().collect::<Vec<_>>();
            panic!(
                "{} and {} spans\nonly the first: {:#?}\nonly the second: {:#?}",
                ours.len(),
                theirs.len(),
                only(&ours_told, &theirs_told),
                only(&theirs_told, &ours_told),
            );
        }
        for (a, b) in ours.iter().zip(&theirs) {
            let apart = Duration::from_nanos(a.1.abs_diff(b.1).max(a.2.abs_diff(b.2)));
            assert!(apart <= tolerance, "the times differ by {apart:?}: {}", a.0);
        }
    }
}
