//! Writes the inputs that each fuzz target begins with: `seeds FOLDER`. Prints the names of the targets.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;

fn main() -> anyhow::Result<()> {
    let folder: PathBuf = std::env::args_os().nth(1).context("usage: seeds FOLDER")?.into();
    for target in wirespan_fuzz::targets() {
        let own = folder.join(&*target.name);
        std::fs::create_dir_all(&own)?;
        for (at, seed) in target.seeds().iter().enumerate() {
            std::fs::write(own.join(format!("seed-{at}")), seed)?;
        }
        writeln!(std::io::stdout(), "{}", target.name)?;
    }
    Ok(())
}
