//! The table of hooks: what each attaches to, since which kernel, and what is lost without it.

/// How a program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attach {
    /// A BTF tracepoint (`tp_btf`).
    Tracepoint,
    /// The entry of a kernel function (`fentry`).
    FunctionEntry,
    /// The return of a kernel function (`fexit`).
    FunctionExit,
}

/// One kernel program and its place.
#[derive(Clone, Copy, Debug)]
pub struct Hook {
    /// Name of the program in the object, and of what it attaches to.
    pub name: &'static str,
    /// How it is attached.
    pub attach: Attach,
    /// First kernel that has it.
    pub since: &'static str,
    /// What is lost without it.
    pub shows: &'static str,
}

/// The hooks that every backend needs.
pub const REQUIRED: &[Hook] = &[
    Hook {
        name: "inet_sock_set_state",
        attach: Attach::Tracepoint,
        since: "4.16",
        shows: "roles, beginnings and ends of TCP connections",
    },
    Hook { name: "tcp_destroy_sock", attach: Attach::Tracepoint, since: "4.16", shows: "the end of TCP sockets" },
];

/// Hooks that every backend uses where they are granted.
pub const OPTIONAL: &[Hook] = &[
    Hook {
        name: "sched_process_exec",
        attach: Attach::Tracepoint,
        since: "3.4",
        shows: "programs that start after the agent",
    },
    Hook {
        name: "sched_process_fork",
        attach: Attach::Tracepoint,
        since: "2.6",
        shows: "children of selected processes",
    },
    Hook { name: "sched_process_exit", attach: Attach::Tracepoint, since: "2.6", shows: "ends of processes" },
];

/// The hook of [`Options::queue_time`](super::Options), for every backend.
pub const QUEUE_TIME: Hook = Hook {
    name: "sk_data_ready",
    attach: Attach::Tracepoint,
    since: "6.3",
    shows: "how long data waits to be read (queue time)",
};

/// What the name of a program ends in that takes over for another one at the same place.
pub const AGAIN: &str = "_again";

/// A way to capture data.
pub struct Backend {
    /// Name on the command line.
    pub name: &'static str,
    /// Hooks without which it does not work.
    pub required: &'static [Hook],
    /// Hooks of which the first that is granted is used, by group.
    pub refinements: &'static [&'static [Hook]],
    /// Hooks that it uses beside these where selectors name ports.
    pub for_ports: &'static [Hook],
    /// Programs at tracepoints that have another one: they run after it. Without them set-ups of connections that fail have no parent.
    pub beside: &'static [(&'static str, &'static str)],
    /// Tracepoints at which a second program takes over where the first can be preempted, see [`AGAIN`].
    pub again: &'static [&'static str],
    /// What it costs or misses, in one clause.
    pub price: &'static str,
}

/// Every backend, best first. A new one is a pair of files and a line here.
pub const BACKENDS: &[&Backend] = &[&super::sockets::BACKEND, &super::syscalls::BACKEND];

/// The hooks of all tables.
pub fn all() -> impl Iterator<Item = &'static Hook> {
    let of = |backend: &&'static Backend| {
        backend.required.iter().chain(backend.refinements.iter().copied().flatten()).chain(backend.for_ports)
    };
    REQUIRED.iter().chain(OPTIONAL).chain([&QUEUE_TIME]).chain(BACKENDS.iter().flat_map(of))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn a_name_is_of_one_hook() {
        let mut seen = HashSet::new();
        assert!(super::all().all(|hook| seen.insert(hook.name)));
        assert!(["sk_data_ready", "sock_send_length", "sys_enter"].iter().all(|name| seen.contains(name)));
    }
}
