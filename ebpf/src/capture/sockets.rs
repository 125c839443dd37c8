//! Backend `sockets`: tracepoints of the socket layer. Other system calls pay nothing.

use super::again::left_out;
use super::lifecycle::SYN_SENT;
use super::source::{Source, of_call};
use super::transfer::{Call, transfer};
use crate::conn;
use crate::context::{self, thread::Task};
use crate::kernel::regs::Regs;
use crate::kernel::sock::Sock;
use crate::maps::{CONNECTIONS, Slot};
use crate::process::{Caller, ports};
use aya_ebpf::helpers::generated::bpf_task_pt_regs;
use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use wirespan_common::record::{Missing, RECEIVE, SEND};

const MSG_PEEK: u32 = 0x2;
const MSG_TRUNC: u32 = 0x20;
const MSG_ERRQUEUE: u32 = 0x2000;
/// `-EAGAIN` (include/uapi/asm-generic/errno-base.h).
const NOTHING_THERE: i32 = -11;

// net/socket.c: trace_sock_send_length(struct sock *sk, int ret, int flags), Linux 6.3
#[btf_tracepoint(function = "sock_send_length")]
pub fn sock_send_length(ctx: BtfTracePointContext) -> i32 {
    Slot::SEND.begin();
    first(&ctx, Slot::SEND, SEND);
    Slot::SEND.end();
    0
}

// net/socket.c: trace_sock_recv_length(struct sock *sk, int ret, int flags), Linux 6.3
#[btf_tracepoint(function = "sock_recv_length")]
pub fn sock_recv_length(ctx: BtfTracePointContext) -> i32 {
    // Nothing was there, the most frequent of all answers to some programs.
    if ctx.arg::<i32>(1) == NOTHING_THERE {
        return 0;
    }
    Slot::RECEIVE.begin();
    first(&ctx, Slot::RECEIVE, RECEIVE);
    Slot::RECEIVE.end();
    0
}

/// After [`sock_send_length`] at the same place: takes over when the kernel left that out.
#[btf_tracepoint(function = "sock_send_length")]
pub fn sock_send_length_again(ctx: BtfTracePointContext) -> i32 {
    again(&ctx, Slot::SEND, SEND);
    0
}

/// The same for [`sock_recv_length`].
#[btf_tracepoint(function = "sock_recv_length")]
pub fn sock_recv_length_again(ctx: BtfTracePointContext) -> i32 {
    again(&ctx, Slot::RECEIVE, RECEIVE);
    0
}

#[inline(always)]
fn first(ctx: &BtfTracePointContext, slot: Slot, direction: u8) {
    let task = Task::current();
    let caller = Caller::of(task.thread());
    if caller.is_target() || was_handed_over(ctx, caller) {
        moved(ctx, task, caller, slot, direction);
    }
}

/// Whether data was moved over a socket of a port that a selector names, which shows whom it belongs to.
#[inline(always)]
fn was_handed_over(ctx: &BtfTracePointContext, caller: Caller) -> bool {
    let result: i32 = ctx.arg(1);
    result > 0 && ports::handed_over(caller, Sock::argument(ctx.arg(0)))
}

#[inline(always)]
fn again(ctx: &BtfTracePointContext, slot: Slot, direction: u8) {
    let sock = Sock::argument(ctx.arg(0));
    let is_unix = sock.is_unix();
    if !is_unix && !slot.is_at_work() {
        return;
    }
    let task = Task::current();
    let caller = Caller::of(task.thread());
    if !caller.is_target() {
        return;
    }
    let result: i32 = ctx.arg(1);
    let flags: u32 = ctx.arg(2);
    let is_look = direction == RECEIVE && flags & (MSG_PEEK | MSG_ERRQUEUE) != 0;
    if result <= 0 || is_look {
        return;
    }
    let was_seen = is_unix && {
        // SAFETY: a live map value.
        conn::known(sock).is_some_and(|conn| conn::was_seen(unsafe { &mut *conn }, direction, caller.thread))
    };
    // Not seen alone says little: two threads may use the socket at once.
    if was_seen || !slot.is_at_work() {
        return;
    }
    if left_out(slot.second(), sock, direction, result as u32, is_unix) {
        moved(ctx, task, caller, slot.second(), direction);
    }
}

// After the program of that name, which has put the connection into the table.
#[btf_tracepoint(function = "inet_sock_set_state")]
pub fn inet_sock_set_state_connects(ctx: BtfTracePointContext) -> i32 {
    let sock = Sock::argument(ctx.arg(0));
    if ctx.arg::<i32>(2) == SYN_SENT
        && let Some(conn) = CONNECTIONS.get_ptr_mut(sock.key())
    {
        let task = Task::current();
        // SAFETY: a live map value, of which nobody else knows yet; the registers of the running task.
        let (conn, regs) = unsafe { (&mut *conn, Regs(bpf_task_pt_regs(task.0 as *mut _) as *const u64)) };
        conn.connector = context::connecting(task.thread(), sock, conn, regs);
    }
    0
}

#[inline(always)]
fn moved(ctx: &BtfTracePointContext, task: Task, caller: Caller, slot: Slot, direction: u8) {
    let sock = Sock::argument(ctx.arg(0));
    let result: i32 = ctx.arg(1);
    let flags: u32 = ctx.arg(2);
    if result <= 0 {
        if direction == SEND {
            conn::send_failed(sock);
        } else {
            context::received_elsewhere(caller.thread);
            if result == 0 {
                conn::end_of_stream(sock);
            }
        }
        return;
    }
    if direction == RECEIVE && flags & (MSG_PEEK | MSG_ERRQUEUE) != 0 {
        return;
    }
    // SAFETY: the registers of the running task.
    let regs = unsafe { Regs(bpf_task_pt_regs(task.0 as *mut _) as *const u64) };
    let is_own = regs.in_progress();
    let source = if direction == RECEIVE && flags & MSG_TRUNC != 0 {
        Source::Missing(Missing::Other)
    } else if !is_own {
        Source::Missing(Missing::IoUring)
    } else {
        of_call(regs)
    };
    let (len, regs) = (result as u32, is_own.then_some(regs));
    transfer(Call { slot, caller, sock, direction, len, entry_ns: 0, regs, sheds: true }, source);
}
