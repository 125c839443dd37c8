//! Where rustls can be probed, in programs with and without symbols, however they were optimized: found by what the code does there.
//!
//! - TLS 1.3 (rustls 0.22 and later): `derive_logged_secret` has made a secret, asks the log of keys whether it wants one with this label
//!   (`will_log`), and calls it (`log`) only then. Nobody keeps a log as a rule, so the place is the question's return. Where the secret is
//!   at that moment follows from the call that is not made: `log` would get it. The two calls prove each other: the same object, the same label,
//!   and 32 bytes of a random.
//! - TLS 1.2: `log` is called without a question, with the text `CLIENT_RANDOM`. The place is that call.
//!
//! Code of no program may be probed within an instruction: a place counts only if the instructions of its function, from the
//! beginning on, lead to it.

mod machine;

use iced_x86::{Instruction, InstructionInfoFactory, Register};
use memchr::memmem;
use object::elf::EM_X86_64;
use wirespan_common::kept::{Kept, Place, Words};
use wirespan_common::secret::{LABELS, MAX_LABEL};

use super::super::elf::{CHUNK, Elf, Part};
use super::super::frames;
use super::Spot;
use super::labels::{self, Strings};
use machine::{Machine, Value};

/// The kernel programs (`ebpf/src/secrets/rustls.rs`).
const BEHIND_QUESTION: &str = "tls_secret_rustls";
const AT_CALL: &str = "tls_secret_rustls_call";
/// Bytes of the random of a ClientHello.
const RANDOM: u64 = 32;
/// The label of TLS 1.2, the first of all.
const MASTER: &[u8] = b"CLIENT_RANDOM";
/// Most places where a text stands in a program: other texts may begin like it.
const MAX_TEXTS: usize = 64;
/// Most places in a program that are probed, of each kind: six labels and four calls, of two versions.
const MAX_SPOTS: usize = 16;
/// `test al, al`, which looks at the answer to a question.
const LOOKED_AT: &[u8] = &[0x84, 0xc0];
/// How far behind it `log` is called, bytes, and how a number of [`RANDOM`] is made for that: `mov $32, %r8d`, or `push $32` and `pop %r8`.
const FAR: usize = 256;
const MADE: [&[u8]; 2] = [&[0x41, 0xb8, 0x20, 0, 0, 0], &[0x6a, 0x20, 0x41, 0x58]];
/// Instructions before the question that prepare it.
const PREPARING: usize = 32;
/// Most bytes of code that are looked through.
const MAX_CODE: u64 = 512 << 20;

/// Whether its labels stand in a file: other texts follow them, while those of C end with a NUL.
pub(super) fn is_in(elf: &Elf<'_>) -> bool {
    /// It is in the table of labels, whatever of the library is used.
    const LABEL: &[u8] = b"CLIENT_HANDSHAKE_TRAFFIC_SECRET";
    elf.loaded(false).any(|part| {
        let ends =
            |at: &u64| elf.bytes(part.at.saturating_add(at + LABEL.len() as u64), 1).is_none_or(|end| end == [0]);
        elf.places(part, LABEL, MAX_TEXTS).iter().any(|at| !ends(at))
    })
}

/// All places, and what the library is called: by what of it is seen.
pub(super) fn spots(elf: &Elf<'_>) -> (&'static str, Vec<Spot>) {
    if elf.machine() != EM_X86_64 || !elf.is_little_endian() {
        return ("rustls", Vec::new());
    }
    let (questions, calls) = (behind_questions(elf), calls(elf));
    // Before rustls 0.22 secrets of TLS 1.3 were made only for logs; code that is not optimized hides where they are.
    let name = if questions.is_empty() && !calls.is_empty() { "rustls, of which TLS 1.2 alone" } else { "rustls" };
    (name, questions.into_iter().chain(calls).collect())
}

