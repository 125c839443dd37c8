//! What the agent takes of the host.

/// Seconds of processor time that this process has used: in user mode, and in the kernel for it.
#[must_use]
pub fn cpu() -> Option<(f64, f64)> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the pointer is to memory of the right size, which the call fills if it returns 0.
    let usage = unsafe {
        if libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) != 0 {
            return None;
        }
        usage.assume_init()
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    Some((seconds(usage.ru_utime), seconds(usage.ru_stime)))
}

/// Resident memory of this process, bytes (`proc_pid_status(5)`).
#[must_use]
pub fn memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_process_knows_its_costs() {
        let (user, system) = super::cpu().unwrap();
        assert!(user + system > 0.0);
        assert!(super::memory().unwrap() > 1e6);
    }
}
