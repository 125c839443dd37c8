//! uvloop: where it puts a stream among those with something to write. Its wheels have the name of the method
//! (`Loop._queue_write`, uvloop/loop.pyx). A library without names puts the stream into a set of Python's, through its own
//! entry for `PySet_Add` in the table of functions of others.

use super::super::elf::Elf;
use super::super::files::{self, Root};
use super::Cache;
use crate::process::Site;

/// The method, as Cython calls it.
const METHOD: &str = "__pyx_f_6uvloop_4loop_4Loop__queue_write";
/// What it calls first, with the same second argument.
const ADD: &str = "PySet_Add";
/// The kernel program (`ebpf/src/context/cpython/uvloop.rs`).
const PROGRAM: &str = "uvloop_queue_write";

/// What is known of libraries.
pub(super) type Libraries = Cache<Option<Site>>;

/// The place in the library that a process has mapped.
pub(super) fn find(maps: &str, root: &Root, known: &mut Libraries) -> Option<Site> {
    let held = root.hold(library(maps)?)?;
    let identity = files::identity(&held)?;
    known.get_or(identity, || {
        let file = files::open(&held)?;
        let elf = Elf::read(&file)?;
        let address = elf.local(METHOD).or_else(|| elf.entry_for(ADD))?;
        let (offset, _) = elf.place(address, true)?;
        Some(Site { program: PROGRAM, file: files::hold(held)?.into(), offset })
    })
}

/// Its path among the mappings of a process.
fn library(maps: &str) -> Option<&str> {
    let paths = maps.lines().filter_map(|line| line.find('/').map(|at| &line[at..]));
    paths.into_iter().find(|path| {
        path.rsplit_once("/uvloop/").is_some_and(|(_, name)| name.starts_with("loop.") && name.ends_with(".so"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_found_among_mappings() {
        let maps = "7f00-7f01 r-xp 00001000 08:01 124    /usr/lib/python3.12/uvloop/__init__.py\n\
                    7f01-7f02 r-xp 00001000 08:01 124    /app/uvloop/loop.cpython-312-x86_64-linux-gnu.so\n";
        assert_eq!(library(maps), Some("/app/uvloop/loop.cpython-312-x86_64-linux-gnu.so"));
        assert_eq!(library("7f01-7f02 r-xp 00001000 08:01 124    /app/loop.cpython-312-x86_64-linux-gnu.so\n"), None);
    }
}
