//! The `bpf` system call, as far as measuring needs it: programs that do nothing, and run-time statistics.

use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use anyhow::{Context as _, Result, bail};

use super::btf;

// include/uapi/linux/bpf.h
const PROG_LOAD: libc::c_int = 5;
const RAW_TRACEPOINT_OPEN: libc::c_int = 17;
const ENABLE_STATS: libc::c_int = 32;
const PROG_TYPE_TRACING: u32 = 26;
const TRACE_RAW_TP: u32 = 23;
/// `r0 = 0; exit`
const NOTHING: [u64; 2] = [0x0000_0000_0000_00b7, 0x0000_0000_0000_0095];
const LICENSE: &[u8] = b"GPL\0";

/// `union bpf_attr`, zero but for what is put in.
struct Attributes([u8; 128]);

impl Attributes {
    fn new() -> Self {
        Self([0; 128])
    }

    fn word(mut self, at: usize, value: u32) -> Self {
        self.0[at..at + 4].copy_from_slice(&value.to_ne_bytes());
        self
    }

    fn pointer(mut self, at: usize, value: *const u8) -> Self {
        self.0[at..at + 8].copy_from_slice(&(value as u64).to_ne_bytes());
        self
    }

    fn call(&self, command: libc::c_int) -> Result<OwnedFd> {
        // SAFETY: the attributes are as long as we say, and what they point to is static.
        let fd = unsafe { libc::syscall(libc::SYS_bpf, command, self.0.as_ptr(), self.0.len()) };
        match libc::c_int::try_from(fd) {
            // SAFETY: a descriptor that the kernel has just made for us.
            Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
            _ => Err(std::io::Error::last_os_error().into()),
        }
    }
}

/// Makes the kernel measure programs' run time, as long as it lives.
pub struct Statistics {
    _fd: OwnedFd,
}

impl Statistics {
    /// `BPF_ENABLE_STATS` (Linux 5.8) with `BPF_STATS_RUN_TIME`, which is 0.
    pub fn enable() -> Result<Self> {
        let fd = Attributes::new().call(ENABLE_STATS).context("the kernel refuses run-time statistics")?;
        Ok(Self { _fd: fd })
    }
}

/// Programs that do nothing, attached as long as it lives.
pub struct Empty {
    programs: Vec<OwnedFd>,
    _links: Vec<OwnedFd>,
}

impl Empty {
    /// One on each of these tracepoints.
    pub fn attach(tracepoints: &[&str]) -> Result<Self> {
        let blob = std::fs::read("/sys/kernel/btf/vmlinux").context("the kernel has no BTF")?;
        let mut empty = Self { programs: Vec::new(), _links: Vec::new() };
        for name in tracepoints {
            let program = Attributes::new()
                .word(0, PROG_TYPE_TRACING)
                .word(4, NOTHING.len() as u32)
                .pointer(8, NOTHING.as_ptr().cast())
                .pointer(16, LICENSE.as_ptr())
                .word(68, TRACE_RAW_TP)
                .word(108, btf::tracepoint(&blob, name)?)
                .call(PROG_LOAD)
                .with_context(|| format!("cannot load an empty program for {name}"))?;
            let descriptor = u32::try_from(program.as_raw_fd())?;
            let link = Attributes::new().word(8, descriptor).call(RAW_TRACEPOINT_OPEN);
            empty._links.push(link.with_context(|| format!("cannot attach an empty program to {name}"))?);
            empty.programs.push(program);
        }
        Ok(empty)
    }

    /// Nanoseconds that the statistics show for one run of nothing: what measuring adds to each run.
    pub fn overhead(&self) -> Result<f64> {
        let (mut time, mut runs) = (0.0, 0.0);
        for program in &self.programs {
            let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", program.as_raw_fd()))?;
            let value = |key: &str| {
                let value = text.lines().find_map(|l| l.strip_prefix(key)).and_then(|v| v.trim().parse::<f64>().ok());
                value.with_context(|| format!("the kernel shows no {key}"))
            };
            time += value("run_time_ns:")?;
            runs += value("run_cnt:")?;
        }
        if runs == 0.0 {
            bail!("the empty programs did not run");
        }
        Ok(time / runs)
    }
}
