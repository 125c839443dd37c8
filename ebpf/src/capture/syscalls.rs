//! Backend `syscalls`: the fallback where the socket layer has no tracepoints (before Linux 6.3). Works wherever BTF
//! is, but every system call of the host pays for the look at its number.

use super::again::left_out;
use super::datagram::{self, Datagram, MESSAGE_SIZE};
use super::source::{Source, of_call};
use super::transfer::{Call, transfer};
use crate::conn;
use crate::context::thread::Thread;
use crate::kernel::files::socket;
use crate::kernel::read_user;
use crate::kernel::regs::{Regs, number};
use crate::kernel::sock::Sock;
use crate::maps::{ENTRIES, Slot, selection, setting};
use crate::process::{Caller, ports};
use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use wirespan_common::record::{Missing, RECEIVE, SEND};

const MSG_PEEK: u64 = 0x2;
const MSG_TRUNC: u64 = 0x20;
const MSG_ERRQUEUE: u64 = 0x2000;

/// Most datagrams of one call that are looked at: a resolver sends two.
const MAX_DATAGRAMS: u32 = 4;

/// What a system call does to a socket.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Send,
    Receive,
    /// Several messages at once.
    SendMany,
    ReceiveMany,
    /// Takes a connection from a listen queue: the result.
    Accept,
    /// File to socket: the first argument.
    SendFile,
    /// Pipe to socket (third argument) or socket to pipe (first).
    Splice,
}

#[inline(always)]
fn classify(call: u32) -> Option<Kind> {
    match call {
        number::READ | number::READV | number::RECVFROM | number::RECVMSG | number::PREADV2 => Some(Kind::Receive),
        number::WRITE | number::WRITEV | number::SENDTO | number::SENDMSG | number::PWRITEV2 => Some(Kind::Send),
        number::ACCEPT | number::ACCEPT4 => Some(Kind::Accept),
        number::RECVMMSG => Some(Kind::ReceiveMany),
        number::SENDMMSG => Some(Kind::SendMany),
        number::SENDFILE => Some(Kind::SendFile),
        number::SPLICE => Some(Kind::Splice),
        _ => None,
    }
}

// include/trace/events/syscalls.h: sys_enter(struct pt_regs *regs, long id)
#[btf_tracepoint(function = "sys_enter")]
pub fn sys_enter(ctx: BtfTracePointContext) -> i32 {
    let call: u64 = ctx.arg(1);
    let is_wanted = match classify(call as u32) {
        Some(Kind::Send | Kind::SendMany | Kind::SendFile | Kind::Splice) => true,
        Some(Kind::Receive | Kind::ReceiveMany) => setting!(preemptible) != 0,
        _ => false,
    };
    if is_wanted {
        let caller = Caller::current();
        if caller.is_target() {
            let _ = ENTRIES.insert(caller.thread.word(), conn::now(), 0);
        }
    }
    0
}

// include/trace/events/syscalls.h: sys_exit(struct pt_regs *regs, long ret)
#[btf_tracepoint(function = "sys_exit")]
pub fn sys_exit(ctx: BtfTracePointContext) -> i32 {
    Slot::SEND.begin();
    exit(&ctx, false);
    Slot::SEND.end();
    0
}

/// After [`sys_exit`] at the same place: takes over when the kernel left that out.
#[btf_tracepoint(function = "sys_exit")]
pub fn sys_exit_again(ctx: BtfTracePointContext) -> i32 {
    if Slot::SEND.is_at_work() {
        exit(&ctx, true);
    }
    0
}

#[inline(always)]
fn exit(ctx: &BtfTracePointContext, again: bool) {
    let regs = Regs(ctx.arg::<u64>(0) as *const u64);
    if let Some(call) = regs.number().and_then(classify) {
        let (result, caller) = (ctx.arg(1), Caller::current());
        if call == Kind::Accept {
            if selection!(select_ports) != 0 || caller.is_target() {
                accepted(caller, result);
            }
        } else if caller.is_target() {
            finished(regs, caller, call, result, again);
        }
    }
}

// net/ipv4/tcp_input.c: trace_tcp_rcv_space_adjust(struct sock *sk), Linux 4.15. In the middle of a receive, before the
// call's end is looked at: the first one over a socket that came from another process shows whose it is.
#[btf_tracepoint(function = "tcp_rcv_space_adjust")]
pub fn tcp_rcv_space_adjust(ctx: BtfTracePointContext) -> i32 {
    let caller = Caller::current();
    if !caller.is_target() {
        ports::handed_over(caller, Sock::argument(ctx.arg(0)));
    }
    0
}

