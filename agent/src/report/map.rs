//! The map as a picture: callers on the left of those whom they call, in an order that depends on names alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::html::{Html, escaped};
use super::tables::{percent, time};
use crate::shown::clean;
use crate::view::rows::CallRow;

/// More nodes are not drawn: the table tells them.
const MAX_NODES: usize = 60;
const WIDTH: usize = 170;
const HEIGHT: usize = 34;
const COLUMN: usize = 330;
const LINE: usize = 76;
/// Longest name of a node, characters.
const MAX_NAME: usize = 24;

/// Draws it.
pub fn draw(html: &mut Html, calls: &[CallRow]) {
    let levels = levels(calls);
    if levels.is_empty() || levels.len() > MAX_NODES {
        return;
    }
    let mut columns: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (name, level) in &levels {
        columns.entry(*level).or_default().push(name);
    }
    let places: BTreeMap<&str, (usize, usize)> = columns
        .iter()
        .flat_map(|(level, names)| names.iter().enumerate().map(move |(at, name)| (*name, (level * COLUMN, at * LINE))))
        .collect();
    let height = columns.values().map(Vec::len).max().unwrap_or_default() * LINE;
    let width = columns.len() * COLUMN;
    let mut out =
        format!("<svg viewBox=\"-2 -2 {width} {}\" role=\"img\" aria-label=\"map of services\">\n", height + 4);
    for row in calls {
        let ends = (places.get(&*row.call.client), places.get(&*row.call.server));
        if let (Some(from), Some(to)) = ends {
            edge(&mut out, row, *from, *to);
        }
    }
    for (name, (x, y)) in &places {
        let _ = writeln!(
            out,
            "<rect class=\"node\" x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\"/>\
             <text x=\"{}\" y=\"{}\">{}</text>",
            x + 10,
            y + 21,
            escaped(&clean(name, MAX_NAME))
        );
    }
    out.push_str("</svg>\n");
    html.raw(&out);
}

fn edge(out: &mut String, row: &CallRow, from: (usize, usize), to: (usize, usize)) {
    let (x1, y1) = (from.0 + WIDTH, from.1 + HEIGHT / 2);
    let (x2, y2) = (to.0, to.1 + HEIGHT / 2);
    let numbers = &row.numbers;
    let hurts = numbers.failed > 0 || numbers.set_up_share >= 0.5;
    let class = if hurts { "edge hurts" } else { "edge" };
    let _ = writeln!(
        out,
        "<path class=\"{class}\" d=\"M{x1} {y1} C{} {y1} {} {y2} {x2} {y2}\"/>",
        x1 + 60,
        x2.saturating_sub(60)
    );
    let mut label = format!("{:.1}/s, p95 {}", numbers.rate, time(numbers.p95_ns));
    if numbers.failed > 0 {
        let _ = write!(label, ", {} errors", percent(numbers.failed_share()));
    }
    if numbers.set_up_share >= 0.1 {
        let _ = write!(label, ", {} set-up", percent(numbers.set_up_share));
    }
    let class = if hurts { "bad" } else { "dim" };
    let (x, y) = ((x1 + x2) / 2, (y1 + y2) / 2);
    let _ = writeln!(
        out,
        "<text class=\"{class}\" x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
        y.max(12) - 5,
        escaped(&label)
    );
}

/// How far from the first callers each node is. Circles end where they began.
fn levels(calls: &[CallRow]) -> BTreeMap<&str, usize> {
    let nodes: BTreeSet<&str> = calls.iter().flat_map(|row| [&*row.call.client, &*row.call.server]).collect();
    let mut levels: BTreeMap<&str, usize> = nodes.iter().map(|name| (*name, 0)).collect();
    // Each round moves what is called to the right of its callers; a circle would do so for ever.
    for _ in 0..nodes.len().min(MAX_NODES) {
        let mut moved = false;
        for row in calls.iter().filter(|row| row.call.client != row.call.server) {
            let wanted = levels.get(&*row.call.client).map_or(0, |level| level + 1);
            if let Some(level) = levels.get_mut(&*row.call.server).filter(|level| **level < wanted)
                && wanted < nodes.len()
            {
                *level = wanted;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    // Levels that nobody is on are left out.
    let used: BTreeSet<usize> = levels.values().copied().collect();
    let order: BTreeMap<usize, usize> = used.into_iter().enumerate().map(|(at, level)| (level, at)).collect();
    levels.into_iter().map(|(name, level)| (name, order[&level])).collect()
}
