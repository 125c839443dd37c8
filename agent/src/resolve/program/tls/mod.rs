//! Libraries of TLS that a process has loaded, or that are a part of its executable; and the function of each to which it hands the
//! secrets of handshakes, for a log of keys.
//!
//! - `kind`: which library a file holds, and where its sessions keep the random that names a handshake;
//! - `labels`: the function, by the labels that it is called with, where it has no name.
//!
//! A wrong function does no harm: a probe only reads, and what it reads names no handshake that was seen on the wire.

mod kind;
mod labels;

use std::fs::File;
use std::sync::Arc;

use super::super::files::{self, Root};
use super::elf::Elf;
use super::{Cache, GoProgram};
use crate::process::pinned::Pinned;
use crate::process::{Held, Site, TlsLibrary};
use kind::Kind;

/// Most files of a process that are looked through.
const MAX_FILES: usize = 256;
/// The function of C libraries that has a name in some of them.
const NAMED: &str = "ssl_log_secret";
/// The functions of OpenSSL through which all data of a session passes.
const OF_SESSIONS: [&str; 4] = ["SSL_read", "SSL_read_ex", "SSL_write", "SSL_write_ex"];
/// The function of Go's `crypto/tls`; it is never inlined.
const OF_GO: &str = "crypto/tls.(*Config).writeKeyLog";
/// The kernel program that runs there.
const GO: &str = "tls_secret_go";

/// What is known of files.
pub(super) type Libraries = Cache<Option<Found>>;

/// A library in a file.
#[derive(Clone, Debug)]
pub(super) struct Found {
    name: &'static str,
    site: Option<Site>,
    sessions: Arc<[Site]>,
}

impl Found {
    fn at(self, path: &str) -> TlsLibrary {
        TlsLibrary { name: self.name, path: path.into(), site: self.site, sessions: self.sessions }
    }
}

/// The libraries of a process: without `searches`, those that are known of other looks, and whether those are all. `go`: what is known of its program, if it is Go's,
/// which has no others but those of C that it calls.
pub(super) fn find(
    pinned: &Pinned,
    root: Option<&Root>,
    maps: &str,
    (go, exe): (Option<&GoProgram>, &str),
    (known, searches): (&mut Libraries, bool),
) -> (Arc<[TlsLibrary]>, bool) {
    let mut is_whole = true;
    let own = pinned.target("exe").ok().and_then(|held| {
        let identity = files::identity(&held)?;
        if !searches {
            let found = known.get(identity);
            is_whole &= found.is_some();
            return found?;
        }
        known.get_or(identity, || {
            let file = files::open(&held)?;
            let place = match go {
                Some(_) => of_go(&file)?,
                None => of_c(&file)?,
            };
            Some(place.hold(Arc::new(files::hold(held)?)))
        })
    });
    let own = own.map(|found| found.at(exe));
    let others = executed(maps).filter(|path| *path != exe).take(MAX_FILES).filter_map(|path| {
        let held = root?.hold(path)?;
        let identity = files::identity(&held)?;
        if !searches {
            let found = known.get(identity);
            is_whole &= found.is_some();
            return Some(found??.at(path));
        }
        let found = known.get_or(identity, || {
            let place = of_c(&files::open(&held)?)?;
            Some(place.hold(Arc::new(files::hold(held)?)))
        })?;
        Some(found.at(path))
    });
    let all = own.into_iter().chain(others).collect();
    (all, is_whole)
}

/// Files of which code is mapped, each once where its mappings stand together.
fn executed(maps: &str) -> impl Iterator<Item = &str> {
    // 7f01-7f02 r-xp 00001000 08:01 124    /usr/lib/x86_64-linux-gnu/libssl.so.3
    let mut last = "";
    maps.lines().filter_map(move |line| {
        let is_code =
            line.split_ascii_whitespace().nth(1).is_some_and(|rights| rights.as_bytes().get(2) == Some(&b'x'));
        let path = line.find('/').map(|at| &line[at..]).filter(|path| is_code && !path.ends_with(" (deleted)"))?;
        (std::mem::replace(&mut last, path) != path).then_some(path)
    })
}

/// A library in a file, and where its function begins.
struct Place {
    name: &'static str,
    at: Option<(&'static str, u64)>,
    /// The functions that are called with its sessions as long as they go on.
    sessions: Vec<(&'static str, u64)>,
}

impl Place {
    fn hold(self, file: Arc<Held>) -> Found {
        let site = |(program, offset)| Site { program, file: Arc::clone(&file), offset };
        let sessions = self.sessions.into_iter().map(site).collect();
        Found { name: self.name, site: self.at.map(site), sessions }
    }
}

/// That of a program of Go.
fn of_go(file: &File) -> Option<Place> {
    let offset = super::go::probed(file, OF_GO)?;
    Some(Place { name: "Go crypto/tls", at: Some((GO, offset)), sessions: Vec::new() })
}

/// That of a file of code of C.
fn of_c(file: &File) -> Option<Place> {
    let elf = Elf::read(file)?;
    // Large programs export it: their texts need not be searched.
    let function = match elf.function(NAMED) {
        Some(function) => Some(function),
        None => labels::function(&elf, &labels::strings(&elf)?),
    };
    let kind = Kind::of(&elf);
    let offset = function.and_then(|address| labels::entry(&elf, address));
    let program = kind.map(Kind::program);
    let sessions = kind.and_then(Kind::of_sessions).map(|program| sessions(&elf, program)).unwrap_or_default();
    Some(Place { name: kind.map_or("unknown", Kind::name), at: program.zip(offset), sessions })
}

/// Where the functions that are called with sessions can be probed.
fn sessions(elf: &Elf<'_>, program: &'static str) -> Vec<(&'static str, u64)> {
    let entry = |name: &&str| labels::entry(elf, elf.function(name)?);
    let mut places: Vec<_> = OF_SESSIONS.iter().filter_map(entry).map(|offset| (program, offset)).collect();
    places.sort_unstable();
    places.dedup();
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_with_code_are_looked_through_once() {
        let maps = "55d0-55d1 r--p 00000000 08:01 123    /usr/bin/curl\n\
                    55d1-55d2 r-xp 00001000 08:01 123    /usr/bin/curl\n\
                    7f00-7f01 rw-p 00000000 00:00 0 \n\
                    7f01-7f02 r-xp 00001000 08:01 124    /usr/lib/a b/libssl.so.3\n\
                    7f02-7f03 r-xp 00002000 08:01 124    /usr/lib/a b/libssl.so.3\n\
                    7f03-7f04 r-xp 00000000 08:01 125    /tmp/gone.so (deleted)\n\
                    7f04-7f05 r-xp 00000000 00:00 0      [vdso]\n";
        assert_eq!(executed(maps).collect::<Vec<_>>(), ["/usr/bin/curl", "/usr/lib/a b/libssl.so.3"]);
    }
}
