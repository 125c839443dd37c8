//! uvloop: where it puts a stream among those with something to write, and where it begins to call what was to be called soon. Its wheels
//! have the names of the methods (uvloop/loop.pyx). A library without names (Debian's) is not looked into.

use super::super::files::Root;
use super::Cache;
use super::probed::mapped;
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
    known.in_file(root.hold(library(maps)?)?, |file| {
        let [write, idle] = METHODS.map(|(program, name)| file.site(program, file.elf.local(name)?));
        Some([write?, idle?])
    })
}

/// Its path among the mappings of a process.
fn library(maps: &str) -> Option<&str> {
    mapped(maps, |path| {
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
