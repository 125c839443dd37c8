//! An attribute explosion: hosts, paths and statements that never come twice. Memory has to stay flat.

use std::process::Command;

use anyhow::Result;

use super::Setup;
use super::agent::Agent;
use super::nginx::{Nginx, folder, free_port};
use super::postgres::Postgres;
use super::report::{Row, median};
use super::scrape::Scrape;
use crate::sh;

/// Every request names another host and another path.
const REQUESTS: &str = "request = function()
  local n = math.random(1, 1000000000)
  return wrk.format('GET', '/users/' .. n .. '/orders?x=' .. n, { ['Host'] = 'host-' .. n .. '.test' })
end
";
/// Every statement reads another table.
const STATEMENT: &str = "\\set n random(1, 1000000000)\nWITH t:n AS (SELECT 1) SELECT * FROM t:n;\n";
/// Looks at the agent while the load goes on.
const LOOKS: u32 = 10;

/// Both ends of both loads are traced; memory is looked at after equal portions of the load.
pub fn measure(setup: &Setup) -> Result<Vec<Row>> {
    let (nginx, postgres) = (Nginx::start()?, Postgres::start()?);
    let folder = folder("explosion")?;
    let (lua, sql) = (folder.join("requests.lua"), folder.join("statement.sql"));
    std::fs::write(&lua, REQUESTS)?;
    std::fs::write(&sql, STATEMENT)?;
    let port = free_port()?;
    let listen = format!("127.0.0.1:{port}");
    let selectors = [format!("port={}", nginx.port), format!("port={}", postgres.port)];
    let arguments = ["--select", &selectors[0], "--select", &selectors[1], "--output", "none"];
    let agent = Agent::start(&setup.agent, &[&arguments[..], &["--prometheus-listen", &listen]].concat())?;
    let (fresh, _) = agent.memory()?;
    let (mut resident, mut took, mut done) = (Vec::new(), Vec::new(), 0);
    let mut last = Scrape::of(port)?;
    let seconds = setup.seconds.to_string();
    for _ in 0..LOOKS {
        sh::output(
            Command::new("wrk")
                .args(["-t1", "-c8", &format!("-d{seconds}s"), "-s"])
                .arg(&lua)
                .arg(format!("http://127.0.0.1:{}/", nginx.port)),
        )?;
        done += postgres.run(&["-c", "4", "-T", &seconds, "-f", &sql.display().to_string()])?.transactions;
        resident.push(agent.memory()?.0 as f64 / 1024.0);
        last = Scrape::of(port)?;
        took.push(last.took.as_secs_f64() * 1000.0);
    }
    let (_, peak) = agent.memory()?;
    let requests = last.sum("http_server_request_duration_seconds_count");
    agent.stop()?;
    // The first half fills what has a limit.
    let half = resident.len() / 2;
    let (middle, end) = (median(resident[half - 1..=half].iter().copied()), resident[resident.len() - 1]);
    let grown = end / middle - 1.0;
    let looks: Vec<_> = resident.iter().map(|mebibytes| format!("{mebibytes:.0}")).collect();
    Ok(vec![
        Row::note(
            "attribute explosion: requests, statements, none alike",
            format!("{:.2} and {:.2} million", requests / 1e6, done as f64 / 1e6),
        ),
        Row::note("series kept; measurements that went to overflow series", {
            let (series, over) = (last.sum("wirespan_metrics_series"), last.sum("wirespan_metrics_overflows_total"));
            format!("{series:.0}; {over:.0}")
        }),
        Row::goal(
            "resident memory from the middle of it to the end",
            format!("{middle:.1} → {end:.1} MiB ({:+.1} %)", grown * 100.0),
            "≤ +5 %",
            grown <= 0.05,
        ),
        Row::note(
            "resident memory after equal portions of it; fresh; peak",
            format!("{} MiB; {:.0}; {:.0}", looks.join(" "), fresh as f64 / 1024.0, peak as f64 / 1024.0),
        ),
        Row::note("a scrape with all series", format!("{:.0} ms, {:.1} MB", median(took), last.bytes() as f64 / 1e6)),
    ])
}
