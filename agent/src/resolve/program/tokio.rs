//! Where in a Rust program tokio keeps the number of the task that a thread runs, and its functions that wake and start tasks. Their
//! names stand among the symbols, which cargo leaves in a release unless it is told otherwise; a stripped program has no contexts.
//!
//! The number is a member of a thread's variable (tokio/src/runtime/context.rs, `CONTEXT`) whose order the compiler chooses. A function
//! replaces it: `set_current_task_id`. It reads a word and writes it at once, which nothing else in it does. Where that is part of
//! others (link-time optimization), those are the functions that poll a task: all of them read and write that word, and no other one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use iced_x86::{Code, Decoder, DecoderOptions, Instruction, OpKind, Register};
use object::elf::{EM_X86_64, STT_FUNC, STT_TLS};

use super::elf::{Elf, Symbol};
use wirespan_common::context::{RUNTIME_TOKIO, Runtime, TOKIO_CURRENT};

/// The variable, as both ways to write names of Rust have it (rustc's `legacy` and `v0`).
const CONTEXT: &str = "5tokio7runtime7context7CONTEXT";
/// The function that replaces the number.
const REPLACES: &str = "5tokio7runtime7context19set_current_task_id";
/// Those that poll a task.
const POLLS: &str = "5tokio7runtime4task3raw4poll";
/// Kernel programs, and before which function each runs. Of the last two either may be missing.
const PROBED: [(&str, &str); 4] = [
    ("tokio_wake", "5tokio7runtime4task5waker11wake_by_val"),
    ("tokio_wake", "5tokio7runtime4task5waker11wake_by_ref"),
    ("tokio_start", "34schedule_option_task_without_yield"),
    ("tokio_start", "5tokio7runtime8blocking4pool7Spawner10spawn_task"),
];
/// Most bytes of the function that are looked at, and of one that polls.
const MAX_CODE: u64 = 256;
const MAX_POLL: u64 = 16 * 1024;
/// Most functions that poll of which that is asked, and fewest of whom it counts.
const MAX_POLLS: usize = 64;
const MIN_POLLS: usize = 2;
/// Largest variable that is believed, bytes.
const MAX_CONTEXT: u64 = 4096;

/// Where it all lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokioProgram {
    /// The number, bytes from the thread pointer.
    current: i64,
    /// Where it is to be probed in its file, and which kernel program runs there.
    pub(super) probed: Vec<(&'static str, u64)>,
}

impl TokioProgram {
    /// How contexts are found in its processes.
    pub(super) fn contexts(&self) -> Runtime {
        let mut runtime = Runtime { kind: RUNTIME_TOKIO, ..Runtime::default() };
        runtime.addresses[TOKIO_CURRENT] = self.current.cast_unsigned();
        // Not 0: it is not just starting.
        runtime.places[0] = 1;
        runtime
    }
}

/// What is known of a program, if it has tasks of tokio and says where they are.
pub(super) fn program(file: &File) -> Option<TokioProgram> {
    let elf = Elf::read(file)?;
    if elf.machine() != EM_X86_64 {
        return None;
    }
    // Some versions keep a second variable beside it.
    let context = elf.symbols(CONTEXT, STT_TLS).into_iter().max_by_key(|symbol| symbol.size)?;
    let variable = Variable::of(&elf, context)?;
    let code = |function: &Symbol, most: u64| elf.code_from(function.address, function.size.min(most));
    let replaced = elf.functions(REPLACES).iter().find_map(|one| variable.replaced(&code(one, MAX_CODE)?));
    let polls = || {
        let polls = elf.symbols(POLLS, STT_FUNC);
        let polls = polls.iter().take(MAX_POLLS).filter_map(|one| code(one, MAX_POLL));
        variable.moved_by_all(polls)
    };
    let current = replaced.or_else(polls)?;
    let place = |symbol: &Symbol| elf.code(symbol.address);
    let probed = PROBED.iter().flat_map(|(program, name)| {
        let functions = elf.functions(name);
        functions.iter().filter_map(place).map(|at| (*program, at)).collect::<Vec<_>>()
    });
    Some(TokioProgram { current, probed: probed.collect() })
}

/// The variable of a thread: where it begins, bytes from the thread pointer, and how long it is.
#[derive(Clone, Copy, Debug)]
struct Variable {
    begins: i64,
    length: i64,
}

impl Variable {
    fn of(elf: &Elf<'_>, symbol: Symbol) -> Option<Self> {
        let length = symbol.size.min(MAX_CONTEXT);
        Some(Self { begins: elf.of_thread(symbol.address, length)?, length: length.cast_signed() })
    }

    /// Whether a word lies in it.
    fn holds(self, place: i64) -> bool {
        place.checked_sub(self.begins).is_some_and(|at| (0..=self.length - 8).contains(&at))
    }

