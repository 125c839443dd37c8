//! What a function does and where it returns: its instructions followed along every branch, within limits.

use std::collections::{BTreeMap, BTreeSet};

use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind};

use super::elf::Elf;

/// Most instructions of a function that are followed.
const MAX_INSTRUCTIONS: usize = 2048;
/// Bytes that are read at once: of a run of instructions without a branch.
const PIECE: u64 = 512;
/// Most returns of a function.
const MAX_RETURNS: usize = 8;

/// A function.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Flow {
    /// Where it begins.
    pub(super) entry: u64,
    /// Addresses of its returns, and of those of functions that it ends in.
    pub(super) returns: BTreeSet<u64>,
    /// Addresses of what it calls.
    pub(super) calls: BTreeSet<u64>,
    /// By address.
    instructions: BTreeMap<u64, Instruction>,
}

impl Flow {
    /// The instruction at an address.
    pub(super) fn instruction(&self, address: u64) -> Option<&Instruction> {
        self.instructions.get(&address)
    }

    /// Each instruction with each address at which it can go on within the function.
    pub(super) fn steps(&self) -> impl Iterator<Item = (&Instruction, u64)> {
        self.instructions.values().flat_map(|instruction| {
            let is_call = instruction.mnemonic() == Mnemonic::Call;
            let branch = (is_direct(instruction) && !is_call).then(|| instruction.near_branch_target());
            let next = (!is_end(instruction)).then(|| instruction.next_ip());
            [branch, next].into_iter().flatten().map(move |next| (instruction, next))
        })
    }
}

/// Whether it names the address at which it goes on.
fn is_direct(instruction: &Instruction) -> bool {
    instruction.op_count() == 1 && instruction.op0_kind() == OpKind::NearBranch64
}

/// Whether what follows it in memory is not what is executed next.
fn is_end(instruction: &Instruction) -> bool {
    matches!(instruction.mnemonic(), Mnemonic::Jmp | Mnemonic::Ret | Mnemonic::Ud2 | Mnemonic::Int3 | Mnemonic::Hlt)
}

/// Follows the function at an address. `None` if some way through it cannot be followed: a computed branch, code elsewhere.
pub(super) fn follow(elf: &Elf<'_>, function: u64) -> Option<Flow> {
    follow_in(&|address| elf.bytes(address, PIECE, true), function)
}

pub(super) fn follow_in(code: &dyn Fn(u64) -> Option<Vec<u8>>, function: u64) -> Option<Flow> {
    let mut flow = Flow { entry: function, ..Flow::default() };
    let mut open = vec![function];
    while let Some(start) = open.pop() {
        if flow.instructions.contains_key(&start) {
            continue;
        }
        let bytes = code(start)?;
        let mut decoder = Decoder::with_ip(64, &bytes, start, DecoderOptions::NONE);
        loop {
            let address = decoder.ip();
            if flow.instructions.contains_key(&address) {
                break;
            }
            let instruction = decoder.decode();
            if instruction.is_invalid() {
                // Cut off by the end of what was read: it goes on there.
                if address == start {
                    return None;
                }
                open.push(address);
                break;
            }
            flow.instructions.insert(address, instruction);
            if flow.instructions.len() > MAX_INSTRUCTIONS {
                return None;
            }
            let is_direct = is_direct(&instruction);
            let target = instruction.near_branch_target();
            match instruction.mnemonic() {
                Mnemonic::Call if is_direct => _ = flow.calls.insert(target),
                Mnemonic::Jmp if !is_direct => return None,
                Mnemonic::Retf | Mnemonic::Iretq => return None,
                Mnemonic::Ret => _ = flow.returns.insert(address),
                _ if is_direct => open.push(target),
                _ => {}
            }
            if is_end(&instruction) {
                break;
            }
        }
    }
    (!flow.returns.is_empty() && flow.returns.len() <= MAX_RETURNS).then_some(flow)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `code` at address 0x1000.
    fn at(code: &[u8]) -> Option<Flow> {
        let bytes = |address: u64| Some(code.get(usize::try_from(address.checked_sub(0x1000)?).ok()?..)?.to_vec());
        follow_in(&bytes, 0x1000)
    }

    #[test]
    fn every_way_is_followed() {
        // push rsi; call +0x100; test rax, rax; je +2; pop rcx; ret; xor eax, eax; ret
        let code = [0x56, 0xe8, 0, 1, 0, 0, 0x48, 0x85, 0xc0, 0x74, 2, 0x59, 0xc3, 0x31, 0xc0, 0xc3];
        let flow = at(&code).unwrap();
        assert_eq!(flow.returns.into_iter().collect::<Vec<_>>(), [0x100c, 0x100f]);
        assert_eq!(flow.calls.into_iter().collect::<Vec<_>>(), [0x1106]);
        // jmp +1; (int3); ret
        assert_eq!(at(&[0xeb, 1, 0xcc, 0xc3]).unwrap().returns.into_iter().collect::<Vec<_>>(), [0x1003]);
        // jmp to itself never returns.
        assert_eq!(at(&[0xeb, 0xfe]), None);
    }

    #[test]
    fn what_cannot_be_followed_is_left_alone() {
        // jmp rax; nothing; a branch to nowhere.
        for code in [&[0xff, 0xe0][..], &[], &[0xe9, 0, 0, 0, 0x70]] {
            assert_eq!(at(code), None, "{code:x?}");
        }
        assert_eq!(at(&[0x90; 5000]), None);
    }

    proptest::proptest! {
        #[test]
        fn no_code_is_a_panic(code: Vec<u8>) {
            let _ = at(&code);
        }
    }
}
