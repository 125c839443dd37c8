//! Backend `sockets`, the twin of `ebpf/src/capture/sockets.rs`.

use super::hooks::{Attach, Backend, Hook};

/// Tracepoints of the socket layer (Linux 6.3).
pub const BACKEND: Backend = Backend {
    name: "sockets",
    required: &[
        Hook { name: "sock_send_length", attach: Attach::Tracepoint, since: "6.3", shows: "what is sent" },
        Hook { name: "sock_recv_length", attach: Attach::Tracepoint, since: "6.3", shows: "what is received" },
    ],
    refinements: &[
        &[
            Hook {
                name: "tcp_sendmsg_locked",
                attach: Attach::Tracepoint,
                since: "6.16",
                shows: "beginnings of TCP sends (without it a send is stamped at its end)",
            },
            Hook {
                name: "tcp_sendmsg",
                attach: Attach::FunctionEntry,
                since: "5.5",
                shows: "beginnings of TCP sends (without it a send is stamped at its end)",
            },
        ],
        &[Hook {
            name: "unix_stream_sendmsg",
            attach: Attach::FunctionEntry,
            since: "5.5",
            shows: "beginnings of sends over unix sockets (without it a send is stamped when its data reaches the peer)",
        }],
        &[Hook {
            name: "inet_csk_accept",
            attach: Attach::FunctionExit,
            since: "5.17",
            shows: "how long connections wait to be accepted",
        }],
    ],
    for_ports: &[],
    beside: &[("inet_sock_set_state_connects", "inet_sock_set_state")],
    again: &["sock_send_length", "sock_recv_length"],
    price: "other system calls cost nothing",
};
