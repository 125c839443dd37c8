//! The binary `wirespan`.

use std::process::ExitCode;

fn main() -> ExitCode {
    wirespan::cli::execute(&wirespan::cli::Args::parse_or_exit())
}