    /// Where the word lies that this code of x86-64 reads and then writes, bytes from the thread pointer; `None`: none, or more than one.
    fn replaced(self, code: &[u8]) -> Option<i64> {
        let (mut read, mut found) = (None, None);
        for instruction in &mut Decoder::new(64, code, DecoderOptions::NONE) {
            let written = memory(&instruction, OpKind::Memory).filter(|written| read == Some(*written));
            if let Some(Memory { displacement, .. }) = written {
                // From the thread pointer, or from where the variable begins.
                let places = [Some(displacement), self.begins.checked_add(displacement)];
                let place = places.into_iter().flatten().find(|place| self.holds(*place))?;
                if found.is_some_and(|found| found != place) {
                    return None;
                }
                found = Some(place);
            }
            read = memory(&instruction, OpKind::Register);
        }
        found
    }

    /// The same of the word that each of these functions reads and writes, if it knows of the variable at all.
    fn moved_by_all(self, functions: impl Iterator<Item = Vec<u8>>) -> Option<i64> {
        let (mut moved_by, mut count) = (BTreeMap::<i64, usize>::new(), 0);
        for code in functions {
            let (mut read, mut written) = (BTreeSet::new(), BTreeSet::new());
            for instruction in &mut Decoder::new(64, &code, DecoderOptions::NONE) {
                for (kind, places) in [(OpKind::Register, &mut read), (OpKind::Memory, &mut written)] {
                    let place = memory(&instruction, kind).map(|memory| memory.displacement);
                    places.extend(place.filter(|place| self.holds(*place)));
                }
            }
            count += usize::from(!read.is_empty() || !written.is_empty());
            read.intersection(&written).for_each(|place| *moved_by.entry(*place).or_default() += 1);
        }
        let mut all = moved_by.into_iter().filter(|(_, by)| *by == count && count >= MIN_POLLS);
        all.next().filter(|_| all.next().is_none()).map(|(place, _)| place)
    }
}

/// What an instruction names in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Memory {
    segment: Register,
    base: Register,
    displacement: i64,
}

/// What a move of eight bytes names in memory: one into a register, or one out of a register into memory, by the `kind` of where to.
fn memory(instruction: &Instruction, kind: OpKind) -> Option<Memory> {
    let is_move = matches!(instruction.code(), Code::Mov_r64_rm64 | Code::Mov_rm64_r64)
        && instruction.op0_kind() == kind
        && (instruction.op0_kind() == OpKind::Memory) != (instruction.op1_kind() == OpKind::Memory);
    (is_move && instruction.memory_index() == Register::None).then(|| Memory {
        segment: instruction.memory_segment(),
        base: instruction.memory_base(),
        displacement: instruction.memory_displacement64().cast_signed(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `set_current_task_id` of tokio 1.54, of a movable program: the variable begins 0x1c0 bytes before the thread pointer.
    const MOVABLE: &str = "480fb64848 83f901 7424 83f902 7505 31c9 eb21 488d3560b5ffff 4889c7 4989c6 ff1554730a00 4c89f0 41c6464801 \
        488b4830 48895830 4889c8 4883c408 5b 415e c3";

    fn bytes(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    const CONTEXT: Variable = Variable { begins: -0x1c0, length: 80 };

    #[test]
    fn what_is_replaced_is_found_by_a_register_and_by_the_segment() {
        let replaced = |code| CONTEXT.replaced(&bytes(code));
        assert_eq!(replaced(MOVABLE), Some(-0x1c0 + 0x30));
        // mov %fs:-0x190,%rax; mov %rdi,%fs:-0x190
        assert_eq!(replaced("64488b042570feffff 6448893c2570feffff c3"), Some(-0x190));
        // mov -0x190(%rax),%rcx; mov %rdi,-0x190(%rax)
        assert_eq!(replaced("488b8870feffff 4889b870feffff c3"), Some(-0x190));
    }

    #[test]
    fn what_is_not_certain_is_not_found() {
        for (code, why) in [
            ("488b4830 48895838", "another word is written"),
            ("488b4830 48895930", "of another register"),
            ("488b4870 48895870", "outside of the variable"),
            ("488b4830 48895830 488b4838 48895838", "two words are"),
            ("488b4830", "it ends"),
            ("", "nothing"),
        ] {
            assert_eq!(CONTEXT.replaced(&bytes(code)), None, "{why}");
        }
        let code = bytes(MOVABLE);
        (0..code.len()).for_each(|at| _ = CONTEXT.replaced(&code[..at]));
    }

    #[test]
    fn what_all_that_poll_move_is_found() {
        // mov %fs:PLACE,%rax; xor %ecx,%ecx; mov %rdi,%fs:PLACE
        let moves = |place: i32| {
            let place: String = place.to_le_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            bytes(&format!("64488b0425{place} 31c9 6448893c25{place}"))
        };
        let of = |functions: &[&[i32]]| {
            let code = |places: &&[i32]| places.iter().flat_map(|place| moves(*place)).collect();
            CONTEXT.moved_by_all(functions.iter().map(code))
        };
        assert_eq!(of(&[&[-0x190], &[-0x190, -0x1a8], &[-0x100], &[-0x190]]), Some(-0x190));
        assert_eq!(of(&[&[-0x190], &[-0x1a8]]), None, "not all");
        assert_eq!(of(&[&[-0x190, -0x1a8], &[-0x190, -0x1a8]]), None, "two");
        assert_eq!(of(&[&[-0x190]]), None, "one is not enough");
        assert_eq!(of(&[]), None);
    }
}
