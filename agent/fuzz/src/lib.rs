//! Arbitrary bytes for everything that reads what strangers wrote: the wire, captures, recordings, kernel types, configurations, `/proc`.
//!
//! Layout: [`conversation`] plays a script over a protocol's session; [`files`] reads bytes as a file, [`proc`](self::proc) as a
//! process's files in `/proc` and its program; [`targets`] lists them all by name, with inputs to begin with. `cargo xtask fuzz`
//! runs them under libFuzzer, `cargo test` over damaged seeds.
#![forbid(unsafe_code)]

pub mod conversation;
pub mod files;
pub mod proc;
pub mod seeds;

use wirespan_protocols::registry::Protocol;
use wirespan_protocols::{dns, http1, postgres, redis, tls};

/// Something that reads bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// As `cargo xtask fuzz` calls it.
    pub name: &'static str,
    /// Reads them; whatever it finds is a panic.
    pub run: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

macro_rules! conversations {
    ($($name:literal, $protocol:expr, $seeds:expr;)*) => {
        [$(Target { name: $name, run: |data| play(&$protocol, data), seeds: $seeds }),*]
    };
}

/// Protocols.
const CONVERSATIONS: [Target; 6] = conversations! {
    "http1", http1::PROTOCOL, seeds::http;
    "postgres", postgres::PROTOCOL, seeds::postgres;
    "redis", redis::PROTOCOL, seeds::redis;
    "tls", tls::PROTOCOL, seeds::tls;
    "dns", dns::PROTOCOL, seeds::dns_stream;
    "dns_datagram", dns::DATAGRAMS, seeds::dns_datagram;
};

/// Files.
const FILES: [Target; 8] = [
    Target { name: "pcap", run: files::recording, seeds: seeds::pcap },
    Target { name: "pcapng", run: files::recording, seeds: seeds::pcapng },
    Target { name: "recording", run: files::recording, seeds: seeds::recordings },
    Target { name: "btf", run: files::btf, seeds: seeds::btf },
    Target { name: "yaml", run: files::yaml, seeds: seeds::yaml },
    Target { name: "selector", run: files::selector, seeds: seeds::selectors },
    Target { name: "proc", run: proc::texts, seeds: proc::seeds },
    Target { name: "elf", run: proc::elf, seeds: proc::programs },
];

/// Every target.
pub fn targets() -> impl Iterator<Item = Target> {
    CONVERSATIONS.into_iter().chain(FILES)
}

fn play(protocol: &Protocol, data: &[u8]) {
    conversation::drive(protocol, data);
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
    target.unwrap_or(CONVERSATIONS[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each seed, cut short, and with single bytes changed: what needs no libFuzzer.
    #[test]
    fn damaged_seeds_do_no_harm() {
        for target in targets() {
            let seeds = (target.seeds)();
            assert!(!seeds.is_empty(), "{}", target.name);
            for seed in seeds.iter().take(4) {
                (target.run)(seed);
                let step = (seed.len() / 40).max(1);
                for at in (0..seed.len()).step_by(step) {
                    (target.run)(&seed[..at]);
                    let mut changed = seed.clone();
                    changed[at] ^= 1 << (at % 8);
                    (target.run)(&changed);
                    changed[at] = 0xff;
                    (target.run)(&changed);
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
