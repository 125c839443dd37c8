//! Backend `sockets`, the twin of `ebpf/src/capture/sockets.rs`.

use super::hooks::{Backend, Hook};

const SENDS: &str = "beginnings of TCP sends (without it a send is stamped at its end)";

/// Tracepoints of the socket layer (Linux 6.3).
pub const BACKEND: Backend = Backend {
    name: "sockets",
    required: &[
        Hook::tracepoint("sock_send_length", "6.3", "what is sent"),
        Hook::tracepoint("sock_recv_length", "6.3", "what is received"),
    ],
    refinements: &[
        &[Hook::tracepoint("tcp_sendmsg_locked", "6.16", SENDS), Hook::entry("tcp_sendmsg", "5.5", SENDS)],
        &[Hook::entry(
            "unix_stream_sendmsg",
            "5.5",
            "beginnings of sends over unix sockets (without it a send is stamped when its data reaches the peer)",
        )],
        &[Hook::exit("inet_csk_accept", "5.17", "how long connections wait to be accepted")],
    ],
    for_ports: &[],
    beside: &[Hook::tracepoint("inet_sock_set_state", "4.16", "parents of set-ups of connections that fail")
        .by("inet_sock_set_state_connects")],
    again: &[
        Hook::tracepoint("sock_send_length", "7.0", "sends during which another one is seen on the same processor")
            .by("sock_send_length_again"),
        Hook::tracepoint("sock_recv_length", "7.0", "receives during which another one is seen on the same processor")
            .by("sock_recv_length_again"),
    ],
    price: "other system calls cost nothing",
};
