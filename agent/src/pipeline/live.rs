//! Live tracing: kernel → engine → exporters, on one thread; exporters have their own.

use super::engine::Engine;
use super::hint::Hint;
use crate::capture::memory;
use crate::capture::reader::monotonic_ns;
use crate::capture::{Capture, Options, Reader};
use crate::conn::Command;
use crate::event::Event;
use crate::export::Exporters;
use crate::process::table::{Change, Decision};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use wirespan_common::counters::Counter;
use wirespan_common::record::{POLICY_IGNORE, POLICY_TRACE};

/// Shortest and longest pause between two looks at the ring buffer. The kernel ends a pause early when the buffer fills.
const PAUSE: (Duration, Duration) = (Duration::from_millis(8), Duration::from_millis(64));

/// Time between two looks at all processes, where selectors need them or process records were lost.
const RESCAN: Duration = Duration::from_secs(5);

/// Remembers when all processes were last looked at.
struct Rescan {
    always: bool,
    last: Instant,
    lost: u64,
}

impl Rescan {
    fn new(always: bool) -> Self {
        Self { always, last: Instant::now(), lost: 0 }
    }

    fn is_due(&mut self, now: Instant, lost: impl Fn() -> u64) -> bool {
        if now.duration_since(self.last) < RESCAN {
            return false;
        }
        self.last = now;
        let lost = lost();
        self.always || std::mem::replace(&mut self.lost, lost) != lost
    }
}

/// A running capture and the stages that it feeds.
pub struct Live {
    capture: Capture,
    reader: Reader,
    /// The stages.
    pub engine: Engine,
    select_all: bool,
}

impl Live {
    /// Attaches, then looks at the processes that are there already.
    ///
    /// # Errors
    /// When the kernel grants no capture.
    pub fn start(options: &Options, mut engine: Engine) -> anyhow::Result<Self> {
        let (capture, reader) = Capture::start(options)?;
        engine.processes().scan(monotonic_ns());
        let select_all = options.default_policy == POLICY_TRACE;
        let mut live = Self { capture, reader, engine, select_all };
        live.obey();
        let ports: Vec<u16> = live.engine.processes().targets().flat_map(|process| process.listening.clone()).collect();
        for port in ports {
            live.capture.add_port(port);
        }
        memory::give_back();
        Ok(live)
    }

    /// The first line that a user reads: what was chosen and what it costs or misses.
    #[must_use]
    pub fn line(&self) -> String {
        self.capture.report.line()
    }

    /// Processes selected now.
    pub fn targets(&mut self) -> usize {
        self.engine.processes().targets().count()
    }

    /// The kernel's counters, indexed by [`Counter`].
    #[must_use]
    pub fn counters(&self) -> [u64; Counter::COUNT] {
        self.capture.counters()
    }

    /// Records that could not be decoded.
    #[must_use]
    pub fn undecodable(&self) -> u64 {
        self.reader.undecodable
    }

    /// Traces until `stop` is set or `deadline` has come, handing each event to `tap` first. Notes for the user go to
    /// `note`.
    pub fn run(
        &mut self,
        exporters: &Exporters,
        stop: &AtomicBool,
        deadline: Option<Instant>,
        mut tap: impl FnMut(&Event<'_>),
        mut note: impl FnMut(&str),
    ) {
        let mut pause = PAUSE.0;
        let mut hint = Hint::new(Instant::now());
        let mut rescan = Rescan::new(self.engine.processes().drifts());
        while !stop.load(Ordering::Relaxed) && !exporters.ended() && deadline.is_none_or(|at| Instant::now() < at) {
            self.reader.wait(pause);
            let (events, more) = self.turn(exporters, false, &mut tap);
            pause = match events {
                _ if more => Duration::ZERO,
                0 => (pause * 2).clamp(PAUSE.0, PAUSE.1),
                _ => PAUSE.0,
            };
            if rescan.is_due(Instant::now(), || self.capture.counters()[Counter::DropProcess as usize]) {
                self.engine.processes().scan(monotonic_ns());
                self.obey();
            }
            if hint.is_due(Instant::now(), self.engine.totals().spans) {
                let text = hint.text(self.targets(), &self.counters(), &self.engine);
                note(&text);
            }
        }
        self.turn(exporters, true, &mut tap);
    }

    fn turn(&mut self, exporters: &Exporters, all: bool, tap: &mut impl FnMut(&Event<'_>)) -> (usize, bool) {
        let Self { reader, engine, .. } = self;
        let drained = reader.drain(all, |event| {
            tap(event);
            engine.handle(event);
        });
        let spans = self.engine.take_spans();
        if !spans.is_empty() {
            exporters.offer(spans);
        }
        self.obey();
        drained
    }

    /// Tells the kernel what the stages above have decided.
    fn obey(&mut self) {
        let changes: Vec<_> = self.engine.processes().changes().collect();
        for (pid, change) in changes {
            // A full map leaves the process with the default; the table counts what it refuses.
            let _ = match change {
                Change::Set(Decision::Trace) if self.select_all => self.capture.remove_policy(pid),
                Change::Set(Decision::Trace) => self.capture.set_policy(pid, POLICY_TRACE),
                Change::Set(Decision::Ignore) if self.select_all || pid == std::process::id() => {
                    self.capture.set_policy(pid, POLICY_IGNORE)
                }
                Change::Set(Decision::Ignore) => {
                    self.capture.release_policy(pid);
                    Ok(())
                }
                Change::Remove => self.capture.remove_policy(pid),
            };
        }
        for command in self.engine.take_commands() {
            match command {
                Command::Budget { sock, connection, budget } => self.capture.direct(sock, connection, budget),
                Command::Forget { sock } => self.capture.forget(sock),
            }
        }
    }
}
