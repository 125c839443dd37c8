//! The function that a library calls with the labels of secrets, where it has no name: the labels stand among the texts, code loads their
//! addresses, and what it calls next with one of them as its second argument is that function. Distinct labels vote.

mod arm64;

use std::collections::{BTreeMap, BTreeSet};

use iced_x86::{Code, Decoder, DecoderOptions, FlowControl, InstructionInfoFactory, OpAccess, OpKind, Register};

use object::elf::{EM_AARCH64, EM_X86_64};

use super::super::elf::{CHUNK, Elf, Part};

/// The labels of a log of keys that libraries have as texts of their own (RFC 9850, section 2).
const LABELS: [&str; 8] = [
    "CLIENT_RANDOM",
    "CLIENT_EARLY_TRAFFIC_SECRET",
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
    "EARLY_EXPORTER_SECRET",
    "EXPORTER_SECRET",
];
/// The one that every library has.
const USUAL: usize = 2;
/// Most texts of one label: others end like it.
const MAX_TEXTS: usize = 8;
/// Most places of code that load the address of a label.
const MAX_LOADS: usize = 256;
/// Most instructions from there to the call, and most bytes of them.
const MAX_INSTRUCTIONS: usize = 40;
const MAX_BYTES: u64 = 256;
/// Most bytes of code that are looked through.
const MAX_CODE: u64 = 512 << 20;
/// Longest instruction that loads an address.
const LONGEST: u64 = 7;

/// The addresses of labels, and which of them stands there.
pub(super) type Strings = BTreeMap<u64, usize>;

