//! What the agent forbids itself, so that whoever takes it over by the bytes that it reads gets little.
//!
//! Three means of the kernel, each as far as it is there: capabilities that nobody needs are dropped (capabilities(7)),
//! system calls are refused (seccomp(2)), and files and TCP ports are out of reach (landlock(7)). New privileges are ruled
//! out for good. All three belong to threads, and so does what is needed: a [`Duty`] says what a thread is there for, and
//! no thread may do everything. The one that loads kernel programs reads no other process, and has `CAP_SYS_ADMIN` only where
//! break points may still be set in programs; those that read other processes can neither write nor send; those that send
//! have no capability.
//!
//! - [`begin`] is for the whole process, before there are threads: what no duty needs ([`calls`] has the list).
//! - [`narrow`] is for a thread, at its start (`threads::spawn` calls it), and for the main one when all is attached.
//! - [`secrecy`] keeps its memory from others while secrets lie in it.
//! - [`privileges`], [`filter`] and [`land`] are the three means; [`parts`] says which of them the kernel has.
//!
//! A thread inherits what its maker may do, so that the main thread cannot make readers of processes any more: a
//! `threads::Nursery` that was there before does.

mod calls;
mod duty;
mod filter;
mod land;
mod privileges;
pub mod secrecy;
mod state;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use rustix::thread::CapabilitySet;

pub use duty::Duty;
pub use land::Writable;
pub use state::{Part, parts};

/// How much is asked of the kernel.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Whether the agent does without what it cannot have, or ends.
    pub strict: bool,
    /// Where the main thread may write when all is attached: files that it has created itself.
    pub writable: Vec<Writable>,
    /// Whether kernel programs may still be attached later: probes for programs that are yet to start.
    pub attaches_later: bool,
    /// Whether headers are put into requests, which takes `CAP_NET_ADMIN` at the start.
    pub propagates: bool,
}

static PLAN: OnceLock<Plan> = OnceLock::new();

/// Why a thread, or the agent, cannot be locked in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("wirespan.lockdown: {0}")]
pub struct Refused(String);

/// Locks the process in, as far as everything that it will ever do leaves room. Without it, [`narrow`] does nothing.
///
/// # Errors
/// If the plan is strict: what the kernel does not have.
pub fn begin(plan: Plan) -> Result<(), Refused> {
    if plan.strict
        && let Some(part) = parts().into_iter().find(|part| part.granted.is_err())
    {
        return Err(Refused(format!("{}: {}", part.name, part.granted.err().unwrap_or_default())));
    }
    let strict = plan.strict;
    let plan = PLAN.get_or_init(|| plan);
    let done = [
        privileges::forbid_new(),
        privileges::unbound(),
        privileges::keep(duty::at_start(plan)),
        // Last: the others take calls that it forbids.
        filter::everywhere(),
    ];
    settle(strict, "the process", done)
}

/// Takes from the calling thread what its duty does not need. Nothing if the process is not locked in.
///
/// # Errors
/// If the plan is strict: what could not be taken.
pub fn narrow(duty: &Duty) -> Result<(), Refused> {
    let Some(plan) = PLAN.get() else { return Ok(()) };
    narrow_with(plan, duty)
}

fn narrow_with(plan: &Plan, duty: &Duty) -> Result<(), Refused> {
    let done =
        [land::confine(plan, duty), privileges::keep(duty.capabilities(plan)), filter::here(&duty.forbids(plan))];
    settle(plan.strict, duty.name(), done)
}

/// Takes every capability from the calling thread, which is there before it is known whether the process is locked in, and
/// never needs any.
pub fn bare() {
    // What cannot be dropped was not there.
    let _ = (privileges::unbound(), privileges::keep(CapabilitySet::empty()));
}

/// Whether the process is locked in.
#[must_use]
pub fn is_on() -> bool {
    PLAN.get().is_some()
}

/// What does not work is a note, or the end.
fn settle<const N: usize>(strict: bool, what: &str, done: [Result<(), String>; N]) -> Result<(), Refused> {
    for why in done.into_iter().filter_map(Result::err) {
        if strict {
            return Err(Refused(format!("{what}: {why}")));
        }
        tracing::debug!("wirespan.lockdown: {what}: {why}");
    }
    Ok(())
}
