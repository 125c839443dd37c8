//! Where the result of a function can be seen for little. A probe at a return makes the kernel execute the `ret` out of line, with a
//! single step. Jumps and calls it carries out itself (arch/x86/kernel/uprobes.c, `branch_setup_xol_ops`), and before one of them the
//! result often stands in a register already.
//!
//! The result is followed back from each return, through the registers that it stood in, along every way. The places that are
//! chosen lie on all of them, except on those where the result is nothing; a return is chosen where there is no other place.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use iced_x86::{Code, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register};

use super::flow::Flow;

/// Registers that outlive calls (System V ABI, x86-64), and that of the result.
const REGISTERS: [Register; 7] =
    [Register::RAX, Register::RBX, Register::RBP, Register::R12, Register::R13, Register::R14, Register::R15];
/// Most places that are weighed, besides returns.
const MAX_PLACES: usize = 64;
/// Most steps back, for one choice of places.
const MAX_STEPS: usize = 4096;

/// Address of an instruction, and the register in which the result stands before it.
pub(super) type Place = (u64, Register);

/// The places at which the result of a function is seen, whenever it is not 0; there it may be 0 as well. None can be left out.
pub(super) fn places(flow: &Flow) -> BTreeSet<Place> {
    let ways = Ways::of(flow);
    let returns: Vec<Place> = flow.returns.iter().map(|address| (*address, Register::RAX)).collect();
    let mut cheap = Vec::new();
    ways.are_seen(&returns, &BTreeSet::new(), &mut |place| {
        if cheap.len() < MAX_PLACES {
            cheap.push(place);
        }
    });
    let mut chosen: BTreeSet<Place> = returns.iter().chain(&cheap).copied().collect();
    // The dear ones first, then those that are far from the end: near it, ways have come together.
    for place in returns.iter().chain(cheap.iter().rev()) {
        chosen.remove(place);
        if !ways.are_seen(&returns, &chosen, &mut |_| {}) {
            chosen.insert(*place);
        }
    }
    chosen
}

/// The ways through a function, backwards.
struct Ways<'a> {
    flow: &'a Flow,
    before: BTreeMap<u64, Vec<&'a Instruction>>,
}

impl<'a> Ways<'a> {
    fn of(flow: &'a Flow) -> Self {
        let mut before: BTreeMap<u64, Vec<&Instruction>> = BTreeMap::new();
        for (instruction, next) in flow.steps() {
            before.entry(next).or_default().push(instruction);
        }
        Self { flow, before }
    }

    /// Whether the result passes a chosen place on each way to these returns. Tells all other places that are cheap, the
    /// nearest first.
    fn are_seen(&self, returns: &[Place], chosen: &BTreeSet<Place>, cheap: &mut dyn FnMut(Place)) -> bool {
        let mut infos = InstructionInfoFactory::new();
        let mut met: BTreeSet<Place> = returns.iter().copied().collect();
        let mut open: VecDeque<Place> = returns.iter().copied().collect();
        let mut are_seen = true;
        while let Some(place) = open.pop_front() {
            if chosen.contains(&place) {
                continue;
            }
            let (address, register) = place;
            if REGISTERS.contains(&register) && self.flow.instruction(address).is_some_and(is_emulated) {
                cheap(place);
            }
            let before = self.before.get(&address).map_or(&[][..], Vec::as_slice);
            // What stands there at the entry is not known.
            are_seen &= address != self.flow.entry && !before.is_empty();
            for instruction in before {
                match origin(&mut infos, instruction, register) {
                    Origin::Register(register) => {
                        let place = (instruction.ip(), register);
                        if met.insert(place) {
                            open.push_back(place);
                        }
                    }
                    Origin::Nothing => {}
                    Origin::Other => are_seen = false,
                }
            }
            if met.len() > MAX_STEPS {
                return false;
            }
        }
        are_seen
    }
}

/// Where a value was before an instruction.
enum Origin {
    Register(Register),
    /// It is 0.
    Nothing,
    /// In memory, or nowhere.
    Other,
}

fn origin(infos: &mut InstructionInfoFactory, instruction: &Instruction, register: Register) -> Origin {
    if matches!(instruction.mnemonic(), Mnemonic::Call) {
        let stays = register != Register::RAX && REGISTERS.contains(&register);
        return if stays { Origin::Register(register) } else { Origin::Other };
    }
    let is_written = infos.info(instruction).used_registers().iter().any(|used| {
        used.register().full_register() == register && !matches!(used.access(), OpAccess::Read | OpAccess::CondRead)
    });
    if !is_written {
        return Origin::Register(register);
    }
    let is_same = instruction.op_count() == 2
        && instruction.op1_kind() == OpKind::Register
        && instruction.op0_register() == instruction.op1_register();
    match instruction.code() {
        Code::Mov_r64_rm64 | Code::Mov_rm64_r64 if instruction.op1_kind() == OpKind::Register => {
            Origin::Register(instruction.op1_register())
        }
        Code::Xor_r32_rm32 | Code::Xor_rm32_r32 | Code::Xor_r64_rm64 | Code::Xor_rm64_r64 if is_same => Origin::Nothing,
        _ => Origin::Other,
    }
}

