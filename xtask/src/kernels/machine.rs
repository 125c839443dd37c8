//! One boot: qemu, the time-out, and what comes back over the second serial port.

use std::fmt;
use std::io::{BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::image::Image;
use crate::arch::Arch;
use crate::{paths, sh};

/// The guest's name of the port that the command talks to; another one is the kernel's console.
pub fn command_port(arch: Arch) -> &'static str {
    match arch {
        Arch::Amd64 => "/dev/ttyS1",
        // The console is of another kind there.
        Arch::Arm64 => "/dev/ttyS0",
    }
}

/// The package of Debian with the emulator.
pub fn package(arch: Arch) -> &'static str {
    match arch {
        Arch::Amd64 => "qemu-system-x86",
        Arch::Arm64 => "qemu-system-arm",
    }
}

/// The guest's last line, before the exit status of the command.
pub const EXIT_MARK: &str = "@@wirespan-guest-exit@@";

/// What to boot.
pub struct Machine<'a> {
    /// The kernel.
    pub image: &'a Image,
    /// Made for this run.
    pub initramfs: &'a Path,
    /// Its processors.
    pub cpus: u32,
    /// Its memory.
    pub memory_mib: u32,
    /// For boot and command together.
    pub timeout: Duration,
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// The exit status of the command, if it came to that.
    status: Option<i32>,
    took: Duration,
    limit: Duration,
    console: String,
}

impl Outcome {
    /// The command ran and succeeded.
    pub fn success(&self) -> bool {
        self.status == Some(0)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.took.as_secs();
        match self.status {
            Some(0) => write!(f, "ok in {seconds} s"),
            Some(status) => write!(f, "exit status {status} after {seconds} s"),
            None if self.took >= self.limit => write!(
                f,
                "not done when its {} s were over (--timeout, or timeout-seconds in tests/kernels.toml); its console:\n{}",
                self.limit.as_secs(),
                self.console
            ),
            None => write!(f, "the machine ended before the command did ({seconds} s); its console:\n{}", self.console),
        }
    }
}

impl Machine<'_> {
    /// Boots, passes on what the command writes, and waits for its end.
    pub fn run(&self, out: &mut impl Write) -> Result<Outcome> {
        let console = paths::log(&format!("kernel-{}", self.image.release));
        if let Some(dir) = console.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let start = Instant::now();
        let mut qemu =
            self.command(&console).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot run qemu")?;
        let status = qemu.stdout.take().map(|from| pass_on(BufReader::new(from), out)).transpose();
        let _ = qemu.wait();
        let _ = std::fs::remove_file(self.initramfs);
        let text = std::fs::read(&console).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let console = lines.get(lines.len().saturating_sub(30)..).unwrap_or_default().join("\n");
        Ok(Outcome { status: status?.flatten(), took: start.elapsed(), limit: self.timeout, console })
    }

    fn command(&self, console: &Path) -> Command {
        // `timeout` also ends qemu when we are killed meanwhile.
        let mut cmd = Command::new("timeout");
        let arch = self.image.arch;
        cmd.args(["--kill-after=5", &self.timeout.as_secs().to_string(), &format!("qemu-system-{}", arch.rust())]);
        // Not KVM: where this runs inside another machine it is absent, or there and broken.
        cmd.args(["-accel", "tcg,thread=multi"]);
        match arch {
            Arch::Amd64 => cmd.args(["-cpu", "max"]),
            // Signatures of pointers by the architecture's own cipher take half of an emulator's time.
            Arch::Arm64 => cmd.args(["-machine", "virt", "-cpu", "max,pauth-impdef=on"]),
        };
        cmd.args(["-smp", &self.cpus.to_string(), "-m", &format!("{}M", self.memory_mib)]);
        cmd.args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-nic", "none"]);
        cmd.arg("-kernel").arg(&self.image.vmlinuz).arg("-initrd").arg(self.initramfs);
        // On a busy host an emulated timer is late, and the kernel would take it for broken.
        let (port, own) = match arch {
            Arch::Amd64 => ("ttyS0", "no_timer_check"),
            Arch::Arm64 => ("ttyAMA0", ""),
        };
        let arguments = "loglevel=4 panic=-1 rdinit=/init net.ifnames=0 mitigations=off";
        cmd.args(["-append", &format!("console={port} {arguments} {own}")]);
        cmd.arg("-serial").arg(format!("file:{}", console.display()));
        match arch {
            Arch::Amd64 => cmd.args(["-serial", "stdio"]),
            // The machine has one port of its own.
            Arch::Arm64 => cmd.args(["-chardev", "stdio,id=command", "-device", "pci-serial,chardev=command"]),
        };
        cmd.args(["-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"]);
        cmd.args(["-object", "rng-random,filename=/dev/urandom,id=rng", "-device", "virtio-rng-pci,rng=rng"]);
        sh::step(format!(
            "{} (console: {})",
            sh::shown(&cmd).split(" -nodefaults").next().unwrap_or_default(),
            console.display()
        ));
        cmd
    }
}

/// Copies the guest's output until its last line; the exit status in that.
fn pass_on(mut from: impl std::io::BufRead, out: &mut impl Write) -> Result<Option<i32>> {
    let mut status = None;
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        // The command's own last line may lack its end.
        let text = String::from_utf8_lossy(&line);
        if let Some((before, after)) = text.split_once(EXIT_MARK) {
            status = after.trim().parse().ok();
            out.write_all(before.as_bytes())?;
        } else {
            out.write_all(&line)?;
        }
        out.flush()?;
        line.clear();
    }
    Ok(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_status_is_in_the_last_line_even_after_an_unfinished_one() {
        assert_eq!(pass_on(format!("a\nb{EXIT_MARK} 3\n").as_bytes(), &mut std::io::sink()).unwrap(), Some(3));
        assert_eq!(pass_on("a\n".as_bytes(), &mut std::io::sink()).unwrap(), None);
    }

    #[test]
    fn a_time_limit_and_a_crash_are_told_apart() {
        let outcome = |took| Outcome {
            status: None,
            took: Duration::from_secs(took),
            limit: Duration::from_secs(300),
            console: String::new(),
        };
        assert!(outcome(300).to_string().starts_with("not done when its 300 s were over"));
        assert!(outcome(12).to_string().starts_with("the machine ended before the command did (12 s)"));
    }
}
