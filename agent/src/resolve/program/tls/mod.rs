//! Libraries of TLS that a process has loaded, or that are a part of its executable; and the function of each to which it hands the
//! secrets of handshakes, for a log of keys.
//!
//! - `kind`: which library a file holds, and where its sessions keep the random that names a handshake;
//! - `labels`: the function, by the labels that it is called with, where it has no name;
//! - `rustls`: places within its code, which has no such function.
//!
//! A wrong function does no harm: a probe only reads, and what it reads names no handshake that was seen on the wire.

mod kind;
mod labels;
mod rustls;

use std::fs::File;
use std::os::fd::OwnedFd;
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
pub(super) type Libraries = Cache<Arc<[Found]>>;

/// A library in a file.
#[derive(Clone, Debug)]
pub(super) struct Found {
    name: &'static str,
    sites: Arc<[Site]>,
    sessions: Arc<[Site]>,
}

impl Found {
    fn at(&self, path: &str) -> TlsLibrary {
        let Self { name, sites, sessions } = self;
        TlsLibrary { name, path: path.into(), sites: Arc::clone(sites), sessions: Arc::clone(sessions) }
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
    let mut found = |held: OwnedFd, places: fn(&File) -> Vec<Place>| {
        let identity = files::identity(&held)?;
        if !searches {
            let found = known.get(identity);
            is_whole &= found.is_some();
            return found;
        }
        Some(known.get_or(identity, || in_file(held, places).unwrap_or_default()))
    };
    let mut all = Vec::new();
    if let Ok(held) = pinned.target("exe") {
        let own = found(held, if go.is_some() { of_go } else { others });
        all.extend(own.iter().flat_map(|found| found.iter()).map(|one| one.at(exe)));
    }
    for path in executed(maps).filter(|path| *path != exe).take(MAX_FILES) {
        let found = root.and_then(|root| root.hold(path)).and_then(|held| found(held, others));
        all.extend(found.iter().flat_map(|found| found.iter()).map(|one| one.at(path)));
    }
    (all.into(), is_whole)
}

/// What is found in a file, which is held if it is something.
fn in_file(held: OwnedFd, places: fn(&File) -> Vec<Place>) -> Option<Arc<[Found]>> {
    let places = places(&files::open(&held)?);
    if places.is_empty() {
        return None;
    }
    let held = Arc::new(files::hold(held)?);
    Some(places.into_iter().map(|place| place.hold(&held)).collect())
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

/// Where in a file a kernel program is to run, and what it is told there.
struct Spot {
    program: &'static str,
    offset: u64,
    cookie: Option<u64>,
}

impl Spot {
    const fn new(program: &'static str, offset: u64) -> Self {
        Self { program, offset, cookie: None }
    }
}

/// A library in a file, and where its secrets are seen.
struct Place {
    name: &'static str,
    at: Vec<Spot>,
    /// The functions that are called with its sessions as long as they go on.
    sessions: Vec<Spot>,
}

impl Place {
    fn hold(self, file: &Arc<Held>) -> Found {
        let site = |Spot { program, offset, cookie }| Site { program, file: Arc::clone(file), offset, cookie };
        let sites = |spots: Vec<Spot>| spots.into_iter().map(site).collect();
        Found { name: self.name, sites: sites(self.at), sessions: sites(self.sessions) }
    }
}

/// That of a program of Go.
fn of_go(file: &File) -> Vec<Place> {
    let offset = super::go::probed(file, OF_GO);
    let place = |offset| Place { name: "Go crypto/tls", at: vec![Spot::new(GO, offset)], sessions: Vec::new() };
    offset.map(place).into_iter().collect()
}

/// Those of a file of code of C or Rust, which may carry one of each.
fn others(file: &File) -> Vec<Place> {
    let Some(elf) = Elf::read(file) else { return Vec::new() };
    [of_c(&elf), of_rust(&elf)].into_iter().flatten().collect()
}

fn of_c(elf: &Elf<'_>) -> Option<Place> {
    // Large programs export it: their texts need not be searched.
    let function = match elf.function(NAMED) {
        Some(function) => Some(function),
        None => labels::function(elf, &labels::strings(elf)?),
    };
    let kind = Kind::of(elf);
    let offset = function.and_then(|address| labels::entry(elf, address));
    let spot = kind.zip(offset).map(|(kind, offset)| Spot::new(kind.program(), offset));
    let sessions = kind.and_then(Kind::of_sessions).map(|program| sessions(elf, program)).unwrap_or_default();
    Some(Place { name: kind.map_or("unknown", Kind::name), at: spot.into_iter().collect(), sessions })
}

fn of_rust(elf: &Elf<'_>) -> Option<Place> {
    rustls::is_in(elf).then(|| {
        let (name, at) = rustls::spots(elf);
        Place { name, at, sessions: Vec::new() }
    })
}

/// Where the functions that are called with sessions can be probed.
fn sessions(elf: &Elf<'_>, program: &'static str) -> Vec<Spot> {
    let entry = |name: &&str| labels::entry(elf, elf.function(name)?);
    let mut offsets: Vec<u64> = OF_SESSIONS.iter().filter_map(entry).collect();
    offsets.sort_unstable();
    offsets.dedup();
    offsets.into_iter().map(|offset| Spot::new(program, offset)).collect()
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