/// Where the log of keys was asked.
fn behind_questions(elf: &Elf<'_>) -> Vec<Spot> {
    let mut spots = Vec::new();
    for part in elf.loaded(true) {
        each_look(elf, part, &mut |address| {
            spots.extend(behind_question(elf, address));
            spots.len() < MAX_SPOTS
        });
    }
    spots
}

/// Tells where an answer is looked at behind which something is called with [`RANDOM`], while it is wanted.
fn each_look(elf: &Elf<'_>, part: Part, tell: &mut dyn FnMut(u64) -> bool) {
    let finder = memmem::Finder::new(LOOKED_AT);
    let made = MADE.map(memmem::Finder::new);
    let size = part.size.min(MAX_CODE);
    let mut done = 0;
    while done < size {
        let length = (CHUNK + FAR as u64).min(size - done);
        let Some(bytes) = part.at.checked_add(done).and_then(|at| elf.bytes(at, length)) else { return };
        for at in finder.find_iter(&bytes).take_while(|at| *at < CHUNK as usize) {
            let behind = bytes.get(at..bytes.len().min(at + FAR)).unwrap_or_default();
            let is_made = made.iter().any(|made| made.find(behind).is_some());
            if is_made && !tell(part.address.wrapping_add(done + at as u64)) {
                return;
            }
        }
        done += CHUNK;
    }
}

/// What `log` would be called with: the object, the label, the random, the secret.
struct Log {
    object: Value,
    label: [Value; 2],
    random: Value,
    secret: [Value; 2],
}

fn behind_question(elf: &Elf<'_>, looked_at: u64) -> Option<Spot> {
    let code = |address, most| elf.code_from(address, most);
    let log = machine::follow(&code, looked_at, Machine::new(), &|machine, _| log(machine))?;
    let before = frames::instructions_to(elf, looked_at)?;
    let known = |at, length| known(&elf.linked(at, length)?);
    let cookie = words(before.split_last()?.1, &log, &known)?.packed()?;
    Some(Spot { program: BEHIND_QUESTION, offset: elf.code(looked_at)?, cookie: Some(cookie) })
}

/// Where the kernel program finds what `log` would be called with, if the instructions before ask whether it should be.
fn words(before: &[Instruction], log: &Log, known: &dyn Fn(u64, u64) -> Option<u16>) -> Option<Words> {
    is_asked(before, log).then_some(())?;
    let label = match log.label {
        [Value::Number(at), Value::Number(length)] => [Place::Number(known(at, length.min(MAX_LABEL as u64))?); 2],
        [at, length] => [place(at)?, place(length)?],
    };
    let places = [label[0], label[1], place(log.random)?, place(log.secret[0])?, place(log.secret[1])?];
    let by_base = base(&[log.label[0], log.label[1], log.random, log.secret[0], log.secret[1]])?;
    Some(Words { places, by_base })
}

/// fn log(&self, label: &str, client_random: &[u8], secret: &[u8]): seven words, of which the last is on the stack.
fn log(machine: &Machine) -> Option<Log> {
    let [object, label, label_length, random, random_length, secret] =
        [Register::RDI, Register::RSI, Register::RDX, Register::RCX, Register::R8, Register::R9]
            .map(|register| machine.register(register));
    (random_length == Value::Number(RANDOM)).then_some(())?;
    Some(Log { object, label: [label, label_length], random, secret: [secret, machine.on_stack(0)?] })
}

/// Whether the last of these instructions asks the same object about the same label.
fn is_asked(before: &[Instruction], log: &Log) -> bool {
    let Some((_, before)) = before.split_last().filter(|(question, _)| machine::calls_method(question)) else {
        return false;
    };
    let machine = prepared(before);
    let asked = [Register::RDI, Register::RSI, Register::RDX].map(|register| machine.register(register));
    let called = [log.object, log.label[0], log.label[1]];
    asked.into_iter().zip(called).all(|(asked, called)| machine.here(called) == Some(asked))
}

