//! When somebody had no request in hand, and what was done meanwhile.

/// Idle times that are remembered: a call is told when it ends, which may be later.
const KEPT: usize = 4;
/// Work before the first request is that of a start, unless it goes on for longer than this, ns.
const START_NS: u64 = 1_000_000_000;

/// The idle times of a thread or of a process.
#[derive(Debug, Default)]
pub(super) struct Idle {
    /// Since when there is no request, after there were some.
    since_ns: Option<u64>,
    /// Times between requests; the oldest is overwritten first.
    between: [(u64, u64); KEPT],
    next: usize,
    /// The first request began.
    first_ns: Option<u64>,
    /// The first and the last work before it.
    early: Option<(u64, u64)>,
}

impl Idle {
    /// A request begins.
    pub(super) fn end(&mut self, at_ns: u64) {
        self.first_ns.get_or_insert(at_ns);
        if let Some(since_ns) = self.since_ns.take() {
            self.between[self.next] = (since_ns, at_ns);
            self.next = (self.next + 1) % KEPT;
        }
    }

    /// The last request is over.
    pub(super) fn begin(&mut self, at_ns: u64) {
        self.since_ns = Some(at_ns);
    }

    /// Work began at `at_ns`. True when that shows that there is work of nobody's: it began while there was no request,
    /// or went on for long before the first one. What is older than what is remembered shows nothing.
    pub(super) fn shows(&mut self, at_ns: u64) -> bool {
        if self.first_ns.is_none_or(|first_ns| at_ns < first_ns) {
            let (from, to) = self.early.get_or_insert((at_ns, at_ns));
            (*from, *to) = ((*from).min(at_ns), (*to).max(at_ns));
            return *to - *from > START_NS;
        }
        self.since_ns.is_some_and(|since_ns| at_ns >= since_ns)
            || self.between.iter().any(|(from, to)| (*from..*to).contains(&at_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_requests_and_after_them() {
        let mut idle = Idle::default();
        idle.end(100);
        assert!(!idle.shows(150));
        idle.begin(200);
        assert!(idle.shows(200) && idle.shows(9000) && !idle.shows(199));
        idle.end(300);
        assert!(idle.shows(299) && !idle.shows(300), "told late");
        for at in 1..=KEPT as u64 {
            idle.begin(1000 * at);
            idle.end(1000 * at + 10);
        }
        assert!(!idle.shows(250), "that long ago is not known");
        assert!(idle.shows(1005) && idle.shows(4009));
    }

    #[test]
    fn a_start_is_no_work_of_its_own_unless_it_goes_on() {
        let mut idle = Idle::default();
        assert!(!idle.shows(1000) && !idle.shows(1000 + START_NS));
        idle.end(5000 + START_NS);
        assert!(!idle.shows(2000));
        assert!(idle.shows(2000 + START_NS));
    }
}
