//! `cargo xtask kernels`: runs a command under other kernels, in qemu, with the host's own file system.
//!
//! [`table`] says which kernels there are, [`image`] fetches and unpacks one, [`initramfs`] makes the few files that find the
//! host's file system, [`machine`] boots it all and brings back output and exit status. [`results`] writes docs/kernels.md.

mod cpio;
mod image;
mod initramfs;
mod machine;
mod results;
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
    /// Run `wirespan doctor` in each, and on this machine, and write the table of docs/kernels.md
    #[arg(long, conflicts_with = "command")]
    table: bool,
    /// What to run there instead of the table's commands (in the root of the clone, as root, all files writable and thrown away)
    #[arg(last = true)]
    command: Vec<String>,
}

/// Boots each kernel in turn, once for each command; fails if one fails that is not only to be told.
pub fn kernels(args: &Args) -> Result<()> {
    let table = table::Table::read(&paths::root().join("tests/kernels.toml"))?;
    let kernels = table.chosen(&args.versions)?;
    apt::install(&["qemu-system-x86", "busybox-static", "kmod", "xz-utils"])?;
    let runs = runs(args, &table)?;
    let mut failed = Vec::new();
    for kernel in kernels {
        let image = match image::Image::get(kernel) {
            Ok(image) => image,
            Err(why) => {
                // The others can still be tried.
                sh::step(format!("Linux {}: {why:#}", kernel.version));
                if !kernel.only_told {
                    failed.push(kernel.version.as_str());
                }
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
            let outcome = match args.table {
                false => machine.run(&mut std::io::stdout())?,
                true => {
                    let mut said = Vec::new();
                    let outcome = machine.run(&mut said)?;
                    results::keep(&kernel.version, &String::from_utf8_lossy(&said))
                        .with_context(|| format!("Linux {}: {outcome}", kernel.version))?;
                    outcome
                }
            };
            sh::step(format!("Linux {}: {}: {outcome}", kernel.version, command.join(" ")));
            if !outcome.success() && !kernel.only_told && !failed.contains(&kernel.version.as_str()) {
                failed.push(kernel.version.as_str());
            }
        }
    }
    if args.table {
        results::keep_host(&binary(args)?)?;
        let all: Vec<&str> = table.chosen(&[])?.iter().map(|kernel| kernel.version.as_str()).collect();
        results::write(&all)?;
    }
    if !failed.is_empty() {
        bail!("failed under Linux {}", failed.join(", "));
    }
    Ok(())
}

/// Processors, time limit and words of each command.
type Runs = Vec<(u32, Option<u64>, Vec<String>)>;

/// What is run in each kernel.
fn runs(args: &Args, table: &table::Table) -> Result<Runs> {
    if !args.command.is_empty() {
        return Ok(vec![(args.cpus, None, args.command.clone())]);
    }
    let binary = binary(args)?;
    if args.table {
        return Ok(vec![(args.cpus, None, results::command(&binary))]);
    }
    let words = |run: &table::Run| run.command.iter().map(|word| word.replace("{wirespan}", &binary)).collect();
    Ok(table.run.iter().map(|run| (run.cpus, run.timeout_seconds, words(run))).collect())
}

/// The binary that is there already, or a release build.
fn binary(args: &Args) -> Result<String> {
    let path = match &args.wirespan {
        Some(path) => path.canonicalize().with_context(|| format!("cannot find {}", path.display()))?,
        None => build::build(&build::Args { release: true })?,
    };
    path.into_os_string().into_string().ok().context("the path of the binary is not UTF-8")
}
