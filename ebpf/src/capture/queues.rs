//! Optional hooks that show how long something waits for a busy process: a connection in the listen queue, data in a
//! socket.

use crate::conn;
use crate::kernel::sock::Sock;
use crate::process::{is_target, ports};
use aya_ebpf::macros::{btf_tracepoint, fexit};
use aya_ebpf::programs::{BtfTracePointContext, FExitContext};
use wirespan_common::record::FAMILY_UNIX;

// net/ipv4/inet_connection_sock.c: struct sock *inet_csk_accept(struct sock *sk, ...). The number of arguments differs
// between kernels, so the result is asked for (Linux 5.17; the backend that uses this hook needs 6.3).
#[fexit(function = "inet_csk_accept")]
pub fn inet_csk_accept(ctx: FExitContext) -> i32 {
    if let Ok(sock) = ctx.ret::<u64>()
        && sock != 0
        && (is_target() || ports::handed_over(Sock(sock)))
    {
        conn::accept(Sock(sock));
    }
    0
}

// include/trace/events/sock.h: sk_data_ready(const struct sock *sk), Linux 6.3. Whose socket it is, only the table of
// connections knows.
#[btf_tracepoint(function = "sk_data_ready")]
pub fn sk_data_ready(ctx: BtfTracePointContext) -> i32 {
    let sock = Sock(ctx.arg(0));
    let known = conn::arrival::arrived(sock);
    // SAFETY: a live map value.
    let reader = known.map(|conn| unsafe { &*conn });
    // For a unix socket this is in the middle of the peer's send, before anyone is woken.
    if reader.map_or_else(|| sock.is_unix(), |reader| reader.family == FAMILY_UNIX) && is_target() {
        let at = reader.map_or_else(conn::now, |reader| conn::arrival::reached(sock, reader));
        super::entry::begins_at(sock.unix_peer(), at);
    }
    0
}
