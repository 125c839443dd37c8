//! The project's own commands. `cargo xtask help` lists them; `cargo xtask help COMMAND` explains one.
//!
//! Layout: one file a command ([`build`], [`run`], `test`, `lint`, `kernels/`, [`bench`]); below them [`toolchain`] (what compiles
//! the kernel programs), [`apt`] (packages), [`paths`] (where things are) and [`sh`] (running programs).

mod apt;
mod bench;
mod build;
mod kernels;
mod paths;
mod run;
mod sh;
mod toolchain;

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser, Debug)]
#[command(name = "cargo xtask", about = "The project's own commands")]
enum Command {
    /// Build the kernel programs and the agent (installing the eBPF tool chain if none is there)
    Build(build::Args),
    /// Build, then `wirespan run` as root: `cargo xtask run -- --select port=8080`
    Run(run::Args),
    /// Run a command under other kernels, in qemu: `cargo xtask kernels --versions 6.1 -- uname -a`
    Kernels(kernels::Args),
    /// Measure what docs/benchmarks.md lists
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Build(args) => build::build(&args).map(drop),
        Command::Run(args) => run::run(&args),
        Command::Kernels(args) => kernels::kernels(&args),
        Command::Bench(args) => bench::bench(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("xtask: {e:#}");
            ExitCode::FAILURE
        }
    }
}
