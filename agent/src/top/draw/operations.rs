//! The table of operations.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style as Look;

use super::super::model::Model;
use super::super::state::{Here, State};
use super::super::style::Style;
use super::cells::{Cells, percent, rate, short, sparkline};
use super::{list, sentence};
use crate::view::operations::Side;
use crate::view::rows::OperationRow;

/// Cells of the columns that have a width.
const RATE: usize = 6;
const ERRORS: usize = 6;
const TIME: usize = 7;
const SET_UP: usize = 7;

/// Draws the table, or says why there is none.
pub fn draw(frame: &mut Frame<'_>, area: Rect, model: &Model, rows: &[OperationRow], state: &mut State, style: Style) {
    if rows.is_empty() {
        state.here = None;
        state.window(0, 0);
        let looked_for = !state.filter.is_empty() || state.is_typing();
        let text = match &model.silence {
            Some(silence) => format!("{silence}. {}", next(silence)),
            None if looked_for => "no operation is what the filter looks for; esc takes it away".to_owned(),
            None => "nothing in the last minute".to_owned(),
        };
        return sentence(frame, area, &text, Look::new());
    }
    let width = usize::from(area.width);
    let spark = (width / 6).clamp(8, 30);
    let fixed = RATE + ERRORS + 2 * TIME + SET_UP + spark + 8;
    let left = width.saturating_sub(fixed);
    let service = (left / 3).clamp(6, 24);
    let peer = if left >= 58 { (left / 4).min(28) } else { 0 };
    let name = left.saturating_sub(service + peer + 2 + usize::from(peer > 0));
    let mut title = Cells::default();
    title.left("SERVICE", service, style.title()).gap(1).left("OPERATION", name + 2, style.title()).gap(1);
    if peer > 0 {
        title.left("PEER", peer, style.title()).gap(1);
    }
    title.right("RATE/s", RATE, style.title()).right("ERRORS", ERRORS + 1, style.title());
    title.right("P50", TIME + 1, style.title()).right("P95", TIME + 1, style.title());
    title.right("SET-UP", SET_UP + 1, style.title()).gap(1).left("LAST MINUTE", spark, style.title());
    let mut sorted: Vec<&OperationRow> = rows.iter().collect();
    state.order.sort(&mut sorted);
    list(frame, area, title.line(), &sorted, state, style, |row| {
        let (operation, numbers) = (&row.operation, &row.numbers);
        let mut cells = Cells::default();
        cells.left(&operation.service, service, style.service()).gap(1);
        let arrow = if operation.side == Side::Server { "← " } else { "→ " };
        // Where the peer has no column, it tells one `GET` from another.
        let text = match (peer, operation.side) {
            (0, Side::Client) => format!("{} → {}", operation.name, operation.peer),
            _ => operation.name.to_string(),
        };
        cells.raw(arrow, style.dim()).left(&text, name, Look::new()).gap(1);
        if peer > 0 {
            cells.left(&operation.peer, peer, style.dim()).gap(1);
        }
        cells.right(&rate(numbers.rate), RATE, Look::new());
        let failed = numbers.failed_share();
        cells.right(&percent(failed), ERRORS + 1, style.failed(failed));
        for quantile in [numbers.p50_ns, numbers.p95_ns] {
            let ns = quantile.unwrap_or_default();
            cells.right(&short(ns), TIME + 1, style.duration(ns));
        }
        let share = numbers.set_up_share;
        cells.right(&percent(share), SET_UP + 1, style.waiting(share)).gap(1);
        cells.raw(sparkline(&numbers.seconds, spark), if failed > 0.0 { style.warn() } else { style.good() });
        cells.line()
    });
    let at = state.cursor().at;
    state.here = sorted.get(at).map(|row| Here::Operation(row.operation.clone()));
}

/// What to do about a silence.
fn next(silence: &str) -> &'static str {
    match silence {
        silence if silence.contains("selectors") => {
            "Press l, or run `wirespan targets --all` to see who could be selected."
        }
        silence if silence.contains("encrypted") => "Run with --tls to read them, or press c for their connections.",
        silence if silence.contains("not selected") => "Press l to see who is selected.",
        _ => "Press l to see who is traced; `wirespan doctor` tells what this kernel grants.",
    }
}
