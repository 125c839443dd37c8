//! `cargo xtask kernels`: runs a command under other kernels, in qemu, with the host's own file system.
//!
//! [`table`] says which kernels there are, [`image`] fetches and unpacks one, [`initramfs`] makes the few files that find the
//! host's file system, [`machine`] boots it all and brings back output and exit status.

mod cpio;
mod image;
mod initramfs;
mod machine;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::{apt, build, paths, sh};

/// Arguments of `cargo xtask kernels`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only these versions of tests/kernels.toml
    #[arg(long, alias = "version", value_delimiter = ',')]
    versions: Vec<String>,
    /// Give up on a kernel after so many seconds
    #[arg(long)]
    timeout: Option<u64>,
    /// Processors of the machine that runs a command of your own
    #[arg(long, default_value_t = 2)]
    cpus: u32,
    /// A binary that is there already, instead of a release build
    #[arg(long)]
    wirespan: Option<PathBuf>,
    /// What to run there instead of the table's commands (in the root of the clone, as root, all files writable and thrown away)
    #[arg(last = true)]
    command: Vec<String>,
}

/// Boots each kernel in turn, once for each command; fails if one fails.
pub fn kernels(args: &Args) -> Result<()> {
    let table = table::Table::read(&paths::root().join("tests/kernels.toml"))?;
    let kernels = table.chosen(&args.versions)?;
    apt::install(&["qemu-system-x86", "busybox-static", "kmod", "xz-utils"])?;
    let runs: Vec<(u32, Option<u64>, Vec<String>)> = if args.command.is_empty() {
        let binary = match &args.wirespan {
            Some(path) => path.canonicalize().with_context(|| format!("cannot find {}", path.display()))?,
            None => build::build(&build::Args { release: true })?,
        };
        let binary = binary.to_str().context("the path of the binary is not UTF-8")?;
        let words = |run: &table::Run| run.command.iter().map(|word| word.replace("{wirespan}", binary)).collect();
        table.run.iter().map(|run| (run.cpus, run.timeout_seconds, words(run))).collect()
    } else {
        vec![(args.cpus, None, args.command.clone())]
    };
    let mut failed = Vec::new();
    for kernel in kernels {
        let image = match image::Image::get(kernel) {
            Ok(image) => image,
            Err(why) => {
                // The others can still be tried.
                sh::step(format!("Linux {}: {why:#}", kernel.version));
                failed.push(kernel.version.as_str());
                continue;
            }
        };
        sh::step(format!("Linux {}: {} ({})", kernel.version, image.release, kernel.note));
        for (cpus, seconds, command) in &runs {
            let initramfs = initramfs::write(&image, command)?;
            let machine = machine::Machine {
                image: &image,
                initramfs: &initramfs,
                cpus: *cpus,
                memory_mib: table.memory_mib,
                timeout: Duration::from_secs(args.timeout.or(*seconds).unwrap_or(table.timeout_seconds)),
            };
            let outcome = machine.run()?;
            sh::step(format!("Linux {}: {}: {outcome}", kernel.version, command.join(" ")));
            if !outcome.success() && !failed.contains(&kernel.version.as_str()) {
                failed.push(kernel.version.as_str());
            }
        }
    }
    if !failed.is_empty() {
        bail!("failed under Linux {}", failed.join(", "));
    }
    Ok(())
}
