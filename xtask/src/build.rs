//! `cargo xtask build`: the kernel programs, then the agent with them inside.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::arch::Arch;
use crate::toolchain::{self, Toolchain};
use crate::{cross, paths, progress, sh};

/// Arguments of `cargo xtask build`.
#[derive(clap::Args, Debug, Default)]
pub struct Args {
    /// One static binary, `target/release/wirespan`.
    #[arg(long)]
    pub release: bool,
    /// For another processor: `target/TARGET/release/wirespan`
    #[arg(long, value_enum, requires = "release", default_value_t = Arch::HERE)]
    pub arch: Arch,
}

impl Args {
    /// A static binary for a processor.
    pub fn release(arch: Arch) -> Self {
        Self { release: true, arch }
    }
}

/// Tells the agent's build script which object to put inside.
pub const OBJECT_VARIABLE: &str = "WIRESPAN_EBPF_OBJECT";

/// Builds both; the path of the binary.
pub fn build(args: &Args) -> Result<PathBuf> {
    let begin = Instant::now();
    for line in plan(args) {
        sh::step(line);
    }
    ebpf(args.arch)?;
    let binary = agent(args)?;
    sh::step(format!("built in {}", progress::clock(begin.elapsed())));
    Ok(binary)
}

/// What is going to be done and how long that usually takes, so that nobody wonders whether anything happens. Times are those of two
/// processors; what was built before takes seconds.
fn plan(args: &Args) -> Vec<String> {
    let mut lines = Vec::new();
    for part in toolchain::missing() {
        lines.push(format!("to install, once: {part}"));
    }
    if !paths::ebpf_object(args.arch).is_file() {
        lines.push("to build: the kernel programs (a minute the first time)".to_owned());
    }
    let (profile, time) = if args.release { ("release", "three minutes") } else { ("debug", "two minutes") };
    let folder = if args.release { paths::release(args.arch) } else { paths::target().join(profile) };
    if !folder.join("wirespan").is_file() {
        lines.push(format!("to build: the agent ({time} the first time)"));
    }
    lines
}

/// Builds the eBPF object (always optimised: the verifier sees no other).
pub fn ebpf(arch: Arch) -> Result<PathBuf> {
    let toolchain = toolchain::find_or_install()?;
    let whose = if arch.is_here() { String::new() } else { format!(" for {}", arch.debian()) };
    sh::step(format!("building the kernel programs{whose} with {}", toolchain.describe()));
    let mut cmd = ebpf_cargo(&toolchain, "build", arch, &paths::ebpf_target(arch))?;
    cmd.arg("--release");
    sh::run(&mut cmd)?;
    let object = paths::ebpf_object(arch);
    if !object.is_file() {
        bail!("the eBPF crate was built but left no {}", object.display());
    }
    Ok(object)
}

/// A cargo command on the eBPF crate with the registers of one processor.
pub fn ebpf_cargo(toolchain: &Toolchain, verb: &str, arch: Arch, target: &Path) -> Result<Command> {
    let linker = toolchain::find_linker().context("bpf-linker is missing: run `cargo xtask build`")?;
    let mut flags = vec![
        format!("-Clinker={}", linker.display()),
        "-Clink-arg=--btf".to_owned(),
        "-Cdebuginfo=2".to_owned(),
        format!("--cfg=bpf_target_arch=\"{}\"", arch.rust()),
    ];
    flags.extend(paths::hidden());
    let mut cmd = toolchain.cargo();
    cmd.current_dir(paths::root().join("ebpf"));
    cmd.args([verb, "--target", "bpfel-unknown-none", "-Zbuild-std=core"]);
    cmd.arg("--target-dir").arg(target);
    cmd.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    // Compiled in pieces, or optimized in another way, programs call one another where they did not, and the verifier refuses them: whoever
    // builds may have set that for the agent.
    cmd.env("CARGO_INCREMENTAL", "0");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_PROFILE_")) {
        cmd.env_remove(name);
    }
    Ok(cmd)
}

/// Builds the agent around the object that `ebpf` left.
fn agent(args: &Args) -> Result<PathBuf> {
    let cargo = || {
        let mut cmd = Command::new(toolchain::own_cargo());
        cmd.arg("build");
        cmd
    };
    if !args.release {
        sh::step("building the agent");
        sh::run(agent_args(&mut cargo(), Arch::HERE))?;
        return Ok(paths::target().join("debug/wirespan"));
    }
    static_agent(args.arch, &cargo)
}

