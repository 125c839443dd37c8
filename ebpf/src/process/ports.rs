//! Ports that selectors name: who connects to one, listens on one, or uses a socket of one is traced until user space has
//! decided. A socket may come to a process by any way (it was accepted, inherited, or passed on by another process), so what
//! counts is its use.

use super::policy::{self, Caller, mark, refresh};
use crate::kernel::sock::Sock;
use crate::maps::{MARKS, PORTS, SELECTED_PORTS, selection};
use wirespan_common::record::{FAMILY_UNIX, POLICY_PORT, POLICY_REFUSE, POLICY_TRACE, policy_ns};

/// Whether a selector names the port.
#[inline(always)]
pub fn is_selected(port: u16) -> bool {
    let Some(bits) = SELECTED_PORTS.get_ptr(u32::from(port >> 6)) else { return false };
    // SAFETY: a live map value; written before the programs are attached.
    unsafe { *bits >> (port & 63) & 1 != 0 }
}

/// Whether a target listens on a port, or a selector names it.
#[inline(always)]
pub fn is_known(port: u16) -> bool {
    PORTS.get_ptr(port).is_some()
}

/// A process uses a port: it is traced from now on if a selector names that. Over a mark that is pending too: the decision
/// that is under way does not know of the port yet. Whether it is traced, for this reason or another.
#[inline(always)]
pub fn used(caller: Caller, port: u16) -> bool {
    let is_decided = caller.is_target() && !caller.is_undecided();
    is_decided
        || selection!(select_ports) != 0 && is_selected(port) && trace(caller.thread.process())
        || caller.is_target()
}

/// A process that is not traced moves data over a socket or takes it from a listen queue. Whether it is
/// traced from now on.
#[inline(always)]
pub fn handed_over(caller: Caller, sock: Sock) -> bool {
    if selection!(select_ports) == 0 || caller.is_refused() {
        return false;
    }
    let (local, remote) = sock.ports();
    (is_selected(local) || is_selected(remote)) && is_stream(sock) && trace(caller.thread.process())
}

/// The bits mean ports only for sockets of the internet.
#[inline(always)]
fn is_stream(sock: Sock) -> bool {
    sock.traced_family().is_some_and(|family| family != FAMILY_UNIX)
}

#[inline(never)]
fn trace(pid: u32) -> bool {
    match policy::kind(pid) {
        POLICY_REFUSE => return false,
        POLICY_TRACE => return true,
        POLICY_PORT => {}
        // What was decided about the program that it runs may still be under way: the mark has the time of the program.
        _ => {
            // SAFETY: a word, copied at once.
            let since = unsafe { MARKS.get(pid) }.copied().map_or(0, policy_ns);
            mark(pid, POLICY_PORT, since);
        }
    }
    refresh(pid);
    true
}
