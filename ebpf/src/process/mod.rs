//! Which processes are targets, and their coming and going.
//!
//! - [`policy`]: what holds for a process;
//! - [`runtimes`]: how contexts are found in a new process;
//! - [`ports`]: ports that selectors name;
//! - [`wanted`]: programs that no selector could choose.

mod policy;
pub mod ports;
mod runtimes;
mod wanted;

pub use policy::{Caller, Spent, is_decided_target, is_target, may_tell};

use crate::conn::now;
use crate::context::thread::Thread;
use crate::emit::process as emit;
use crate::kernel::read;
use crate::maps::{DECISIONS, MARKS, PROCESSORS_KNOWN, RUNTIMES, SPANS, URGENT, offset, selection};
use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use policy::{is_traced, mark, refresh};
use wirespan_common::layout::ABSENT;
use wirespan_common::record::{
    POLICY_IGNORE, POLICY_PENDING, POLICY_REFUSE, PROCESS_EXEC, PROCESS_EXIT, PROCESS_FORK, policy_kind,
};

// include/trace/events/sched.h: sched_process_fork(struct task_struct *parent, struct task_struct *child)
#[btf_tracepoint(function = "sched_process_fork")]
pub fn sched_process_fork(ctx: BtfTracePointContext) -> i32 {
    let parent = read::<u32>(ctx.arg(0), offset!(task_tgid));
    let child = read::<u32>(ctx.arg(1), offset!(task_tgid));
    // A thread of the same process.
    if parent == child {
        return 0;
    }
    let at_ns = now();
    // What is known under its id is of a predecessor.
    let _ = DECISIONS.remove(child);
    let _ = SPANS.remove(child);
    runtimes::inherit(parent, child);
    match policy::explicit(parent).map(policy_kind) {
        Some(own) => mark(child, own, at_ns),
        None => _ = MARKS.remove(child),
    }
    if is_traced(policy::kind(parent)) {
        emit::changed(PROCESS_FORK, child, parent, 0, at_ns);
    }
    0
}

// include/trace/events/sched.h: sched_process_exec(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)
#[btf_tracepoint(function = "sched_process_exec")]
pub fn sched_process_exec(ctx: BtfTracePointContext) -> i32 {
    let pid = Thread::current().process();
    let at_ns = now();
    let program: u64 = ctx.arg(2);
    let was_traced = is_traced(policy::kind(pid));
    let _ = RUNTIMES.remove(pid);
    let _ = SPANS.remove(pid);
    let _ = PROCESSORS_KNOWN.remove(pid);
    if selection!(default_policy) == POLICY_IGNORE {
        if wanted::may_match(program) {
            // Traced until user space has looked at the new program: what it sends in its first milliseconds counts.
            mark(pid, POLICY_PENDING, at_ns);
            refresh(pid);
        } else if was_traced || policy::kind(pid) == POLICY_REFUSE {
            mark(pid, POLICY_IGNORE, at_ns);
        }
        // A program that is none of ours is told of where it was one of ours before, or may become one by a port.
        if !was_traced && selection!(select_ports) == 0 && !is_traced(policy::kind(pid)) {
            return 0;
        }
    } else if !was_traced {
        return 0;
    }
    emit::changed(PROCESS_EXEC, pid, 0, read::<u64>(program, offset!(exec_filename)), at_ns);
    // A process that waits for a decision, or that a port will select in a moment, may be gone before the agent looks by
    // itself.
    let by_port = selection!(default_policy) == POLICY_IGNORE && selection!(select_ports) != 0;
    if by_port || policy::kind(pid) == POLICY_PENDING {
        // A full buffer wakes, too.
        let _ = URGENT.output::<u32>(&pid, 0);
    }
    0
}

// include/trace/events/sched.h: sched_process_exit(struct task_struct *p)
#[btf_tracepoint(function = "sched_process_exit")]
pub fn sched_process_exit(ctx: BtfTracePointContext) -> i32 {
    if !is_last(ctx.arg(0)) {
        return 0;
    }
    let pid = Thread::current().process();
    let traced = is_traced(policy::kind(pid));
    let _ = RUNTIMES.remove(pid);
    let _ = SPANS.remove(pid);
    let _ = PROCESSORS_KNOWN.remove(pid);
    let (mark, decision) = (MARKS.remove(pid), DECISIONS.remove(pid));
    if mark.is_ok() || decision.is_ok() {
        policy::changed();
    }
    if traced {
        emit::changed(PROCESS_EXIT, pid, 0, 0, now());
    }
    0
}

/// Whether the last thread of its process exits. The first one may be gone long before (`pthread_exit` in main).
#[inline(always)]
fn is_last(task: u64) -> bool {
    if offset!(task_signal) == ABSENT || offset!(signal_live) == ABSENT {
        let thread = Thread::current();
        return thread.process() == thread.id();
    }
    // Counted down before the hook (kernel/exit.c, do_exit).
    read::<u32>(read(task, offset!(task_signal)), offset!(signal_live)) == 0
}
