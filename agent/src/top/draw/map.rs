//! The map of services as text: under each caller those whom it calls.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style as Look;

use super::super::state::State;
use super::super::style::Style;
use super::cells::{Cells, percent, rate, short, sparkline};
use super::{list, sentence};
use crate::view::rows::CallRow;

/// A line of the map.
enum Entry<'a> {
    Caller(&'a str),
    Call(&'a CallRow),
}

/// Draws the map.
pub fn draw(frame: &mut Frame<'_>, area: Rect, rows: &[CallRow], state: &mut State, style: Style) {
    state.here = None;
    if rows.is_empty() {
        state.window(0, 0);
        return sentence(frame, area, "nobody called anybody in the last minute", Look::new());
    }
    let mut entries = Vec::with_capacity(rows.len() * 2);
    let mut caller = None;
    for row in rows {
        if caller != Some(&row.call.client) {
            entries.push(Entry::Caller(&row.call.client));
            caller = Some(&row.call.client);
        }
        entries.push(Entry::Call(row));
    }
    let width = usize::from(area.width);
    let spark = if width >= 100 { 20 } else { 0 };
    let name = width.saturating_sub(4 + 11 + 8 + 8 + 9 + 9 + 9 + spark + 1);
    let mut title = Cells::default();
    title.left("WHO CALLS WHOM", name + 4, style.title()).left("BY", 11, style.title());
    for (text, cells) in [("RATE/s", 8), ("ERRORS", 8), ("P95", 9), ("SET-UP", 9), ("OPENED", 9)] {
        title.right(text, cells, style.title());
    }
    list(frame, area, title.line(), &entries, state, style, |entry| {
        let mut cells = Cells::default();
        let row = match entry {
            Entry::Caller(caller) => {
                cells.left(caller, width, style.service());
                return cells.line();
            }
            Entry::Call(row) => row,
        };
        let (numbers, opened) = (&row.numbers, &row.opened);
        let failed = numbers.failed_share();
        let lock = if opened.encrypted { " TLS" } else { "" };
        cells.raw("  → ", style.dim()).left(
            &row.call.server,
            name,
            if failed > 0.0 { style.bad() } else { Look::new() },
        );
        cells.left(&format!("{}{lock}", row.call.protocol), 11, style.dim());
        cells.right(&rate(numbers.rate), 8, Look::new());
        cells.right(&percent(failed), 8, style.failed(failed));
        let p95 = numbers.p95_ns.unwrap_or_default();
        cells.right(&short(p95), 9, style.duration(p95));
        cells.right(&percent(numbers.set_up_share), 9, style.waiting(numbers.set_up_share));
        let count = if opened.count == 0 { "-".to_owned() } else { opened.count.to_string() };
        cells.right(&count, 9, if opened.failed > 0 { style.bad() } else { style.dim() });
        if spark > 0 {
            cells.gap(1).raw(sparkline(&numbers.seconds, spark), style.good());
        }
        cells.line()
    });
}
