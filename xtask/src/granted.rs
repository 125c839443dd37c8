//! Does this machine grant eBPF? Asked of the kernel itself, not of the agent: a broken agent must fail tests, not skip them.

use anyhow::{Result, bail};

use crate::sh;

/// `BPF_PROG_LOAD` and `BPF_PROG_TYPE_RAW_TRACEPOINT` of include/uapi/linux/bpf.h.
const PROG_LOAD: libc::c_int = 5;
const RAW_TRACEPOINT: u32 = 17;
/// `r0 = 0; exit`
const PROGRAM: [u64; 2] = [0x0000_0000_0000_00b7, 0x0000_0000_0000_0095];
const LICENSE: &[u8] = b"GPL\0";

/// The beginning of `union bpf_attr` for a load; what the kernel does not get it takes as zero.
#[repr(C)]
struct Load {
    kind: u32,
    instructions: u32,
    program: u64,
    license: u64,
}

/// In this process, as whoever we are.
pub fn here() -> Result<()> {
    if !std::path::Path::new("/sys/kernel/btf/vmlinux").exists() {
        bail!("the kernel has no BTF (/sys/kernel/btf/vmlinux)");
    }
    let load = Load {
        kind: RAW_TRACEPOINT,
        instructions: PROGRAM.len() as u32,
        program: PROGRAM.as_ptr() as u64,
        license: LICENSE.as_ptr() as u64,
    };
    // SAFETY: the attributes are as long as we say, and what they point to lives until after the call.
    let fd = unsafe { libc::syscall(libc::SYS_bpf, PROG_LOAD, &raw const load, size_of::<Load>()) };
    if fd < 0 {
        bail!("the kernel refuses to load a program: {}", std::io::Error::last_os_error());
    }
    // SAFETY: the descriptor is ours and is used no more.
    unsafe { libc::close(fd as libc::c_int) };
    Ok(())
}

/// As root, if there is a way to become it. The reason is one line.
pub fn as_root() -> std::result::Result<(), String> {
    match sh::privilege() {
        sh::Privilege::Root => here().map_err(|e| e.to_string()),
        sh::Privilege::None => Err("not root".to_owned()),
        sh::Privilege::Sudo => {
            let exe = std::env::current_exe().map_err(|e| e.to_string())?;
            let mut cmd = std::process::Command::new("sudo");
            cmd.arg(exe).arg("grants-ebpf");
            if sh::succeeds(&mut cmd) {
                Ok(())
            } else {
                Err("the kernel refuses to load a program, even for root".into())
            }
        }
    }
}
