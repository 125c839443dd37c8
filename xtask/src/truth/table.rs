//! The table that is printed, and the same as JSON.

use serde::Serialize;

use super::count::{Counts, Tally};
use super::limits::percent;
use super::plan::KINDS;
use crate::bench::report::Table;

/// All runs, for `target/truth/truth.json`.
#[derive(Serialize)]
pub struct Report<'a> {
    /// The agent's version and commit.
    pub agent: &'a str,
    /// When the last run ended, UTC.
    pub date: &'a str,
    /// Each server with each number of requests at once.
    pub runs: &'a [Run],
}

/// One run of one server.
#[derive(Serialize)]
pub struct Run {
    /// The server.
    pub server: String,
    /// Requests at once.
    pub at_once: u32,
    /// What was counted.
    pub counts: Counts,
    /// What the agent lost or left out, in its own words.
    pub losses: String,
    /// Limits that do not hold.
    pub broken: Vec<String>,
}

const COLUMNS: [&str; 19] = [
    "server",
    "at once",
    "requests",
    "calls expected",
    "seen",
    "right",
    "missing",
    "wrong",
    "right: sequential",
    "fan-out",
    "timer",
    "stream",
    "late",
    "proxy",
    "background with parent",
    "links right / missing / wrong",
    "dangling",
    "outside",
    "trees exact",
];

/// All runs as Markdown.
pub fn table(runs: &[Run]) -> Table {
    let mut table = Table::new(&COLUMNS, 1);
    for Run { server, at_once, counts, .. } in runs {
        let all = counts.all_calls();
        let mut cells = vec![server.clone()];
        let whole = [u64::from(*at_once), counts.requests, all.expected, all.seen, all.right, all.missing, all.wrong];
        cells.extend(whole.map(|number| number.to_string()));
        cells.extend(KINDS.map(|kind| share(counts.of(kind))));
        cells.push(share(counts.proxy));
        cells.push(format!("{} / {}", counts.background.1, counts.background.0));
        let links = counts.links;
        // Those of which there is no span miss, too.
        let missing = links.missing + links.expected.saturating_sub(links.seen);
        cells.push(format!("{} / {missing} / {}", links.right, links.wrong));
        cells.extend([counts.dangling.to_string(), counts.outside.to_string()]);
        cells.push(format!("{:.1} %", percent(counts.exact, counts.requests)));
        table.row(cells);
    }
    table
}

fn share(tally: Tally) -> String {
    let of = tally.expected.max(tally.seen);
    match (of, tally.wrong) {
        (0, _) => String::new(),
        (_, 0) => format!("{:.1} %", percent(tally.right, of)),
        (_, wrong) => format!("{:.1} %, {wrong} wrong", percent(tally.right, of)),
    }
}
