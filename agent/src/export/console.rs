//! The console: one readable line for each span, by traces ([`Trees`]) or as they come ([`Lines`]), below a header, as wide as the terminal. Colours and a header on a terminal only;
//! where there is none, nothing is shortened. The phases of a connection's set-up stand in its line and have none of their own.

pub mod fit;
mod layout;
mod line;
mod trees;

use std::io::IsTerminal as _;

use super::output::{Format, Output};
use crate::config::View;
use crate::trace::setup;
use crate::trace::span::Span;
use crate::view::said::is_failed;
use layout::Layout;
use line::Painter;

/// Memory of the buffer that is kept from batch to batch.
const KEEP: usize = 256 * 1024;

/// Whether a view shows a span.
fn shows(view: &View, span: &Span) -> bool {
    let took = span.end_unix_ns.saturating_sub(span.start_unix_ns);
    !setup::is_part(span) && took >= view.slowest_ns && (!view.errors || is_failed(span))
}

/// Tells how many cells a line may have; asked before each batch, since windows are resized.
type Width = Box<dyn Fn() -> Option<usize> + Send>;

/// The format.
pub struct Lines {
    view: View,
    colour: bool,
    width: Width,
    /// Whether lines have a bar of time.
    bars: bool,
    /// That of the last batch; none before the first one.
    layout: Option<Layout>,
    text: String,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Lines").field("view", &self.view).field("layout", &self.layout).finish_non_exhaustive()
    }
}

/// A sink that writes readable lines.
pub type Console = Output<Lines>;

pub use trees::Trees;

impl Lines {
    /// Whole lines without colours, for files.
    #[must_use]
    pub fn plain(view: View) -> Self {
        Self::new(view, false, Box::new(|| None))
    }

    fn new(view: View, colour: bool, width: Width) -> Self {
        Self { view, colour, width, bars: false, layout: None, text: String::new() }
    }

    /// Lines as wide as `COLUMNS` says, else as the terminal is. With colours if standard output is a terminal that shows them, and
    /// `NO_COLOR` (no-color.org) is not set.
    #[must_use]
    pub fn for_stdout(view: View, env: &dyn Fn(&str) -> Option<String>) -> Self {
        let set = |name| env(name).is_some_and(|value| !value.is_empty());
        let dumb = env("TERM").is_some_and(|terminal| terminal == "dumb");
        let columns = env("COLUMNS").and_then(|text| text.trim().parse().ok()).filter(|columns| *columns > 0);
        let colour = std::io::stdout().is_terminal() && !set("NO_COLOR") && !dumb;
        Self::new(view, colour, Box::new(move || columns.or_else(terminal)))
    }
}

/// Columns of the terminal that standard output is, if it is one and knows.
fn terminal() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

impl Lines {
    /// Begins a batch.
    fn begin(&mut self) {
        self.text.clear();
        self.text.shrink_to(KEEP);
    }

    /// The columns that the window has room for now, below a header if they are others than before.
    fn layout_now(&mut self) -> Layout {
        let columns = if self.bars { Layout::with_bar } else { Layout::new };
        let layout = columns((self.width)(), self.view.trace_ids);
        if self.layout.replace(layout) != Some(layout) && layout.width.is_some() {
            layout.header(&mut self.text, self.colour);
        }
        layout
    }
}

impl Format for Lines {
    fn render(&mut self, batch: &[Span]) -> &[u8] {
        self.begin();
        let view = self.view;
        let mut spans = batch.iter().filter(|span| shows(&view, span)).peekable();
        if spans.peek().is_none() {
            return b"";
        }
        let painter = Painter { colour: self.colour, layout: self.layout_now() };
        for span in spans {
            painter.line(&mut self.text, span, None);
        }
        self.text.as_bytes()
    }
}

#[cfg(test)]
#[path = "console/view_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "console/hostile_tests.rs"]
mod hostile_tests;
