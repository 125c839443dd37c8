//! Connections, as `ss` would list them, with their set-up, quality and use.

use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style as Look;

use super::super::model::Model;
use super::super::state::State;
use super::super::style::Style;
use super::cells::{Cells, short};
use super::{list, sentence};
use crate::event::Role;
use crate::trace::connection::Site;
use crate::trace::setup::PHASES;
use crate::view::connections::Connection;
use crate::view::text::duration;

/// An end of a connection; a unix socket's client has no name.
fn address(site: &Site) -> Arc<str> {
    if site.address.is_empty() { "unix".into() } else { site.text() }
}

/// Cells of what is spoken, and of the numbers after it.
const SPEAKS: usize = 15;
const NUMBERS: usize = SPEAKS + 8 + 9 + 8 + 7 + 8;

/// Draws the list.
pub fn draw(frame: &mut Frame<'_>, area: Rect, model: &Model, rows: &[Connection], state: &mut State, style: Style) {
    state.here = None;
    if rows.is_empty() {
        state.window(0, 0);
        let text = if state.ended { "no connection ended lately" } else { "no connection of a traced process is open" };
        return sentence(frame, area, text, Look::new());
    }
    let width = usize::from(area.width);
    let wide = width >= 130;
    let service = (width / 7).clamp(8, 20);
    let (local, last) = if wide { (22, width.saturating_sub(service + 1 + 23 + 27 + NUMBERS + 2)) } else { (0, 0) };
    let remote = if wide { 24 } else { width.saturating_sub(service + 1 + 3 + NUMBERS) };
    let mut title = Cells::default();
    title.left("SERVICE", service, style.title()).gap(1);
    if wide {
        title.left("LOCAL", local, style.title()).gap(1);
    }
    title.left("PEER", remote + 2, style.title()).gap(1).left("SPEAKS", SPEAKS, style.title());
    let times = if state.ended { "LASTED" } else { "AGE" };
    for (text, cells) in [(times, 8), ("SET-UP", 9), ("RTT", 8), ("RETR", 7), ("CALLS", 8)] {
        title.right(text, cells, style.title());
    }
    if wide {
        title.gap(2).left(if state.ended { "HOW IT ENDED" } else { "LAST CALL" }, last, style.title());
    }
    list(frame, area, title.line(), rows, state, style, |one| {
        let mut cells = Cells::default();
        cells.left(&one.service, service, style.service()).gap(1);
        if wide {
            cells.left(&address(&one.local), local, style.dim()).gap(1);
        }
        let arrow = match one.role {
            Some(Role::Server) => "← ",
            Some(Role::Client) => "→ ",
            None => "  ",
        };
        let at = address(&one.remote);
        let peer = if one.peer.is_empty() || one.peer == at { at.to_string() } else { format!("{} {at}", one.peer) };
        cells.raw(arrow, style.dim()).left(&peer, remote, if one.error.is_some() { style.bad() } else { Look::new() });
        let tls = if one.encrypted && one.protocol != "tls" { " TLS" } else { "" };
        cells.gap(1).left(&format!("{}{tls}", one.protocol), SPEAKS, style.dim());
        let until = one.ended.map_or(model.now_ns, |(at_ns, _)| at_ns);
        let older = if one.from_start { "" } else { ">" };
        cells.right(&format!("{older}{}", short(until.saturating_sub(one.opened_ns))), 8, style.dim());
        cells.right(
            &one.set_up_ns.map_or_else(|| "-".to_owned(), short),
            9,
            style.duration(one.set_up_ns.unwrap_or_default()),
        );
        let stats = one.stats.as_ref();
        let rtt = stats.and_then(|stats| stats.rtt_us).map_or_else(|| "-".to_owned(), |us| short(u64::from(us) * 1000));
        cells.right(&rtt, 8, Look::new());
        let again = stats.and_then(|stats| stats.retransmits).unwrap_or_default();
        cells.right(&again.to_string(), 7, if again > 0 { style.bad() } else { style.dim() });
        cells.right(&one.exchanges.to_string(), 8, if one.failed > 0 { style.bad() } else { Look::new() });
        if wide {
            let how = one.ended.map(|(_, how)| one.error.as_deref().unwrap_or(how));
            cells.gap(2).left(how.unwrap_or(&one.last), last, style.dim());
        }
        cells.line()
    });
    let at = state.cursor().at;
    if let Some(text) = rows.get(at).and_then(parts)
        && state.message.is_none()
    {
        state.message = Some(text);
    }
}

/// How the set-up of a connection went, in a line.
fn parts(one: &Connection) -> Option<String> {
    let whole = one.set_up_ns?;
    let parts = one.parts.iter().zip(PHASES).filter(|(ns, _)| **ns > 0);
    let parts: Vec<String> = parts.map(|(ns, (_, name))| format!("{name} {}", duration(*ns))).collect();
    let failed = one.error.as_ref().map(|error| format!(", failed: {error}")).unwrap_or_default();
    Some(format!("pid {}: set-up {} ({}){failed}", one.pid, duration(whole), parts.join(", ")))
}
