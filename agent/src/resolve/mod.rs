//! What is read of other programs: `/proc`, and the files that they live in. All of it happens here, on threads of its
//! own, because every one of these reads may be slow, huge, or never answered, as whoever runs there likes.
//!
//! - Facts of one process come through its open directory ([`crate::process::pinned`]).
//! - Files are opened below the root of their process without leaving it, and only if they are regular ([`files`]).
//! - What is read, and what is kept of it, has a limit in bytes; a look has a limit in time ([`lane`]): whoever lets it
//!   pass is judged by what the kernel says of it.
//! - [`look`] is one look at a process; [`program`] what its files tell.
//!
//! The main thread asks and is answered through channels; it waits for an answer for a moment at most ([`Resolver::settle`]).

mod elf;
mod executed;
mod files;
mod flow;
mod lane;
mod look;
mod memory;
mod program;
mod published;
mod result;

use std::io;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

pub use program::{GoProgram, go_program};

use self::lane::{Job, Lane};
use self::look::{Hung, Looker, Wanted};
use crate::capture::reader::monotonic_ns;
use crate::lockdown::Duty;
use crate::process::Rules;
use crate::process::table::{Ask, Found, Look, What};
use crate::threads::Nursery;
use wirespan_semconv::WIRESPAN_SCAN_PROCESSES;

/// How long the main thread waits for what it has just asked: while the ring buffer is nearly empty, and while it is not.
const SETTLE: [Duration; 2] = [Duration::from_millis(15), Duration::from_millis(3)];

/// What could not be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Looks that were asked for.
    pub looks: u64,
    /// Looks that took too long and were given up.
    pub hung: u64,
    /// Looks that found no room in the queue, or nobody to do them.
    pub refused: u64,
}

/// The threads that look. Dropping it ends them after the look at hand.
pub struct Resolver {
    /// Single processes, at once.
    looks: Lane,
    /// What may take its time: all processes, and what single ones publish.
    scans: Lane,
    wanted: Wanted,
    answers: Receiver<Found>,
    /// Looks without an answer so far.
    open: usize,
    /// When the last of them was asked for.
    asked: Option<Instant>,
    is_scanning: bool,
    /// Another scan is wanted after this one.
    scans_again: bool,
    counters: Counters,
}

impl Resolver {
    /// Starts the threads. `rules` tell whose files are worth a look.
    ///
    /// # Errors
    /// When the system grants no thread.
    pub fn start(rules: &Rules) -> io::Result<Self> {
        Self::start_with(rules, false)
    }

    /// As [`start`](Self::start). `ports`: look for the ports of each process also if rules do not need them, which costs a look at all of its open files.
    ///
    /// # Errors
    /// When the system grants no thread.
    pub fn start_with(rules: &Rules, ports: bool) -> io::Result<Self> {
        let (told, answers) = channel();
        let hung = Hung::default();
        let wanted = Wanted::new(rules, ports);
        let looker = Looker::new(wanted.clone(), hung.clone());
        let nursery = Nursery::start("ws-nursery".into(), Duty::Read)?;
        Ok(Self {
            looks: Lane::start("ws-resolve", nursery.clone(), looker.clone(), told.clone(), hung.clone())?,
            scans: Lane::start("ws-scan", nursery, looker, told, hung)?,
            wanted,
            answers,
            open: 0,
            asked: None,
            is_scanning: false,
            scans_again: false,
            counters: Counters::default(),
        })
    }

    /// Looks by these rules from now on, first of all at all processes.
    pub fn follow(&mut self, rules: &Rules) {
        self.wanted.replace(rules);
        // What a look that is under way does not look for is looked for by another one.
        self.scans_again = self.is_scanning;
        self.scan();
    }

    /// Asks for a look, and never waits. Every question is answered by [`settle`](Self::settle) in the end.
    pub fn ask(&mut self, ask: Ask) {
        self.counters.looks += 1;
        if ask.look == Look::Published {
            // Nobody waits for it.
            return self.scans.give(Job::Look(ask));
        }
        self.open += 1;
        self.asked = Some(Instant::now());
        self.looks.give(Job::Look(ask));
    }

    /// Asks for a look at all processes, unless one is under way.
    pub fn scan(&mut self) {
        if !std::mem::replace(&mut self.is_scanning, true) {
            let span = tracing::info_span!("scan", { WIRESPAN_SCAN_PROCESSES } = tracing::field::Empty);
            self.scans.give(Job::Scan { at_ns: monotonic_ns(), span });
        }
    }

    /// Waits for all processes, for at most `limit`.
    pub fn wait_for_scan(&mut self, limit: Duration, mut take: impl FnMut(Found)) {
        let until = Instant::now() + limit;
        while self.is_scanning && Instant::now() < until {
            self.collect(Duration::from_millis(10).min(limit), &mut take);
        }
    }

    /// Waits for the looks that were asked for, for at most `limit`.
    pub fn wait_for_looks(&mut self, limit: Duration, mut take: impl FnMut(Found)) {
        let until = Instant::now() + limit;
        while self.open > 0 && Instant::now() < until {
            self.collect(Duration::from_millis(10).min(limit), &mut take);
        }
    }

    /// Hands out the answers that have come. Those to the questions of the last moment are waited for: usually they take
    /// less than a millisecond, and what happens next is better understood with them. `in_haste`: not for long.
    pub fn settle(&mut self, in_haste: bool, mut take: impl FnMut(Found)) {
        self.collect(Duration::ZERO, &mut take);
        while self.open > 0
            && let Some(left) = self.asked.and_then(|asked| SETTLE[usize::from(in_haste)].checked_sub(asked.elapsed()))
            && self.collect(left, &mut take) > 0
        {}
    }

    /// What could not be done.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Takes answers, the first of them within `patience`. How many there were.
    fn collect(&mut self, patience: Duration, take: &mut impl FnMut(Found)) -> usize {
        let mut count = 0;
        let mut patience = patience;
        while let Ok(found) = self.answers.recv_timeout(patience) {
            patience = Duration::ZERO;
            count += 1;
            self.took(found, take);
        }
        for lane in [&mut self.looks, &mut self.scans] {
            self.counters.hung += lane.watch();
        }
        for job in self.looks.unanswered().chain(self.scans.unanswered()).collect::<Vec<_>>() {
            self.counters.refused += 1;
            count += 1;
            let found = match job {
                Job::Look(Ask { pid, at_ns, look: Look::Published }) => {
                    Found { pid, at_ns, what: What::Published(None) }
                }
                Job::Look(ask) => Found { pid: ask.pid, at_ns: ask.at_ns, what: What::Gone { exe: None } },
                Job::Scan { .. } => {
                    self.is_scanning = false;
                    continue;
                }
            };
            self.took(found, take);
        }
        count
    }

    fn took(&mut self, found: Found, take: &mut impl FnMut(Found)) {
        match found.what {
            What::All(_) => {
                self.is_scanning = false;
                if std::mem::take(&mut self.scans_again) {
                    self.scan();
                }
            }
            What::Process(_) | What::Start(_) | What::Gone { .. } => self.open = self.open.saturating_sub(1),
            What::Published(_) => {}
        }
        take(found);
    }
}
