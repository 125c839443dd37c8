//! `cargo xtask kernels`: runs a command under other kernels, in qemu, with the host's own file system.
//!
//! [`table`] says which kernels there are, [`image`] fetches and unpacks one, [`initramfs`] makes the few files that find the
//! host's file system, [`machine`] boots it all and brings back output and exit status. [`results`] writes docs/kernels.md.
//!
//! A kernel for another processor gets programs of Debian for that ([`userland`]) and of this clone ([`go`]); [`debian`] downloads.

mod cpio;
mod debian;
mod go;
mod image;
mod initramfs;
mod machine;
mod results;
mod table;
mod userland;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::arch::Arch;
use crate::{apt, build, paths, sh};

/// Arguments of `cargo xtask kernels`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Kernels for this processor, emulated
    #[arg(long, value_enum, default_value_t = Arch::HERE)]
    arch: Arch,
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
    let kernels = table.chosen(args.arch, &args.versions)?;
    apt::install(&[machine::package(args.arch), "busybox-static", "kmod", "xz-utils"])?;
    let userland = if args.arch.is_here() { None } else { Some(userland::get(args.arch)?) };
    let runs = runs(args, &table)?;
    let mut failed = Vec::new();
    for kernel in kernels {
        let image = match image::Image::get(kernel) {
            Ok(image) => image,
            Err(why) => {
                // The others can still be tried.
                sh::step(format!("Linux {}: {why:#}", kernel.title()));
                if !kernel.only_told {
                    failed.push(kernel.title());
                }
                continue;
            }
        };
        sh::step(format!("Linux {}: {} ({})", kernel.title(), image.release, kernel.note));
        for (cpus, seconds, command) in &runs {
            let initramfs = initramfs::write(&image, userland.as_deref(), command)?;
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
                    results::keep(&kernel.title(), &String::from_utf8_lossy(&said))
                        .with_context(|| format!("Linux {}: {outcome}", kernel.title()))?;
                    outcome
                }
            };
            sh::step(format!("Linux {}: {}: {outcome}", kernel.title(), command.join(" ")));
            if !outcome.success() && !kernel.only_told && !failed.contains(&kernel.title()) {
                failed.push(kernel.title());
            }
        }
    }
    if args.table {
        if args.arch.is_here() {
            results::keep_host(&binary(args)?)?;
        }
        results::write(&table.all().iter().map(table::Kernel::title).collect::<Vec<_>>())?;
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
    let mut runs = Runs::new();
    for run in table.run.iter().filter(|run| run.arch.is_none_or(|arch| arch == args.arch)) {
        let words = run.command.iter().map(|word| match go::source(word) {
            Some(source) => go::build(source, args.arch),
            None => Ok(word.replace("{wirespan}", &binary)),
        });
        runs.push((run.cpus, run.timeout_seconds, words.collect::<Result<_>>()?));
    }
    Ok(runs)
}

/// The binary that is there already, or a release build.
fn binary(args: &Args) -> Result<String> {
    let path = match &args.wirespan {
        Some(path) => path.canonicalize().with_context(|| format!("cannot find {}", path.display()))?,
        None => build::build(&build::Args::release(args.arch))?,
    };
    path.into_os_string().into_string().ok().context("the path of the binary is not UTF-8")
}
