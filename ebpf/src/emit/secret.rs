//! [`Secret`]: a secret of a TLS handshake.

use super::wake;
use crate::conn::now;
use crate::maps::{EVENTS, count};
use aya_ebpf::helpers::generated::{bpf_probe_read_user, bpf_probe_read_user_str};
use wirespan_common::counters::Counter;
use wirespan_common::record::{KIND_SECRET, MAX_LABEL, MAX_SECRET, Secret};

/// A place in the memory of the process.
#[derive(Clone, Copy)]
pub struct Bytes {
    pub at: u64,
    pub len: u64,
}

/// Reports the secret of the handshake with the random at this address. A label without a length ends with a NUL.
#[inline(always)]
pub fn told(pid: u32, label: Bytes, secret: Bytes, random: u64) {
    if secret.len == 0 || secret.len > MAX_SECRET as u64 || label.len >= MAX_LABEL as u64 {
        return;
    }
    report(pid, false, secret_len(secret.len), (secret.at, random), |into| {
        // SAFETY: both write at most the size of the label, of which the length was checked, and is masked for the verifier.
        let read = unsafe {
            match label.len {
                0 => bpf_probe_read_user_str(into.cast(), MAX_LABEL as u32, label.at as *const _),
                len => bpf_probe_read_user(into.cast(), len as u32 & 31, label.at as *const _),
            }
        };
        read >= 0
    });
}

/// Reports the secret with this label.
#[inline(always)]
pub fn labelled(pid: u32, label: &[u8; MAX_LABEL], secret: Bytes, random: u64) {
    if secret.len == 0 || secret.len > MAX_SECRET as u64 {
        return;
    }
    report(pid, false, secret_len(secret.len), (secret.at, random), |into| put(into, label));
}

/// Reports a secret of a session that goes on, from its object: the whole field of this label, and the random of the handshake.
#[inline(always)]
pub fn lies(pid: u32, label: &[u8; MAX_LABEL], secret: u64, random: u64) {
    report(pid, true, MAX_SECRET as u32, (secret, random), |into| put(into, label));
}

#[inline(always)]
fn put(into: *mut u8, label: &[u8; MAX_LABEL]) -> bool {
    // SAFETY: as many bytes as the label has.
    unsafe { into.cast::<[u8; MAX_LABEL]>().write(*label) };
    true
}

/// Makes a record, with the label that `put` writes. It is built in the ring buffer itself: it lies nowhere else.
#[inline(always)]
fn report(pid: u32, is_live: bool, len: u32, (secret, random): (u64, u64), put: impl FnOnce(*mut u8) -> bool) {
    let Some(mut entry) = EVENTS.reserve::<Secret>(0) else {
        count(Counter::DropOther);
        return;
    };
    // SAFETY: every member is written below; all are integers.
    let record = unsafe { &mut *entry.as_mut_ptr() };
    *record = Secret {
        kind: KIND_SECRET,
        len: len as u8,
        is_live: is_live as u8,
        reserved: 0,
        pid,
        at_ns: now(),
        random: [0; 32],
        label: [0; MAX_LABEL],
        secret: [0; MAX_SECRET],
    };
    // SAFETY: each writes at most the size of its field.
    let is_read = unsafe {
        put(record.label.as_mut_ptr())
            && bpf_probe_read_user(record.random.as_mut_ptr().cast(), 32, random as *const _) == 0
            && bpf_probe_read_user(record.secret.as_mut_ptr().cast(), len, secret as *const _) == 0
    };
    if is_read {
        entry.submit(wake());
        count(Counter::Delivered);
    } else {
        entry.discard(0);
    }
}

/// A length from 1 to [`MAX_SECRET`], as the verifier can see.
#[inline(always)]
fn secret_len(len: u64) -> u32 {
    ((len as u32 - 1) & (MAX_SECRET as u32 - 1)) + 1
}