#[inline(always)]
fn accepted(caller: Caller, result: i64) {
    if result >= 0
        && let Some(sock) = socket(result as u64)
        && (caller.is_target() || ports::handed_over(caller, sock))
    {
        conn::accept(sock, caller.thread);
    }
}

/// When the call of this thread began that ends now, 0 if that was not seen. Taken out, whatever came of the call: it must
/// not stand for the next one, should the kernel leave out the run that would replace it.
#[inline(always)]
fn take_entry(thread: Thread) -> u64 {
    // SAFETY: a live map value of this thread alone.
    ENTRIES.get_ptr_mut(thread.word()).map_or(0, |kept| unsafe { kept.replace(0) })
}

#[inline(always)]
fn finished(regs: Regs, caller: Caller, call: Kind, result: i64, again: bool) {
    let (direction, descriptor) = match call {
        Kind::Receive | Kind::ReceiveMany => (RECEIVE, regs.argument0()),
        Kind::Send | Kind::SendMany | Kind::SendFile | Kind::Accept => (SEND, regs.argument0()),
        Kind::Splice => (SEND, regs.argument2()),
    };
    let is_kept = direction == SEND || setting!(preemptible) != 0;
    let entry_ns = if is_kept { take_entry(caller.thread) } else { 0 };
    if result <= 0 {
        if result == 0
            && call == Kind::Receive
            && let Some(sock) = socket(descriptor)
        {
            conn::end_of_stream(sock);
        }
        return;
    }
    let (direction, sock) = match socket(descriptor) {
        Some(sock) => (direction, sock),
        None if call == Kind::Splice => match socket(regs.argument0()) {
            Some(sock) => (RECEIVE, sock),
            None => return,
        },
        None => return,
    };
    let slot = if direction == SEND { Slot::SEND } else { Slot::RECEIVE };
    let slot = if again { slot.second() } else { slot };
    let (source, len) = match call {
        Kind::ReceiveMany | Kind::SendMany if sock.datagram_family().is_some() => {
            if again {
                return;
            }
            return datagrams(slot, sock, regs.argument1(), result as u32, entry_ns);
        }
        Kind::ReceiveMany | Kind::SendMany => {
            let source =
                if result == 1 { super::source::message(regs.argument1()) } else { Source::Missing(Missing::Other) };
            (Some(source), messages(regs.argument1(), result as u32))
        }
        _ => (source(regs), result as u32),
    };
    // In one place only: the verifier follows it once for each.
    if let Some(source) = source
        && len > 0
        // The first program would have taken the entry out.
        && (!again || left_out(slot, sock, direction, len, entry_ns != 0))
    {
        let entry_ns = if direction == SEND { entry_ns } else { 0 };
        transfer(Call { slot, caller, sock, direction, len, entry_ns, regs: Some(regs), sheds: false }, source);
    }
}

/// The payload of the call; none for a look at data that stays, or at the error queue.
#[inline(always)]
fn source(regs: Regs) -> Option<Source> {
    let flags = match regs.number() {
        Some(number::RECVFROM) => regs.argument3(),
        Some(number::RECVMSG) => regs.argument2(),
        _ => 0,
    };
    if flags & (MSG_PEEK | MSG_ERRQUEUE) != 0 {
        None
    } else if flags & MSG_TRUNC != 0 {
        Some(Source::Missing(Missing::Other))
    } else {
        Some(of_call(regs))
    }
}

/// Each of the first `count` messages is a datagram.
#[inline(always)]
fn datagrams(slot: Slot, sock: Sock, array: u64, count: u32, entry_ns: u64) {
    for index in 0..MAX_DATAGRAMS {
        if index >= count {
            break;
        }
        let header = array + u64::from(index) * MESSAGE_SIZE;
        let len = moved(header);
        let datagram = Datagram {
            sock: sock.number(),
            entry_ns,
            buffer: 0,
            header,
            name: 0,
            len,
            messages: 1,
            slot: slot.number() as u8,
            missing: 0,
        };
        if len > 0 {
            datagram::moved(datagram);
        }
    }
}

/// Bytes that one of several messages moved (`struct mmsghdr`: `msg_len` at 56).
#[inline(always)]
fn moved(message: u64) -> u32 {
    read_user(message + 56).unwrap_or(0)
}

/// Total length of the first `count` messages.
#[inline(always)]
fn messages(array: u64, count: u32) -> u32 {
    let mut total = 0u32;
    for index in 0..16u32 {
        if index >= count {
            break;
        }
        total = total.wrapping_add(moved(array + u64::from(index) * MESSAGE_SIZE));
    }
    total
}
