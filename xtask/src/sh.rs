//! Running other programs: every step is one line on stderr, every failure names the command.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::progress;

/// Says what is about to be done, in one line.
pub fn step(what: impl AsRef<str>) {
    eprintln!("xtask: {}", what.as_ref());
}

/// The command as a person would type it (environment left out).
pub fn shown(cmd: &Command) -> String {
    let words = std::iter::once(cmd.get_program()).chain(cmd.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// Runs a command with our own output; anything but success is an error.
pub fn run(cmd: &mut Command) -> Result<()> {
    let status = cmd.stdin(Stdio::null()).status().with_context(|| format!("cannot run `{}`", shown(cmd)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(cmd));
    }
    Ok(())
}

/// Runs a command that talks much: its output goes to `log`, meanwhile the time is counted, and only a failure shows the end of it.
pub fn run_logged(cmd: &mut Command, log: &Path) -> Result<()> {
    if let Some(dir) = log.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut child = cmd
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("cannot run `{}`", shown(cmd)))?;
    let status = progress::wait(&mut child, &shown(cmd))?;
    if status.success() {
        return Ok(());
    }
    let mut text = Vec::new();
    File::open(log)?.read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines.get(lines.len().saturating_sub(25)..).unwrap_or_default().join("\n");
    bail!("`{}` failed ({status}); the end of {}:\n{tail}", shown(cmd), log.display());
}

/// What a command prints on stdout; its stderr is dropped.
pub fn output(cmd: &mut Command) -> Result<String> {
    let out = cmd
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .with_context(|| format!("cannot run `{}`", shown(cmd)))?;
    if !out.status.success() {
        bail!("`{}` failed ({})", shown(cmd), out.status);
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// What a command prints on stdout; its stderr is ours.
pub fn output_with_stderr(cmd: &mut Command) -> Result<String> {
    let out = cmd
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run `{}`", shown(cmd)))?;
    if !out.status.success() {
        bail!("`{}` failed ({})", shown(cmd), out.status);
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Does the command exist and succeed? Nothing is shown.
pub fn succeeds(cmd: &mut Command) -> bool {
    cmd.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

/// The program of that name on `PATH`, or where Debian keeps daemons.
pub fn which(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let daemons = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(daemons).map(|dir| dir.join(name)).find(|p| p.is_file())
}

/// How we may do what only root may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// We are root.
    Root,
    /// `sudo` works: without a password, or somebody is there to type it.
    Sudo,
    /// Neither.
    None,
}

/// Are we root, and if not, can we become it?
pub fn privilege() -> Privilege {
    use std::io::IsTerminal as _;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|l| l.strip_prefix("Uid:")).and_then(|l| l.split_whitespace().nth(1));
    if effective == Some("0") {
        return Privilege::Root;
    }
    if which("sudo").is_some()
        && (std::io::stdin().is_terminal() || succeeds(Command::new("sudo").args(["-n", "true"])))
    {
        return Privilege::Sudo;
    }
    Privilege::None
}

/// A command that runs as root: directly, or through sudo.
pub fn as_root(program: &str) -> Result<Command> {
    match privilege() {
        Privilege::Root => Ok(Command::new(program)),
        Privilege::Sudo => {
            let mut cmd = Command::new("sudo");
            // Kept through sudo, which clears the environment: the words that keep apt from asking.
            cmd.args(["--preserve-env=DEBIAN_FRONTEND,RUNLEVEL", program]);
            Ok(cmd)
        }
        Privilege::None => bail!("`{program}` must run as root: run this command as root, or install sudo"),
    }
}
