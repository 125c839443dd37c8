//! Optional hooks that show how long something waits for a busy process: a connection in the listen queue, data in a
//! socket.

use crate::conn;
use crate::kernel::sock::Sock;
use crate::process::{Caller, is_target, ports};
use aya_ebpf::macros::{btf_tracepoint, fexit};
use aya_ebpf::programs::{BtfTracePointContext, FExitContext};

// net/ipv4/inet_connection_sock.c: struct sock *inet_csk_accept(struct sock *sk, ...). The number of arguments differs
// between kernels, so the result is asked for (Linux 5.17; the backend that uses this hook needs 6.3).
#[fexit(function = "inet_csk_accept")]
pub fn inet_csk_accept(ctx: FExitContext) -> i32 {
    if let Ok(sock) = ctx.ret::<u64>()
        && sock != 0
    {
        let (caller, sock) = (Caller::current(), Sock::at(sock));
        if caller.is_target() || ports::handed_over(caller, sock) {
            conn::accept(sock, caller.thread);
        }
    }
    0
}

// include/trace/events/sock.h: sk_data_ready(const struct sock *sk), Linux 6.3. Whose socket it is, only the table of
// connections knows.
#[btf_tracepoint(function = "sk_data_ready")]
pub fn sk_data_ready(ctx: BtfTracePointContext) -> i32 {
    let sock = Sock::argument(ctx.arg(0));
    let known = conn::arrival::arrived(sock);
    // For a unix socket this is in the middle of the peer's send, before anyone is woken.
    if sock.is_unix() && is_target() {
        // SAFETY: a live map value.
        let at = known.map_or_else(conn::now, |reader| conn::arrival::reached(sock, unsafe { &*reader }));
        super::entry::began(sock.unix_peer(), at);
    }
    0
}
