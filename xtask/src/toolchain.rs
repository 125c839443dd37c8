//! The tool chain for `bpfel-unknown-none`: a rustc with its library sources (no `core` is precompiled for that target,
//! so cargo builds it) and `bpf-linker`. Two ways: rustup's nightly with `rust-src`, or Debian's `rustc-web`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{apt, paths, sh};

/// Packages of the Debian way, apart from LLVM: the compiler, the sources of its library, what bpf-linker links to.
const DEBIAN_RUST: [&str; 2] = ["rustc-web", "rust-web-src"];
const DEBIAN_LINK: [&str; 3] = ["libzstd-dev", "zlib1g-dev", "libxml2-dev"];
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
/// The oldest rustc that the eBPF libraries accept.
const MIN_RUSTC_MINOR: u32 = 95;
/// The release of bpf-linker that this was tried with, and the LLVM versions that it can be built with.
const LINKER_VERSION: &str = "^0.13";
const LINKER_LLVM: std::ops::RangeInclusive<u32> = 21..=23;

/// A tool chain that builds the eBPF crate.
#[derive(Debug)]
pub enum Toolchain {
    /// `cargo +nightly`, with the `rust-src` component.
    Nightly,
    /// The cargo that runs us, with this compiler (unstable features allowed by `RUSTC_BOOTSTRAP`).
    Rustc(PathBuf),
}

impl Toolchain {
    /// `cargo` for this tool chain; the library is built from source with `-Z build-std=…`.
    pub fn cargo(&self) -> Command {
        let mut cmd = match self {
            Self::Nightly => {
                let mut cmd = Command::new("cargo");
                cmd.arg("+nightly").env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN");
                cmd
            }
            Self::Rustc(rustc) => {
                let mut cmd = Command::new(own_cargo());
                cmd.env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1");
                cmd
            }
        };
        // Flags that somebody set for the host are not meant for this target.
        cmd.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("CARGO_BUILD_TARGET");
        cmd
    }

    /// Its compiler, for a cargo that builds a library from source.
    pub fn rustc(&self) -> Result<PathBuf> {
        match self {
            Self::Nightly => {
                let mut rustup = Command::new("rustup");
                rustup.args(["which", "rustc", "--toolchain", "nightly"]).env_remove("RUSTUP_TOOLCHAIN");
                Ok(PathBuf::from(sh::output(&mut rustup)?.trim()))
            }
            Self::Rustc(rustc) => Ok(rustc.clone()),
        }
    }

    /// One line for a person.
    pub fn describe(&self) -> String {
        match self {
            Self::Nightly => "rustup's nightly with rust-src".to_owned(),
            Self::Rustc(path) => format!("{} with the library sources of its package", path.display()),
        }
    }
}

/// The cargo that started us, or the one on `PATH`.
pub fn own_cargo() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// What has to be installed before kernel programs can be built, for people; empty if all is there.
pub fn missing() -> Vec<&'static str> {
    let compiler = nightly().or_else(debian).is_none().then_some("a compiler with its library's sources (a minute)");
    let linker = find_linker().is_none().then_some("bpf-linker, built with LLVM (three minutes)");
    compiler.into_iter().chain(linker).collect()
}

/// The tool chain that is there, or one that is installed now.
pub fn find_or_install() -> Result<Toolchain> {
    let toolchain = match nightly().or_else(debian) {
        Some(t) => t,
        None => install()?,
    };
    if find_linker().is_none() {
        install_linker(&toolchain)?;
    }
    Ok(toolchain)
}

/// Where `cargo install` puts programs: part of our search path even if it is not part of the user's.
fn cargo_bin() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"))).map(|h| h.join("bin"))
}

/// bpf-linker, wherever it is.
pub fn find_linker() -> Option<PathBuf> {
    let in_home = cargo_bin().map(|bin| bin.join("bpf-linker")).filter(|p| p.is_file());
    sh::which("bpf-linker").or(in_home).filter(|p| sh::succeeds(Command::new(p).arg("--version")))
}

fn nightly() -> Option<Toolchain> {
    let mut rustc = Command::new("rustup");
    rustc.args(["run", "nightly", "rustc", "--print", "sysroot"]);
    // Never let rustup fetch a tool chain just because we asked where it is.
    rustc.env("RUSTUP_AUTO_INSTALL", "0").env_remove("RUSTUP_TOOLCHAIN");
    let sysroot = sh::output(&mut rustc).ok()?;
    has_library(Path::new(sysroot.trim())).then_some(Toolchain::Nightly)
}

fn debian() -> Option<Toolchain> {
    let sysroot = sh::output(Command::new(DEBIAN_RUSTC).args(["--print", "sysroot"])).ok()?;
    let (_, minor) = version(Path::new(DEBIAN_RUSTC)).ok()?;
    (minor >= MIN_RUSTC_MINOR && has_library(Path::new(sysroot.trim())))
        .then(|| Toolchain::Rustc(PathBuf::from(DEBIAN_RUSTC)))
}

