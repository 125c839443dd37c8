//! Backend `syscalls`, the twin of `ebpf/src/capture/syscalls.rs`.

use super::hooks::{Attach, Backend, Hook};

/// Entry and exit of every system call: works wherever BTF is.
pub const BACKEND: Backend = Backend {
    name: "syscalls",
    required: &[
        Hook { name: "sys_enter", attach: Attach::Tracepoint, since: "5.5", shows: "beginnings of sends" },
        Hook { name: "sys_exit", attach: Attach::Tracepoint, since: "5.5", shows: "what is sent and received" },
    ],
    refinements: &[],
    for_ports: &[Hook {
        name: "tcp_rcv_space_adjust",
        attach: Attach::Tracepoint,
        since: "4.15",
        shows: "the first read of connections that another process has passed on",
    }],
    beside: &[],
    again: &["sys_exit"],
    price: "every system call of the host costs about 0.1 µs more",
};
