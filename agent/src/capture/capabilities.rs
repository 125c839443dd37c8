//! Capabilities (capabilities(7)) of this process: what each is for, and what is missed without it.

/// A capability that the agent uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Its name.
    pub name: &'static str,
    /// Its number.
    bit: u32,
    /// What it is for.
    pub shows: &'static str,
    /// Whether a host without containers does without.
    pub optional: bool,
}

const ADMIN_BIT: u32 = 21;

/// All of them.
pub const CAPABILITIES: [Capability; 6] = [
    Capability { name: "CAP_BPF", bit: 39, shows: "loading the kernel programs", optional: false },
    Capability { name: "CAP_PERFMON", bit: 38, shows: "attaching them", optional: false },
    Capability {
        name: "CAP_SYS_PTRACE",
        bit: 19,
        shows: "executables, environments and open files of other users' processes (selectors by exe, env and port; names of services)",
        optional: false,
    },
    Capability {
        name: "CAP_DAC_READ_SEARCH",
        bit: 2,
        shows: "files of other users' programs (versions of runtimes, names of services)",
        optional: false,
    },
    Capability {
        name: "CAP_SYS_ADMIN",
        bit: ADMIN_BIT,
        shows: "listen queues in other network namespaces; probes in programs since Linux 6.17, and in stable kernels of its time (parents of calls of Go and Python)",
        optional: true,
    },
    Capability { name: "CAP_NET_ADMIN", bit: 12, shows: "headers in requests (wirespan.propagate)", optional: true },
];

/// Whether this process has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which.
    pub capability: Capability,
    /// Whether it is in effect.
    pub granted: bool,
}

/// What this process has of each. Empty where `/proc` does not tell.
#[must_use]
pub fn held() -> Vec<Held> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    effective(&status).map(of).unwrap_or_default()
}

fn of(effective: u64) -> Vec<Held> {
    let has = |bit: u32| effective >> bit & 1 != 0;
    let granted = |capability: Capability| {
        // Before Linux 5.8 there was only the one; it still stands for the two that were split off.
        has(capability.bit) || capability.bit >= 38 && has(ADMIN_BIT)
    };
    CAPABILITIES.map(|capability| Held { capability, granted: granted(capability) }).to_vec()
}

/// The line `CapEff:` of `/proc/PID/status`.
fn effective(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let missing = |effective| {
            of(effective).into_iter().filter(|held| !held.granted).map(|held| held.capability.name).collect::<Vec<_>>()
        };
        assert_eq!(
            missing(1 << 39 | 1 << 38),
            ["CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH", "CAP_SYS_ADMIN", "CAP_NET_ADMIN"]
        );
        assert_eq!(missing(1 << 39 | 1 << 38 | 1 << 19 | 1 << 2 | 1 << 12), ["CAP_SYS_ADMIN"]);
        assert_eq!(missing(1 << 21 | 1 << 19 | 1 << 12), ["CAP_DAC_READ_SEARCH"]);
    }

    #[test]
    fn what_the_kernel_says_is_read() {
        let status = "Name:\tx\nCapPrm:\t0000000000000000\nCapEff:\t000001ffffffffff\nCapBnd:\t0000000000000001\n";
        assert_eq!(effective(status), Some(0x1ff_ffff_ffff));
        assert_eq!(effective("CapEff:\tnone\n"), None);
        assert_eq!(held().len(), CAPABILITIES.len());
    }
}
