//! rustls has its secrets in no function's arguments unless somebody keeps a log of keys: it asks that log first whether it wants a
//! label, and calls it only then. So a place within its code is probed, found by what the code does there
//! (`agent/src/resolve/program/tls/rustls`): in TLS 1.3 behind that question, in TLS 1.2 at the call of the log, which is made without
//! a question.

use super::tls_tells;
use crate::context::thread::Thread;
use crate::emit::secret::{Bytes, labelled};
use crate::kernel::read_user;
use crate::kernel::regs::Regs;
use crate::process::is_target;
use aya_ebpf::EbpfContext as _;
use aya_ebpf::helpers::generated::bpf_get_attach_cookie;
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use wirespan_common::kept::{Kept, Place, Words};
use wirespan_common::secret::{LABELS, MAX_LABEL};

/// Bytes of the master secret of TLS 1.2.
const MASTER: u64 = 48;
/// In memory, so that one of it can be chosen.
static TABLE: [[u8; MAX_LABEL]; LABELS.len()] = LABELS;
/// `r9` in `pt_regs`, in words.
const R9: usize = 8;

// rustls/src/tls13/key_schedule.rs: fn derive_logged_secret, behind `key_log.will_log(log_label)`
#[uprobe]
pub fn tls_secret_rustls(ctx: ProbeContext) -> u32 {
    if is_target() {
        // SAFETY: the number that the agent has given to this probe (Linux 5.15).
        let words = Words::unpacked(unsafe { bpf_get_attach_cookie(ctx.as_ptr()) });
        let _ = tells(Regs(ctx.regs as *const u64), words);
    }
    0
}

// rustls/src/{client,server}/tls12.rs: config.key_log.log("CLIENT_RANDOM", &randoms.client, &secrets.master_secret)
#[uprobe]
pub fn tls_secret_rustls_call(ctx: ProbeContext) -> u32 {
    let regs = Regs(ctx.regs as *const u64);
    if is_target() {
        // The log, two words of the label, two of the random, the address of the secret; its length is on the stack.
        let [label, label_len, random] = [1, 2, 3].map(|at| regs.entry_argument(at));
        tls_tells(label, label_len, regs.at(R9), MASTER, random);
    }
    0
}

#[inline(always)]
fn tells(regs: Regs, words: Words) -> Option<()> {
    // All are read, by fixed places: the verifier sees no other.
    let mut kept = [0; Kept::PLACES];
    [0, 1, 2, 3, 4, 5].into_iter().for_each(|word| kept[word] = regs.at(word));
    let frame = if words.by_base { kept[Kept::RBP.place()] } else { regs.stack_pointer() };
    let [label, label_len, random, secret, len] = words.places;
    let (random, secret, len) = (word(random, &kept, frame)?, word(secret, &kept, frame)?, word(len, &kept, frame)?);
    match label {
        // Known before: one of a table.
        Place::Number(number) => {
            let label = &TABLE[usize::from(number) & (LABELS.len() - 1)];
            labelled(Thread::current().process(), label, Bytes { at: secret, len }, random);
        }
        label => _ = tls_tells(word(label, &kept, frame)?, word(label_len, &kept, frame)?, secret, len, random),
    }
    Some(())
}

#[inline(always)]
fn word(place: Place, kept: &[u64; Kept::PLACES], frame: u64) -> Option<u64> {
    let at = |words: i16| frame.wrapping_add_signed(i64::from(words) * 8);
    match place {
        Place::Register(register) => Some(kept[register.place()]),
        Place::Frame(words) => read_user(at(words)),
        Place::Address(words) => Some(at(words)),
        Place::Number(number) => Some(u64::from(number)),
    }
}
