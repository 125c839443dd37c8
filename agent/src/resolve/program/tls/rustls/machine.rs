//! What code does with registers and its stack, in terms of what they held where one began to look: enough of it to say what a function
//! is called with. Whatever is not understood is something that nothing else equals.

use std::collections::BTreeMap;

use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register,
};

/// Most instructions that are followed, along all ways.
const MAX_INSTRUCTIONS: usize = 256;
/// Most ways that wait to be followed.
const MAX_WAYS: usize = 16;
/// Bytes that are read at once.
const PIECE: u64 = 192;
/// Bytes of a word.
const WORD: i64 = 8;

/// Code of a program: what is linked to an address, at most so many bytes.
pub(super) type Code<'a> = dyn Fn(u64, u64) -> Option<Vec<u8>> + 'a;

/// What a register or a word of the stack holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// What a register held at the beginning, and so much more.
    Register(Register, i64),
    /// The word that stands so far from there.
    Memory(Register, i64),
    Number(u64),
    /// What the instruction at this address has made, in this register or memory.
    Other(u64, Register),
}

impl Value {
    fn plus(self, more: i64) -> Option<Self> {
        match self {
            Self::Register(register, by) => Some(Self::Register(register, by.wrapping_add(more))),
            Self::Number(number) => Some(Self::Number(number.wrapping_add_signed(more))),
            Self::Memory(..) | Self::Other(..) => None,
        }
    }
}

/// Registers and stack.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    registers: BTreeMap<Register, Value>,
    /// Words that were written, by where they stand.
    written: BTreeMap<(Register, i64), Value>,
}

impl Machine {
    /// As everything is at the beginning.
    pub(super) fn new() -> Self {
        Self { registers: BTreeMap::new(), written: BTreeMap::new() }
    }

    /// What a 64-bit register holds.
    pub(super) fn register(&self, register: Register) -> Value {
        self.registers.get(&register).copied().unwrap_or(Value::Register(register, 0))
    }

    /// A word of the stack, from its top.
    pub(super) fn on_stack(&self, words: i64) -> Option<Value> {
        self.read(self.register(Register::RSP).plus(words * WORD)?)
    }

    /// What something is here that another machine says in terms of its beginning, if that begins where this one has come to.
    pub(super) fn here(&self, value: Value) -> Option<Value> {
        match value {
            Value::Register(register, 0) => Some(self.register(register)),
            Value::Register(register, by) => self.register(register).plus(by),
            Value::Memory(register, by) => self.read(self.register(register).plus(by)?),
            Value::Number(_) => Some(value),
            Value::Other(..) => None,
        }
    }

    fn read(&self, at: Value) -> Option<Value> {
        let Value::Register(base, by) = at else { return None };
        let near = self.written.range((base, by.saturating_sub(WORD - 1))..=(base, by.saturating_add(WORD - 1)));
        match near.map(|(place, value)| (place.1, *value)).collect::<Vec<_>>()[..] {
            [] => Some(Value::Memory(base, by)),
            [(place, value)] if place == by => Some(value),
            _ => None,
        }
    }

    /// A word is written, or so many bytes of which nothing is known.
    fn write(&mut self, at: Option<Value>, (size, value): (i64, Value)) {
        let Some(Value::Register(base, by)) = at else { return };
        let range = (base, by.saturating_sub(WORD - 1))..=(base, by.saturating_add(size - 1));
        let over: Vec<i64> = self.written.range(range).map(|(place, _)| place.1).collect();
        over.into_iter().for_each(|place| _ = self.written.remove(&(base, place)));
        for word in 0..(size + WORD - 1) / WORD {
            self.written.insert((base, by.saturating_add(word * WORD)), value);
        }
    }

    /// Where an operand in memory lies.
    fn address(&self, instruction: &Instruction) -> Option<Value> {
        if instruction.memory_index() != Register::None || instruction.has_segment_prefix() {
            return None;
        }
        let by = instruction.memory_displacement64();
        match instruction.memory_base() {
            // Counted from the instruction already.
            Register::RIP | Register::None => Some(Value::Number(by)),
            base => self.register(base).plus(by.cast_signed()),
        }
    }

    /// What a whole word among the operands is.
    fn operand(&self, instruction: &Instruction, at: u32) -> Option<Value> {
        match instruction.op_kind(at) {
            OpKind::Register if instruction.op_register(at).is_gpr64() => {
                Some(self.register(instruction.op_register(at)))
            }
            OpKind::Memory if instruction.memory_size().size() == WORD as usize => {
                self.read(self.address(instruction)?)
            }
            OpKind::Register | OpKind::Memory | OpKind::NearBranch64 => None,
            _ => instruction.try_immediate(at).ok().map(Value::Number),
        }
    }

