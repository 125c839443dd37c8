//! The terminal as ratatui sees it: crossterm's, but for how its size is found out ([`terminal::size`]).

use std::io::{self, Stdout};

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

use crate::terminal;

/// See the module's text.
#[derive(Debug)]
pub struct Drawn(CrosstermBackend<Stdout>);

impl Drawn {
    /// On standard output.
    #[must_use]
    pub fn new() -> Self {
        Self(CrosstermBackend::new(io::stdout()))
    }
}

impl Default for Drawn {
    fn default() -> Self {
        Self::new()
    }
}

impl Backend for Drawn {
    type Error = io::Error;

    fn draw<'a, I: Iterator<Item = (u16, u16, &'a Cell)>>(&mut self, content: I) -> io::Result<()> {
        self.0.draw(content)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.0.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.0.show_cursor()
    }

    /// Nobody draws where the cursor is: the terminal is not asked.
    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.0.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.0.clear()
    }

    fn clear_region(&mut self, what: ClearType) -> io::Result<()> {
        self.0.clear_region(what)
    }

    /// 80×24 where nobody knows.
    fn size(&self) -> io::Result<Size> {
        Ok(terminal::size().unwrap_or((80, 24)).into())
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size()?, pixels: Size::ZERO })
    }

    fn flush(&mut self) -> io::Result<()> {
        Backend::flush(&mut self.0)
    }
}
