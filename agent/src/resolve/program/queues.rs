//! CPython's `queue.SimpleQueue`, by which `concurrent.futures` hands tasks to threads (Modules/_queuemodule.c, a library of its own): where
//! something is put into one, and where it was taken out.

use iced_x86::Register;

use super::super::elf::Elf;
use super::super::files::Root;
use super::super::flow::follow;
use super::super::result::places;
use super::Cache;
use super::probed::mapped;
use crate::process::Site;

/// The kernel program that runs where something is put (`ebpf/src/context/cpython/queues.rs`).
const PUT: &str = "python_queue_put";
/// The kernel programs for what was taken, by the register in which they see it.
const TAKEN: [(Register, &str); 7] = [
    (Register::RAX, "python_queue_taken_rax"),
    (Register::RBX, "python_queue_taken_rbx"),
    (Register::RBP, "python_queue_taken_rbp"),
    (Register::R12, "python_queue_taken_r12"),
    (Register::R13, "python_queue_taken_r13"),
    (Register::R14, "python_queue_taken_r14"),
    (Register::R15, "python_queue_taken_r15"),
];
/// The methods, in the order of their table. The last one's name is in no other.
const METHODS: [&[u8]; 4] = [b"get\0", b"get_nowait\0", b"put\0", b"put_nowait\0"];
/// Words of an entry: name, function, flags, documentation (Include/methodobject.h, `PyMethodDef`).
const WORDS: usize = 4;

/// What is known of libraries.
pub(super) type Libraries = Cache<Option<Vec<Site>>>;

/// The places in the library that a process has mapped.
pub(super) fn find(maps: &str, root: &Root, known: &mut Libraries) -> Option<Vec<Site>> {
    known.in_file(root.hold(library(maps)?)?, |file| {
        found(&file.elf)?.into_iter().map(|(program, address)| file.site(program, address)).collect()
    })
}

/// Kernel programs, and the addresses at which they run.
fn found(elf: &Elf<'_>) -> Option<Vec<(&'static str, u64)>> {
    let [get, get_now, put, put_now] = methods(elf)?;
    let mut found = vec![(PUT, put), (PUT, put_now)];
    for function in [get, get_now] {
        for (address, register) in places(&follow(elf, function)?) {
            found.push((TAKEN.into_iter().find(|(known, _)| *known == register)?.1, address));
        }
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}

/// The functions of the methods.
fn methods(elf: &Elf<'_>) -> Option<[u64; 4]> {
    elf.pointers_to(METHODS[3])?.into_iter().find_map(|last| table(elf, last))
}

/// The same, of the table in which the entry of the last one stands there.
fn table(elf: &Elf<'_>, last: u64) -> Option<[u64; 4]> {
    let entry = (WORDS * size_of::<u64>()) as u64;
    let words = elf.words(last.checked_sub(3 * entry)?, METHODS.len() * WORDS)?;
    let (entries, _) = words.as_chunks::<WORDS>();
    let mut functions = [0; METHODS.len()];
    for ((function, wanted), [name, found, ..]) in functions.iter_mut().zip(METHODS).zip(entries) {
        if elf.bytes(*name, wanted.len() as u64, false)? != wanted {
            return None;
        }
        *function = *found;
    }
    (entries.len() == METHODS.len()).then_some(functions)
}

/// Its path among the mappings of a process.
fn library(maps: &str) -> Option<&str> {
    mapped(maps, |path| {
        path.rsplit_once("/_queue.").is_some_and(|(_, name)| name.starts_with("cpython-3") && name.ends_with(".so"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_found_among_mappings() {
        let maps = "7f01-7f02 r-xp 00001000 08:01 124    /usr/lib/python3.12/lib-dynload/_queue.cpython-312-x86_64-linux-gnu.so\n";
        assert_eq!(library(maps), Some("/usr/lib/python3.12/lib-dynload/_queue.cpython-312-x86_64-linux-gnu.so"));
        assert_eq!(library("7f01-7f02 r-xp 00001000 08:01 124    /app/_queue.so\n"), None);
    }
}
