//! Whether a process is traced. What the kernel saw is a mark, what user space decided is a decision; each of the two
//! maps has one writer, so that neither undoes what it did not know of. Both carry a time: a decision counts if it knows of
//! what the mark tells ([`record::settles`]).

use crate::conn::now;
use crate::context::thread::Thread;
use crate::maps::{ANSWERS, DECISIONS, MARKS, POLICY_CHANGE, UNDECIDED, count, selection};
use wirespan_common::counters::Counter;
use wirespan_common::limits::MAX_ANSWERS;
use wirespan_common::record::{
    self, POLICY_IGNORE, POLICY_PENDING, POLICY_PORT, POLICY_REFUSE, POLICY_TRACE, policy_kind, policy_word,
};

/// What holds for a process, as a word of policy; `None`: nothing but the default.
#[inline(always)]
pub fn explicit(pid: u32) -> Option<u64> {
    // SAFETY: words, copied at once.
    let (mark, decision) = unsafe { (MARKS.get(pid).copied(), DECISIONS.get(pid).copied()) };
    match (mark, decision) {
        (Some(mark), Some(decision)) => Some(if record::settles(decision, mark) { decision } else { mark }),
        (Some(word), None) | (None, Some(word)) => Some(word),
        (None, None) => None,
    }
}

/// What holds for a process: one of `POLICY_`.
#[inline(always)]
pub fn kind(pid: u32) -> u32 {
    explicit(pid).map_or(selection!(default_policy), policy_kind)
}

/// Whether a process that has this policy is traced.
#[inline(always)]
pub fn is_traced(kind: u32) -> bool {
    kind != POLICY_IGNORE && kind != POLICY_REFUSE
}

/// Notes what was seen of a process.
#[inline(always)]
pub fn mark(pid: u32, kind: u32, at_ns: u64) {
    if MARKS.insert(pid, policy_word(kind, at_ns), 0).is_err() {
        count(Counter::PoliciesFull);
    }
    changed();
}

/// Who makes a call, and whether that is traced: the first thing that a hook asks.
#[derive(Clone, Copy)]
pub struct Caller {
    /// The current thread.
    pub thread: Thread,
    answer: u64,
}

impl Caller {
    /// The current thread.
    #[inline(always)]
    pub fn current() -> Self {
        Self::of(Thread::current())
    }

    /// A thread of which it is known that it is the current one.
    #[inline(always)]
    pub fn of(thread: Thread) -> Self {
        Self { thread, answer: answer(thread.process()) }
    }

    /// Whether its process is traced.
    #[inline(always)]
    pub fn is_target(self) -> bool {
        self.answer >= TRACED
    }

    /// Whether its process is traced only until it is decided.
    #[inline(always)]
    pub fn is_undecided(self) -> bool {
        self.answer == UNTIL_DECIDED
    }

    /// Whether its process is not traced whatever ports it uses: user space has looked.
    #[inline(always)]
    pub fn is_refused(self) -> bool {
        self.answer == REFUSED
    }
}

/// Whether the current process is traced.
#[inline(always)]
pub fn is_target() -> bool {
    Caller::current().is_target()
}

/// Whether a process is traced, and will be: nothing is awaited that could change that.
#[inline(always)]
pub fn is_decided_target(pid: u32) -> bool {
    kind(pid) == POLICY_TRACE
}

// What is kept is one word: 22 bits of process (include/linux/threads.h, PID_MAX_LIMIT), 40 of time, 2 of the answer.
const PROCESS_AT: u32 = 42;
const ANSWER: u64 = 3;
const LEFT_ALONE: u64 = 0;
const REFUSED: u64 = 1;
const TRACED: u64 = 2;
const UNTIL_DECIDED: u64 = 3;

/// The last answers on each CPU are kept, each in the place that its process has: most hooks are spared the look-up, also where
/// processes take turns on a CPU. An answer is good until a policy changes: it was found after the time that it is kept
/// under, and a change writes a time that is later than itself.
#[inline(always)]
fn answer(process: u32) -> u64 {
    let (Some(kept), Some(change)) = (ANSWERS.get_ptr_mut(process % MAX_ANSWERS), POLICY_CHANGE.get_ptr(0)) else {
        return LEFT_ALONE;
    };
    // SAFETY: an aligned word.
    let change = unsafe { change.read_volatile() };
    let question = u64::from(process) << PROCESS_AT | change << (64 - PROCESS_AT + 2) >> (64 - PROCESS_AT);
    // SAFETY: a slot of this CPU. One whole word is read and written: nobody sees half an answer.
    let known = unsafe { kept.read_volatile() };
    if known & !ANSWER == question {
        return known & ANSWER;
    }
    let answer = find_answer(process) & ANSWER;
    // SAFETY: as above.
    unsafe { kept.write_volatile(question | answer) };
    answer
}

/// The answer about a process, looked up. A global function: the verifier checks it once, and what it answers is a number to the
/// caller, not a way of its own for each answer.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn find_answer(process: u32) -> u64 {
    match kind(process) {
        // Who uses a port that is named is nearly always selected.
        POLICY_TRACE | POLICY_PORT => TRACED,
        POLICY_PENDING => UNTIL_DECIDED,
        POLICY_REFUSE => REFUSED,
        _ => LEFT_ALONE,
    }
}

/// A policy has just changed.
#[inline(always)]
pub fn changed() {
    if let Some(change) = POLICY_CHANGE.get_ptr_mut(0) {
        // SAFETY: an aligned word. Whoever writes last, no answer was kept under that time before.
        unsafe { change.write_volatile(now()) };
    }
}

/// What an undecided process has had recorded.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Spent {
    records: u32,
    bytes: u32,
}

/// Whether a record with `bytes` of payload of a call may be made: a process that is not decided yet has a small
/// budget, so that programs that turn out not to be selected do not push the records of others out.
#[inline(always)]
pub fn may_tell(caller: Caller, bytes: u32) -> bool {
    !caller.is_undecided() || spend(caller.thread.process(), bytes)
}

#[inline(never)]
fn spend(pid: u32, bytes: u32) -> bool {
    use wirespan_common::limits::{UNDECIDED_BYTES, UNDECIDED_RECORDS};
    let Some(spent) = UNDECIDED.get_ptr_mut(pid) else {
        let _ = UNDECIDED.insert(pid, Spent { records: 1, bytes }, 0);
        return true;
    };
    // SAFETY: a live map value; threads that race for it blur a few records.
    let spent = unsafe { &mut *spent };
    if spent.records >= UNDECIDED_RECORDS || spent.bytes >= UNDECIDED_BYTES {
        return false;
    }
    spent.records += 1;
    spent.bytes = spent.bytes.wrapping_add(bytes);
    true
}

/// Gives an undecided process a fresh budget.
#[inline(always)]
pub fn refresh(pid: u32) {
    let _ = UNDECIDED.remove(pid);
}
