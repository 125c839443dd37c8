//! Who is traced, who is not, and why.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style as Look;

use super::super::model::Target;
use super::super::state::State;
use super::super::style::Style;
use super::cells::Cells;
use super::{list, sentence};

/// Draws the list.
pub fn draw(frame: &mut Frame<'_>, area: Rect, rows: &[Target], state: &mut State, style: Style) {
    state.here = None;
    let needle = state.typed.as_ref().unwrap_or(&state.filter).to_lowercase();
    let found = |row: &&Target| {
        needle.is_empty() || row.name.to_lowercase().contains(&needle) || row.why.to_lowercase().contains(&needle)
    };
    let rows: Vec<&Target> = rows.iter().filter(found).collect();
    if rows.is_empty() {
        state.window(0, 0);
        return sentence(frame, area, "no process is known", Look::new());
    }
    let width = usize::from(area.width);
    let name = (width / 4).clamp(12, 32);
    let why = width.saturating_sub(9 + 9 + name + 20 + 2);
    let mut title = Cells::default();
    title.left("TRACED", 9, style.title()).right("PID", 8, style.title()).gap(1);
    title.left("SERVICE", name, style.title()).gap(1).left("SPEAKS", 20, style.title()).left("WHY", why, style.title());
    list(frame, area, title.line(), &rows, state, style, |row| {
        let mut cells = Cells::default();
        let (word, look) = if row.traced { ("yes", style.good()) } else { ("no", style.dim()) };
        cells.left(word, 9, look).right(&row.pid.to_string(), 8, style.dim()).gap(1);
        cells.left(&row.name, name, if row.traced { style.service() } else { style.dim() }).gap(1);
        cells.left(&row.protocols, 20, Look::new()).left(&row.why, why, style.dim());
        cells.line()
    });
}
