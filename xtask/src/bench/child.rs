//! How the programs under load are ended.

use std::process::Child;

/// Sends a signal to a child that was not waited for.
pub fn signal(child: &Child, signal: libc::c_int) {
    if let Ok(pid) = libc::pid_t::try_from(child.id()) {
        // SAFETY: no pointers; the child was not waited for, so that the number is still its own.
        unsafe { libc::kill(pid, signal) };
    }
}

/// Ends a child by a signal and waits for it, unless that was done.
pub fn end(child: &mut Child, by: libc::c_int) {
    if !matches!(child.try_wait(), Ok(Some(_))) {
        signal(child, by);
        let _ = child.wait();
    }
}