/// Which label this is: none but those of TLS 1.3 that decrypt something.
fn known(text: &[u8]) -> Option<u16> {
    let is_it =
        |label: &[u8; MAX_LABEL]| label.strip_prefix(text).is_some_and(|rest| rest.iter().all(|byte| *byte == 0));
    let is_empty = text.is_empty();
    LABELS.iter().skip(1).position(is_it).filter(|_| !is_empty).and_then(|at| u16::try_from(at + 1).ok())
}

/// Where a word is, for the kernel program.
fn place(value: Value) -> Option<Place> {
    let words = |bytes: i64| (bytes % 8 == 0).then_some(bytes / 8).and_then(|words| i16::try_from(words).ok());
    match value {
        Value::Register(register, 0) if register != Register::RSP => Some(Place::Register(kept(register)?)),
        Value::Register(Register::RSP | Register::RBP, by) => Some(Place::Address(words(by)?)),
        Value::Memory(Register::RSP | Register::RBP, by) => Some(Place::Frame(words(by)?)),
        Value::Number(number) => Some(Place::Number(u16::try_from(number).ok()?)),
        Value::Register(..) | Value::Memory(..) | Value::Other(..) => None,
    }
}

fn kept(register: Register) -> Option<Kept> {
    match register {
        Register::R15 => Some(Kept::R15),
        Register::R14 => Some(Kept::R14),
        Register::R13 => Some(Kept::R13),
        Register::R12 => Some(Kept::R12),
        Register::RBP => Some(Kept::RBP),
        Register::RBX => Some(Kept::RBX),
        _ => None,
    }
}

/// Whether places in the frame are counted from the register of its base; `None` if some are, and others are not.
fn base(values: &[Value]) -> Option<bool> {
    let from = |register: Register| {
        values.iter().any(|value| match *value {
            Value::Register(own, by) => own == register && (by != 0 || own == Register::RSP),
            Value::Memory(own, _) => own == register,
            Value::Number(_) | Value::Other(..) => false,
        })
    };
    let (by_base, by_top) = (from(Register::RBP), from(Register::RSP));
    (!(by_base && by_top)).then_some(by_base)
}

/// Where the log of keys is called with the master secret of TLS 1.2.
fn calls(elf: &Elf<'_>) -> Vec<Spot> {
    let parts = elf.loaded(false).chain(elf.loaded(true));
    let texts: Strings = parts
        .flat_map(|part| {
            elf.places(part, MASTER, MAX_TEXTS).into_iter().map(move |at| (part.address.wrapping_add(at), 0))
        })
        .collect();
    let mut spots = Vec::new();
    for part in elf.loaded(true) {
        labels::each_load(elf, part, &texts, &mut |address, _| {
            if let Some(call) = call(elf, address) {
                spots.push(call);
            }
            spots.len() < MAX_SPOTS
        });
    }
    spots.sort_unstable_by_key(|spot| spot.offset);
    spots.dedup_by_key(|spot| spot.offset);
    spots
}

/// The call of the log behind the instruction that loads the address of its label.
fn call(elf: &Elf<'_>, load: u64) -> Option<Spot> {
    let before = frames::instructions_to(elf, load)?;
    let (_, before) = before.split_last()?;
    let machine = prepared(before);
    let code = |address, most| elf.code_from(address, most);
    let address = machine::follow(&code, load, machine, &|machine, call| {
        let Log { label: [label, length], .. } = log(machine)?;
        let is_label = matches!(label, Value::Number(_)) && length == Value::Number(MASTER.len() as u64);
        is_label.then_some(call.ip())
    })?;
    Some(Spot { program: AT_CALL, offset: elf.code(address)?, cookie: None })
}

/// A machine that the last of these instructions have prepared.
fn prepared(before: &[Instruction]) -> Machine {
    let mut infos = InstructionInfoFactory::new();
    let mut machine = Machine::new();
    before[before.len().saturating_sub(PREPARING)..].iter().for_each(|one| machine.step(one, &mut infos));
    machine
}

#[cfg(test)]
mod tests;
