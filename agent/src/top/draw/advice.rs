//! Advice: findings with their evidence.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style as Look;
use ratatui::widgets::{Paragraph, Wrap};

use super::super::state::{Here, State};
use super::super::style::Style;
use super::cells::{Cells, short};
use super::{list, sentence};
use crate::advise::report::{Finding, Report};
use crate::shown::clean;
use crate::view::said;

/// Draws the findings, and the text of the one where the cursor is.
pub fn draw(frame: &mut Frame<'_>, area: Rect, report: &Report, state: &mut State, style: Style) {
    state.here = None;
    if report.findings.is_empty() {
        state.window(0, 0);
        let window = report.window.seconds;
        let text = format!(
            "no advice: in {window:.0} s with {} requests and {} calls nothing stood out; advice needs some traffic",
            report.window.requests, report.window.operations
        );
        return sentence(frame, area, &text, Look::new());
    }
    let wanted = u16::try_from(report.findings.len()).unwrap_or(u16::MAX).saturating_add(1);
    let height = wanted.min(area.height / 2).max(2).min(area.height);
    let (upper, lower) = (Rect { height, ..area }, Rect { y: area.y + height, height: area.height - height, ..area });
    let width = usize::from(area.width);
    let service = (width / 6).clamp(8, 24);
    let mut title = Cells::default();
    title.left("FINDING", 30, style.title()).left("SERVICE", service, style.title()).gap(1);
    title.left("WHERE", width.saturating_sub(30 + service + 1 + 10), style.title()).right("COST", 10, style.title());
    list(frame, upper, title.line(), &report.findings, state, style, |finding| {
        let mut cells = Cells::default();
        cells.left(finding.kind.title(), 30, if finding.kind.is_warning() { style.bad() } else { style.warn() });
        cells.left(&finding.service, service, style.service()).gap(1);
        let peer = || finding.peer.as_ref().map(crate::advise::report::Peer::label);
        let place = finding.route.clone().or_else(peer).unwrap_or_default();
        cells.left(&place, width.saturating_sub(30 + service + 1 + 10), Look::new());
        cells.right(&short((finding.cost_ms * 1e6) as u64), 10, Look::new());
        cells.line()
    });
    let at = state.cursor().at;
    if let Some(finding) = report.findings.get(at) {
        text(frame, lower, finding, style);
        let example = finding.examples.first().and_then(|example| said::trace_id(&example.trace_id));
        state.here = example.map(Here::Trace);
    }
}

fn text(frame: &mut Frame<'_>, area: Rect, finding: &Finding, style: Style) {
    let mut lines = Vec::new();
    let mut add = |text: &str, look: Look| {
        let mut cells = Cells::default();
        cells.raw(clean(text, 1000), look);
        lines.push(cells.line());
    };
    add("", Look::new());
    add(&finding.text, Look::new());
    add(&finding.advice, style.good());
    for (name, number) in &finding.numbers {
        add(&format!("{name}: {number}"), style.dim());
    }
    if !finding.examples.is_empty() {
        add("⏎ opens an example, if its trace is still kept", style.dim());
    }
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), area);
}