    /// Carries out an instruction that goes on with the next.
    pub(super) fn step(&mut self, instruction: &Instruction, infos: &mut InstructionInfoFactory) {
        let made = match instruction.mnemonic() {
            Mnemonic::Mov => self.operand(instruction, 1),
            Mnemonic::Lea => self.address(instruction),
            Mnemonic::Xor
                if instruction.op0_kind() == OpKind::Register && instruction.op1_kind() == OpKind::Register =>
            {
                (instruction.op0_register() == instruction.op1_register()).then_some(Value::Number(0))
            }
            Mnemonic::Add | Mnemonic::Sub => self.sum(instruction),
            Mnemonic::Push => {
                return self.push(self.operand(instruction, 0).unwrap_or(other(instruction, Register::RSP)));
            }
            Mnemonic::Pop => self.on_stack(0),
            _ => None,
        };
        if instruction.mnemonic() == Mnemonic::Pop {
            self.move_stack(1);
        } else {
            self.forget(instruction, infos);
        }
        let to = instruction.op0_register();
        match (made, instruction.op0_kind()) {
            (Some(value), OpKind::Register) if to.is_gpr64() => _ = self.registers.insert(to, value),
            (Some(Value::Number(number)), OpKind::Register) if to.is_gpr32() => {
                self.registers.insert(to.full_register(), Value::Number(number & 0xffff_ffff));
            }
            (Some(value), OpKind::Memory) if instruction.memory_size().size() == WORD as usize => {
                self.write(self.address(instruction), (WORD, value));
            }
            (None, OpKind::Register) if instruction.mnemonic() == Mnemonic::Pop => {
                self.registers.insert(to.full_register(), other(instruction, to.full_register()));
            }
            _ => {}
        }
    }

    fn sum(&self, instruction: &Instruction) -> Option<Value> {
        let more = instruction.try_immediate(1).ok()?.cast_signed();
        let more = if instruction.mnemonic() == Mnemonic::Sub { more.wrapping_neg() } else { more };
        self.operand(instruction, 0)?.plus(more)
    }

    fn push(&mut self, value: Value) {
        self.move_stack(-1);
        self.write(Some(self.register(Register::RSP)), (WORD, value));
    }

    fn move_stack(&mut self, words: i64) {
        if let Some(top) = self.register(Register::RSP).plus(words * WORD) {
            self.registers.insert(Register::RSP, top);
        }
    }

    /// What an instruction writes is not known any more.
    fn forget(&mut self, instruction: &Instruction, infos: &mut InstructionInfoFactory) {
        let is_written =
            |access| !matches!(access, OpAccess::Read | OpAccess::CondRead | OpAccess::NoMemAccess | OpAccess::None);
        let info = infos.info(instruction);
        let writes_memory = info.used_memory().iter().any(|used| is_written(used.access()));
        if writes_memory {
            let size = i64::try_from(instruction.memory_size().size()).unwrap_or(WORD).clamp(1, 64);
            self.write(self.address(instruction), (size, other(instruction, Register::None)));
        }
        for used in info.used_registers().iter().filter(|used| is_written(used.access())) {
            let register = used.register().full_register();
            // A call that comes back leaves the stack as it was.
            let is_call = instruction.mnemonic() == Mnemonic::Call;
            if register.is_gpr64() && !(is_call && register == Register::RSP) {
                self.registers.insert(register, other(instruction, register));
            }
        }
        if instruction.mnemonic() == Mnemonic::Call {
            for register in LOST {
                self.registers.insert(register, other(instruction, register));
            }
        }
    }
}

/// Registers that calls do not keep.
const LOST: [Register; 9] = [
    Register::RAX,
    Register::RCX,
    Register::RDX,
    Register::RSI,
    Register::RDI,
    Register::R8,
    Register::R9,
    Register::R10,
    Register::R11,
];

fn other(instruction: &Instruction, register: Register) -> Value {
    Value::Other(instruction.ip(), register)
}

/// Whether a function is called that is not known before: a method.
pub(super) fn calls_method(instruction: &Instruction) -> bool {
    instruction.mnemonic() == Mnemonic::Call
        && match instruction.op0_kind() {
            OpKind::Register => true,
            OpKind::Memory => instruction.memory_base() != Register::RIP,
            _ => false,
        }
}

