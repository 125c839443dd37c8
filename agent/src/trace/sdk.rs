//! Processes that have an OpenTelemetry SDK and export what it makes: they are recognised by an export that was taken, for
//! traces and for metrics apart. What the SDK is taken to tell is not told again.
//!
//! What that is, nothing on the wire says for certain; two spans of one request are worse than none of ours:
//! - requests of HTTP that the process serves: the instrumentation of its framework has them;
//! - calls over HTTP that carry a `traceparent`, since an instrumented client adds one; those without are not told by anybody else;
//! - calls of databases, whose requests say nothing about that ([`Deference::Http`] takes them for untold).
//!
//! Who receives exports passes on what others tell (a Collector, a proxy before one), and is not recognised. Nor is a program of no
//! known runtime that serves connections which cannot be read: it may be a proxy that receives exports there.

use rustc_hash::FxHashMap;
use wirespan_protocols::exchange::detail::Signal;
use wirespan_protocols::phase::Print;

/// A process that was recognised is so until it has not exported for so long while it had something to export, ns.
const SILENCE_NS: u64 = 300_000_000_000;
/// Most processes of which something is kept. The one that was heard of least lately makes room.
const MAX_PROCESSES: usize = 4096;

/// What is left to the SDK of a process that exports (`wirespan.sdk`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deference {
    /// What it is taken to tell.
    #[default]
    All,
    /// The same without calls of databases.
    Http,
    /// Nothing.
    Nothing,
}

/// What a process did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// It served a request of HTTP.
    Served,
    /// It made a call over HTTP.
    Called {
        /// The call carries the context of a trace.
        is_traced: bool,
    },
    /// It made a call of a database.
    Queried,
}

/// Exports of one signal.
#[derive(Clone, Copy, Debug, Default)]
struct Exports {
    /// Since when something is waiting to be exported, as far as was seen.
    waiting_ns: Option<u64>,
}

/// What is kept of a process.
#[derive(Debug, Default)]
struct Process {
    traces: Option<Exports>,
    metrics: Option<Exports>,
    /// It receives exports.
    receives: bool,
    /// It serves connections that cannot be read.
    is_hidden: bool,
    heard_ns: u64,
}

impl Process {
    fn of(&mut self, signal: Signal) -> &mut Option<Exports> {
        match signal {
            Signal::Traces => &mut self.traces,
            Signal::Metrics => &mut self.metrics,
        }
    }
}

/// See the module's text.
#[derive(Debug)]
pub struct Sdks {
    deference: Deference,
    processes: FxHashMap<u32, Process>,
    /// How requests end that bring exports.
    exports: [u64; 2],
}

impl Sdks {
    /// Nobody was recognised yet.
    #[must_use]
    pub fn new(deference: Deference) -> Self {
        let exports = ["/v1/traces", "/v1/metrics"].map(|path| Print::of("POST", path).tail);
        Self { deference, processes: FxHashMap::default(), exports }
    }

    /// A call of the process was an export, and was taken. `may_relay`: its program is no runtime's.
    pub fn exported(&mut self, pid: u32, signal: Signal, may_relay: bool, at_ns: u64) {
        if let Some(process) = self.process(pid, at_ns)
            && !process.receives
            && !(may_relay && process.is_hidden)
        {
            *process.of(signal) = Some(Exports::default());
        }
    }

    /// The process received a request that asks this.
    pub fn received(&mut self, pid: u32, print: Print, at_ns: u64) {
        if self.exports.contains(&print.tail)
            && let Some(process) = self.process(pid, at_ns)
        {
            *process = Process { receives: true, heard_ns: at_ns, ..Process::default() };
        }
    }

    /// The process serves a connection that cannot be read.
    pub fn hides(&mut self, pid: u32, at_ns: u64) {
        if let Some(process) = self.process(pid, at_ns) {
            process.is_hidden = true;
        }
    }

    /// Whether the process serves connections that cannot be read: what it passes on may come from there.
    #[must_use]
    pub fn is_hidden(&self, pid: u32) -> bool {
        self.processes.get(&pid).is_some_and(|process| process.is_hidden)
    }

    /// Whether the SDK of the process is taken to tell this, which it did at `at_ns`.
    pub fn tells(&mut self, pid: u32, signal: Signal, work: Work, at_ns: u64) -> bool {
        if self.deference == Deference::Nothing || self.processes.is_empty() {
            return false;
        }
        let Some(process) = self.processes.get_mut(&pid) else { return false };
        let traces = process.traces.is_some();
        let Some(exports) = process.of(signal) else { return false };
        match work {
            // Whether calls of databases wait to be exported is the least certain.
            Work::Queried => return self.deference == Deference::All,
            // An SDK that has no traces adds nothing to calls: nothing shows which of them it measures.
            Work::Called { is_traced: false } if signal == Signal::Traces || traces => return false,
            Work::Called { .. } | Work::Served => {}
        }
        let since_ns = *exports.waiting_ns.get_or_insert(at_ns);
        let is_silent = at_ns.saturating_sub(since_ns) >= SILENCE_NS;
        if is_silent {
            *process.of(signal) = None;
        }
        !is_silent
    }

