//! The governor: keeps what the agent takes of the host's processors within `wirespan.limits.cpu`.
//!
//! Time is taken in two places: by the agent's threads, and by the kernel programs, in the calls of the targets ([`usage`]).
//! Where no processor is idle ([`host`]), the agent's time counts [`CROWDED`] times more. [`control`] turns what was used into how many of 256 exchanges are left out. The programs do that where a turn begins,
//! before anything of it is copied; what is left stands for the others, too ([`Exchange::weight`]), and its spans and metrics
//! say so.
//!
//! [`Exchange::weight`]: wirespan_protocols::exchange::Exchange::weight

pub mod control;
pub mod host;
pub mod usage;

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use control::{Control, STEPS};
use host::Processors;
use rustix::time::{ClockId, clock_gettime};
use usage::{AGAIN, EVERY, Measured, Reading, Usage, WINDOW};
use wirespan_common::shed;
use wirespan_protocols::session::Shedding;

use crate::capture::Capture;
use crate::capture::measuring::Measuring;

/// Time between two steps.
const STEP: Duration = Duration::from_millis(100);

/// How much longer that is while nothing comes, and nothing is left out.
const RARELY: Duration = Duration::from_millis(900);

/// Time between two notes that something is left out.
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// A share of the budget below which the kernel is not asked to measure.
const QUIET: f64 = 0.25;

/// A change of what is left out that makes calls cost something else, as a share of all exchanges.
const OTHERWISE: f64 = 0.2;

/// What the agent's time costs others beyond itself where no processor is idle, as a multiple of it: its threads take the
/// place of one that works, which finds its caches cold, and those that wait for its answers are idle meanwhile.
const CROWDED: f64 = 2.0;

/// How much of the host's processors the agent may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget(f64);

impl Budget {
    /// Least and usual part of the host's processors.
    const LEAST: f64 = 0.2;

    /// So many of the host's processors.
    #[must_use]
    pub const fn processors(number: f64) -> Self {
        Self(number)
    }

    /// A share of the host's processors, but at least a fifth of one.
    #[must_use]
    pub fn share(share: f64) -> Self {
        let there = std::thread::available_parallelism().map_or(1, usize::from);
        Self((there as f64 * share).max(Self::LEAST))
    }
}

/// What the programs are told of a connection's turns.
#[must_use]
pub fn rule(shedding: Shedding) -> u32 {
    match shedding {
        Shedding::Never => shed::NEVER,
        Shedding::Any => shed::ANY,
        Shedding::Tagged { stays, stays_if_named } => shed::tagged(stays, stays_if_named),
    }
}

/// What the agent used lately, in processors, and what it leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    /// Used by its threads.
    pub agent: f64,
    /// Used by the kernel programs, as estimated.
    pub kernel: f64,
    /// May be used.
    pub budget: f64,
    /// Share of the exchanges that are left out.
    pub left_out: f64,
}

/// See the module's text.
#[derive(Debug)]
pub struct Governor {
    control: Control,
    usage: Usage,
    processors: Processors,
    standing: Standing,
    due: Instant,
    /// Who asks the kernel to measure.
    measures: Option<Measuring>,
    measuring: Option<Window>,
    measure_due: Instant,
    /// What was left out when the kernel last measured.
    measured_at: f64,
    /// What the programs were told.
    told_kernel: (u8, bool),
    note_due: Instant,
    /// A note said that something is left out, and none that this is over.
    told: bool,
}

/// The kernel measures its programs.
#[derive(Debug)]
struct Window {
    _stats: OwnedFd,
    until: Instant,
    before: Measured,
}

fn measured(capture: &Capture) -> Measured {
    Measured { run_ns: capture.run_ns(), calls: capture.calls() }
}

fn reading(capture: &Capture) -> Reading {
    let ns = |clock| {
        let time = clock_gettime(clock);
        u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
    };
    Reading { at_ns: ns(ClockId::Monotonic), agent_ns: ns(ClockId::ProcessCPUTime), calls: capture.calls() }
}

impl Governor {
    /// From now on.
    #[must_use]
    pub fn new(budget: Budget, capture: &Capture) -> Self {
        let now = Instant::now();
        Self {
            control: Control::new(budget.0),
            usage: Usage::new(reading(capture)),
            processors: Processors::of_host(),
            standing: Standing { budget: budget.0, ..Standing::default() },
            due: now + STEP,
            measures: Measuring::start().ok(),
            measuring: None,
            measure_due: now + STEP,
            measured_at: 0.0,
            told_kernel: (0, false),
            note_due: now,
            told: false,
        }
    }

    /// What is used and left out.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    /// After a turn of the main loop: measures and decides when it is time to. Whether turns are left out now, if that has
    /// changed. `inherits`: see [`Capture::shed`]; `backlog`: share of the ring buffer that waits to be read; `came`: something
    /// was read in this turn.
    pub fn turn(
        &mut self,
        capture: &mut Capture,
        (inherits, backlog): (bool, f64),
        came: bool,
        note: &mut impl FnMut(&str),
    ) -> Option<bool> {
        let now = Instant::now();
        if let Some(window) = self.measuring.take_if(|window| window.until <= now) {
            let after = measured(capture);
            self.usage.learn(Measured {
                run_ns: after.run_ns.saturating_sub(window.before.run_ns),
                calls: after.calls.saturating_sub(window.before.calls),
            });
        }
        let is_idle = !came && self.told_kernel.0 == 0;
        if now < self.due + if is_idle { RARELY } else { Duration::ZERO } {
            return None;
        }
        self.due = now + STEP;
        let (agent, kernel) = self.usage.since(reading(capture))?;
        let crowding = if agent + kernel > self.control.budget() * QUIET {
            self.processors.crowding()
        } else {
            self.processors.rest();
            0.0
        };
        let rejected = self.control.step(agent * crowding.mul_add(CROWDED, 1.0) + kernel, backlog);
        let left_out = f64::from(rejected) / f64::from(STEPS);
        self.standing = Standing { agent, kernel, left_out, ..self.standing };
        if (left_out - self.measured_at).abs() > OTHERWISE {
            self.measure_due = self.measure_due.min(now + AGAIN);
        }
        if self.measuring.is_none() && now >= self.measure_due && self.control.used() > self.control.budget() * QUIET {
            (self.measure_due, self.measured_at) = (now + EVERY, left_out);
            let before = measured(capture);
            self.measuring = self.measures.as_ref().and_then(Measuring::begin).map(|stats| Window {
                _stats: stats,
                until: now + WINDOW,
                before,
            });
        }
        self.tell(now, note);
        let before = self.told_kernel;
        if (rejected, inherits) == before || !capture.shed(rejected, inherits) {
            return None;
        }
        self.told_kernel = (rejected, inherits);
        ((before.0 == 0) != (rejected == 0)).then_some(rejected > 0)
    }

    /// Says that something is left out, and when that is over.
    fn tell(&mut self, now: Instant, note: &mut impl FnMut(&str)) {
        let Standing { agent, kernel, budget, left_out } = self.standing;
        if left_out > 0.0 && now >= self.note_due {
            self.note_due = now + NOTE_EVERY;
            self.told = true;
            note(&format!(
                "at the limit of {budget:.2} processors (wirespan.limits.cpu): {:.0} % of the exchanges are left out, the others \
                 stand for them; the agent uses {agent:.2}, the kernel programs {kernel:.2}",
                left_out * 100.0
            ));
        } else if left_out == 0.0 && self.told && now >= self.note_due {
            self.told = false;
            note("below the limit again (wirespan.limits.cpu): nothing is left out");
        }
    }
}
