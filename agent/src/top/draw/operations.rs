//! The table of operations.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style as Look;
use ratatui::text::Line;

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
    let columns = Columns::of(area.width.into());
    let mut sorted: Vec<&OperationRow> = rows.iter().collect();
    state.order.sort(&mut sorted);
    list(frame, area, columns.title(style), &sorted, state, style, |row| columns.line(row, style));
    let at = state.cursor().at;
    state.here = sorted.get(at).map(|row| Here::Operation(row.operation.clone()));
}

/// Which columns there are, and how wide they are; 0: there is none.
#[derive(Clone, Copy)]
struct Columns {
    service: usize,
    name: usize,
    peer: usize,
    p50: usize,
    set_up: usize,
    spark: usize,
}

impl Columns {
    fn of(width: usize) -> Self {
        let p50 = if width >= 66 { TIME + 1 } else { 0 };
        let set_up = if width >= 54 { SET_UP + 1 } else { 0 };
        let spark = if width >= 76 { (width.saturating_sub(60) / 3).clamp(8, 30) } else { 0 };
        let fixed = RATE + ERRORS + 1 + TIME + 1 + p50 + set_up + spark + usize::from(spark > 0);
        // The arrow, and what stands between texts.
        let left = width.saturating_sub(fixed + 4);
        let service = (left / 3).clamp(6, 24);
        let peer = if left >= 58 { (left / 4).min(28) } else { 0 };
        let name = left.saturating_sub(service + peer + usize::from(peer > 0));
        Self { service, name, peer, p50, set_up, spark }
    }

    fn title(self, style: Style) -> Line<'static> {
        let look = style.title();
        let mut cells = Cells::default();
        cells.left("SERVICE", self.service, look).gap(1).left("OPERATION", self.name + 2, look).gap(1);
        if self.peer > 0 {
            cells.left("PEER", self.peer, look).gap(1);
        }
        cells.right("RATE/s", RATE, look).right("ERRORS", ERRORS + 1, look);
        for (title, width) in [("P50", self.p50), ("P95", TIME + 1), ("SET-UP", self.set_up)] {
            if width > 0 {
                cells.right(title, width, look);
            }
        }
        if self.spark > 0 {
            let title = if self.spark >= 11 { "LAST MINUTE" } else { "MINUTE" };
            cells.gap(1).left(title, self.spark, look);
        }
        cells.line()
    }

    fn line(self, row: &OperationRow, style: Style) -> Line<'static> {
        let (operation, numbers) = (&row.operation, &row.numbers);
        let mut cells = Cells::default();
        cells.left(&operation.service, self.service, style.service()).gap(1);
        let arrow = if operation.side == Side::Server { "← " } else { "→ " };
        // Where the peer has no column, it tells one `GET` from another.
        let text = match (self.peer, operation.side) {
            (0, Side::Client) => format!("{} → {}", operation.name, operation.peer),
            _ => operation.name.to_string(),
        };
        cells.raw(arrow, style.dim()).left(&text, self.name, Look::new()).gap(1);
        if self.peer > 0 {
            cells.left(&operation.peer, self.peer, style.dim()).gap(1);
        }
        cells.right(&rate(numbers.rate), RATE, Look::new());
        let failed = numbers.failed_share();
        cells.right(&percent(failed), ERRORS + 1, style.failed(failed));
        for (quantile, width) in [(numbers.p50_ns, self.p50), (numbers.p95_ns, TIME + 1)] {
            let ns = quantile.unwrap_or_default();
            if width > 0 {
                cells.right(&short(ns), width, style.duration(ns));
            }
        }
        if self.set_up > 0 {
            cells.right(&percent(numbers.set_up_share), self.set_up, style.waiting(numbers.set_up_share));
        }
        if self.spark > 0 {
            let look = if failed > 0.0 { style.warn() } else { style.good() };
            cells.gap(1).raw(sparkline(&numbers.seconds, self.spark), look);
        }
        cells.line()
    }
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
