//! A trace as a waterfall: a tree with bars of time, the phases in their colours, the critical path marked, and the attributes of the
//! span where the cursor is.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style as Look;
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Wrap};

use super::super::model::Opened;
use super::super::state::State;
use super::super::style::Style;
use super::cells::{Cells, short};
use super::{list, sentence};
use crate::advise::words::counted;
use crate::shown::clean;
use crate::trace::span::{Span, Value};
use crate::view::phases::{Phase, segments};
use crate::view::said::{self, is_failed};
use crate::view::text::duration;
use crate::view::tree::Row;

/// Narrower screens have the attributes below.
const BESIDE: u16 = 110;
/// Deepest indentation.
const MAX_INDENT: usize = 12;
/// Longest value of an attribute, characters.
const MAX_VALUE: usize = 400;

/// Draws the trace.
pub fn draw(frame: &mut Frame<'_>, area: Rect, opened: Option<&Opened>, state: &mut State, style: Style) {
    let Some(opened) = opened else {
        state.window(0, 0);
        return sentence(frame, area, "this trace was let go of: others were kept first", Look::new());
    };
    let (tree, pane) = parts(area, state.attributes);
    let width = usize::from(tree.width);
    let label = (width * 2 / 5).clamp(20, 70);
    let bar = width.saturating_sub(label + 2 + 9);
    let (start, end) = opened.trace.interval();
    let axis = Axis { start, length: (end - start).max(1), cells: bar };
    let mut title = Cells::default();
    let spans = &opened.trace.spans;
    title.left(
        &format!("  {}, {}", counted(spans.len() as u64, "span"), duration(end - start)),
        label + 2,
        style.title(),
    );
    title.raw(legend(spans, bar, style), style.dim());
    list(frame, tree, title.line(), &opened.rows, state, style, |row| line(&spans[row.span], row, label, axis, style));
    let at = state.cursor().at;
    if let (Some(pane), Some(row)) = (pane, opened.rows.get(at)) {
        attributes(frame, pane, &spans[row.span], style);
    }
    state.here = None;
}

/// Where the tree is, and where the attributes.
fn parts(area: Rect, with_attributes: bool) -> (Rect, Option<Rect>) {
    if !with_attributes || area.height < 10 {
        return (area, None);
    }
    if area.width >= BESIDE {
        let width = (area.width / 3).min(60);
        let pane = Rect { x: area.x + area.width - width + 1, width: width - 1, ..area };
        return (Rect { width: area.width - width, ..area }, Some(pane));
    }
    let height = (area.height / 3).max(4);
    let pane = Rect { y: area.y + area.height - height, height, ..area };
    (Rect { height: area.height - height, ..area }, Some(pane))
}

/// From times to cells.
#[derive(Clone, Copy)]
struct Axis {
    start: u64,
    length: u64,
    cells: usize,
}

impl Axis {
    fn cell(self, at: u64) -> usize {
        let share = at.saturating_sub(self.start) as f64 / self.length as f64;
        (share * self.cells as f64) as usize
    }

    /// Cells from a beginning to an end, one at least.
    fn cells(self, start: u64, end: u64) -> (usize, usize) {
        let from = self.cell(start).min(self.cells.saturating_sub(1));
        (from, self.cell(end).clamp(from + 1, self.cells.max(from + 1)))
    }
}

fn line(span: &Span, row: &Row, label: usize, axis: Axis, style: Style) -> Line<'static> {
    let mut cells = Cells::default();
    let failed = is_failed(span);
    let mark = match (failed, row.is_critical) {
        (true, _) => "✗ ",
        (false, true) => "▌ ",
        (false, false) => "  ",
    };
    cells.raw(mark, if failed { style.bad() } else { style.title() });
    let indent = row.depth.min(MAX_INDENT);
    let service = &*span.resource.service_name;
    let text = format!("{service} {}", said::operation(span));
    let look = match (failed, row.is_critical) {
        (true, _) => style.bad(),
        (false, true) => Look::new(),
        (false, false) => style.dim(),
    };
    cells.gap(indent).left(&text, label.saturating_sub(indent + 1), look).gap(1);
    let mut at = 0;
    for segment in segments(span) {
        let (from, until) = axis.cells(segment.start_ns.max(axis.start), segment.end_ns);
        let from = from.max(at);
        if until <= from {
            continue;
        }
        let (mark, look) = style.phase(segment.phase);
        cells.gap(from - at).raw(mark.to_string().repeat(until - from), if failed { style.bad() } else { look });
        at = until;
    }
    cells.gap(axis.cells.saturating_sub(at));
    cells.right(&short(span.duration_ns()), 9, style.duration(span.duration_ns()));
    cells.line()
}

/// The phases that the trace has, with their marks.
fn legend(spans: &[Span], cells: usize, style: Style) -> String {
    let mut is_there = [false; Phase::ALL.len()];
    for segment in spans.iter().take(200).flat_map(segments) {
        is_there[segment.phase as usize] = true;
    }
    let present = Phase::ALL.into_iter().filter(|phase| is_there[*phase as usize] && *phase != Phase::Whole);
    let text: String = present.map(|phase| format!("{} {}  ", style.phase(phase).0, phase.title())).collect();
    text.chars().take(cells + 9).collect()
}

fn attributes(frame: &mut Frame<'_>, area: Rect, span: &Span, style: Style) {
    let mut lines = Vec::new();
    let mut add = |key: &str, value: &str, look: Look| {
        let mut cells = Cells::default();
        cells.raw(clean(key, 80), style.dim()).raw(" ", Look::new()).raw(clean(value, MAX_VALUE), look);
        lines.push(cells.line());
    };
    add("span", &format!("{} {}", said::hex(&span.span_id), &*span.name), style.title());
    if let Some(peer) = said::peer(span) {
        add("peer", &peer, Look::new());
    }
    let trouble = said::trouble(span, None);
    if !trouble.is_empty() {
        add("error", &trouble, style.bad());
    }
    let phases: Vec<String> = segments(span)
        .iter()
        .filter(|segment| segment.phase != Phase::Whole)
        .map(|segment| format!("{} {}", segment.phase.title(), duration(segment.end_ns - segment.start_ns)))
        .collect();
    if !phases.is_empty() {
        add("time", &phases.join(", "), Look::new());
    }
    for (key, value) in &span.attributes {
        add(key, &shown(value), Look::new());
    }
    for (key, value) in &span.resource.attributes {
        add(key, &shown(value), style.dim());
    }
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), area);
}

fn shown(value: &Value) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Double(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::List(items) => items.iter().map(|item| &**item).collect::<Vec<_>>().join(", "),
        text => text.as_str().unwrap_or_default().to_owned(),
    }
}
