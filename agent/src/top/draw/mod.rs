//! Draws pages: a line of the agent's account above, a line of keys below, and between them what is looked at.

pub mod advice;
pub mod cells;
pub mod connections;
pub mod help;
pub mod map;
pub mod operations;
pub mod selection;
pub mod traces;
pub mod waterfall;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style as Look;
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Wrap};

use super::model::{Body, Model};
use super::state::{Page, State};
use super::style::Style;
use crate::view::rows::{Over, TraceOrder};
use crate::view::text::clock;
use cells::{Cells, bytes, percent};

/// Narrower windows leave out what is said elsewhere, too.
const WIDE: usize = 90;

/// Draws everything.
pub fn page(frame: &mut Frame<'_>, model: &Model, state: &mut State, style: Style) {
    let area = frame.area();
    if area.height < 4 || area.width < 20 {
        frame.render_widget(Paragraph::new("the window is too small"), area);
        return;
    }
    let line = |y: u16| Rect { x: area.x, y: area.y + y, width: area.width, height: 1 };
    frame.render_widget(Paragraph::new(account(model, state, style, area.width.into())), line(0));
    frame.render_widget(Paragraph::new(place(model, state, style, area.width.into())), line(1));
    frame.render_widget(Paragraph::new(keys(state, style, area.width.into())), line(area.height - 1));
    let body = Rect { x: area.x, y: area.y + 2, width: area.width, height: area.height - 3 };
    if state.help {
        help::draw(frame, body, style);
        return;
    }
    let current = state.page().clone();
    match model.body_of(&current) {
        None | Some(Body::Nothing) => sentence(frame, body, "looking …", style.dim()),
        Some(Body::Operations(rows)) => operations::draw(frame, body, model, rows, state, style),
        Some(Body::Traces(rows)) => traces::draw(frame, body, rows, state, style),
        Some(Body::Trace(opened)) => waterfall::draw(frame, body, opened.as_deref(), state, style),
        Some(Body::Map(rows)) => map::draw(frame, body, rows, state, style),
        Some(Body::Connections(rows)) => connections::draw(frame, body, model, rows, state, style),
        Some(Body::Advice(report)) => advice::draw(frame, body, report, state, style),
        Some(Body::Selection(rows)) => selection::draw(frame, body, rows, state, style),
    }
}

/// A sentence where there is nothing else.
fn sentence(frame: &mut Frame<'_>, area: Rect, text: &str, look: Look) {
    let text = crate::shown::clean(text, 1000);
    frame.render_widget(Paragraph::new(text).style(look).wrap(Wrap { trim: true }), area);
}

/// Draws rows below a title, those that have room, and marks the one where the cursor is.
fn list<R>(
    frame: &mut Frame<'_>,
    area: Rect,
    title: Line<'static>,
    rows: &[R],
    state: &mut State,
    style: Style,
    mut line: impl FnMut(&R) -> Line<'static>,
) {
    let height = usize::from(area.height.saturating_sub(1));
    let window = state.window(rows.len(), height);
    state.first_line = area.y + 1;
    let at = state.cursor().at;
    let mut lines = vec![title];
    for (place, row) in rows.iter().enumerate().take(window.end).skip(window.start) {
        let line = line(row);
        lines.push(if place == at { line.patch_style(style.cursor()) } else { line });
    }
    frame.render_widget(Paragraph::new(lines), area);
}

/// The agent's own account.
fn account(model: &Model, state: &State, style: Style, width: usize) -> Line<'static> {
    let account = &model.account;
    let mut cells = Cells::default();
    if width >= WIDE || account.kernel.is_empty() {
        cells.raw("wirespan ", style.title());
    }
    if state.over == Over::All {
        cells.raw(format!("a recording · {} spans", model.counts.spans), Look::new());
        return cells.line();
    }
    if account.kernel.is_empty() {
        cells.raw("starting …", style.dim());
        return cells.line();
    }
    let lost = if account.dropped > 0 { style.bad() } else { Look::new() };
    let full = if account.ring_fill > 0.5 { style.bad() } else { Look::new() };
    cells.raw(format!("{} targets · seen {}", account.targets, count(account.requests)), Look::new());
    cells.raw(" · ", style.dim());
    if account.exported > 0 {
        cells.raw(format!("exported {} · ", count(account.exported)), Look::new());
    }
    cells.raw(format!("filtered {} · ", count(account.filtered)), Look::new());
    cells.raw(format!("dropped {}", count(account.dropped)), lost);
    cells.raw(" · ", style.dim());
    cells.raw(format!("ring {}", percent(account.ring_fill)), full);
    cells.raw(" · ", style.dim());
    let cpu = model.cpu.map_or_else(|| "…".to_owned(), percent);
    cells.raw(format!("CPU {cpu} · {}", bytes(account.memory)), Look::new());
    if width >= 120 {
        let counts = model.counts;
        cells.raw(format!(" · traces {} kept, {} let go", count(counts.kept), count(counts.let_go)), style.dim());
    }
    cells.line()
}