/// Builds one static binary around the object that `ebpf` left, with a command that takes the arguments of `cargo build`. Nothing in it
/// tells where it was built.
pub fn static_agent(arch: Arch, cargo: &dyn Fn() -> Command) -> Result<PathBuf> {
    let (gnu, musl) = (arch.gnu(), arch.musl());
    let build = |target: &str, flags: &[&str]| {
        // The explicit target keeps the flags away from build scripts and procedural macros, which must stay dynamic.
        let mut cmd = cargo();
        agent_args(&mut cmd, arch).args(["--release", "--target", target]);
        if !arch.is_here() && target == gnu {
            cross::prepare(&mut cmd, arch)?;
        }
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).chain(paths::hidden()).collect();
        cmd.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}")).env_remove("RUSTFLAGS");
        sh::run(&mut cmd)
    };
    // Elsewhere musl's C compiler is nobody's package.
    if arch.is_here() && rustup_has(&musl) {
        sh::step(format!("building the agent for {musl}"));
        match build(&musl, &[]) {
            Ok(()) => return install(arch, &musl),
            // Dependencies with parts in C need a C compiler for musl; static glibc does without.
            Err(_) if sh::which("musl-gcc").is_none() => {
                sh::step("the musl build failed and musl-gcc (package musl-tools) is missing: trying static glibc");
            }
            Err(e) => return Err(e),
        }
    }
    sh::step(format!("building the agent for {gnu}, linked statically"));
    build(&gnu, &["-Ctarget-feature=+crt-static"])?;
    install(arch, &gnu)
}

fn agent_args(cmd: &mut Command, arch: Arch) -> &mut Command {
    // What the cargo that started us says of xtask; a build script that looks at it would run again for each way to get here.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_PKG_")) {
        cmd.env_remove(name);
    }
    cmd.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_LINKS");
    cmd.current_dir(paths::root()).args(["--package", "wirespan", "--bin", "wirespan"]);
    cmd.env(OBJECT_VARIABLE, paths::ebpf_object(arch))
}

/// Has rustup the library of that target?
pub fn rustup_has(target: &str) -> bool {
    let installed = sh::output(Command::new("rustup").args(["target", "list", "--installed"])).unwrap_or_default();
    installed.lines().any(|l| l == target)
}

fn install(arch: Arch, triple: &str) -> Result<PathBuf> {
    put(arch, &paths::target().join(triple).join("release/wirespan"))
}

/// Puts a binary where everybody looks for it; by renaming, because the old one may be running.
pub fn put(arch: Arch, built: &Path) -> Result<PathBuf> {
    let dir = paths::release(arch);
    let (new, there) = (dir.join(".wirespan.new"), dir.join("wirespan"));
    std::fs::create_dir_all(&dir)?;
    std::fs::copy(built, &new).with_context(|| format!("cannot copy {}", built.display()))?;
    std::fs::rename(&new, &there)?;
    ensure_static(&there)?;
    sh::step(format!("{} is ready, one static binary", there.display()));
    Ok(there)
}

/// A dynamic binary names its loader in a program header (`PT_INTERP`), a static one does not.
pub fn ensure_static(binary: &Path) -> Result<()> {
    let bytes = std::fs::read(binary)?;
    match has_interpreter(&bytes) {
        Some(false) => Ok(()),
        Some(true) => bail!("{} wants a dynamic loader: it is not static", binary.display()),
        None => bail!("{} is not a 64-bit little-endian ELF file", binary.display()),
    }
}

fn has_interpreter(elf: &[u8]) -> Option<bool> {
    const PT_INTERP: u32 = 3;
    if elf.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let half = |at: usize| Some(u16::from_le_bytes(elf.get(at..at + 2)?.try_into().ok()?));
    let table = usize::try_from(u64::from_le_bytes(elf.get(32..40)?.try_into().ok()?)).ok()?;
    let (size, count) = (usize::from(half(54)?), usize::from(half(56)?));
    for n in 0..count {
        let at = table.checked_add(n * size)?;
        if elf.get(at..at.checked_add(4)?)? == PT_INTERP.to_le_bytes() {
            return Some(true);
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::has_interpreter;

    #[test]
    fn a_dynamic_binary_is_told_from_a_static_one() {
        let mut elf = vec![0u8; 64 + 2 * 56];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        elf[32..40].copy_from_slice(&64u64.to_le_bytes());
        elf[54..56].copy_from_slice(&56u16.to_le_bytes());
        elf[56..58].copy_from_slice(&2u16.to_le_bytes());
        elf[64] = 1;
        elf[120] = 1;
        assert_eq!(has_interpreter(&elf), Some(false));
        elf[120] = 3;
        assert_eq!(has_interpreter(&elf), Some(true));
        elf.truncate(100);
        assert_eq!(has_interpreter(&elf), None);
        assert_eq!(has_interpreter(b"#!/bin/sh"), None);
    }
}
