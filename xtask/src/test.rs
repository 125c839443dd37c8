//! `cargo xtask test`: unit, replay and end-to-end tests, with everything they need installed first.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::arch::Arch;
use crate::skips::MaySkip;
use crate::tally::Tally;
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
    /// Fail if a test skips itself that tests/may-skip.toml does not list. (Where the kernel grants no eBPF, all may)
    #[arg(long)]
    deny_skips: bool,
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
        let mut cmd = cargo_test(&[]);
        note("unit", tally.run(cmd.arg("--").args(&args.args))?);
    }
    if wanted(Kind::Replay) || wanted(Kind::E2e) {
        let binary = build::build(&build::Args::release(Arch::HERE))?;
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
            let mut cmd = cargo_test(&["--test", "replay"]);
            cmd.env("WIRESPAN_BIN", &binary).env("WIRESPAN_TEST_PARTS", paths::parts());
            note("replay", tally.run(cmd.arg("--").args(&args.args))?);
        }
        if wanted(Kind::E2e) {
            note("end-to-end", end_to_end(&mut tally, &binary, granted, args)?);
        }
    }
    for remark in tally.remarks() {
        sh::step(remark);
    }
    if args.deny_skips && denied_skips(&tally)? {
        failed.push("skipped");
    }
    sh::step(format!("tests: {tally}"));
    if !failed.is_empty() {
        bail!("failed: {} tests", failed.join(", "));
    }
    Ok(())
}

/// The reason of what was skipped since nothing can be traced here.
const NO_EBPF: &str = "no eBPF on this machine";

/// Names what was skipped and must not be.
fn denied_skips(tally: &Tally) -> Result<bool> {
    let list = paths::root().join("tests/may-skip.toml");
    let may = MaySkip::read(&list)?;
    let mut denied = false;
    for (name, reason) in tally.skipped.iter().filter(|(name, reason)| reason != NO_EBPF && !may.allows(name, reason)) {
        sh::step(format!("must not be skipped: {name} ({reason}); {} has those that may", list.display()));
        denied = true;
    }
    Ok(denied)
}

/// Runs the end-to-end tests as root, or, where the kernel grants no eBPF, names each one as skipped.
fn end_to_end(tally: &mut Tally, binary: &Path, granted: Result<(), String>, args: &Args) -> Result<bool> {
    let program = || {
        let mut cmd = cargo_test(&["--test", "e2e"]);
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
            tally.skipped.push((name.to_owned(), NO_EBPF.to_owned()));
        }
        let count = tally.skipped.len();
        sh::step(format!("end-to-end tests: {count} skipped, since this machine grants no eBPF ({reason})"));
        return Ok(true);
    }
    sh::step("end-to-end tests");
    let mut ok = tally.run(program().args(&args.args))?;
    for again in 2..=args.tries {
        if ok || tally.names_of_failed.is_empty() {
            break;
        }
        let names = tally.again();
        sh::step(format!("end-to-end tests: try {again} of {}, one at a time: {}", args.tries, names.join(", ")));
        ok = tally.run(program().args(["--exact", "--test-threads=1"]).args(&names))?;
        tally.passed_late(&names, again);
    }
    Ok(ok)
}

/// Tests of the whole workspace: which features dependencies have follows from the packages that are asked for, and with others than
/// those of the tests before they would be compiled again. `tests/replay/main.rs` and `tests/e2e/main.rs` are run by their names only.
fn cargo_test(args: &[&str]) -> Command {
    let mut cmd = Command::new(toolchain::own_cargo());
    cmd.current_dir(paths::root()).args(["test", "--no-fail-fast", "--workspace"]).args(args);
    cmd
}
