//! Waiting for a program that says nothing: a line that counts the time on a terminal, else one line now and then.

use std::io::{IsTerminal as _, Write as _};
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

/// How often the line on a terminal is written anew.
const TICK: Duration = Duration::from_secs(1);
/// How often a log hears that the program is still at work.
const LOG_TICK: Duration = Duration::from_secs(20);
/// How often we look whether it has ended.
const LOOK: Duration = Duration::from_millis(50);

/// Waits, and shows that we do.
pub fn wait(child: &mut Child, what: &str) -> Result<ExitStatus> {
    let begin = Instant::now();
    let terminal = std::io::stderr().is_terminal();
    let pause = if terminal { TICK } else { LOG_TICK };
    let mut next = begin + pause;
    loop {
        if let Some(status) = child.try_wait()? {
            if terminal && next > begin + pause {
                eprint!("\r\x1b[K");
            }
            return Ok(status);
        }
        let now = Instant::now();
        if now >= next {
            next = now + pause;
            let took = clock(now - begin);
            if terminal {
                eprint!("\r\x1b[Kxtask: {took} {}", short(what));
                let _ = std::io::stderr().flush();
            } else {
                eprintln!("xtask: {took} and still at it: {}", short(what));
            }
        }
        thread::sleep(LOOK);
    }
}

/// `1:05`
pub fn clock(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

/// What fits a narrow terminal.
fn short(what: &str) -> String {
    const LIMIT: usize = 60;
    if what.chars().count() <= LIMIT {
        return what.to_owned();
    }
    what.chars().take(LIMIT - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        assert_eq!(clock(Duration::from_millis(65_900)), "1:05");
        assert_eq!(short("apt-get update"), "apt-get update");
        assert_eq!(short(&"x".repeat(100)).chars().count(), 60);
    }
}