/// Whether the kernel carries the instruction out itself. One with a prefix it does not.
fn is_emulated(instruction: &Instruction) -> bool {
    match instruction.len() {
        2 => instruction.is_jcc_short() || instruction.is_jmp_short(),
        5 => instruction.code() == Code::Call_rel32_64 || instruction.is_jmp_near(),
        6 => instruction.is_jcc_near(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::flow::follow_in;
    use super::*;

    /// `context_new_from_vars` of Debian's 3.11: the context is made by a function of its own.
    const DEBIAN_COPY: &str = "\
        554889fd5351e855feffff4889c34885c0741148834500014889c748896818e87c7fe6ff4889d85a5b5dc3";
    /// `context_new_empty` of Debian's 3.11.
    const DEBIAN_EMPTY: &str = "\
        53e83a0000004885c0742c4889c3e89d000000488943184885c0740d4889dfe85c81e6ff4889d85bc348832b0175084889df\
        e8a9d1e6ff31dbebe9";
    /// `PyContext_CopyCurrent` of a 3.8 built with gcc as a library: made there, or taken from the list of free ones.
    const GCC_COPY: &str = "\
        415455488b2d5e14190053488b9d58050000488b83f00000004885c00f84de0000004c8b60188b0594901e0085c00f849c00\
        0000488b1d8d901e0083e80189057c901e00488b432048c743200000000048890571901e00488b05120f19008b400485c00f\
        858700000048c70301000000488b95b8010000488b43f8488d4bf048c7431000000000c7432800000000488b720883e00366\
        480f6ec248c743200000000049830424014809f04c89631866480f6ec848890e660f6cc10f1143f048894a084889d85b5d41\
        5cc3660f1f440000488b3dc9101900e884d5edff4889c34885c0758c31dbebda0f1f8400000000004889dfe828ededffe96c\
        ffffff0f1f00e85beeffff4885c074da488983f0000000e90cffffff";
    /// `PyContext_Copy` of a 3.12 built with clang.
    const CLANG_COPY: &str = "\
        4157415653488b4708483b05708d1d01741e488b051f911d01488b38488d35654dad00e8580de9ff31c05b415e415fc34c8b\
        7f1866488d3d84921d01666648e8dc2de9ff4889c3488b00488b40108b88f02b040085c9742fffc98988f02b04004c8bb0e8\
        2b0400498b4e20488988e82b040049c74620000000004c89f7e85e0ae9ff4c89f0eb11488b3df28c1d01e8fd23e9ff4885c0\
        74900f57c00f11401c0f114010418b0fffc1740341890f4c897818488d48f0488b13488b5210488b92d0000000488b720848\
        890e488b78f883e7034809f7488978f8488950f048894a085b415e415fc3";

    /// Where the result of `code` at address 0x1000 is seen: how far into it, and where it stands.
    fn at(code: &[u8]) -> Vec<Place> {
        let bytes = |address: u64| Some(code.get(usize::try_from(address.checked_sub(0x1000)?).ok()?..)?.to_vec());
        let flow = follow_in(&bytes, 0x1000);
        flow.map_or_else(Vec::new, |flow| {
            places(&flow).into_iter().map(|(at, register)| (at - 0x1000, register)).collect()
        })
    }

    fn bytes(hex: &str) -> Vec<u8> {
        let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    }

    #[test]
    fn real_functions_are_seen_before_jumps_and_calls() {
        // The `je` after the allocation; the call before the one return that has a result.
        assert_eq!(at(&bytes(DEBIAN_COPY)), [(0x11, Register::RBX)]);
        assert_eq!(at(&bytes(DEBIAN_EMPTY)), [(0x1f, Register::RBX)]);
        // One of the list of free ones, one that was allocated.
        assert_eq!(at(&bytes(GCC_COPY)), [(0x63, Register::RBX), (0xe2, Register::RBX)]);
        // Where both ways have come together.
        assert_eq!(at(&bytes(CLANG_COPY)), [(0xa8, Register::RAX)]);
    }

    #[test]
    fn the_return_is_left_where_nothing_else_is() {
        // push rcx; call; pop rcx; ret
        assert_eq!(at(&[0x51, 0xe8, 0, 1, 0, 0, 0x59, 0xc3]), [(7, Register::RAX)]);
        // push rbx; call; mov rbx, rax; call; mov rax, rbx; pop rbx; ret
        let mut code = vec![0x53, 0xe8, 0, 1, 0, 0, 0x48, 0x89, 0xc3, 0xe8, 0, 1, 0, 0, 0x48, 0x89, 0xd8, 0x5b, 0xc3];
        assert_eq!(at(&code), [(9, Register::RBX)]);
        // The same with a prefix before the second call, which the kernel does not carry out then.
        code.insert(9, 0xf2);
        assert_eq!(at(&code), [(19, Register::RAX)]);
        // test rdi, rdi; je +6; call; ret; xor eax, eax; ret: one is always nothing.
        let code = [0x48, 0x85, 0xff, 0x74, 6, 0xe8, 0, 1, 0, 0, 0xc3, 0x31, 0xc0, 0xc3];
        assert_eq!(at(&code), [(10, Register::RAX)]);
        // jmp to a return: what was there at the entry is seen by the jump, but one may also come from elsewhere.
        assert_eq!(at(&[0x85, 0xff, 0x74, 2, 0xeb, 3, 0x48, 0x89, 0xf0, 0xc3]), [(9, Register::RAX)]);
    }

    proptest::proptest! {
        #[test]
        fn no_code_is_a_panic(code: Vec<u8>) {
            let _ = at(&code);
        }
    }
}
