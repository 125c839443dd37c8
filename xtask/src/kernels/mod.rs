//! `cargo xtask kernels`: runs a command under other kernels, in qemu, with the host's own file system.
//!
//! [`table`] says which kernels there are, [`image`] fetches and unpacks one, [`initramfs`] makes the few files that find the
//! host's file system, [`machine`] boots it all and brings back output and exit status.

mod cpio;
mod image;
mod initramfs;
mod machine;
mod table;

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
    /// What to run there instead of the table's command (in the root of the clone, as root, all files writable and thrown away)
    #[arg(last = true)]
    command: Vec<String>,
}

/// Boots each kernel in turn; fails if the command fails under any.
pub fn kernels(args: &Args) -> Result<()> {
    let table = table::Table::read(&paths::root().join("tests/kernels.toml"))?;
    let kernels = table.chosen(&args.versions)?;
    apt::install(&["qemu-system-x86", "busybox-static", "kmod", "xz-utils"])?;
    let command = if args.command.is_empty() {
        let binary = build::build(&build::Args { release: true })?;
        let binary = binary.to_str().context("the path of the clone is not UTF-8")?;
        table.command.iter().map(|word| word.replace("{wirespan}", binary)).collect()
    } else {
        args.command.clone()
    };
    let timeout = Duration::from_secs(args.timeout.unwrap_or(table.timeout_seconds));
    let mut failed = Vec::new();
    for kernel in kernels {
        let image = image::Image::get(kernel)?;
        let initramfs = initramfs::write(&image, &command)?;
        sh::step(format!("Linux {}: booting {} ({})", kernel.version, image.release, kernel.note));
        let machine = machine::Machine { image: &image, initramfs: &initramfs, memory_mib: table.memory_mib, timeout };
        let outcome = machine.run()?;
        sh::step(format!("Linux {}: {outcome}", kernel.version));
        if !outcome.success() {
            failed.push(kernel.version.as_str());
        }
    }
    if !failed.is_empty() {
        bail!("failed under Linux {}", failed.join(", "));
    }
    Ok(())
}
