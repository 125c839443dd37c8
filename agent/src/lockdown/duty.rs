//! What threads are there for, and what that takes.

use rustix::thread::CapabilitySet;

use super::Plan;
use super::calls::{
    Call, NO_BPF, NO_BPF_BUT_STATS, NO_NETLINK, NO_NETWORK, NO_PROBES, NO_SETNS, NO_WRITES, NO_WRITES_OF_OLD,
    ONLY_NETLINK,
};

/// What a thread is there for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Writes to what is open, and waits: notes, spans on standard output or in a file.
    Write,
    /// Asks servers: over TCP on these ports, or on any if there are none.
    Ask(Vec<u16>),
    /// Answers clients of a socket that is open.
    Serve,
    /// Reads the configuration again.
    Configure,
    /// Reads other processes and their files, with memory and environments.
    Read,
    /// Asks the kernel for sockets, in the network namespaces of other processes.
    Sockets,
    /// Has the kernel measure its programs.
    Measure,
    /// The main thread, when all is attached.
    Trace,
}

/// What is needed until all is attached, by any thread.
pub(super) fn at_start(plan: &Plan) -> CapabilitySet {
    let mut set = CapabilitySet::BPF
        | CapabilitySet::PERFMON
        | CapabilitySet::SYS_PTRACE
        | CapabilitySet::DAC_READ_SEARCH
        | CapabilitySet::SYS_ADMIN
        // Output files in folders of others, ports below 1024, and the memory of maps before Linux 5.11.
        | CapabilitySet::DAC_OVERRIDE
        | CapabilitySet::NET_BIND_SERVICE
        | CapabilitySet::SYS_RESOURCE;
    set.set(CapabilitySet::NET_ADMIN, plan.propagates);
    set
}

impl Duty {
    /// For notes.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Write => "a thread that writes",
            Self::Ask(_) => "a thread that asks servers",
            Self::Serve => "the thread that serves",
            Self::Configure => "the thread that reads the configuration",
            Self::Read => "a thread that reads processes",
            Self::Sockets => "the thread that asks for sockets",
            Self::Measure => "the thread that has programs measured",
            Self::Trace => "the main thread",
        }
    }

    /// Capabilities that it keeps, if it has them.
    pub(super) fn capabilities(&self, plan: &Plan) -> CapabilitySet {
        match self {
            Self::Write | Self::Ask(_) | Self::Serve => CapabilitySet::empty(),
            // Some that only root can read, and whether somebody runs what selectors name.
            Self::Configure | Self::Read => CapabilitySet::SYS_PTRACE | CapabilitySet::DAC_READ_SEARCH,
            Self::Sockets => CapabilitySet::SYS_PTRACE | CapabilitySet::DAC_READ_SEARCH | CapabilitySet::SYS_ADMIN,
            Self::Measure => CapabilitySet::SYS_ADMIN,
            Self::Trace => {
                // A configuration that only root can read is read again with it.
                let mut set = CapabilitySet::BPF | CapabilitySet::DAC_READ_SEARCH;
                // Uprobes take CAP_PERFMON from Linux 5.8 on, and CAP_SYS_ADMIN again since 6.17 and in stable kernels of that time
                // (perf_uprobe_event_init, kernel/events/core.c).
                set.set(CapabilitySet::PERFMON | CapabilitySet::SYS_ADMIN, plan.attaches_later);
                set
            }
        }
    }

    /// Calls that it does without.
    pub(super) fn forbids(&self, plan: &Plan) -> Vec<&'static Call> {
        let lists: &[&'static [Call]] = match self {
            Self::Write => &[NO_BPF, NO_SETNS, NO_NETWORK],
            Self::Ask(_) | Self::Serve => &[NO_BPF, NO_SETNS, NO_NETLINK],
            Self::Configure | Self::Read => &[NO_BPF, NO_SETNS, NO_NETWORK, NO_WRITES, NO_WRITES_OF_OLD],
            Self::Sockets => &[NO_BPF, ONLY_NETLINK, NO_WRITES, NO_WRITES_OF_OLD],
            Self::Measure => &[NO_BPF_BUT_STATS, NO_SETNS, NO_NETWORK, NO_WRITES, NO_WRITES_OF_OLD],
            // It may still start threads that ask.
            Self::Trace if plan.attaches_later => &[NO_SETNS],
            Self::Trace => &[NO_SETNS, NO_PROBES],
        };
        lists.iter().copied().flatten().collect()
    }

    /// Whether landlock(7) suits it: who is under it cannot look into processes that are not, not even by what
    /// `/proc/PID` tells with `CAP_SYS_PTRACE` (it counts as ptrace(2)).
    pub(super) const fn is_confined(&self) -> bool {
        !matches!(self, Self::Configure | Self::Read | Self::Sockets)
    }
}
