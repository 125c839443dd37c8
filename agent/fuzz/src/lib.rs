//! Arbitrary bytes for everything that reads what strangers wrote: the wire, captures, recordings, kernel types, configurations, `/proc`.
//!
//! Layout: [`conversation`] plays a script over a protocol's session; [`files`] reads bytes as a file, [`proc`](self::proc) as a
//! process's files in `/proc` and its program ([`programs`]); [`targets`] lists them all by name, with inputs to begin with. `cargo xtask fuzz`
//! runs them under libFuzzer, `cargo test` over damaged seeds.
#![forbid(unsafe_code)]

pub mod conversation;
pub mod files;
pub mod proc;
pub mod programs;
pub mod seeds;

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

use wirespan_protocols::protocol::Protocol;
use wirespan_protocols::registry::PROTOCOLS;

/// Something that reads bytes.
#[derive(Clone, Debug)]
pub struct Target {
    /// As `cargo xtask fuzz` calls it.
    pub name: Cow<'static, str>,
    /// Inputs to begin with.
    seeds: fn(&str) -> Vec<Vec<u8>>,
    reader: Reader,
}

#[derive(Clone, Copy, Debug)]
enum Reader {
    /// A session of a protocol.
    Session(&'static Protocol),
    /// Anything else.
    Bytes(fn(&[u8])),
}

impl Target {
    const fn of_bytes(name: &'static str, read: fn(&[u8]), seeds: fn(&str) -> Vec<Vec<u8>>) -> Self {
        Self { name: Cow::Borrowed(name), seeds, reader: Reader::Bytes(read) }
    }

    fn of_protocol(name: impl Into<Cow<'static, str>>, protocol: &'static Protocol) -> Self {
        Self { name: name.into(), seeds: seeds::of_protocol, reader: Reader::Session(protocol) }
    }

    /// Reads bytes; whatever it finds is a panic.
    pub fn run(&self, data: &[u8]) {
        match self.reader {
            Reader::Session(protocol) => conversation::drive(protocol, data),
            Reader::Bytes(read) => read(data),
        }
    }

    /// Inputs to begin with.
    #[must_use]
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        (self.seeds)(&self.name)
    }
}

/// Files.
const FILES: [Target; 8] = [
    Target::of_bytes("pcap", files::recording, |_| seeds::pcap()),
    Target::of_bytes("pcapng", files::recording, |_| seeds::pcapng()),
    Target::of_bytes("recording", files::recording, |_| seeds::recordings()),
    Target::of_bytes("btf", files::btf, |_| seeds::btf()),
    Target::of_bytes("yaml", files::yaml, |_| seeds::yaml()),
    Target::of_bytes("selector", files::selector, |_| seeds::selectors()),
    Target::of_bytes("proc", proc::texts, |_| proc::seeds()),
    Target::of_bytes("elf", proc::elf, |_| programs::seeds()),
];

/// Every target: each protocol by its name, also over datagrams where it has such a form, and files.
pub fn targets() -> impl Iterator<Item = Target> {
    let protocols = PROTOCOLS.iter().flat_map(|protocol| {
        let name = protocol.spoken.name;
        let datagrams = protocol.datagrams.map(|datagrams| Target::of_protocol(format!("{name}_datagram"), datagrams));
        std::iter::once(Target::of_protocol(name, protocol)).chain(datagrams)
    });
    protocols.chain(FILES)
}

/// The target that `FUZZ_TARGET` names.
///
/// # Panics
/// When there is none of that name.
#[must_use]
pub fn chosen() -> Target {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let target = targets().find(|target| target.name == name);
    assert!(target.is_some(), "FUZZ_TARGET={name} is no fuzz target");
    let [first, ..] = FILES;
    target.unwrap_or(first)
}

/// Writes the inputs to begin with into a folder for each target, and the names of the targets, a line each.
///
/// # Errors
/// When a folder or a file cannot be written, or `names` takes nothing.
pub fn write_seeds(folder: &Path, names: &mut impl Write) -> io::Result<()> {
    for target in targets() {
        let own = folder.join(&*target.name);
        std::fs::create_dir_all(&own)?;
        for (at, seed) in target.seeds().iter().enumerate() {
            std::fs::write(own.join(format!("seed-{at}")), seed)?;
        }
        writeln!(names, "{}", target.name)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each seed, cut short, and with single bytes changed: what needs no libFuzzer.
    #[test]
    fn damaged_seeds_do_no_harm() {
        for target in targets() {
            let seeds = target.seeds();
            assert!(!seeds.is_empty(), "{}", target.name);
            for seed in seeds.iter().take(4) {
                target.run(seed);
                let step = (seed.len() / 40).max(1);
                for at in (0..seed.len()).step_by(step) {
                    target.run(&seed[..at]);
                    let mut changed = seed.clone();
                    changed[at] ^= 1 << (at % 8);
                    target.run(&changed);
                    changed[at] = 0xff;
                    target.run(&changed);
                }
            }
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = targets().map(|target| target.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), targets().count());
    }
}
