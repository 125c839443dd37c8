//! Backend `syscalls`, the twin of `ebpf/src/capture/syscalls.rs`.

use super::hooks::{Backend, Hook};

/// Entry and exit of every system call: works wherever BTF is.
pub const BACKEND: Backend = Backend {
    name: "syscalls",
    required: &[
        Hook::tracepoint("sys_enter", "5.5", "beginnings of sends"),
        Hook::tracepoint("sys_exit", "5.5", "what is sent and received"),
    ],
    refinements: &[],
    for_ports: &[Hook::tracepoint(
        "tcp_rcv_space_adjust",
        "4.15",
        "the first read of connections that another process has passed on",
    )],
    beside: &[],
    again: &[Hook::tracepoint("sys_exit", "7.0", "calls during which another one is seen on the same processor")
        .by("sys_exit_again")],
    price: "every system call of the host costs about 0.1 µs more",
};
