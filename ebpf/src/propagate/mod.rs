//! Optional (`wirespan.propagate`): puts a `traceparent` into HTTP/1 requests of targets. Nothing else of wirespan changes what others
//! send.
//!
//! Sockets that targets connect are put into a map of sockets when their handshake is over ([`propagate_connected`]), and the kernel
//! asks [`propagate_sent`] about all that is sent over them. Which bytes are the head of a request is known by position: the first
//! ones of the connection, and those behind the body of a request whose length its head says ([`head`]). From the first thing on that
//! is not understood, nothing is ever put into that connection again.

mod head;
mod ids;

use crate::conn::{Conn, now, positions};
use crate::context::thread::Thread;
use crate::emit;
use crate::kernel::number;
use crate::kernel::sock::Sock;
use crate::maps::{CONNECTIONS, FRAMINGS, PROPAGATED, count};
use crate::process::is_decided_target;
use aya_ebpf::bindings::sk_action::{SK_DROP, SK_PASS};
use aya_ebpf::bindings::{BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB, bpf_sock_ops, sk_msg_md};
use aya_ebpf::helpers::bpf_msg_pull_data;
use aya_ebpf::macros::{sk_msg, sock_ops};
use aya_ebpf::programs::{SkMsgContext, SockOpsContext};
pub use head::Framing;
use wirespan_common::counters::Counter;
use wirespan_common::propagate::{HEADER_BYTES, Inserted};
use wirespan_common::record::{KIND_INSERTED, ROLE_CLIENT};

// include/uapi/linux/bpf.h: BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB, Linux 4.13; after `inet_sock_set_state`
#[sock_ops]
pub fn propagate_connected(ctx: SockOpsContext) -> u32 {
    if ctx.op() == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB {
        connected(ctx.ops);
    }
    1
}

#[inline(always)]
#[allow(clippy::needless_borrows_for_generic_args, reason = "a value would be copied on the small stack")]
fn connected(ops: *mut bpf_sock_ops) {
    // SAFETY: the context of the program.
    let sk = unsafe { (*ops).__bindgen_anon_2.sk } as u64;
    if sk == 0 {
        return;
    }
    let sock = Sock::at(number(sk));
    let Some(conn) = conn_of(sock) else { return };
    let tcp = sock.tcp();
    // With TCP Fast Open some of it was sent already, unseen.
    let is_fresh = conn.sent == conn.first_sent && tcp.write_seq() == conn.sent as u32;
    if conn.role != ROLE_CLIENT || !is_fresh || !is_decided_target(conn.pid) {
        return;
    }
    let framing = Framing::from(tcp.write_seq());
    if FRAMINGS.insert(sock.key(), &framing, 0).is_ok() {
        // SAFETY: the context of the program.
        let _ = PROPAGATED.update(&mut sock.key(), unsafe { &mut *ops }, 0);
    }
}

#[inline(always)]
fn conn_of(sock: Sock) -> Option<&'static mut Conn> {
    // SAFETY: a live map value; races between CPUs only blur counters of one connection.
    CONNECTIONS.get_ptr_mut(sock.key()).map(|conn| unsafe { &mut *conn })
}

// net/ipv4/tcp_bpf.c: tcp_bpf_send_verdict, Linux 4.17; holds the lock of the socket
#[sk_msg]
pub fn propagate_sent(ctx: SkMsgContext) -> u32 {
    // SAFETY: the context of the program.
    let sk = unsafe { (*ctx.msg).__bindgen_anon_3.sk } as u64;
    if sk == 0 {
        return SK_PASS;
    }
    let sock = Sock::at(number(sk));
    let Some(framing) = FRAMINGS.get_ptr_mut(sock.key()) else { return SK_PASS };
    // SAFETY: a live map value that is used under the lock of its socket.
    sent(&ctx, sock, unsafe { &mut *framing })
}

#[inline(always)]
fn sent(ctx: &SkMsgContext, sock: Sock, framing: &mut Framing) -> u32 {
    let tcp = sock.tcp();
    let at = tcp.write_seq();
    if !framing.begins_at(at) {
        return SK_PASS;
    }
    let size = ctx.size();
    let read = if size < head::MAX_HEAD { size } else { head::MAX_HEAD };
    // SAFETY: the context of the program. One piece of memory, copied only if it was not.
    if unsafe { bpf_msg_pull_data(ctx.msg, 0, read, 0) } != 0 {
        framing.give_up();
        return SK_PASS;
    }
    if head::read_head(sock.key(), number(ctx.data() as u64), read) == 0 {
        framing.give_up();
        return SK_PASS;
    }
    let inserted = insert(ctx.msg, sock, framing, at);
    framing.request_ends(at, inserted);
    match inserted {
        Ok(_) => SK_PASS,
        Err(Broken) => SK_DROP,
    }
}

/// A message with room for a header that could not be written: it must not be sent.
#[derive(Clone, Copy)]
pub struct Broken;

/// Puts the header behind the request line. How many bytes were put there.
#[inline(always)]
fn insert(msg: *mut sk_msg_md, sock: Sock, framing: &Framing, at: u32) -> Result<u32, Broken> {
    const LEN: u32 = HEADER_BYTES as u32;
    let tcp = sock.tcp();
    // Only where nothing waits to be sent: what the kernel does not take at once the application sends again, and it does not
    // know of the header.
    let is_due = !framing.is_named() && tcp.is_all_acknowledged();
    if !is_due || !is_decided_target(Thread::current().process()) {
        return Ok(0);
    }
    let Some(conn) = conn_of(sock) else { return Ok(0) };
    let place = framing.line_end();
    let mut inserted = Inserted {
        kind: KIND_INSERTED,
        reserved: 0,
        header: [0; HEADER_BYTES],
        connection: conn.id,
        position: positions::extend(conn.sent, at.wrapping_add(place)),
        at_ns: now(),
    };
    let ctx = SkMsgContext::new(msg);
    if !ids::write(&mut inserted.header) || ctx.push_data(place, LEN, 0).is_err() {
        return Ok(0);
    }
    // SAFETY: the context of the program. The new bytes are a piece of memory of their own: nothing is copied.
    if unsafe { bpf_msg_pull_data(msg, place, place + LEN, 0) } != 0 || !write(&ctx, &inserted.header) {
        return Err(Broken);
    }
    emit::inserted(&inserted);
    count(Counter::Propagated);
    Ok(LEN)
}

#[inline(always)]
fn write(ctx: &SkMsgContext, header: &[u8; HEADER_BYTES]) -> bool {
    let (data, end) = (ctx.data(), ctx.data_end());
    if data + HEADER_BYTES > end {
        return false;
    }
    for (at, byte) in header.iter().enumerate() {
        // SAFETY: within the bounds that were just compared.
        unsafe { ((data + at) as *mut u8).write_volatile(*byte) };
    }
    true
}
