//! How the agent is, as far as it can tell: whether its main loop turns, and whether it traces.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The main loop looks at the kernel's records at least sixteen times a second: after this time it is stuck.
const STUCK: Duration = Duration::from_secs(10);

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
}

impl Default for Health {
    fn default() -> Self {
        Self { begin: Instant::now(), turned_ms: AtomicU64::new(0), stage: AtomicU8::new(Stage::Starting as u8) }
    }
}

impl Health {
    /// Another stage begins. That is progress, too.
    pub fn enter(&self, stage: Stage, now: Instant) {
        self.stage.store(stage as u8, Ordering::Relaxed);
        self.turn(now);
    }

    /// The main loop has turned.
    pub fn turn(&self, now: Instant) {
        self.turned_ms.store(self.since_begin(now), Ordering::Relaxed);
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
    fn it_is_ready_while_it_traces() {
        let health = Health::default();
        assert!(health.ready().is_err());
        health.enter(Stage::Tracing, Instant::now());
        assert_eq!(health.ready(), Ok(()));
        health.enter(Stage::Ending, Instant::now());
        assert!(health.ready().is_err_and(|why| why.contains("ending")));
    }
}
