//! Backend `sockets`: tracepoints of the socket layer. Other system calls pay nothing.

use super::source::{Source, of_call};
use super::transfer::transfer;
use crate::conn;
use crate::kernel::regs::Regs;
use crate::kernel::sock::Sock;
use crate::process::{is_target, ports};
use aya_ebpf::helpers::generated::{bpf_get_current_task_btf, bpf_task_pt_regs};
use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use wirespan_common::record::{Missing, RECEIVE, SEND};

const MSG_PEEK: u32 = 0x2;
const MSG_TRUNC: u32 = 0x20;
const MSG_ERRQUEUE: u32 = 0x2000;

// net/socket.c: trace_sock_send_length(struct sock *sk, int ret, int flags), Linux 6.3
#[btf_tracepoint(function = "sock_send_length")]
pub fn sock_send_length(ctx: BtfTracePointContext) -> i32 {
    if is_target() || was_handed_over(&ctx) {
        moved(&ctx, SEND);
    }
    0
}

// net/socket.c: trace_sock_recv_length(struct sock *sk, int ret, int flags), Linux 6.3
#[btf_tracepoint(function = "sock_recv_length")]
pub fn sock_recv_length(ctx: BtfTracePointContext) -> i32 {
    if is_target() || was_handed_over(&ctx) {
        moved(&ctx, RECEIVE);
    }
    0
}

/// Whether data was moved over a socket of a port that a selector names, which shows whom it belongs to.
#[inline(always)]
fn was_handed_over(ctx: &BtfTracePointContext) -> bool {
    let result: i32 = ctx.arg(1);
    result > 0 && ports::handed_over(Sock(ctx.arg(0)))
}

#[inline(always)]
fn moved(ctx: &BtfTracePointContext, direction: u8) {
    let sock = Sock(ctx.arg(0));
    let result: i32 = ctx.arg(1);
    let flags: u32 = ctx.arg(2);
    if result <= 0 {
        if direction == SEND {
            conn::send_failed(sock);
        } else if result == 0 {
            conn::end_of_stream(sock);
        }
        return;
    }
    if direction == RECEIVE && flags & (MSG_PEEK | MSG_ERRQUEUE) != 0 {
        return;
    }
    // SAFETY: no arguments; then the registers of that task.
    let regs = unsafe { Regs(bpf_task_pt_regs(bpf_get_current_task_btf()) as *const u64) };
    let is_own = regs.in_progress();
    let source = if direction == RECEIVE && flags & MSG_TRUNC != 0 {
        Source::Missing(Missing::Other)
    } else if !is_own {
        Source::Missing(Missing::IoUring)
    } else {
        of_call(regs)
    };
    transfer(sock, direction, result as u32, source, 0, is_own.then_some(regs));
}
