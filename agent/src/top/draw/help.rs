//! What keys do, and what is shown.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style as Look;
use ratatui::widgets::{Paragraph, Wrap};

use super::super::style::Style;
use super::cells::Cells;
use crate::view::phases::Phase;

const KEYS: [(&str, &str); 17] = [
    ("↑ ↓ j k", "move; PgUp PgDn by a screen, g G to an end"),
    ("enter", "open what the cursor is at: traces of an operation, a trace"),
    ("esc", "one page back"),
    ("o", "operations: rate, errors, durations, share of set-up"),
    ("w", "all traces that are kept: failed and slowest ones first"),
    ("m", "the map: who calls whom"),
    ("c", "connections; t: those that ended"),
    ("a", "advice"),
    ("l", "who is selected, who is not, and why"),
    ("/", "filter: service=shop, name=GET*, http.route in (/a, /b),"),
    ("", "status=error, duration>100ms, peer=db:5432, any word"),
    ("s", "sort by something else"),
    ("i tab", "attributes of a span beside or below its trace"),
    ("y", "copy the id of a trace"),
    ("p space", "pause, go on"),
    ("mouse", "press a row, press it again to open it; the wheel moves"),
    ("q", "leave"),
];

/// Draws it.
pub fn draw(frame: &mut Frame<'_>, area: Rect, style: Style) {
    let mut lines = Vec::new();
    for (key, what) in KEYS {
        let mut cells = Cells::default();
        cells.left(key, 9, style.title()).raw(what, Look::new());
        lines.push(cells.line());
    }
    let mut cells = Cells::default();
    cells.left("bars", 9, style.title());
    for phase in Phase::ALL {
        let (mark, look) = style.phase(phase);
        cells.raw(mark.to_string(), look).raw(format!(" {}  ", phase.title()), style.dim());
    }
    lines.push(cells.line());
    let mut cells = Cells::default();
    cells.left("▌", 9, style.title()).raw("the critical path: what the end waited for", style.dim());
    lines.push(cells.line());
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), area);
}
