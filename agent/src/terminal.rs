//! The terminal as a screen: entered by whoever draws on it, and given back on every exit, also on a panic or a signal.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{DisableMouseCapture, EnableMouseCapture};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Whether somebody draws.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// Makes the terminal a screen: keys come as they are pressed, and what stood there comes back later.
///
/// # Errors
/// When standard output is no terminal.
pub fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    ENTERED.store(true, Ordering::SeqCst);
    execute!(io::stdout(), EnterAlternateScreen, EnableMouseCapture, Hide)
}

/// Gives it back, if it was taken. May be called by any thread, at any time.
pub fn restore() {
    if ENTERED.swap(false, Ordering::SeqCst) {
        // Nothing can be told if this fails: the terminal is gone.
        let _ = execute!(io::stdout(), DisableMouseCapture, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
        let _ = io::stdout().flush();
    }
}

/// Columns and lines of the terminal that standard output is, if it is one and knows. crossterm would ask by opening `/dev/tty`, whose
/// ioctl(2) landlock(7) refuses, and then start a program.
#[must_use]
pub fn size() -> Option<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
}

/// What came while somebody waited for keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// Something can be read.
    Keys,
    /// Nothing.
    Nothing,
    /// The terminal is gone.
    Gone,
}

/// Waits for keys on standard input, for at most `patience`.
#[must_use]
pub fn wait(patience: Duration) -> Waited {
    let input = io::stdin();
    let mut polled = [PollFd::new(&input, PollFlags::IN)];
    let patience = Timespec { tv_sec: patience.as_secs().min(60) as i64, tv_nsec: patience.subsec_nanos().into() };
    match poll(&mut polled, Some(&patience)) {
        Ok(0) | Err(_) => Waited::Nothing,
        Ok(_) if polled[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) => Waited::Gone,
        Ok(_) => Waited::Keys,
    }
}
