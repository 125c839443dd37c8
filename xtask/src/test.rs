//! `cargo xtask test`: unit, replay and end-to-end tests, with everything they need installed first.

use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::{build, granted, parts, paths, sh, toolchain};

/// Arguments of `cargo xtask test`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only these kinds
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Kind>,
    /// Only install what the end-to-end tests need
    #[arg(long)]
    install_only: bool,
    /// How often an end-to-end test may run before it counts as failed: again alone, after all others
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    tries: u32,
    /// For the test programs: a filter, `--nocapture` …
    #[arg(last = true)]
    args: Vec<String>,
}

/// The three kinds of tests.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Those inside the crates
    Unit,
    /// Recordings and pcaps against expected spans: no root, no server
    Replay,
    /// Real servers and clients, traced
    E2e,
}

/// The crate of replay and end-to-end tests; `tests/replay/main.rs` and `tests/e2e/main.rs` are its test targets.
const CRATE: &str = "wirespan-tests";

/// Runs them; fails if any fails.
pub fn test(args: &Args) -> Result<()> {
    if args.install_only {
        return parts::install_all();
    }
    let wanted = |kind| args.only.is_empty() || args.only.contains(&kind);
    let mut tally = Tally::default();
    let mut failed = Vec::new();
    let mut note = |name: &'static str, ok: bool| {
        if !ok {
            failed.push(name);
        }
    };

    if wanted(Kind::Unit) {
        sh::step("unit tests");
        let mut cmd = cargo_test(&["--workspace", "--exclude", CRATE]);
        note("unit", tally.run(cmd.arg("--").args(&args.args))?);
    }
    let has_crate = paths::root().join("tests/Cargo.toml").is_file();
    if (wanted(Kind::Replay) || wanted(Kind::E2e)) && !has_crate {
        sh::step("replay and end-to-end tests: none yet (there is no crate in tests/)");
    } else if wanted(Kind::Replay) || wanted(Kind::E2e) {
        let binary = build::build(&build::Args { release: true })?;
        let granted = granted::as_root();
        if wanted(Kind::E2e) {
            match parts::install_all() {
                Ok(()) => {}
                // Where they are going to be skipped, they need nothing.
                Err(e) if granted.is_err() => sh::step(format!("skipped: test parts: {e:#}")),
                Err(e) => return Err(e),
            }
        }
        if wanted(Kind::Replay) {
            sh::step("replay tests");
            let mut cmd = cargo_test(&["--package", CRATE, "--test", "replay"]);
            cmd.env("WIRESPAN_BIN", &binary).env("WIRESPAN_TEST_PARTS", paths::parts());
            note("replay", tally.run(cmd.arg("--").args(&args.args))?);
        }
        if wanted(Kind::E2e) {
            note("end-to-end", end_to_end(&mut tally, &binary, granted, args)?);
        }
    }
    sh::step(format!("tests: {tally}"));
    if !failed.is_empty() {
        bail!("failed: {} tests", failed.join(", "));
    }
    Ok(())
}

/// Runs the end-to-end tests as root, or, where the kernel grants no eBPF, names each one as skipped.
fn end_to_end(tally: &mut Tally, binary: &Path, granted: Result<(), String>, args: &Args) -> Result<bool> {
    let program = || {
        let mut cmd = cargo_test(&["--package", CRATE, "--test", "e2e"]);
        cmd.env("WIRESPAN_BIN", binary).env("WIRESPAN_TEST_PARTS", paths::parts());
        if sh::privilege() == sh::Privilege::Sudo {
            let runner = format!("CARGO_TARGET_{}_UNKNOWN_LINUX_GNU_RUNNER", std::env::consts::ARCH.to_uppercase());
            cmd.env(runner, "sudo --preserve-env=PATH,WIRESPAN_BIN,WIRESPAN_TEST_PARTS");
        }
        cmd.arg("--");
        cmd
    };
    if let Err(reason) = granted {
        let names = sh::output(program().arg("--list").args(&args.args))?;
        for name in names.lines().filter_map(|l| l.strip_suffix(": test")) {
            println!("test {name} ... skipped ({reason})");
            tally.skipped += 1;
        }
        sh::step(format!("end-to-end tests: {} skipped, since this machine grants no eBPF ({reason})", tally.skipped));
        return Ok(true);
    }
    sh::step("end-to-end tests");
    let mut ok = tally.run(program().args(&args.args))?;
    for again in 2..=args.tries {
        let names = std::mem::take(&mut tally.names_of_failed);
        if ok || names.is_empty() {
            break;
        }
        sh::step(format!("end-to-end tests: try {again} of {}, one at a time: {}", args.tries, names.join(", ")));
        // They are counted by their last try.
        tally.failed = tally.failed.saturating_sub(names.len() as u64);
        ok = tally.run(program().args(["--exact", "--test-threads=1"]).args(&names))?;
    }
    Ok(ok)
}

fn cargo_test(args: &[&str]) -> Command {
    let mut cmd = Command::new(toolchain::own_cargo());
    cmd.current_dir(paths::root()).args(["test", "--no-fail-fast"]).args(args);
    cmd
}

/// What all test programs of a run reported.
#[derive(Default, Debug)]
struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
    skipped: u64,
    /// In the order in which they failed, until somebody takes them.
    names_of_failed: Vec<String>,
}

impl Tally {
    /// Runs a `cargo test`, shows its output, adds up its results. Did it succeed?
    fn run(&mut self, cmd: &mut Command) -> Result<bool> {
        let mut child = cmd
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run `{}`", sh::shown(cmd)))?;
        if let Some(out) = child.stdout.take() {
            for line in BufReader::new(out).lines() {
                let line = line?;
                println!("{line}");
                self.add(&line);
            }
        }
        Ok(child.wait()?.success())
    }

    /// `test result: ok. 12 passed; 0 failed; 1 ignored; …`, and lines of tests that skipped themselves.
    fn add(&mut self, line: &str) {
        if line.starts_with("test ") && line.contains(" ... skipped") {
            self.skipped += 1;
        }
        if let Some(name) = line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED")) {
            self.names_of_failed.push(name.to_owned());
        }
        let Some(rest) = line.strip_prefix("test result: ") else { return };
        for part in rest.split(['.', ';']) {
            let mut words = part.split_whitespace();
            let (Some(number), Some(what)) = (words.next().and_then(|n| n.parse::<u64>().ok()), words.next()) else {
                continue;
            };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, ignored, skipped, names_of_failed: _ } = self;
        write!(f, "{passed} passed, {failed} failed, {ignored} ignored, {skipped} skipped")
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn results_of_several_programs_are_added_up() {
        let mut tally = Tally::default();
        tally.add("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s");
        tally.add("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 7 filtered out; finished in 0.01s");
        tally.add("test http::chunked ... ok");
        tally.add("test kernel_tls ... skipped (no tls)");
        tally.add("test http::order::pipelined ... FAILED");
        assert_eq!(tally.to_string(), "15 passed, 2 failed, 1 ignored, 1 skipped");
        assert_eq!(tally.names_of_failed, ["http::order::pipelined"]);
    }
}
