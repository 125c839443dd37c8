//! Which processes are targets, and their coming and going.

use crate::conn::now;
use crate::emit::process as emit;
use crate::kernel::read;
use crate::maps::{LAST_ANSWER, POLICIES, POLICY_CHANGE, offset, setting};
use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use wirespan_common::record::{POLICY_IGNORE, PROCESS_EXEC, PROCESS_EXIT, PROCESS_FORK, pending};

#[inline(always)]
fn policy(pid: u32) -> u32 {
    // SAFETY: copied at once.
    unsafe { POLICIES.get(pid) }.copied().unwrap_or(setting!(default_policy))
}

/// Whether the current process is traced. The first thing that a hook asks.
///
/// The last answer on each CPU is kept: most hooks are run by the process that ran the one before, and are spared the
/// look-up. An answer is good until a policy changes: it was found after the time that it is kept under, and a change
/// writes a time that is later than itself.
#[inline(always)]
pub fn is_target() -> bool {
    // One word: 22 bits of process (include/linux/threads.h, PID_MAX_LIMIT), 41 of time, the answer.
    const PROCESS_AT: u32 = 42;
    const ANSWER: u64 = 1;
    let process = bpf_get_current_pid_tgid() >> 32;
    let (Some(kept), Some(change)) = (LAST_ANSWER.get_ptr_mut(0), POLICY_CHANGE.get_ptr(0)) else { return false };
    // SAFETY: an aligned word.
    let change = unsafe { change.read_volatile() };
    let question = process << PROCESS_AT | change << (64 - PROCESS_AT + 1) >> (64 - PROCESS_AT);
    // SAFETY: a slot of this CPU. One whole word is read and written: nobody sees half an answer.
    let answer = unsafe { kept.read_volatile() };
    if answer & !ANSWER == question {
        return answer & ANSWER != 0;
    }
    let is_target = policy(process as u32) != POLICY_IGNORE;
    // SAFETY: as above.
    unsafe { kept.write_volatile(question | u64::from(is_target)) };
    is_target
}

/// A policy has just changed.
#[inline(always)]
pub fn policy_changed() {
    if let Some(change) = POLICY_CHANGE.get_ptr_mut(0) {
        // SAFETY: an aligned word. Whoever writes last, no answer was kept under that time before.
        unsafe { change.write_volatile(now()) };
    }
}

// include/trace/events/sched.h: sched_process_fork(struct task_struct *parent, struct task_struct *child)
#[btf_tracepoint(function = "sched_process_fork")]
pub fn sched_process_fork(ctx: BtfTracePointContext) -> i32 {
    let parent = read::<u32>(ctx.arg(0), offset!(task_tgid));
    let child = read::<u32>(ctx.arg(1), offset!(task_tgid));
    // A thread of the same process.
    if parent == child {
        return 0;
    }
    // SAFETY: copied at once.
    if let Some(own) = unsafe { POLICIES.get(parent) }.copied() {
        let _ = POLICIES.insert(child, own, 0);
        policy_changed();
    }
    if policy(parent) != POLICY_IGNORE {
        emit::changed(PROCESS_FORK, child, parent, 0, now());
    }
    0
}

// include/trace/events/sched.h: sched_process_exec(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)
#[btf_tracepoint(function = "sched_process_exec")]
pub fn sched_process_exec(ctx: BtfTracePointContext) -> i32 {
    let pid = (bpf_get_current_pid_tgid() >> 32) as u32;
    let at_ns = now();
    if setting!(default_policy) == POLICY_IGNORE {
        // Traced until user space has looked at the new program: what it sends in its first milliseconds counts.
        let _ = POLICIES.insert(pid, pending(at_ns), 0);
        policy_changed();
    } else if policy(pid) == POLICY_IGNORE {
        return 0;
    }
    emit::changed(PROCESS_EXEC, pid, 0, read::<u64>(ctx.arg(2), offset!(exec_filename)), at_ns);
    0
}

// include/trace/events/sched.h: sched_process_exit(struct task_struct *p)
#[btf_tracepoint(function = "sched_process_exit")]
pub fn sched_process_exit(_ctx: BtfTracePointContext) -> i32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    let pid = (pid_tgid >> 32) as u32;
    // The leader's exit stands for the process.
    if pid != pid_tgid as u32 {
        return 0;
    }
    let traced = policy(pid) != POLICY_IGNORE;
    if POLICIES.remove(pid).is_ok() {
        policy_changed();
    }
    if traced {
        emit::changed(PROCESS_EXIT, pid, 0, 0, now());
    }
    0
}