/// Follows every way from an address to the first method that is called there: the first answer of `reached`, which gets the machine and the call.
/// Functions that are called meanwhile are followed, too.
pub(super) fn follow<T>(
    code: &Code<'_>,
    from: u64,
    machine: Machine,
    reached: &dyn Fn(&Machine, &Instruction) -> Option<T>,
) -> Option<T> {
    let mut infos = InstructionInfoFactory::new();
    let mut ways = vec![(from, machine)];
    let mut left = MAX_INSTRUCTIONS;
    while let Some((mut at, mut machine)) = ways.pop() {
        'way: while let Some(bytes) = code(at, PIECE) {
            let mut decoder = Decoder::with_ip(64, &bytes, at, DecoderOptions::NONE);
            loop {
                let instruction = decoder.decode();
                if instruction.is_invalid() {
                    // It may have been cut off: it is read again.
                    if instruction.ip() == at {
                        break 'way;
                    }
                    at = instruction.ip();
                    break;
                }
                left = left.checked_sub(1)?;
                let is_near = instruction.op0_kind() == OpKind::NearBranch64;
                match instruction.flow_control() {
                    FlowControl::Next => machine.step(&instruction, &mut infos),
                    FlowControl::ConditionalBranch if is_near && ways.len() < MAX_WAYS => {
                        ways.push((instruction.near_branch_target(), machine.clone()));
                    }
                    FlowControl::UnconditionalBranch if is_near => {
                        at = instruction.near_branch_target();
                        break;
                    }
                    FlowControl::Call if is_near => {
                        machine.push(Value::Number(instruction.next_ip()));
                        at = instruction.near_branch_target();
                        break;
                    }
                    FlowControl::IndirectCall if calls_method(&instruction) => match reached(&machine, &instruction) {
                        Some(answer) => return Some(answer),
                        None => break 'way,
                    },
                    FlowControl::Return => {
                        let Some(Value::Number(back)) = machine.on_stack(0) else { break 'way };
                        machine.move_stack(1);
                        at = back;
                        break;
                    }
                    _ => break 'way,
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the first method behind `code` is called with, as its first argument.
    fn first(code: &[u8]) -> Option<Value> {
        let at = |address: u64, _| Some(code.get(usize::try_from(address.checked_sub(0x1000)?).ok()?..)?.to_vec());
        follow(&at, 0x1000, Machine::new(), &|machine, _| Some(machine.register(Register::RDI)))
    }

    #[test]
    fn values_are_followed_through_registers_and_the_stack() {
        // mov rdi, rbx; call rax
        assert_eq!(first(&[0x48, 0x89, 0xdf, 0xff, 0xd0]), Some(Value::Register(Register::RBX, 0)));
        // mov [rsp + 8], r12; mov rdi, [rsp + 8]; call rax
        let stored = [0x4c, 0x89, 0x64, 0x24, 8, 0x48, 0x8b, 0x7c, 0x24, 8, 0xff, 0xd0];
        assert_eq!(first(&stored), Some(Value::Register(Register::R12, 0)));
        // sub rsp, 8; push 0x30; lea rdi, [rsp + 0x20]; call rax
        let moved = [0x48, 0x83, 0xec, 8, 0x6a, 0x30, 0x48, 0x8d, 0x7c, 0x24, 0x20, 0xff, 0xd0];
        assert_eq!(first(&moved), Some(Value::Register(Register::RSP, 0x10)));
        // push 0x20; pop rdi; call rax
        assert_eq!(first(&[0x6a, 0x20, 0x5f, 0xff, 0xd0]), Some(Value::Number(0x20)));
        // mov rdi, [rsp + 0x18]; call rax
        assert_eq!(first(&[0x48, 0x8b, 0x7c, 0x24, 0x18, 0xff, 0xd0]), Some(Value::Memory(Register::RSP, 0x18)));
    }

    #[test]
    fn functions_that_are_called_are_followed() {
        // lea rdi, [rsp + 8]; call +5; mov rdi, rax; call rdx; (function) mov rax, rdi; ret
        let code = [0x48, 0x8d, 0x7c, 0x24, 8, 0xe8, 5, 0, 0, 0, 0x48, 0x89, 0xc7, 0xff, 0xd2, 0x48, 0x89, 0xf8, 0xc3];
        assert_eq!(first(&code), Some(Value::Register(Register::RSP, 8)));
    }

    #[test]
    fn what_is_overwritten_is_not_known() {
        // mov [rsp + 8], r12; mov dword [rsp + 12], eax; mov rdi, [rsp + 8]; call rax
        let code = [0x4c, 0x89, 0x64, 0x24, 8, 0x89, 0x44, 0x24, 12, 0x48, 0x8b, 0x7c, 0x24, 8, 0xff, 0xd0];
        assert!(matches!(first(&code), Some(Value::Other(..))));
        // mov rdi, rbx; mov dil, 1; call rax
        assert!(matches!(first(&[0x48, 0x89, 0xdf, 0x40, 0xb7, 1, 0xff, 0xd0]), Some(Value::Other(..))));
        // and rsp, -32; lea rdi, [rsp]; call rax
        assert!(matches!(first(&[0x48, 0x83, 0xe4, 0xe0, 0x48, 0x8d, 0x3c, 0x24, 0xff, 0xd0]), Some(Value::Other(..))));
    }

    #[test]
    fn it_ends() {
        // jmp to itself; je to itself, for ever; call itself.
        for code in [&[0xeb, 0xfe][..], &[0x74, 0xfe, 0xeb, 0xfc], &[0xe8, 0xfb, 0xff, 0xff, 0xff], &[0x90; 4096]] {
            assert_eq!(first(code), None, "{code:x?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_code_is_a_panic(code: Vec<u8>) {
            let _ = first(&code);
        }
    }
}