    /// Whether the process exports traces.
    #[must_use]
    pub fn exports_traces(&self, pid: u32) -> bool {
        self.processes.get(&pid).is_some_and(|process| process.traces.is_some())
    }

    /// A process is over, or runs another program.
    pub fn forget(&mut self, pid: u32) {
        self.processes.remove(&pid);
    }

    fn process(&mut self, pid: u32, at_ns: u64) -> Option<&mut Process> {
        if pid == 0 {
            return None;
        }
        if self.processes.len() >= MAX_PROCESSES && !self.processes.contains_key(&pid) {
            let oldest = self.processes.iter().min_by_key(|(_, process)| process.heard_ns).map(|(pid, _)| *pid)?;
            self.processes.remove(&oldest);
        }
        let process = self.processes.entry(pid).or_default();
        process.heard_ns = at_ns;
        Some(process)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Signal::{Metrics, Traces};

    const TRACED: Work = Work::Called { is_traced: true };
    const PLAIN: Work = Work::Called { is_traced: false };

    fn told(sdks: &mut Sdks, signal: Signal, at_ns: u64) -> [bool; 4] {
        [Work::Served, TRACED, PLAIN, Work::Queried].map(|work| sdks.tells(7, signal, work, at_ns))
    }

    #[test]
    fn who_exports_is_recognised_for_each_signal() {
        let mut sdks = Sdks::new(Deference::All);
        assert_eq!(told(&mut sdks, Traces, 1), [false; 4]);
        sdks.exported(7, Traces, false, 2);
        assert_eq!(told(&mut sdks, Traces, 3), [true, true, false, true]);
        assert_eq!(told(&mut sdks, Metrics, 3), [false; 4]);
        assert!(!sdks.tells(8, Traces, Work::Served, 3), "another process");
        sdks.exported(7, Metrics, false, 4);
        assert_eq!(told(&mut sdks, Metrics, 5), [true, true, false, true]);
        sdks.forget(7);
        assert_eq!(told(&mut sdks, Traces, 6), [false; 4]);
        sdks.exported(7, Metrics, false, 7);
        assert_eq!(told(&mut sdks, Metrics, 8), [true; 4], "without traces no call shows who measures it");
        assert_eq!(told(&mut sdks, Traces, 8), [false; 4]);
    }

    #[test]
    fn a_user_decides() {
        for (deference, expected) in [(Deference::Http, [true, true, false, false]), (Deference::Nothing, [false; 4])] {
            let mut sdks = Sdks::new(deference);
            sdks.exported(7, Traces, false, 1);
            assert_eq!(told(&mut sdks, Traces, 2), expected, "{deference:?}");
            assert!(sdks.exports_traces(7));
        }
    }

    #[test]
    fn who_has_stopped_is_told_again() {
        let mut sdks = Sdks::new(Deference::All);
        sdks.exported(7, Traces, false, 1);
        let quiet = 10 * SILENCE_NS;
        assert!(sdks.tells(7, Traces, Work::Served, quiet), "nothing was to be exported");
        assert!(sdks.tells(7, Traces, Work::Served, quiet + SILENCE_NS - 1));
        sdks.exported(7, Traces, false, quiet + SILENCE_NS - 1);
        assert!(sdks.tells(7, Traces, Work::Served, quiet + SILENCE_NS));
        assert!(!sdks.tells(7, Traces, PLAIN, quiet + 2 * SILENCE_NS) && sdks.exports_traces(7), "nobody's business");
        assert!(!sdks.tells(7, Traces, Work::Served, quiet + 2 * SILENCE_NS) && !sdks.exports_traces(7));
        sdks.exported(7, Traces, false, quiet + 2 * SILENCE_NS);
        assert!(sdks.tells(7, Traces, Work::Served, quiet + 2 * SILENCE_NS), "and back");
    }

    #[test]
    fn who_passes_exports_on_is_not_recognised() {
        let mut sdks = Sdks::new(Deference::All);
        sdks.received(7, Print::of("POST", "/shop/traces?x"), 1);
        sdks.exported(7, Traces, true, 2);
        assert!(sdks.tells(7, Traces, Work::Served, 3), "that was no export");
        sdks.received(7, Print::of("POST", "/otlp/v1/traces"), 4);
        sdks.exported(7, Traces, false, 5);
        assert_eq!(told(&mut sdks, Traces, 6), [false; 4]);
        sdks.hides(8, 7);
        sdks.exported(8, Traces, true, 8);
        assert!(!sdks.tells(8, Traces, Work::Served, 9));
        sdks.exported(8, Traces, false, 10);
        assert!(sdks.tells(8, Traces, Work::Served, 11), "an application that serves TLS");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut sdks = Sdks::new(Deference::All);
        for pid in 1..=2 * MAX_PROCESSES as u32 {
            sdks.exported(pid, Traces, false, pid.into());
        }
        assert_eq!(sdks.processes.len(), MAX_PROCESSES);
        assert!(sdks.tells(2 * MAX_PROCESSES as u32, Traces, Work::Served, 1));
    }
}
