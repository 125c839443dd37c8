//! uvloop: where it puts a stream among those with something to write, and where it begins to call what was to be called soon. Its wheels
//! have the names of the methods (uvloop/loop.pyx). A library without names (Debian's) is not looked into.

use std::sync::Arc;

use super::super::elf::Elf;
use super::super::files::{self, Root};
use super::Cache;
use crate::process::Site;

/// Kernel programs (`ebpf/src/context/cpython/uvloop.rs`), and the methods at whose beginning they run, as Cython calls those.
const METHODS: [(&str, &str); 2] = [
    ("uvloop_queue_write", "__pyx_f_6uvloop_4loop_4Loop__queue_write"),
    ("uvloop_on_idle", "__pyx_f_6uvloop_4loop_4Loop__on_idle"),
];

/// What is known of libraries.
pub(super) type Libraries = Cache<Option<[Site; 2]>>;

/// The places in the library that a process has mapped.
pub(super) fn find(maps: &str, root: &Root, known: &mut Libraries) -> Option<[Site; 2]> {
    let held = root.hold(library(maps)?)?;
    let identity = files::identity(&held)?;
    known.get_or(identity, || {
        let file = files::open(&held)?;
        let elf = Elf::read(&file)?;
        let [write, idle] = METHODS.map(|(_, name)| Some(elf.place(elf.local(name)?, true)?.0));
        let held = Arc::new(files::hold(held)?);
        let site = |at: usize, offset| Site { program: METHODS[at].0, file: Arc::clone(&held), offset };
        Some([site(0, write?), site(1, idle?)])
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
