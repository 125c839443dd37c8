//! CPython: which version it is, and where it makes contexts. Both stand in what the interpreter exports, which is the same
//! in all builds.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::elf::Elf;
use super::super::files::Root;
use super::super::flow::follow;
use super::super::result::{Place, places};
use super::probed::{Probed, mapped};
use super::{Cache, queues, uvloop};
use crate::process::pinned::Pinned;
use crate::process::{Python, Site};
use iced_x86::Register;

/// Most bytes of the table of mappings that are read.
const MAX_MAPS: u64 = 4 << 20;
/// Kernel programs for copies of contexts and for empty ones, by the register in which they see them.
const PROGRAMS: [(Register, &str, &str); 7] = [
    (Register::RAX, "python_context_copied_rax", "python_context_empty_rax"),
    (Register::RBX, "python_context_copied_rbx", "python_context_empty_rbx"),
    (Register::RBP, "python_context_copied_rbp", "python_context_empty_rbp"),
    (Register::R12, "python_context_copied_r12", "python_context_empty_r12"),
    (Register::R13, "python_context_copied_r13", "python_context_empty_r13"),
    (Register::R14, "python_context_copied_r14", "python_context_empty_r14"),
    (Register::R15, "python_context_copied_r15", "python_context_empty_r15"),
];

/// Where `tp_methods` stands in a type, all versions (Include/cpython/object.h, `struct _typeobject`).
const METHODS: u64 = 232;
/// Most methods of a type that are looked at, and the words of each: name, function, flags, documentation.
const MAX_METHODS: usize = 16;
const METHOD_WORDS: usize = 4;

/// What is known of files.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    interpreters: Cache<Option<Found>>,
    loops: uvloop::Libraries,
    queues: queues::Libraries,
}

/// An interpreter.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) python: Python,
    pub(super) sites: Arc<[Site]>,
}

/// The interpreter of a process: its executable, or a library that it has mapped. With its event loop, if it has one in C.
pub(super) fn find(pinned: &Pinned, root: Option<&Root>, known: &mut Known) -> Option<Found> {
    let own = known.interpreters.in_file(pinned.target("exe").ok()?, interpreter);
    let maps = pinned.text("maps", MAX_MAPS);
    let mut found = own.or_else(|| {
        let library = library(maps.as_deref()?)?;
        known.interpreters.in_file(root?.hold(library)?, interpreter)
    })?;
    found.python.has_gevent = maps.as_deref().is_some_and(|maps| maps.contains("/gevent/_gevent_c"));
    if let (Some(maps), Some(root)) = (maps, root) {
        let of_loop = uvloop::find(&maps, root, &mut known.loops);
        let of_queues = queues::find(&maps, root, &mut known.queues);
        found.python.has_uvloop = of_loop.is_some();
        found.python.has_queues = of_queues.is_some();
        found.sites = found
            .sites
            .iter()
            .cloned()
            .chain(of_loop.into_iter().flatten())
            .chain(of_queues.into_iter().flatten())
            .collect();
    }
    Some(found)
}

/// The path of the interpreter among the mappings of a process.
fn library(maps: &str) -> Option<&str> {
    mapped(maps, |path| path.rsplit('/').next().is_some_and(|name| name.starts_with("libpython3.")))
}

fn interpreter(file: &Probed<'_>) -> Option<Found> {
    let python = Python { minor: minor(&file.elf)?, ..Python::default() };
    let site = |(address, register): Place, is_copy: bool| {
        let (_, copied, empty) = PROGRAMS.into_iter().find(|(known, ..)| *known == register)?;
        file.site(if is_copy { copied } else { empty }, address)
    };
    let (copied, empty) = makers(&file.elf)?;
    let sites = copied.into_iter().map(|place| site(place, true));
    let sites = sites.chain(empty.into_iter().map(|place| site(place, false))).collect::<Option<Arc<[Site]>>>()?;
    Some(Found { python, sites })
}

/// The minor version of Python 3. Since 3.11 it is exported; before, each version exports what the last one did not.
fn minor(elf: &Elf<'_>) -> Option<u32> {
    let [version, new_ref, call_no_args, config_read, free_threaded] = elf.exports([
        "Py_Version",
        "Py_NewRef",
        "PyObject_CallNoArgs",
        "PyConfig_Read",
        // Its objects have another head.
        "_Py_MergeZeroLocalRefcount",
    ]);
    match (free_threaded, version, new_ref, call_no_args, config_read) {
        (Some(_), ..) => None,
        (_, Some(at), ..) => {
            let version = u32::from_le_bytes(elf.bytes(at, 4, false)?.try_into().ok()?);
            (version >> 24 == 3).then_some(version >> 16 & 0xff)
        }
        (_, _, Some(_), ..) => Some(10),
        (_, _, _, Some(_), _) => Some(9),
        (.., Some(_)) => Some(8),
        _ => None,
    }
}

/// Where contexts are seen that were made: by `copy_context` and `Context.copy`, and by `Context()` and what makes a thread's first one
/// (`context_new_empty` in Python/context.c). That one has no name in a program without symbols. Either `PyContext_New` ends in it, or it
/// has a copy of it: then it is what `PyContext_CopyCurrent` calls and what calls the same.
fn makers(elf: &Elf<'_>) -> Option<(BTreeSet<Place>, BTreeSet<Place>)> {
    let [current, copy, new, kind] =
        elf.exports(["PyContext_CopyCurrent", "PyContext_Copy", "PyContext_New", "PyContext_Type"]);
    let (current, new) = (follow(elf, current?)?, follow(elf, new?)?);
    let called =
        current.calls.iter().filter_map(|function| follow(elf, *function)).filter(|flow| flow.calls == new.calls);
    let mut empty: BTreeSet<Place> = called.flat_map(|flow| places(&flow)).collect();
    empty.extend(places(&new));
    let mut copied = places(&current);
    for function in [copy?, method(elf, kind?, b"copy\0")?] {
        copied.extend(places(&follow(elf, function)?));
    }
    empty.retain(|place| !copied.contains(place));
    Some((copied, empty))
}

/// The function of a method. Methods are not exported, and may have a copy of what the exported function does.
fn method(elf: &Elf<'_>, kind: u64, name: &[u8]) -> Option<u64> {
    let methods = *elf.words(kind.checked_add(METHODS)?, 1)?.first()?;
    let methods = elf.words(methods, MAX_METHODS * METHOD_WORDS)?;
    let methods = methods.as_chunks::<METHOD_WORDS>().0.iter().take_while(|[name, ..]| *name != 0);
    let is_named = |at: u64| elf.bytes(at, name.len() as u64, false).is_some_and(|found| found == name);
    methods.into_iter().find_map(|[at, function, ..]| is_named(*at).then_some(*function))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_found_among_mappings() {
        let maps = "55d0-55d1 r--p 00000000 08:01 123    /usr/local/bin/python3.12\n\
                    7f00-7f01 rw-p 00000000 00:00 0 \n\
                    7f01-7f02 r-xp 00001000 08:01 124    /usr/local/lib/libpython3.12.so.1.0\n";
        assert_eq!(library(maps), Some("/usr/local/lib/libpython3.12.so.1.0"));
        assert_eq!(library("7f00-7f01 r-xp 0 0:0 1 /opt/libpython3.so/x\n"), None);
        assert_eq!(library(""), None);
    }
}
