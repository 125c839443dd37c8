//! `cargo xtask docs`: writes the parts of the documentation that are made from tables in the code.
//!
//! A part stands between two markers in its page:
//!
//! ```text
//! <!-- begin: NAME (generated) -->
//! …
//! <!-- end: NAME -->
//! ```
//!
//! To add one: put the markers into the page, and a line into [`PARTS`]. Those of `docs/configuration.md` are written by a test of
//! the agent, which this runs.

mod attributes;
mod metrics;
mod spans;
pub mod table;

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use wirespan_semconv::instrument::Section;
use wirespan_semconv::names;

use crate::{paths, sh, toolchain};

/// Arguments of `cargo xtask docs`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Write nothing; fail if a page is not what would be written
    #[arg(long)]
    check: bool,
}

impl Args {
    /// Only compares.
    pub fn check() -> Self {
        Self { check: true }
    }
}

/// One part of a page.
struct Part {
    /// The page, below the root of the project.
    page: &'static str,
    /// Its name in the markers.
    name: &'static str,
    /// Makes it.
    text: fn() -> Result<String>,
}

/// Every part.
const PARTS: &[Part] = &[
    Part { page: "docs/spans.md", name: "request", text: || Ok(spans::request()) },
    Part { page: "docs/spans.md", name: "connection_setup", text: || spans::of("connection_setup") },
    Part { page: "docs/spans.md", name: "children", text: || Ok(spans::children()) },
    Part { page: "docs/spans.md", name: "http", text: || spans::of("http") },
    Part { page: "docs/spans.md", name: "grpc", text: || spans::of("grpc") },
    Part { page: "docs/spans.md", name: "postgresql", text: || spans::of("postgresql") },
    Part { page: "docs/spans.md", name: "redis", text: || spans::of("redis") },
    Part { page: "docs/spans.md", name: "own", text: || Ok(spans::own()) },
    Part { page: "docs/spans.md", name: "resource", text: || spans::resource("resource") },
    Part { page: "docs/spans.md", name: "attributes", text: || Ok(attributes::all()) },
    Part { page: "docs/metrics.md", name: "requests", text: || Ok(metrics::of(Section::Requests)) },
    Part { page: "docs/metrics.md", name: "connections", text: || Ok(metrics::of(Section::Connections)) },
    Part { page: "docs/metrics.md", name: "listeners", text: || Ok(metrics::of(Section::Listeners)) },
    Part { page: "docs/metrics.md", name: "graph", text: || Ok(metrics::of(Section::Graph)) },
    Part { page: "docs/metrics.md", name: "agent-resource", text: || spans::resource("agent-resource") },
    Part { page: "docs/metrics.md", name: "agent", text: || Ok(metrics::of(Section::Agent)) },
];

/// The list of names of telemetry that is committed.
const NAMES: &str = "agent/semconv/names.txt";

/// Writes every part, or sees that each is written already.
pub fn docs(args: &Args) -> Result<()> {
    let mut stale = Vec::new();
    for page in pages() {
        let path = paths::root().join(page);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {page}"))?;
        let mut written = text.clone();
        for part in PARTS.iter().filter(|part| part.page == page) {
            written = replace(&written, part.name, &(part.text)()?).with_context(|| page.to_owned())?;
        }
        save(page, &text, &written, args, &mut stale)?;
    }
    let committed = fs::read_to_string(paths::root().join(NAMES)).unwrap_or_default();
    if !committed.is_empty() {
        names::may_follow(&committed).map_err(anyhow::Error::msg)?;
    }
    save(NAMES, &committed, &names::list(), args, &mut stale)?;
    if !args.check {
        // Tables of settings are made where these are, in the agent: a test of its own sees that they are not stale.
        let mut settings = Command::new(toolchain::own_cargo());
        settings.args(["test", "--quiet", "--package", "wirespan", "--lib", "cli::documents"]);
        sh::run(settings.current_dir(paths::root()).env("WIRESPAN_TEST_DOCS", "write"))?;
    }
    if !stale.is_empty() {
        bail!("not what the code says: {}; run `cargo xtask docs`", stale.join(", "));
    }
    Ok(())
}

/// Each page once, in the order of [`PARTS`].
fn pages() -> Vec<&'static str> {
    let mut pages: Vec<_> = PARTS.iter().map(|part| part.page).collect();
    pages.dedup();
    pages
}

fn save(name: &'static str, old: &str, new: &str, args: &Args, stale: &mut Vec<&'static str>) -> Result<()> {
    if old == new {
        return Ok(());
    }
    if args.check {
        stale.push(name);
        return Ok(());
    }
    sh::step(format!("writing {name}"));
    fs::write(paths::root().join(name), new).with_context(|| format!("cannot write {name}"))
}

/// The page with other text between the markers of `name`.
pub fn replace(page: &str, name: &str, text: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- begin: {name} (generated) -->\n"), format!("<!-- end: {name} -->"));
    let found = page.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let (before, after) = found.with_context(|| format!("there is no pair of markers for {name:?}"))?;
    Ok(format!("{before}{begin}{text}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_markers_is_replaced() {
        let page = "a\n<!-- begin: x (generated) -->\nold\n<!-- end: x -->\nb\n";
        let new = "a\n<!-- begin: x (generated) -->\nnew\n<!-- end: x -->\nb\n";
        assert_eq!(replace(page, "x", "new\n").unwrap(), new);
        assert_eq!(replace(new, "x", "new\n").unwrap(), new);
        assert!(replace(page, "y", "").is_err());
        assert!(replace("<!-- begin: x (generated) -->\n", "x", "").is_err());
    }

    #[test]
    fn the_pages_are_what_the_code_says() {
        docs(&Args::check()).unwrap();
    }
}
