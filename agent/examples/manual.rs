//! Writes what packages have beside the binary and what the definition of the command line knows: manual pages and completions for shells.
//! `cargo xtask dist` runs it; the binary itself carries nothing of this.
//!
//! `cargo run --package wirespan --example manual -- FOLDER`

use std::path::PathBuf;

use clap::CommandFactory as _;
use clap_complete::{Shell, generate_to};

fn main() -> std::io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err(std::io::Error::other("name the folder to write to"));
    };
    // Without the commit, which is another one each time.
    let mut command = wirespan::cli::Args::command().version(env!("CARGO_PKG_VERSION"));
    let (pages, completions) = (folder.join("man"), folder.join("completions"));
    for folder in [&pages, &completions] {
        std::fs::create_dir_all(folder)?;
    }
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut command, "wirespan", &completions)?;
    }
    clap_mangen::generate_to(command, &pages)
}
