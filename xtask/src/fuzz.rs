//! `cargo xtask fuzz`: every parser under libFuzzer, each for a fixed time.
//!
//! The agent's own crates are compiled with the coverage that libFuzzer follows (agent/fuzz/instrument.sh); their dependencies are those
//! of any debug build. That needs no nightly compiler. Inputs that were found worth keeping stay below `target/fuzz`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::{apt, paths, sh, toolchain};

/// The crate of fuzz targets.
const CRATE: &str = "wirespan-fuzz";

/// Arguments of `cargo xtask fuzz`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only these targets; without any, all
    targets: Vec<String>,
    /// How long each one runs
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How many run at once [default: one for each processor]
    #[arg(long)]
    jobs: Option<usize>,
    /// For libFuzzer: `-runs=1`, a file to try again …
    #[arg(last = true)]
    args: Vec<String>,
}

/// Runs them; fails if one finds anything.
pub fn fuzz(args: &Args) -> Result<()> {
    if sh::which("c++").is_none() {
        // libFuzzer is C++, and comes as source.
        apt::install(&["g++"])?;
    }
    let folder = paths::target().join("fuzz");
    let corpora = folder.join("corpus");
    let program = build()?;
    let mut seeds = Command::new(&program);
    let known = sh::output_with_stderr(seeds.env("FUZZ_SEEDS", &corpora))?;
    let known: Vec<&str> = known.lines().collect();
    if let Some(unknown) = args.targets.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("there is no fuzz target `{unknown}`; there are {}", known.join(", "));
    }
    let chosen: Vec<&str> = known
        .iter()
        .copied()
        .filter(|name| args.targets.is_empty() || args.targets.iter().any(|one| one == name))
        .collect();
    let jobs = args.jobs.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from)).max(1);
    sh::step(format!("fuzzing for {} s each, {jobs} at a time: {}", args.seconds, chosen.join(", ")));
    let mut waiting = chosen.into_iter();
    let mut running: Vec<Run> = Vec::new();
    let mut failed = Vec::new();
    loop {
        while running.len() < jobs
            && let Some(name) = waiting.next()
        {
            running.push(Run::start(&program, name, &folder, args)?);
        }
        if running.is_empty() {
            break;
        }
        thread::sleep(Duration::from_millis(100));
        let mut still = Vec::new();
        for mut run in running {
            match run.child.try_wait()? {
                None => still.push(run),
                Some(status) => {
                    sh::step(run.summary());
                    if !status.success() {
                        sh::step(format!("{}: {status}; the end of {}:\n{}", run.name, run.log.display(), run.tail()));
                        failed.push(run.name);
                    }
                }
            }
        }
        running = still;
    }
    if !failed.is_empty() {
        let found = folder.join("found");
        bail!("found something: {} (inputs are in {})", failed.join(", "), found.display());
    }
    Ok(())
}

/// The program that has all targets inside.
fn build() -> Result<PathBuf> {
    sh::step("building the fuzz targets");
    let mut cmd = Command::new(toolchain::own_cargo());
    cmd.current_dir(paths::root()).args(["build", "--package", CRATE, "--features", "libfuzzer", "--bin", "fuzz"]);
    cmd.env("RUSTC_WORKSPACE_WRAPPER", paths::root().join("agent/fuzz/instrument.sh"));
    sh::run(&mut cmd)?;
    let built = paths::target().join("debug/fuzz");
    // The next ordinary build of the workspace must not find it in its way.
    let program = paths::target().join("fuzz/fuzz");
    fs::create_dir_all(paths::target().join("fuzz"))?;
    fs::copy(&built, &program).with_context(|| format!("cannot copy {}", built.display()))?;
    Ok(program)
}

/// One target at work.
struct Run {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Run {
    fn start(program: &Path, name: &str, folder: &Path, args: &Args) -> Result<Self> {
        let log = folder.join("logs").join(format!("{name}.log"));
        let found = folder.join("found");
        for dir in [folder.join("logs"), found.clone(), folder.join("corpus").join(name)] {
            fs::create_dir_all(dir)?;
        }
        let file = fs::File::create(&log)?;
        let mut cmd = Command::new(program);
        cmd.env("FUZZ_TARGET", name);
        cmd.args([
            format!("-max_total_time={}", args.seconds),
            format!("-artifact_prefix={}/{name}-", found.display()),
        ]);
        // Slower or larger than this is a finding.
        cmd.args(["-timeout=5", "-rss_limit_mb=1024", "-print_final_stats=1"]);
        cmd.args(&args.args);
        if args.args.iter().all(|argument| argument.starts_with('-')) {
            cmd.arg(folder.join("corpus").join(name));
        }
        cmd.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = cmd.spawn().with_context(|| format!("cannot run `{}`", sh::shown(&cmd)))?;
        Ok(Self { name: name.to_owned(), child, log })
    }

    fn tail(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(40)..).unwrap_or_default().join("\n")
    }

    fn summary(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        summary(&self.name, &String::from_utf8_lossy(&text))
    }
}

/// `stat::number_of_executed_units: 12345` and `cov: 678` of libFuzzer, in one line.
fn summary(name: &str, log: &str) -> String {
    let executed =
        log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:")).unwrap_or("?").trim();
    let covered = log.lines().rev().find_map(|line| line.split_once(" cov: ")?.1.split(' ').next()).unwrap_or("?");
    format!("{name}: {executed} inputs, {covered} places of the code reached")
}

#[cfg(test)]
mod tests {
    use super::summary;

    #[test]
    fn what_libfuzzer_says_in_one_line() {
        let log = "#2\tINITED cov: 5 ft: 6\n#900\tDONE   cov: 77 ft: 99 corp: 3\nstat::number_of_executed_units: 900\n";
        assert_eq!(summary("tls", log), "tls: 900 inputs, 77 places of the code reached");
        assert_eq!(summary("tls", ""), "tls: ? inputs, ? places of the code reached");
    }
}
