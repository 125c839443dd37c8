//! The console: one readable line for each span, colours on a terminal only. The phases of a connection's set-up stand in
//! its line and have none of their own.

mod line;
mod text;

use std::io::IsTerminal as _;

use super::output::{Format, Output};
use crate::trace::setup;
use crate::trace::span::Span;
pub use line::Painter;

/// Memory of the buffer that is kept from batch to batch.
const KEEP: usize = 256 * 1024;

/// The format.
#[derive(Debug)]
pub struct Lines {
    painter: Painter,
    text: String,
}

/// A sink that writes readable lines.
pub type Console = Output<Lines>;

impl Lines {
    /// Lines with or without colours.
    #[must_use]
    pub fn new(colour: bool) -> Self {
        Self { painter: Painter { colour }, text: String::new() }
    }

    /// With colours if standard output is a terminal that shows them, and `NO_COLOR` (no-color.org) is not set.
    #[must_use]
    pub fn for_stdout(env: &dyn Fn(&str) -> Option<String>) -> Self {
        let set = |name| env(name).is_some_and(|value| !value.is_empty());
        let dumb = env("TERM").is_some_and(|terminal| terminal == "dumb");
        Self::new(std::io::stdout().is_terminal() && !set("NO_COLOR") && !dumb)
    }
}

impl Format for Lines {
    fn render(&mut self, batch: &[Span]) -> &[u8] {
        self.text.clear();
        self.text.shrink_to(KEEP);
        for span in batch.iter().filter(|span| !setup::is_part(span)) {
            self.painter.line(&mut self.text, span);
        }
        self.text.as_bytes()
    }
}
