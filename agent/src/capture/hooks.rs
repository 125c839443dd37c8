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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Name of the program in the object.
    pub name: &'static str,
    /// What it attaches to: in most cases of the same name.
    pub place: &'static str,
    /// How it is attached.
    pub attach: Attach,
    /// First kernel that has it.
    pub since: &'static str,
    /// What is lost without it.
    pub shows: &'static str,
}

impl Hook {
    /// The program of that name at the BTF tracepoint of the same name.
    #[must_use]
    pub const fn tracepoint(name: &'static str, since: &'static str, shows: &'static str) -> Self {
        Self { name, place: name, attach: Attach::Tracepoint, since, shows }
    }

    /// The program of that name at the entry of the function of the same name.
    #[must_use]
    pub const fn entry(name: &'static str, since: &'static str, shows: &'static str) -> Self {
        Self { name, place: name, attach: Attach::FunctionEntry, since, shows }
    }

    /// The program of that name at the return of the function of the same name.
    #[must_use]
    pub const fn exit(name: &'static str, since: &'static str, shows: &'static str) -> Self {
        Self { name, place: name, attach: Attach::FunctionExit, since, shows }
    }

    /// Another program at the same place.
    #[must_use]
    pub const fn by(self, name: &'static str) -> Self {
        Self { name, ..self }
    }
}

/// The hooks that every backend needs.
pub const REQUIRED: &[Hook] = &[
    Hook::tracepoint("inet_sock_set_state", "4.16", "roles, beginnings and ends of TCP connections"),
    Hook::tracepoint("tcp_destroy_sock", "4.16", "the end of TCP sockets"),
];

/// Hooks that every backend uses where they are granted.
pub const OPTIONAL: &[Hook] = &[
    Hook::tracepoint("sched_process_exec", "3.4", "programs that start after the agent"),
    Hook::tracepoint("sched_process_fork", "2.6", "children of selected processes"),
    Hook::tracepoint("sched_process_exit", "2.6", "ends of processes"),
];

/// The hook of [`Options::queue_time`](super::Options), for every backend.
pub const QUEUE_TIME: Hook = Hook::tracepoint("sk_data_ready", "6.3", "how long data waits to be read (queue time)");

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
    /// Programs at tracepoints that have another one: they run after it.
    pub beside: &'static [Hook],
    /// Programs that take over at the same place where the first one can be preempted (since Linux 7.0).
    pub again: &'static [Hook],
    /// What it costs or misses, in one clause.
    pub price: &'static str,
}

/// Every backend, best first. A new one is a pair of files and a line here.
pub const BACKENDS: &[&Backend] = &[&super::sockets::BACKEND, &super::syscalls::BACKEND];

/// The hooks of all tables.
pub fn all() -> impl Iterator<Item = &'static Hook> {
    let of = |backend: &&'static Backend| {
        let refinements = backend.refinements.iter().copied().flatten();
        backend.required.iter().chain(refinements).chain(backend.for_ports).chain(backend.beside).chain(backend.again)
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

    #[test]
    fn the_table_of_kernels_has_every_hook() {
        let page = std::fs::read_to_string("../docs/kernels.md").unwrap();
        for hook in super::all() {
            let row = format!("| `{}` | ", hook.name);
            assert!(page.contains(&row), "{} is missing: `cargo xtask kernels --table` writes it", hook.name);
        }
    }
}
