//! How the agent is, as far as it can tell: whether its main loop turns, and whether it traces. Others ask; a [`Supervisor`] is told.

use super::notify::Supervisor;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The main loop looks at the kernel's records at least sixteen times a second: after this time it is stuck.
const STUCK: Duration = Duration::from_secs(10);

/// How often a supervisor is told in words what the agent does.
const STATUS: Duration = Duration::from_secs(10);

/// What the agent is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// It loads and attaches its programs, and looks at the processes that are there.
    Starting,
    /// It traces.
    Tracing,
    /// It delivers what waits, and ends.
    Ending,
}

/// Told by the main loop, asked by others.
#[derive(Debug)]
pub struct Health {
    begin: Instant,
    /// When the main loop turned last, in ms since the beginning.
    turned_ms: AtomicU64,
    stage: AtomicU8,
    supervisor: Option<Supervisor>,
    /// When the supervisor is next told that the main loop turns, and when what it does, in ms since the beginning.
    fed_ms: AtomicU64,
    said_ms: AtomicU64,
}

impl Default for Health {
    fn default() -> Self {
        Self::told_to(None)
    }
}

impl Health {
    /// Nothing is known yet; `supervisor` will be told.
    #[must_use]
    pub fn told_to(supervisor: Option<Supervisor>) -> Self {
        Self {
            begin: Instant::now(),
            turned_ms: AtomicU64::new(0),
            stage: AtomicU8::new(Stage::Starting as u8),
            supervisor,
            fed_ms: AtomicU64::new(0),
            said_ms: AtomicU64::new(0),
        }
    }

    /// Another stage begins. That is progress, too.
    pub fn enter(&self, stage: Stage, now: Instant) {
        self.stage.store(stage as u8, Ordering::Relaxed);
        if let Some(supervisor) = &self.supervisor {
            match stage {
                Stage::Starting => {}
                Stage::Tracing => supervisor.tell("READY=1"),
                Stage::Ending => supervisor.tell("STOPPING=1\nSTATUS=Delivering what waits"),
            }
        }
        self.turn(now);
    }

    /// The main loop has turned.
    pub fn turn(&self, now: Instant) {
        self.turned_ms.store(self.since_begin(now), Ordering::Relaxed);
        if let Some((supervisor, interval)) = self.supervisor.as_ref().and_then(|one| Some((one, one.interval?)))
            && self.is_due(&self.fed_ms, interval, now)
        {
            supervisor.tell("WATCHDOG=1");
        }
    }

    /// Tells a supervisor what the agent does, in words, if there is one and it is time to.
    pub fn say(&self, now: Instant, text: impl FnOnce() -> String) {
        if let Some(supervisor) = &self.supervisor
            && self.is_due(&self.said_ms, STATUS, now)
        {
            supervisor.tell(&format!("STATUS={}", text()));
        }
    }

    /// Reads the configuration again by `read`; a supervisor waits for the end of it.
    pub fn reload<T>(&self, read: impl FnOnce() -> T) -> T {
        let Some(supervisor) = &self.supervisor else { return read() };
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let since_boot = Duration::try_from(now).unwrap_or_default();
        supervisor.tell(&format!("RELOADING=1\nMONOTONIC_USEC={}", since_boot.as_micros()));
        let result = read();
        supervisor.tell("READY=1");
        result
    }

    /// Whether the time `at` has come; then the next one is `interval` later.
    fn is_due(&self, at: &AtomicU64, interval: Duration, now: Instant) -> bool {
        let since_begin = self.since_begin(now);
        let is_due = since_begin >= at.load(Ordering::Relaxed);
        if is_due {
            let interval = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
            at.store(since_begin.saturating_add(interval), Ordering::Relaxed);
        }
        is_due
    }

    /// # Errors
    /// Why the agent should be restarted: its main loop is stuck.
    pub fn live(&self, now: Instant) -> Result<(), String> {
        let silent = self.since_begin(now).saturating_sub(self.turned_ms.load(Ordering::Relaxed));
        if u128::from(silent) <= STUCK.as_millis() {
            return Ok(());
        }
        Err(format!("the main loop has not turned for {} s", silent / 1000))
    }

    /// # Errors
    /// Why nothing is traced: not yet, or no more.
    pub fn ready(&self) -> Result<(), &'static str> {
        match self.stage.load(Ordering::Relaxed) {
            stage if stage == Stage::Tracing as u8 => Ok(()),
            stage if stage == Stage::Ending as u8 => Err("wirespan is ending"),
            _ => Err("wirespan is starting: it is not attached yet"),
        }
    }

    fn since_begin(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.begin).as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::super::notify::testing;
    use super::*;

    #[test]
    fn a_loop_that_does_not_turn_is_stuck() {
        let health = Health::default();
        let after = |seconds| health.begin + Duration::from_secs(seconds);
        assert_eq!(health.live(after(10)), Ok(()), "a start takes its time");
        assert_eq!(health.live(after(11)), Err("the main loop has not turned for 11 s".to_owned()));
        health.turn(after(20));
        assert_eq!(health.live(after(29)), Ok(()));
        assert!(health.live(after(41)).is_err());
        health.enter(Stage::Ending, after(41));
        assert_eq!(health.live(after(41)), Ok(()));
    }

    #[test]
    fn a_supervisor_hears_of_every_stage_and_of_a_loop_that_turns() {
        let (supervisor, socket) = testing::supervisor("stages", Duration::from_secs(30));
        let health = Health::told_to(Some(supervisor));
        let after = |seconds| health.begin + Duration::from_secs(seconds);
        let heard = || std::iter::from_fn(|| testing::heard(&socket)).collect::<Vec<_>>();
        health.enter(Stage::Tracing, after(1));
        assert_eq!(heard(), ["READY=1", "WATCHDOG=1"]);
        health.turn(after(15));
        assert_eq!(heard(), Vec::<String>::new(), "it does not want to hear of every turn");
        health.turn(after(16));
        health.turn(after(17));
        assert_eq!(heard(), ["WATCHDOG=1"]);
        health.say(after(17), || "Two processes".to_owned());
        health.say(after(18), || "Three processes".to_owned());
        health.say(after(27), || "Four processes".to_owned());
        assert_eq!(heard(), ["STATUS=Two processes", "STATUS=Four processes"]);
        assert!(health.reload(|| testing::heard(&socket).unwrap()).starts_with("RELOADING=1\nMONOTONIC_USEC="));
        assert_eq!(heard(), ["READY=1"]);
        health.enter(Stage::Ending, after(28));
        assert!(heard()[0].starts_with("STOPPING=1\n"));
    }

    #[test]
    fn it_is_ready_while_it_traces() {
        let health = Health::default();
        assert!(health.ready().is_err());
        health.enter(Stage::Tracing, Instant::now());
        assert_eq!(health.ready(), Ok(()));
        health.enter(Stage::Ending, Instant::now());
        assert!(health.ready().is_err_and(|why| why.contains("ending")));
    }
}
