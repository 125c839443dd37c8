//! Capabilities of the calling thread, and no new privileges. A set only ever becomes smaller here.

use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set, remove_capability_from_bounding_set,
    set_capabilities, set_no_new_privs,
};

/// Files that are executed give nothing: no user, no group, no capability. For threads that are started later, too.
pub(super) fn forbid_new() -> Result<(), String> {
    set_no_new_privs(true).map_err(|error| format!("no new privileges: {error}"))
}

/// Empties the bounding set, which takes `CAP_SETPCAP`: without it, it stays as whoever started the agent made it.
pub(super) fn unbound() -> Result<(), String> {
    let held = capabilities(None).map_err(failed)?;
    if !held.effective.contains(CapabilitySet::SETPCAP) {
        return Ok(());
    }
    // The kernel has fewer, and refuses those that it does not have.
    for bit in 0..u64::BITS {
        let _ = remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << bit));
    }
    Ok(())
}

/// Drops what is not in the set, for good: effective, permitted, inheritable, ambient.
pub(super) fn keep(set: CapabilitySet) -> Result<(), String> {
    let held = capabilities(None).map_err(failed)?;
    let _ = clear_ambient_capability_set();
    let kept = held.permitted & set;
    set_capabilities(
        None,
        CapabilitySets { effective: held.effective & kept, permitted: kept, inheritable: CapabilitySet::empty() },
    )
    .map_err(failed)
}

fn failed(error: rustix::io::Errno) -> String {
    format!("capabilities: {error}")
}
