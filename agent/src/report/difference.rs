//! Two recordings side by side: what became faster, slower, more, fewer.

use std::collections::BTreeMap;

use super::Taken;
use super::html::{Cell, Html};
use super::tables::{percent, time};
use crate::advise::diff;
use crate::view::operations::Operation;
use crate::view::rows::Numbers;

/// A change of less is none, as a share.
const SAME: f64 = 0.1;

/// The page.
#[must_use]
pub fn page(before: &Taken, after: &Taken) -> String {
    let mut html = Html::new(&format!("wirespan: {} and {}", before.of, after.of));
    html.heading(1, &format!("Before and after: {} and {}", before.of, after.of));
    html.paragraph(&format!(
        "{:.1} s with {} spans before, {:.1} s with {} spans after.",
        before.seconds(),
        before.counts.spans,
        after.seconds(),
        after.counts.spans
    ));
    html.section("operations", "Operations", |html| operations(html, before, after));
    html.section("advice", "Advice", |html| advice(html, before, after));
    html.finish()
}

fn operations(html: &mut Html, before: &Taken, after: &Taken) {
    let mut both: BTreeMap<&Operation, [Option<&Numbers>; 2]> = BTreeMap::new();
    for (at, taken) in [before, after].into_iter().enumerate() {
        for row in &taken.operations {
            both.entry(&row.operation).or_default()[at] = Some(&row.numbers);
        }
    }
    let mut all: Vec<_> = both.into_iter().collect();
    all.sort_by_key(|(_, both)| std::cmp::Reverse(both.iter().flatten().map(|numbers| numbers.sum_ns).max()));
    let titles = [
        "Service",
        "Operation",
        "Peer",
        "Rate/s before",
        "after",
        "Errors before",
        "after",
        "p50 before",
        "after",
        "p95 before",
        "after",
        "",
        "Set-up before",
        "after",
    ];
    let rows = all.iter().map(|(operation, [before, after])| {
        let number =
            |of: &Option<&Numbers>, text: fn(&Numbers) -> String| Cell::number(of.map_or_else(|| "-".to_owned(), text));
        let mut cells = vec![Cell::text(&operation.service), Cell::text(&operation.name), Cell::text(&operation.peer)];
        let texts: [fn(&Numbers) -> String; 4] = [
            |numbers| format!("{:.2}", numbers.rate),
            |numbers| percent(numbers.failed_share()),
            |numbers| time(numbers.p50_ns),
            |numbers| time(numbers.p95_ns),
        ];
        for text in texts {
            cells.extend([number(before, text), number(after, text)]);
        }
        let (verdict, is_bad) = verdict(*before, *after);
        cells.push(Cell::text(verdict).bad(is_bad));
        let set_up: fn(&Numbers) -> String = |numbers| percent(numbers.set_up_share);
        cells.extend([number(before, set_up), number(after, set_up)]);
        cells
    });
    html.table(&titles, rows);
}

/// What became of an operation, and whether that is bad.
fn verdict(before: Option<&Numbers>, after: Option<&Numbers>) -> (String, bool) {
    match (before, after) {
        (None, _) => ("new".to_owned(), false),
        (_, None) => ("gone".to_owned(), false),
        (Some(before), Some(after)) if after.failed_share() > before.failed_share() + 0.01 => {
            ("fails more".to_owned(), true)
        }
        (Some(before), Some(after)) => match (before.p95_ns, after.p95_ns) {
            (Some(was), Some(is)) if was > 0 => {
                let change = is as f64 / was as f64 - 1.0;
                match change {
                    change if change > SAME => (format!("+{:.0} %", change * 100.0), true),
                    change if change < -SAME => (format!("{:.0} %", change * 100.0), false),
                    _ => ("the same".to_owned(), false),
                }
            }
            _ => (String::new(), false),
        },
    }
}

fn advice(html: &mut Html, before: &Taken, after: &Taken) {
    let changes = diff::changes(&before.advice, &after.advice);
    if changes.is_empty() {
        html.paragraph("Nothing changed that is worth a sentence.");
    }
    changes.iter().for_each(|line| html.paragraph(line));
}
