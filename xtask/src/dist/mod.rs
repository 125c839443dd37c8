//! `cargo xtask dist`: everything that is given away, in `target/dist`: an archive, packages for Debian and for systems with RPM, a container
//! image, a list of what is in the binary, checksums. Nothing in it tells where and when it was built.
//!
//! Layout: [`release`] says what is released; [`tools`] makes packages; [`stage`] gathers what they have inside; [`archive`], [`sbom`] and
//! [`image`] write; [`check`] builds twice and compares; [`packages`] installs, upgrades and removes what was made.

mod archive;
mod check;
pub mod image;
mod packages;
mod release;
mod sbom;
mod stage;
mod tools;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use self::release::Release;
use crate::arch::Arch;
use crate::{build, paths, sh};

/// Arguments of `cargo xtask dist`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Build without optimisation: to try the packages, not to give them away
    #[arg(long)]
    quick: bool,
    /// Pack this static binary, which `cargo auditable` has built, instead of building one
    #[arg(long, value_name = "FILE", conflicts_with_all = ["quick", "check"])]
    binary: Option<PathBuf>,
    /// For another processor
    #[arg(long, value_enum, default_value_t = Arch::HERE, conflicts_with = "test")]
    arch: Arch,
    /// Build in two folders and see that every file is the same bytes
    #[arg(long)]
    check: bool,
    /// Then install, upgrade, remove and purge the packages, in namespaces of their own
    #[arg(long)]
    test: bool,
}

/// Where everything is put.
fn folder() -> PathBuf {
    paths::target().join("dist")
}

/// Builds and packs; tests, or builds twice and compares, if asked to.
pub fn dist(args: &Args) -> Result<()> {
    if args.check {
        return check::check(args.arch, args.quick);
    }
    let release = Release::of(args.arch)?;
    let folder = folder();
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let binary = match &args.binary {
        Some(file) => build::put(args.arch, file)?,
        None => binary(&release, args.quick)?,
    };
    let sbom = sbom::of(&release, &binary)?;
    let stage = stage::gather(release.arch, &sbom)?;
    let name = format!("wirespan-{}-{}", release.version, release.arch.rust());
    fs::write(folder.join(format!("{name}.cdx.json")), &sbom)?;
    let archive = archive::tar(&stage::archive(&name, &binary, &stage)?, release.time)?;
    fs::write(folder.join(format!("{name}.tar.gz")), archive::gzip(&archive)?)?;
    deb(&release, &folder)?;
    rpm(&release, &folder)?;
    image::write(&release, &binary, &folder)?;
    sums(&folder)?;
    for file in files(&folder)? {
        sh::step(format!("{} is ready", file.display()));
    }
    if args.test {
        packages::test(&release, &folder)?;
    }
    Ok(())
}

/// The static binary, with the list of its packages inside.
fn binary(release: &Release, quick: bool) -> Result<PathBuf> {
    let auditable = tools::AUDITABLE.command()?;
    build::ebpf(release.arch)?;
    build::static_agent(release.arch, &|| {
        let mut cmd = Command::new(auditable.get_program());
        cmd.args(auditable.get_args()).arg("build").arg("--locked");
        cmd.envs(auditable.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if quick {
            cmd.envs([("CARGO_PROFILE_RELEASE_LTO", "off"), ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")]);
            cmd.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        }
        release.tell(&mut cmd);
        // Parts in C: the same as `paths::hidden` for them.
        cmd.env("CFLAGS", format!("-ffile-prefix-map={}=/wirespan", paths::root().display()));
        cmd
    })
}

/// The package for Debian.
fn deb(release: &Release, folder: &Path) -> Result<()> {
    sh::step("cargo deb");
    let mut cmd = tools::DEB.command()?;
    cmd.args(["--no-build", "--no-strip", "--quiet", "--package", "wirespan", "--output"]).arg(folder);
    cmd.args(target(release));
    sh::run(release.tell(&mut cmd))
}

/// The package for systems with RPM.
fn rpm(release: &Release, folder: &Path) -> Result<()> {
    sh::step("cargo generate-rpm");
    let mut cmd = tools::RPM.command()?;
    cmd.args(["--package", "agent", "--output"]).arg(folder);
    cmd.args(["--source-date", &release.time.to_string()]).args(target(release));
    sh::run(release.tell(&mut cmd))
}

/// Tells tools that pack what they find in Cargo's folder of a target; this processor's binary is not there.
fn target(release: &Release) -> Vec<String> {
    if release.arch.is_here() { Vec::new() } else { vec!["--target".to_owned(), release.arch.gnu()] }
}

/// Everything that is given away, in order of its name.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.retain(|path| path.is_file());
    files.sort();
    Ok(files)
}

/// `SHA256SUMS`, as `sha256sum --check` reads it.
fn sums(folder: &Path) -> Result<()> {
    let mut text = String::new();
    for file in files(folder)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        text.push_str(&format!("{}  {name}\n", image::sha256(&fs::read(&file)?)));
    }
    Ok(fs::write(folder.join("SHA256SUMS"), text)?)
}
