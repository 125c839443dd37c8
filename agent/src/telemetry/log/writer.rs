//! The thread that writes, and the queue before it.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::fd::AsFd as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::line::{self, Level, Style};
use crate::lockdown;

/// Most bytes of notes that wait.
const ROOM: usize = 256 * 1024;
/// Pause where the target takes nothing at the moment and does not let us wait.
const AGAIN: Duration = Duration::from_millis(20);

#[derive(Default)]
struct State {
    waiting: VecDeque<(Style, String)>,
    bytes: usize,
    /// Notes that found no room, or that the target refused.
    lost: u64,
    /// A line is being written.
    busy: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    change: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes notes, in their order.
pub(super) struct Writer {
    shared: Arc<Shared>,
    /// Without a thread nothing is written, only counted.
    runs: bool,
}

impl Writer {
    /// To standard error, past the lock of the standard library: somebody else could wait while holding it.
    pub(super) fn stderr() -> Self {
        match std::io::stderr().as_fd().try_clone_to_owned() {
            Ok(own) => Self::new(File::from(own)),
            Err(_) => Self { shared: Arc::default(), runs: false },
        }
    }

    pub(super) fn new(target: impl Write + Send + 'static) -> Self {
        let shared = Arc::<Shared>::default();
        let thread = std::thread::Builder::new().name("ws-notes".into()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                lockdown::bare();
                work(&shared, target);
            }
        });
        Self { shared, runs: thread.is_ok() }
    }

    /// Takes in a line, if there is room.
    pub(super) fn push(&self, style: Style, line: String) {
        if !self.runs {
            return;
        }
        let mut state = self.shared.lock();
        if state.bytes + line.len() > ROOM {
            state.lost += 1;
            return;
        }
        state.bytes += line.len();
        state.waiting.push_back((style, line));
        drop(state);
        self.shared.change.notify_all();
    }

    /// Waits until nothing waits, for at most `patience`.
    pub(super) fn flush(&self, patience: Duration) {
        let until = Instant::now() + patience;
        let mut state = self.shared.lock();
        while self.runs && (state.busy || !state.waiting.is_empty()) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.shared.change.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Writes for as long as the program runs.
fn work(shared: &Shared, mut target: impl Write) {
    loop {
        let mut state = shared.lock();
        while state.waiting.is_empty() {
            state.busy = false;
            shared.change.notify_all();
            state = shared.change.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let Some((style, line)) = state.waiting.pop_front() else { continue };
        state.bytes = state.bytes.saturating_sub(line.len());
        state.busy = true;
        let lost = state.lost;
        drop(state);
        let mut written = write_all(&mut target, line.as_bytes());
        let mut told = 0;
        if written && lost > 0 {
            let text = format!("{lost} notes were lost: standard error did not take them");
            let line = line::render(style, Level::Warn, std::time::SystemTime::now(), &text);
            written = write_all(&mut target, line.as_bytes());
            told = if written { lost } else { 0 };
        }
        let mut state = shared.lock();
        state.lost = (state.lost - told).saturating_add(u64::from(!written));
    }
}

fn write_all(target: &mut impl Write, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match target.write(bytes) {
            Ok(0) => return false,
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(AGAIN),
            Err(_) => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Takes a line only when it is let.
    struct Gate {
        open: mpsc::Receiver<bool>,
        taken: Arc<Mutex<String>>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if !self.open.recv().unwrap_or(true) {
                return Err(ErrorKind::StorageFull.into());
            }
            self.taken.lock().unwrap().push_str(std::str::from_utf8(bytes).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_target_that_takes_nothing_blocks_nobody_and_is_told_what_was_lost() {
        let (open, gate) = mpsc::channel();
        let taken = Arc::<Mutex<String>>::default();
        let writer = Writer::new(Gate { open: gate, taken: Arc::clone(&taken) });
        let begin = Instant::now();
        for n in 0..20_000 {
            writer.push(Style::Plain, format!("wirespan: note {n:05} {}\n", "x".repeat(100)));
        }
        writer.flush(Duration::from_millis(10));
        assert!(begin.elapsed() < Duration::from_secs(5));
        assert_eq!(*taken.lock().unwrap(), "");
        assert!(writer.shared.lock().bytes <= ROOM);
        // The first one is refused; then everything is taken.
        open.send(false).unwrap();
        drop(open);
        writer.flush(Duration::from_secs(10));
        let taken = taken.lock().unwrap();
        assert!(!taken.contains("note 00000") && taken.contains("note 00001"), "{}", &taken[..200]);
        let lost: Vec<u64> = taken
            .lines()
            .filter_map(|line| line.strip_prefix("wirespan: warning: ")?.split_once(" notes were lost"))
            .map(|(count, _)| count.parse().unwrap())
            .collect();
        let written = taken.matches(" note ").count() as u64;
        assert!(written > 1000);
        assert_eq!(lost.iter().sum::<u64>() + written, 20_000);
    }
}
