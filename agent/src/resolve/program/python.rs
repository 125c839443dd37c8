//! CPython: which version it is, and where it makes contexts. Both stand in what the interpreter exports, which is the same
//! in all builds.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustix::fs::fstat;

use super::super::elf::Elf;
use super::super::files::{self, Identity, Root};
use super::super::flow::{Flow, follow};
use super::Cache;
use crate::process::pinned::Pinned;
use crate::process::{Held, Python, Site};

/// Most bytes of the table of mappings that are read.
const MAX_MAPS: u64 = 4 << 20;
/// Kernel program for the returns of functions that copy a context.
const COPIED: &str = "python_context_copied";
/// Kernel program for the returns of functions that make an empty one.
const EMPTY: &str = "python_context_empty";

/// What is known of interpreters.
pub(super) type Interpreters = Cache<Option<Found>>;

/// An interpreter.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) python: Python,
    pub(super) sites: Arc<[Site]>,
}

/// The interpreter of a process: its executable, or a library that it has mapped.
pub(super) fn find(pinned: &Pinned, root: Option<&Root>, known: &mut Interpreters) -> Option<Found> {
    let held = pinned.target("exe").ok()?;
    let identity = files::identity(&held)?;
    let own = known.get_or(identity, || interpreter(held, identity));
    own.or_else(|| {
        let maps = pinned.text("maps", MAX_MAPS)?;
        let held = root?.hold(library(&maps)?)?;
        let identity = files::identity(&held)?;
        known.get_or(identity, || interpreter(held, identity))
    })
}

/// The path of the interpreter among the mappings of a process.
fn library(maps: &str) -> Option<&str> {
    let paths = maps.lines().filter_map(|line| line.find('/').map(|at| &line[at..]));
    paths.into_iter().find(|path| path.rsplit('/').next().is_some_and(|name| name.starts_with("libpython3.")))
}

fn interpreter(held: std::os::fd::OwnedFd, _: Identity) -> Option<Found> {
    let file = files::open(&held)?;
    let elf = Elf::read(&file)?;
    let python = Python { minor: minor(&elf)? };
    let stat = fstat(&held).ok()?;
    let file = Arc::new(Held { fd: held, device: stat.st_dev, inode: stat.st_ino });
    let site = |program, address| Some(Site { program, file: Arc::clone(&file), offset: elf.place(address, true)?.0 });
    let (copied, empty) = makers(&elf)?;
    let sites = copied.into_iter().map(|address| site(COPIED, address));
    let sites = sites.chain(empty.into_iter().map(|address| site(EMPTY, address))).collect::<Option<Arc<[Site]>>>()?;
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

/// Where contexts have been made: the returns of `copy_context` and `Context.copy`, and those of `Context()` and of what makes a
/// thread's first one (`context_new_empty` in Python/context.c). That one has no name in a program without symbols. Either
/// `PyContext_New` ends in it, or it has a copy of it: then it is what `PyContext_CopyCurrent` calls and what calls the same.
fn makers(elf: &Elf<'_>) -> Option<(BTreeSet<u64>, BTreeSet<u64>)> {
    let [current, copy, new] = elf.exports(["PyContext_CopyCurrent", "PyContext_Copy", "PyContext_New"]);
    let (current, copy, new) = (follow(elf, current?)?, follow(elf, copy?)?, follow(elf, new?)?);
    let called =
        current.calls.iter().filter_map(|function| follow(elf, *function)).filter(|flow| flow.calls == new.calls);
    let mut empty: BTreeSet<u64> = called.flat_map(|Flow { returns, .. }| returns).collect();
    empty.extend(new.returns);
    let mut copied = current.returns;
    copied.extend(copy.returns);
    empty.retain(|address| !copied.contains(address));
    Some((copied, empty))
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
