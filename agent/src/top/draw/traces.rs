//! The list of traces.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style as Look;

use super::super::state::{Here, State};
use super::super::style::Style;
use super::cells::{Cells, percent, short};
use super::{list, sentence};
use crate::view::rows::TraceRow;
use crate::view::text::clock;

/// Draws the list.
pub fn draw(frame: &mut Frame<'_>, area: Rect, rows: &[TraceRow], state: &mut State, style: Style) {
    if rows.is_empty() {
        state.here = None;
        state.window(0, 0);
        let text = "no trace of this is kept: none is complete yet, others were kept first, or spans are sampled";
        return sentence(frame, area, text, Look::new());
    }
    let width = usize::from(area.width);
    let service = (width / 6).clamp(8, 24);
    let name = width.saturating_sub(13 + service + 1 + 9 + 7 + 8 + 8);
    let mut title = Cells::default();
    title.left("START (UTC)", 13, style.title()).left("SERVICE", service, style.title()).gap(1);
    title.left("FIRST SPAN", name, style.title()).right("TOOK", 9, style.title()).right("SPANS", 7, style.title());
    title.right("FAILED", 8, style.title()).right("SET-UP", 8, style.title());
    list(frame, area, title.line(), rows, state, style, |row| {
        let mut time = String::new();
        clock(&mut time, row.start_unix_ns);
        let mut cells = Cells::default();
        cells.left(&time, 13, style.dim()).left(&row.service, service, style.service()).gap(1);
        let failed = if row.failed > 0 { style.bad() } else { Look::new() };
        cells.left(&row.name, name, failed);
        cells.right(&short(row.duration_ns), 9, style.duration(row.duration_ns));
        cells.right(&row.spans.to_string(), 7, style.dim());
        let failures = if row.failed > 0 { format!("✗ {}", row.failed) } else { "-".to_owned() };
        cells.right(&failures, 8, if row.failed > 0 { style.bad() } else { style.dim() });
        let share = row.set_up_ns as f64 / row.duration_ns.max(1) as f64;
        let set_up = if row.set_up_ns > 0 { percent(share.min(1.0)) } else { "-".to_owned() };
        cells.right(&set_up, 8, style.waiting(if row.set_up_ns > 0 { share } else { 0.0 }));
        cells.line()
    });
    let at = state.cursor().at;
    state.here = rows.get(at).map(|row| Here::Trace(row.id));
}