fn count(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..10_000_000 => format!("{}k", number / 1000),
        _ => format!("{}M", number / 1_000_000),
    }
}

/// Where the user is, and what is looked for.
fn place(model: &Model, state: &State, style: Style, width: usize) -> Line<'static> {
    let mut cells = Cells::default();
    let (title, more) = match state.page() {
        Page::Operations => ("operations".to_owned(), format!("by {}", state.order.title())),
        Page::Traces(of) => {
            let order = match state.trace_order {
                TraceOrder::Latest => "latest first",
                TraceOrder::Slowest => "slowest first",
                TraceOrder::Failed => "failed first",
            };
            let of = of.as_ref().map(|of| format!("traces of {} {}", of.service, of.name));
            (of.unwrap_or_else(|| "traces".to_owned()), order.to_owned())
        }
        Page::Trace(id) => (format!("trace {}", crate::view::said::hex(id)), String::new()),
        Page::Map => ("map".to_owned(), "who calls whom".to_owned()),
        Page::Connections if state.ended => ("connections".to_owned(), "that ended lately".to_owned()),
        Page::Connections => ("connections".to_owned(), "that are open".to_owned()),
        Page::Advice => ("advice".to_owned(), String::new()),
        Page::Selection => ("selection".to_owned(), "who is traced, who is not, and why".to_owned()),
    };
    cells.left(&title, title.chars().count().min(width / 2), style.title()).gap(1).raw(more, style.dim());
    match &state.typed {
        Some(typed) => {
            cells
                .raw("  / ", style.warn())
                .left(typed, typed.chars().count().min(width / 2), Look::new())
                .raw("▏", Look::new());
        }
        None if !state.filter.is_empty() => {
            cells.raw("  / ", style.warn()).left(
                &state.filter,
                state.filter.chars().count().min(width / 2),
                style.warn(),
            );
        }
        None => {}
    }
    if state.paused {
        cells.raw("  PAUSED", style.warn());
    }
    if model.now_unix_ns > 0 && width >= 100 {
        let mut time = String::new();
        clock(&mut time, model.now_unix_ns);
        cells.gap(2).raw(format!("{} UTC", time.get(..8).unwrap_or_default()), style.dim());
    }
    cells.line()
}

/// What can be done.
fn keys(state: &State, style: Style, width: usize) -> Line<'static> {
    let mut cells = Cells::default();
    if let Some(message) = &state.message {
        cells.left(message, width, style.warn());
        return cells.line();
    }
    if state.is_typing() {
        cells.raw(
            "service=…  name=GET*  status=error  duration>100ms  any words   enter: look  esc: forget",
            style.dim(),
        );
        return cells.line();
    }
    let own: &[(&str, &str)] = match state.page() {
        Page::Operations => &[("⏎", "traces"), ("s", "sort")],
        Page::Traces(_) => &[("⏎", "open"), ("s", "sort"), ("y", "copy id")],
        Page::Trace(_) => &[("i", "attributes"), ("y", "copy id")],
        Page::Connections => &[("t", if state.ended { "open" } else { "ended" })],
        _ => &[],
    };
    let back: &[(&str, &str)] = if state.depth() > 0 { &[("esc", "back")] } else { &[] };
    // Those that lead to all others come first: a narrow window shows no more.
    let all = [
        ("/", "filter"),
        ("?", "help"),
        ("q", "quit"),
        ("p", "pause"),
        ("m", "map"),
        ("c", "connections"),
        ("a", "advice"),
        ("l", "selection"),
        ("w", "traces"),
        ("o", "operations"),
    ];
    let mut used = 0;
    for (key, what) in back.iter().chain(own).chain(&all) {
        used += key.chars().count() + what.len() + 2;
        if used > width + 1 {
            break;
        }
        cells.raw(*key, style.title()).raw(format!(" {what} "), style.dim());
    }
    cells.line()
}