/// Finds what loads the address of a label, and what is called next, for a kind of processor.
type Each = fn(&Elf<'_>, Part, &Strings, &mut dyn FnMut(u64, usize) -> bool);
type Next = fn(&Elf<'_>, u64) -> Option<u64>;

/// The labels in a file; `None`: it has none.
pub(super) fn strings(elf: &Elf<'_>) -> Option<Strings> {
    let parts: Vec<Part> = elf.loaded(false).chain(elf.loaded(true)).collect();
    let all = |label: usize| {
        let text = [LABELS[label].as_bytes(), b"\0"].concat();
        let places = |part: &Part| {
            elf.places(*part, &text, MAX_TEXTS).into_iter().map(|at| part.address.wrapping_add(at)).collect::<Vec<_>>()
        };
        parts.iter().flat_map(places).collect::<Vec<u64>>()
    };
    let usual = all(USUAL);
    if usual.is_empty() {
        return None;
    }
    let others = (0..LABELS.len())
        .filter(|label| *label != USUAL)
        .flat_map(|label| all(label).into_iter().map(move |at| (at, label)));
    Some(usual.into_iter().map(|at| (at, USUAL)).chain(others).collect())
}

/// The address of the function.
pub(super) fn function(elf: &Elf<'_>, strings: &Strings) -> Option<u64> {
    let (each, next): (Each, Next) = match elf.machine() {
        EM_X86_64 => (each_load, called_with),
        EM_AARCH64 => (arm64::each_load, arm64::called_with),
        _ => return None,
    };
    let mut votes: BTreeMap<u64, BTreeSet<usize>> = BTreeMap::new();
    let mut loads = 0;
    for part in elf.loaded(true) {
        each(elf, part, strings, &mut |address, label| {
            loads += 1;
            if let Some(called) = next(elf, address) {
                votes.entry(called).or_default().insert(label);
            }
            loads < MAX_LOADS
        });
    }
    let mut candidates: Vec<(usize, u64)> = votes.into_iter().map(|(called, labels)| (labels.len(), called)).collect();
    candidates.sort_unstable_by(|a, b| b.cmp(a));
    match candidates[..] {
        [(votes, _), (second, _), ..] if votes == second => None,
        [(_, called), ..] => Some(called),
        [] => None,
    }
}

/// Where in the file the function at an address can be probed: at its beginning, but not at a long instruction that does nothing.
pub(super) fn entry(elf: &Elf<'_>, address: u64) -> Option<u64> {
    /// `nopl 0(%rax, %rax, 1)`, which tracers patch.
    const NOTHING: &[u8] = &[0x0f, 0x1f, 0x44, 0, 0];
    let bytes = elf.code_from(address, NOTHING.len() as u64)?;
    let address = if bytes == NOTHING { address.checked_add(bytes.len() as u64)? } else { address };
    elf.code(address)
}

/// Tells each instruction that loads the address of a label, while it is wanted.
pub(super) fn each_load(elf: &Elf<'_>, part: Part, strings: &Strings, tell: &mut dyn FnMut(u64, usize) -> bool) {
    let size = part.size.min(MAX_CODE);
    let mut done = 0;
    while done < size {
        let length = (CHUNK + LONGEST - 1).min(size - done);
        let Some(bytes) = part.at.checked_add(done).and_then(|at| elf.bytes(at, length)) else { return };
        for (at, window) in bytes.windows(LONGEST as usize).enumerate() {
            let address = part.address.wrapping_add(done + at as u64);
            let loaded = match *window {
                // `lea d32(%rip), %r64`
                [0x48 | 0x4c, 0x8d, mode, a, b, c, d] if mode & 0xc7 == 5 => {
                    let distance = i64::from(i32::from_le_bytes([a, b, c, d]));
                    address.wrapping_add(LONGEST).wrapping_add_signed(distance)
                }
                // `mov $i32, %esi`, in code that is not movable.
                [0xbe, a, b, c, d, ..] => u64::from(u32::from_le_bytes([a, b, c, d])),
                _ => continue,
            };
            if let Some(label) = strings.get(&loaded)
                && !tell(address, *label)
            {
                return;
            }
        }
        done += CHUNK;
    }
}

/// What is called next after the instruction at an address, with what that has loaded as the second argument.
fn called_with(elf: &Elf<'_>, address: u64) -> Option<u64> {
    let bytes = elf.code_from(address, MAX_BYTES)?;
    called(&bytes, address)
}

fn called(bytes: &[u8], address: u64) -> Option<u64> {
    let mut infos = InstructionInfoFactory::new();
    let mut decoder = Decoder::with_ip(64, bytes, address, DecoderOptions::NONE);
    let first = decoder.decode();
    let mut holders = vec![first.op0_register().full_register()];
    for _ in 0..MAX_INSTRUCTIONS {
        let instruction = decoder.decode();
        if instruction.is_invalid() {
            return None;
        }
        match instruction.flow_control() {
            FlowControl::Call | FlowControl::UnconditionalBranch if instruction.op0_kind() == OpKind::NearBranch64 => {
                return holders.contains(&Register::RSI).then(|| instruction.near_branch_target());
            }
            FlowControl::Next | FlowControl::ConditionalBranch => {}
            _ => return None,
        }
        let is_copy = matches!(instruction.code(), Code::Mov_r64_rm64 | Code::Mov_rm64_r64)
            && instruction.op0_kind() == OpKind::Register
            && instruction.op1_kind() == OpKind::Register;
        let copied = is_copy.then(|| (instruction.op0_register(), holders.contains(&instruction.op1_register())));
        let written = infos.info(&instruction).used_registers().iter().filter(|used| {
            !matches!(used.access(), OpAccess::Read | OpAccess::CondRead | OpAccess::NoMemAccess | OpAccess::None)
        });
        let written: Vec<Register> = written.map(|used| used.register().full_register()).collect();
        holders.retain(|holder| !written.contains(holder));
        if let Some((register, true)) = copied {
            holders.push(register);
        }
        if holders.is_empty() {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_is_followed_to_the_second_argument() {
        // lea rsi, [rip]; mov rdi, rbx; call +0x100
        let direct = [0x48, 0x8d, 0x35, 0, 0, 0, 0, 0x48, 0x89, 0xdf, 0xe8, 0, 1, 0, 0];
        assert_eq!(called(&direct, 0x1000), Some(0x1000 + 15 + 0x100));
        // lea rax, [rip]; mov rsi, rax; call
        let copied = [0x48, 0x8d, 0x05, 0, 0, 0, 0, 0x48, 0x89, 0xc6, 0xe8, 0, 1, 0, 0];
        assert_eq!(called(&copied, 0x1000), Some(0x1000 + 15 + 0x100));
        // lea rdx, [rip]; call: the third argument.
        let third = [0x48, 0x8d, 0x15, 0, 0, 0, 0, 0xe8, 0, 1, 0, 0];
        assert_eq!(called(&third, 0x1000), None);
        // lea rsi, [rip]; xor esi, esi; call
        let lost = [0x48, 0x8d, 0x35, 0, 0, 0, 0, 0x31, 0xf6, 0xe8, 0, 1, 0, 0];
        assert_eq!(called(&lost, 0x1000), None);
    }

    proptest::proptest! {
        #[test]
        fn no_code_is_a_panic(code: Vec<u8>) {
            let _ = called(&code, 0x1000);
        }
    }
}
