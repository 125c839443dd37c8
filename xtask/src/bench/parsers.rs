//! The parsers alone: the benches of `agent/protocols`.

use std::process::Command;

use anyhow::{Result, bail};

use super::Setup;
use super::report::Row;
use crate::{paths, sh, toolchain};

/// Runs `cargo bench`; each line of its output that names a rate is a row.
pub fn measure(_setup: &Setup) -> Result<Vec<Row>> {
    let mut cmd = Command::new(toolchain::own_cargo());
    cmd.current_dir(paths::root()).args(["bench", "--quiet", "--package", "wirespan-protocols", "--bench", "*"]);
    let text = sh::output(&mut cmd)?;
    let rows: Vec<Row> = text.lines().filter_map(row).collect();
    if rows.is_empty() {
        bail!("the benches said nothing: {text}");
    }
    Ok(rows)
}

fn row(line: &str) -> Option<Row> {
    let words: Vec<&str> = line.split_whitespace().map(|w| w.trim_end_matches([',', ':'])).collect();
    let unit = words.iter().position(|w| w.ends_with("/s"))?;
    // The number before the first rate's unit, which may be two words; the name is what stands before it.
    let at = (0..unit).rev().find(|at| words[*at].parse::<f64>().is_ok())?;
    let rate: f64 = words[at].parse().ok()?;
    let (name, measured) = (words[..at].join(" "), words[at..].join(" "));
    Some(match words[at + 1..=unit].join(" ").as_str() {
        "GB/s" => Row::goal(name, measured, "≥ 1 GB/s", rate >= 1.0),
        "million commands/s" => Row::goal(name, measured, "≥ 2 million commands/s", rate >= 2.0),
        _ => Row::note(name, measured),
    })
}
