//! `wirespan top`: what talks to what, what is slow, and why, on a terminal. A viewer of [`crate::view`] and nothing else.
//!
//! Layout, from the bottom up:
//! - [`style`]: colours, and how to do without;
//! - [`model`]: what is shown, and the question that gets it;
//! - [`state`]: where the user is, and what keys do; [`keys`]: which key is what;
//! - [`draw`]: a file for each page; [`screen`]: where it is drawn;
//! - [`run`]: the loop.
//!
//! The screen is drawn when something changed, and at most four times a second. Foreign text comes through [`crate::shown`].

pub mod draw;
pub mod keys;
pub mod model;
pub mod screen;
pub mod state;
pub mod style;
#[cfg(test)]
mod tests;

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{self, Event};
use crossterm::execute;
use ratatui::Terminal;

use crate::terminal::{self, Waited};
use crate::view::ask::Asker;
use crate::view::rows::Over;
use model::{Answer, Model};
use screen::Drawn;
use state::{Effect, State};
use style::Style;

/// Shortest time between two drawings.
const REDRAW: Duration = Duration::from_millis(250);
/// Time between two questions, where nothing else asks for one; the first ones come faster.
const ASK: Duration = Duration::from_millis(1000);
/// Until something is there to be shown.
const ASK_FIRST: Duration = Duration::from_millis(200);
/// How soon the end of everything is noticed.
const NOTICE: Duration = Duration::from_millis(200);

/// Gives the terminal back, however the loop ends.
struct Screen;

impl Drop for Screen {
    fn drop(&mut self) {
        terminal::restore();
    }
}

/// Makes what reading keys needs: sockets and a signal handler, which a thread that only writes may not make any more.
///
/// # Errors
/// When the terminal cannot be read.
pub fn prepare() -> io::Result<()> {
    event::poll(Duration::ZERO).map(|_| ())
}

/// Shows until the user leaves or `stop` is set. `over`: which time is told of.
///
/// # Errors
/// When the terminal cannot be used.
pub fn run(asker: &Asker, over: Over, style: Style, stop: &AtomicBool) -> io::Result<()> {
    let _screen = Screen;
    let mut screen = Terminal::new(Drawn::new())?;
    screen.clear()?;
    let mut viewer = Viewer::new(asker.clone());
    viewer.state.over = over;
    let mut drawn: Option<Instant> = None;
    let mut changed = true;
    let mut shown_size = terminal::size();
    while !stop.load(Ordering::Relaxed) {
        let now = Instant::now();
        changed |= viewer.turn(now);
        let is_due = drawn.is_none_or(|at| now.duration_since(at) >= REDRAW);
        if changed && is_due {
            screen.draw(|frame| draw::page(frame, &viewer.model, &mut viewer.state, style))?;
            (drawn, changed) = (Some(now), false);
        }
        let wait = match drawn {
            Some(at) if changed => REDRAW.saturating_sub(now.duration_since(at)),
            _ if viewer.is_waiting() => Duration::from_millis(20),
            _ => viewer.pause(now).min(NOTICE),
        };
        let size = terminal::size();
        changed |= std::mem::replace(&mut shown_size, size) != size;
        match terminal::wait(wait) {
            Waited::Keys => {}
            Waited::Nothing => continue,
            // crossterm would read the end of it again and again.
            Waited::Gone => return Ok(()),
        }
        // Keys that come together are done together.
        while event::poll(Duration::ZERO)? {
            let action = match event::read()? {
                Event::Key(key) => keys::of_key(key, viewer.state.is_typing()),
                Event::Mouse(mouse) => keys::of_mouse(mouse),
                _ => None,
            };
            changed = true;
            match action.and_then(|action| viewer.state.act(action, &viewer.model)) {
                Some(Effect::Leave) => return Ok(()),
                Some(Effect::Ask) => viewer.ask(Instant::now()),
                Some(Effect::Copy(text)) => {
                    execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text))?;
                    io::stdout().flush()?;
                }
                None => {}
            }
        }
    }
    Ok(())
}

/// What is shown, where the user is, and what was asked.
struct Viewer {
    asker: Asker,
    model: Model,
    state: State,
    asked: Option<Receiver<Answer>>,
    at: Option<Instant>,
}

impl Viewer {
    fn new(asker: Asker) -> Self {
        Self { asker, model: Model::default(), state: State::default(), asked: None, at: None }
    }

    /// Asks, whatever was asked before.
    fn ask(&mut self, now: Instant) {
        let want = self.state.want(&self.model);
        self.asked = Some(self.asker.put(move |source| want.answer(source)));
        self.at = Some(now);
    }

    /// Takes an answer, or asks if it is time to. Whether something new is to be shown.
    fn turn(&mut self, now: Instant) -> bool {
        match self.asked.as_ref().map(Receiver::try_recv) {
            Some(Ok(answer)) => {
                self.asked = None;
                self.model.take(answer, now);
                return true;
            }
            Some(Err(TryRecvError::Disconnected)) => self.asked = None,
            Some(Err(TryRecvError::Empty)) => return false,
            None => {}
        }
        if !self.state.paused && self.pause(now).is_zero() {
            self.ask(now);
        }
        false
    }

    fn is_waiting(&self) -> bool {
        self.asked.is_some()
    }

    /// Time until the next question.
    fn pause(&self, now: Instant) -> Duration {
        let every = if self.model.is_empty() { ASK_FIRST } else { ASK };
        self.at.map_or(Duration::ZERO, |at| (at + every).saturating_duration_since(now))
    }
}
