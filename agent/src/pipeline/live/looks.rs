//! What was found out about the programs of targets goes to the kernel programs; and they are looked at again when it is time.

use std::time::{Duration, Instant};

use super::Live;
use crate::process::table::{Ask, Look};
use crate::process::{Process, Site};
use crate::runtime;

/// Longest wait for the libraries of those that are traced.
const FIRST_SEARCH: Duration = Duration::from_secs(5);

impl Live {
    /// Has the files of those that are traced already searched for what encrypts.
    pub(super) fn search(&mut self) {
        let Self { engine, resolver, .. } = self;
        let pids: Vec<u32> = engine.processes().targets().map(|process| process.pid).collect();
        for pid in pids {
            resolver.ask(Ask { pid, at_ns: 0, look: Look::Whole { file: "".into() } });
        }
        resolver.wait_for_looks(FIRST_SEARCH, |found| engine.found(found));
        self.obey();
    }

    /// Tells the kernel how the contexts of targets are found, and asks for looks that are due.
    pub(super) fn look(&mut self) {
        let now = Instant::now();
        for (Process { pid, program, published, .. }, reads_secrets) in self.engine.programs() {
            let pid = *pid;
            self.again.looked(pid, program.is_unsettled, now);
            self.published.looked(pid, true, now);
            let secrets: Vec<&Site> =
                program.tls.iter().filter(|_| reads_secrets).flat_map(|library| library.sites.iter()).collect();
            let is_probed = self.capture.probe(pid, &program.sites, &secrets);
            if let Some(runtime) = runtime::of(program, is_probed) {
                self.capture.runtimes.set(pid, runtime);
            }
            if let Some(place) = published.as_ref().and_then(|published| published.span_at) {
                self.capture.spans.set(pid, place);
            }
        }
        for pid in self.engine.take_silent() {
            self.again.looked(pid, true, now);
        }
        self.look_for_older(now);
        let Self { engine, again, published, resolver, .. } = self;
        let processes = engine.processes();
        let targets = || processes.targets().map(|process| process.pid).collect();
        for pid in again.due(now, targets) {
            resolver.ask(Ask { pid, at_ns: 0, look: Look::Whole { file: "".into() } });
        }
        for pid in published.due(now, targets) {
            resolver.ask(Ask { pid, at_ns: 0, look: Look::Published });
            match processes.get(pid) {
                Some(process) if process.published.is_some() => published.goes_on(pid, now),
                _ => published.looked(pid, true, now),
            }
        }
    }

    /// Has sessions looked for whose connections were encrypted before anybody looked, as long as there are such connections.
    fn look_for_older(&mut self, now: Instant) {
        let Self { engine, capture, older, .. } = self;
        let waiting = engine.waiting();
        if waiting.is_empty() && older.is_idle() {
            return;
        }
        for pid in older.over(now, &waiting) {
            capture.close_sessions(pid);
            tracing::debug!("process {pid}: the probes of TLS sessions are taken out");
        }
        for pid in older.due(now, &waiting) {
            let Some(process) = engine.processes().get(pid) else { continue };
            let sites: Vec<Site> =
                process.program.tls.iter().flat_map(|library| library.sessions.iter().cloned()).collect();
            if sites.is_empty() {
                continue;
            }
            let count = capture.open_sessions(pid, &sites);
            older.opened(pid, now);
            tracing::debug!("process {pid}: {count} probes look for TLS sessions");
        }
    }

    /// Tells which processes there are, if somebody asks.
    pub(super) fn list(&mut self) {
        let Self { listing: Some(listing), engine, capture, .. } = self else { return };
        listing.answer(|seen| engine.list(seen, &capture.report));
    }
}