fn has_library(sysroot: &Path) -> bool {
    sysroot.join("lib/rustlib/src/rust/library/core/src/lib.rs").is_file()
        && sysroot.join("lib/rustlib/src/rust/library/Cargo.lock").is_file()
}

fn version(rustc: &Path) -> Result<(u32, u32)> {
    let text = sh::output(Command::new(rustc).arg("--version"))?;
    parse_version(&text).with_context(|| format!("no version in {text:?}"))
}

/// `rustc 1.96.0 (…)` → (1, 96).
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split_whitespace().nth(1)?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The LLVM inside the compiler: bpf-linker must not be older, or it cannot read what the compiler writes.
fn llvm_of(toolchain: &Toolchain) -> Result<u32> {
    let mut cmd = match toolchain {
        Toolchain::Nightly => {
            let mut cmd = Command::new("rustup");
            cmd.args(["run", "nightly", "rustc"]);
            cmd
        }
        Toolchain::Rustc(path) => Command::new(path),
    };
    let text = sh::output(cmd.arg("-vV"))?;
    parse_llvm(&text).with_context(|| format!("no LLVM version in {text:?}"))
}

fn parse_llvm(text: &str) -> Option<u32> {
    text.lines().find_map(|l| l.strip_prefix("LLVM version:"))?.trim().split('.').next()?.parse().ok()
}

/// Debian's packages where they can be had, otherwise rustup's nightly.
fn install() -> Result<Toolchain> {
    let can_apt = apt::present() && sh::privilege() != sh::Privilege::None;
    if can_apt && apt::know("rustc-web") && apt::know("rust-web-src") {
        sh::step("no eBPF tool chain here: installing Debian's rustc-web with its sources");
        apt::install(&DEBIAN_RUST)?;
        if let Some(t) = debian() {
            return Ok(t);
        }
        sh::step(format!("Debian's rustc-web is older than 1.{MIN_RUSTC_MINOR}: trying rustup's nightly"));
    }
    if sh::which("rustup").is_some() {
        sh::step("rustup toolchain install nightly --profile minimal --component rust-src");
        let mut cmd = Command::new("rustup");
        cmd.args(["toolchain", "install", "nightly", "--profile", "minimal", "--component", "rust-src"]);
        cmd.arg("--no-self-update").env_remove("RUSTUP_TOOLCHAIN");
        sh::run_logged(&mut cmd, &paths::log("rustup"))?;
        if let Some(t) = nightly() {
            return Ok(t);
        }
    }
    bail!(
        "no compiler for the kernel programs: run `rustup toolchain install nightly --component rust-src`, \
         or as root on Debian `apt-get install {}`",
        DEBIAN_RUST.join(" ")
    )
}

/// Builds bpf-linker against an LLVM that is at least the compiler's.
fn install_linker(toolchain: &Toolchain) -> Result<()> {
    let least = llvm_of(toolchain)?;
    let mut fitting = LINKER_LLVM.filter(|v| *v >= least);
    let dev = |v: u32| format!("llvm-{v}-dev");
    let llvm = match fitting.clone().find(|v| Path::new(&format!("/usr/lib/llvm-{v}/bin/llvm-config")).exists()) {
        Some(v) => v,
        None => fitting.find(|v| apt::present() && apt::know(&dev(*v))).with_context(|| {
            format!(
                "bpf-linker is missing and no LLVM ≥ {least} is here to build it with: \
                 install it with `cargo binstall bpf-linker` or from its release page"
            )
        })?,
    };
    let package = dev(llvm);
    let mut packages = vec![package.as_str()];
    packages.extend(DEBIAN_LINK);
    if apt::present() {
        apt::install(&packages)?;
    }
    sh::step(format!("cargo install bpf-linker {LINKER_VERSION} with LLVM {llvm} (about two minutes)"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::iter::once(PathBuf::from(format!("/usr/lib/llvm-{llvm}/bin"))).chain(std::env::split_paths(&path));
    let mut cmd = Command::new(own_cargo());
    cmd.args(["install", "bpf-linker", "--locked", "--version", LINKER_VERSION]);
    cmd.args(["--no-default-features", "--features", &format!("llvm-{llvm}")]);
    // Kept in the clone's target folder: a build that is cut short goes on where it was.
    cmd.arg("--target-dir").arg(paths::target().join("bpf-linker"));
    cmd.env("PATH", std::env::join_paths(dirs)?).env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    sh::run_logged(&mut cmd, &paths::log("bpf-linker"))?;
    find_linker().map(drop).context("bpf-linker was installed, but is neither on PATH nor in cargo's bin folder")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_rustc_prints() {
        assert_eq!(parse_version("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)"), Some((1, 96)));
        assert_eq!(parse_version("rustc"), None);
        assert_eq!(parse_llvm("release: 1.96.0\nLLVM version: 22.1.8\n"), Some(22));
        assert_eq!(parse_llvm("release: 1.96.0\n"), None);
    }
}
