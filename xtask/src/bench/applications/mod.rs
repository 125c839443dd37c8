//! Whole applications: requests a second that are kept, and who uses how much processor time for them; without anything, with
//! wirespan at its defaults and with the SDK of OpenTelemetry at its own, by turns.
//!
//! [`programs`] says what the applications are, [`server`] runs one with its database and cache, [`cost`] is one run,
//! [`turns`] all runs of one server.

mod cost;
mod programs;
mod server;
mod turns;

use anyhow::Result;

use super::Setup;
use super::nginx::Nginx;
use super::report::{Row, Table, median};
use super::sink::Sink;
use crate::sh;
use cost::PARTIES;
use programs::{PROGRAMS, Program};
use server::{Application, Server, Stores};
use turns::{Kind, Subject, Turns};

/// What applications keep at least, percent.
const GOAL: f64 = 97.0;

/// nginx, which has no SDK, and the applications.
pub fn measure(setup: &Setup) -> Result<Vec<Row>> {
    let sink = Sink::start()?;
    let columns = ["CPU seconds per million requests", "with"];
    let more = ["all", "to none", "of it kernel programs", "spans received a request"];
    let columns: Vec<&str> = columns.into_iter().chain(PARTIES).chain(more).collect();
    let mut table = Table::new(&columns, 2);
    let mut rows = Vec::new();
    {
        let nginx = Nginx::start()?;
        let server = Server::of_nginx(&nginx);
        let turns = Subject { plain: &server, sdk: None, stores: None, sink: &sink }.measure(setup)?;
        tell("nginx", &turns, &mut table);
    }
    let stores = Stores::start()?;
    for program in &PROGRAMS {
        sh::step(format!("{} (load {})", program.name, super::load()));
        match one(setup, program, &stores, &sink) {
            Ok(turns) => {
                rows.extend(kept(program.name, &turns));
                tell(program.name, &turns, &mut table);
            }
            // A machine without its language has the other rows.
            Err(e) => {
                let why = format!("{e:#}");
                sh::step(format!("skipped: {}: {}", program.name, why.lines().next().unwrap_or_default()));
            }
        }
    }
    setup.tables.borrow_mut().push(table);
    Ok(rows)
}

/// One application, beside itself with an SDK: the one that is not loaded is idle.
fn one(setup: &Setup, program: &Program, stores: &Stores, sink: &Sink) -> Result<Turns> {
    let dir = (program.install)()?;
    let plain = Application::start(program, &dir, stores, None)?;
    let sdk = Application::start(program, &dir, stores, Some(&sink.url()))?;
    Subject { plain: &plain.server, sdk: Some(&sdk.server), stores: Some(stores), sink }.measure(setup)
}

/// Lines of the common table.
fn kept(name: &str, turns: &Turns) -> [Row; 2] {
    let percent = |kind: &Kind| median(kind.kept.iter().copied()) * 100.0;
    let rate = median(turns.none.runs.iter().map(|run| run.rate));
    let wirespan = percent(&turns.wirespan);
    [
        Row::goal(
            format!("{name}: requests a second kept with wirespan, default settings"),
            format!("{wirespan:.1} % of {rate:.0}/s ({:.0} % of the exchanges told)", turns.told * 100.0),
            format!("≥ {GOAL} %"),
            wirespan >= GOAL,
        ),
        Row::note(
            format!("{name}: the same with the OpenTelemetry SDK, default settings"),
            format!("{:.1} %", percent(&turns.sdk)),
        ),
    ]
}

/// Lines of the table of costs.
fn tell(name: &str, turns: &Turns, table: &mut Table) {
    for (with, kind) in [("none", &turns.none), ("wirespan", &turns.wirespan), ("SDK", &turns.sdk)] {
        if kind.runs.is_empty() {
            continue;
        }
        let cost = cost::typical(&kind.runs);
        let mut cells = vec![name.to_owned(), with.to_owned()];
        cells.extend(cost.map(shown));
        cells.push(shown(cost.iter().sum()));
        // Without anything nothing is compared, and only what an idle SDK still had arrives.
        let dearer = median(kind.dearer.iter().copied());
        let spans = median(kind.runs.iter().map(|run| run.spans));
        cells.extend(match with {
            "none" => [String::new(), String::new(), String::new()],
            "wirespan" => [more(dearer), shown(turns.programs), shown(spans)],
            _ => [more(dearer), String::new(), shown(spans)],
        });
        table.row(cells);
    }
}

/// A ratio as what it is more than one.
fn more(ratio: f64) -> String {
    format!("{:+.1} %", (ratio - 1.0) * 100.0)
}

/// Three digits; what did not happen is left empty.
fn shown(seconds: f64) -> String {
    match seconds {
        s if s < 0.005 => String::new(),
        s if s < 10.0 => format!("{s:.2}"),
        s if s < 100.0 => format!("{s:.1}"),
        s => format!("{s:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::cost::{Run, typical};
    use super::{more, shown};

    #[test]
    fn a_ratio_has_a_sign() {
        assert_eq!([1.034, 0.99, 3.5].map(more), ["+3.4 %", "-1.0 %", "+250.0 %"]);
    }

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!([0.0, 1.234, 12.34, 1234.5].map(shown), ["", "1.23", "12.3", "1234"]);
    }

    #[test]
    fn a_typical_cost_is_the_median_of_each_party() {
        let run = |server, client| Run { rate: 1.0, requests: 1.0, cost: [server, client, 0.0, 0.0, 0.0], spans: 0.0 };
        let runs = [run(1.0, 30.0), run(2.0, 10.0), run(9.0, 20.0)];
        assert_eq!(typical(&runs), [2.0, 20.0, 0.0, 0.0, 0.0]);
    }
}
