//! Signals, on a thread of their own.
//!
//! The first SIGINT or SIGTERM asks for an orderly end, a second one ends at once. SIGHUP is what is left of a lost
//! terminal: with one, it asks for an orderly end, too, so that nothing is lost; without one it changes nothing. A SIGHUP
//! Where the configuration is in a file, a SIGHUP without a terminal has it read again. A SIGHUP
//! that was ignored when the agent started (`nohup`) stays ignored.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::reload::Bell;
use crate::lockdown::Duty;
use crate::telemetry::log;
use crate::threads;

/// One press of Ctrl-C can come twice, from the terminal and from a program that passes it on.
const SAME: Duration = Duration::from_millis(300);

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    /// To end, after what waits is delivered.
    End,
    /// To end now, with this status.
    EndNow(i32),
    /// To read the configuration again.
    Reload,
    /// Nothing.
    Nothing,
}

/// Makes wishes of signals.
#[derive(Debug)]
struct Wishes {
    has_terminal: bool,
    ends_since: Option<Instant>,
}

impl Wishes {
    fn of(&mut self, signal: i32, now: Instant) -> Wish {
        if signal == SIGHUP && !self.has_terminal {
            return Wish::Reload;
        }
        match self.ends_since {
            None => {
                self.ends_since = Some(now);
                Wish::End
            }
            // The terminal is gone: that says nothing about being in a hurry.
            Some(_) if signal == SIGHUP => Wish::Nothing,
            Some(since) if now.duration_since(since) < SAME => Wish::Nothing,
            Some(_) => Wish::EndNow(128 + signal),
        }
    }
}

/// A flag that is set when a signal asks for the end. `bell`: has the configuration read again, if it is in a file.
///
/// # Errors
/// When signals cannot be handled.
pub fn stop_flag(bell: Option<Bell>) -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut handled = vec![SIGINT, SIGTERM];
    if !is_ignored(SIGHUP) {
        handled.push(SIGHUP);
    }
    let has_terminal =
        std::io::stdin().is_terminal() || std::io::stdout().is_terminal() || std::io::stderr().is_terminal();
    let mut wishes = Wishes { has_terminal, ends_since: None };
    let mut signals = Signals::new(handled).context("cannot handle signals")?;
    let work = {
        let stop = Arc::clone(&stop);
        move || {
            for signal in signals.forever() {
                match wishes.of(signal, Instant::now()) {
                    Wish::End => stop.store(true, Ordering::Relaxed),
                    Wish::EndNow(status) => {
                        crate::terminal::restore();
                        log::release();
                        log::fatal("ended at once; what waited to be delivered is lost");
                        log::flush(Duration::from_millis(100));
                        signal_hook::low_level::exit(status);
                    }
                    Wish::Reload => match &bell {
                        // Whoever reads it is gone at the end only.
                        Some(bell) => _ = bell.send(()),
                        None => tracing::info!("SIGHUP: there is no configuration file to read again"),
                    },
                    Wish::Nothing => {}
                }
            }
        }
    };
    threads::spawn("ws-signals".into(), Duty::Write, work).context("cannot start the thread of signals")?;
    Ok(stop)
}

/// Whether a signal is ignored now.
fn is_ignored(signal: i32) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action nothing is changed; the pointer is to memory of the right size, which was zeroed.
    let action = unsafe {
        if libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) != 0 {
            return false;
        }
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_signal_ends_at_once() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        for has_terminal in [true, false] {
            let mut wishes = Wishes { has_terminal, ends_since: None };
            assert_eq!(wishes.of(SIGINT, now), Wish::End);
            assert_eq!(wishes.of(SIGINT, now + SAME / 2), Wish::Nothing, "one press that came twice");
            assert_eq!(wishes.of(SIGTERM, later), Wish::EndNow(143));
            assert_eq!(wishes.of(SIGINT, later), Wish::EndNow(130));
        }
    }

    #[test]
    fn a_lost_terminal_ends_in_order() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let mut wishes = Wishes { has_terminal: true, ends_since: None };
        assert_eq!(wishes.of(SIGHUP, now), Wish::End);
        assert_eq!(wishes.of(SIGHUP, later), Wish::Nothing);
        assert_eq!(wishes.of(SIGTERM, later), Wish::EndNow(143));
        let mut service = Wishes { has_terminal: false, ends_since: None };
        assert!(service.of(SIGHUP, now) == Wish::Reload);
        assert_eq!(service.of(SIGTERM, later), Wish::End);
    }
}
