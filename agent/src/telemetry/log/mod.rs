//! Notes for whoever runs the agent: one line each on standard error. They are made by the macros of `tracing`.
//!
//! A note never blocks the thread that has something to say, and never fails: it is put into a bounded queue, and a thread
//! of its own writes. What standard error does not take (closed, full, not read) is counted and told when it does again. One place in
//! the code that says much says it once a second ([`Limits`]).

mod limit;
mod line;
mod writer;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

pub use limit::Limits;
pub use line::{Level, Style};
use writer::Writer;

static WRITER: OnceLock<Writer> = OnceLock::new();
/// The least important level that is told.
static LEAST: AtomicU8 = AtomicU8::new(Level::Info as u8);
/// Notes that are kept back, if they are.
static HELD: Mutex<Option<VecDeque<String>>> = Mutex::new(None);
/// Most notes that are kept back.
const MAX_HELD: usize = 256;
static STYLE: RwLock<Style> = RwLock::new(Style::Plain);

/// Longest time that the end of the program waits for notes to be written.
pub const PATIENCE: Duration = Duration::from_millis(500);

/// Says which notes are told (0: none), and how, from now on.
pub fn configure(least: u8, style: Style) {
    LEAST.store(least, Ordering::Relaxed);
    *STYLE.write().unwrap_or_else(PoisonError::into_inner) = style;
    tracing::callsite::rebuild_interest_cache();
}

/// Why the program ends, at whatever level.
pub fn fatal(text: &str) {
    write(Level::Error, text);
}

/// The least important level that is told; 0: none.
pub(super) fn least() -> u8 {
    LEAST.load(Ordering::Relaxed)
}

/// Puts a note into the queue, whatever its level.
pub(super) fn write(level: Level, text: &str) {
    let style = *STYLE.read().unwrap_or_else(PoisonError::into_inner);
    let line = line::render(style, level, SystemTime::now(), text);
    if let Some(held) = HELD.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        if held.len() >= MAX_HELD {
            held.pop_front();
        }
        held.push_back(line);
        return;
    }
    WRITER.get_or_init(Writer::stderr).push(style, line);
}

/// Keeps notes back from now on: something else is drawn on the terminal. The last [`MAX_HELD`] are kept.
pub fn hold() {
    HELD.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
}

/// Writes what was kept back, and all that comes.
pub fn release() {
    let held = HELD.lock().unwrap_or_else(PoisonError::into_inner).take();
    let style = *STYLE.read().unwrap_or_else(PoisonError::into_inner);
    held.into_iter().flatten().for_each(|line| WRITER.get_or_init(Writer::stderr).push(style, line));
}

/// Waits until all notes are written, for at most `patience`.
pub fn flush(patience: Duration) {
    if let Some(writer) = WRITER.get() {
        writer.flush(patience);
    }
}

/// Makes a note of a panic: the standard hook would write to standard error itself, and could wait there for ever.
pub fn of_panics() {
    std::panic::set_hook(Box::new(|panic| {
        crate::terminal::restore();
        release();
        let thread = std::thread::current();
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let payload = panic.payload();
        let what = payload.downcast_ref::<&str>().copied();
        let what = what.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or_default();
        fatal(&format!("thread {} panicked at {place}: {what}", thread.name().unwrap_or("without a name")));
    }));
}
