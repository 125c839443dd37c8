//! The project's own commands. `cargo xtask help` lists them; `cargo xtask help COMMAND` explains one.
//!
//! Layout: one file a command ([`build`], [`run`], [`test`], [`fuzz`], [`mutants`], [`compare`], [`lint`], [`docs`], [`arm64`], [`kernels`], [`charts`], [`bench`], [`truth`], [`dist`] with `image`); below them
//! [`tally`] and [`skips`] (what tests report, and may leave out), [`toolchain`] (what compiles the kernel programs), [`parts`] (what tests need), [`granted`] (is there eBPF at all), [`apt`]
//! (packages), [`arch`] (processors), [`paths`] (where things are), [`sh`] (running programs) and
//! [`progress`] (waiting for them).

mod apt;
mod arch;
mod arm64;
mod bench;
mod build;
mod charts;
mod compare;
mod cross;
mod dist;
mod docs;
mod fuzz;
mod granted;
mod kernels;
mod lint;
mod mutants;
mod parts;
mod paths;
mod progress;
mod run;
mod sh;
mod skips;
mod tally;
mod test;
mod toolchain;
mod truth;

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser, Debug)]
#[command(name = "cargo xtask", about = "The project's own commands")]
enum Command {
    /// Build the kernel programs and the agent (installing the eBPF tool chain if none is there)
    Build(build::Args),
    /// Build, then `wirespan run` as root: `cargo xtask run -- --select port=8080`
    Run(run::Args),
    /// Install what the tests need, then run unit, replay and end-to-end tests
    Test(test::Args),
    /// Run every parser on made-up input, each for a fixed time
    Fuzz(fuzz::Args),
    /// See that the unit tests notice mistakes: those of xtask/mutants.toml, each made in turn
    Mutants(mutants::Args),
    /// See that two builds make the same of every capture: `cargo xtask compare OLD-BINARY`
    Compare(compare::Args),
    /// Formatting, clippy, licences, and that everything compiles for arm64
    Lint(lint::Args),
    /// Write the tables of the documentation that come from the code: `cargo xtask docs --check` only compares
    Docs(docs::Args),
    /// Compile everything for arm64, without linking
    CheckArm64,
    /// Run a command under other kernels, in qemu: `cargo xtask kernels --versions 6.1 -- uname -a`
    Kernels(kernels::Args),
    /// See what the Helm chart and the Kustomize base make of the values that matter, and with `--server` what a real API server says
    Charts(charts::Args),
    /// Measure what docs/benchmarks.md lists
    Bench(bench::Args),
    /// See that parents are right: servers whose calls say which request they belong to
    Truth(truth::Args),
    /// Make everything that is given away: archive, packages, image, list of parts, checksums
    Dist(dist::Args),
    /// Write a container image, as an OCI layout and as a tar file, without a container engine
    Image(dist::image::Args),
    /// What the servers of `truth` ask
    #[command(hide = true)]
    TruthLeaf(truth::leaf::Args),
    /// A client with a clock, of one measurement
    #[command(hide = true)]
    BenchClient(bench::client::Args),
    /// Does the kernel let this process load a program?
    #[command(hide = true)]
    GrantsEbpf,
}

fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Build(args) => build::build(&args).map(drop),
        Command::Run(args) => run::run(&args),
        Command::Test(args) => test::test(&args),
        Command::Fuzz(args) => fuzz::fuzz(&args),
        Command::Mutants(args) => mutants::mutants(&args),
        Command::Compare(args) => compare::compare(&args),
        Command::Lint(args) => lint::lint(&args),
        Command::Docs(args) => docs::docs(&args),
        Command::CheckArm64 => arm64::check(),
        Command::GrantsEbpf => granted::here(),
        Command::Kernels(args) => kernels::kernels(&args),
        Command::Charts(args) => charts::charts(&args),
        Command::Bench(args) => bench::bench(&args),
        Command::Truth(args) => truth::truth(&args),
        Command::Dist(args) => dist::dist(&args),
        Command::Image(args) => dist::image::image(&args),
        Command::TruthLeaf(args) => truth::leaf::run(&args),
        Command::BenchClient(args) => bench::client::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("xtask: {e:#}");
            ExitCode::FAILURE
        }
    }
}
