//! Names of peers: which service an address was, and when.
//!
//! Whoever knows addresses (Kubernetes) fills [`Peers`]; a connection asks once, with the time at which it was opened. An
//! address that was given to somebody else keeps what it was before for a while, so that a connection of that time never gets
//! the new name, nor one of today the old one. Where several disagree nobody is named.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Most claims that are kept; beyond it new ones are refused.
const MAX_CLAIMS: usize = 65_536;
/// Most claims on one address.
const MAX_OF_ADDRESS: usize = 64;
/// How long a claim that is over is kept, ns: a connection is asked about when its first request is told.
const KEPT_NS: u64 = 300_000_000_000;

/// A service as its peers are told of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// `service.peer.name`.
    pub name: Arc<str>,
    /// `service.peer.namespace`.
    pub namespace: Option<Arc<str>>,
}

/// How much a claim is worth where several are made on an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Worth {
    /// The address leads to one of several.
    Leads,
    /// Somebody listens on that port of the address.
    Listens,
    /// The address is its own.
    Owns,
}

/// That an address is somebody's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The address.
    pub address: IpAddr,
    /// Only this port of it.
    pub port: Option<u16>,
    /// Whose.
    pub name: Arc<Name>,
    /// What that is worth.
    pub worth: Worth,
}

/// What a source says of addresses, in place of what it said before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Who says it: the name of an object.
    pub source: Arc<str>,
    /// What it says; nothing when it is gone.
    pub claims: Vec<Claim>,
    /// Since when what is new of it holds, kernel time, ns.
    pub since_ns: u64,
    /// The kernel's time now: what is no longer said held until then, ns.
    pub now_ns: u64,
}

/// A claim and its time.
#[derive(Debug)]
struct Held {
    source: Arc<str>,
    port: Option<u16>,
    name: Arc<Name>,
    worth: Worth,
    since_ns: u64,
    until_ns: Option<u64>,
}

impl Held {
    fn is(&self, source: &str, claim: &Claim) -> bool {
        self.until_ns.is_none()
            && (&*self.source, self.port, self.worth, &self.name) == (source, claim.port, claim.worth, &claim.name)
    }

    fn held_at(&self, at_ns: u64) -> bool {
        self.since_ns <= at_ns && self.until_ns.is_none_or(|until| at_ns < until)
    }
}

/// Who has which address, and who had it.
#[derive(Debug, Default)]
pub struct Peers {
    held: HashMap<IpAddr, Vec<Held>>,
    /// Addresses that a source claims.
    of_source: HashMap<Arc<str>, HashSet<IpAddr>>,
    len: usize,
    revision: u32,
    swept_ns: u64,
    refused: u64,
}

impl Peers {
    /// Takes in what a source says.
    pub fn learn(&mut self, said: Claims) {
        let Claims { source, claims, since_ns, now_ns } = said;
        self.revision = self.revision.wrapping_add(1);
        self.sweep(now_ns);
        for address in self.of_source.remove(&source).unwrap_or_default() {
            let is_said = |held: &Held| claims.iter().any(|claim| claim.address == address && held.is(&source, claim));
            for held in self.held.get_mut(&address).into_iter().flatten() {
                if held.source == source && held.until_ns.is_none() && !is_said(held) {
                    held.until_ns = Some(now_ns);
                }
            }
        }
        let addresses: HashSet<IpAddr> =
            claims.into_iter().filter_map(|claim| self.claim(&source, claim, since_ns)).collect();
        if !addresses.is_empty() {
            self.of_source.insert(source, addresses);
        }
    }

    /// Takes in a claim; its address, unless there is no room.
    fn claim(&mut self, source: &Arc<str>, claim: Claim, since_ns: u64) -> Option<IpAddr> {
        if claim.address.is_loopback() || claim.address.is_unspecified() {
            return None;
        }
        let address = claim.address.to_canonical();
        let all = self.held.entry(address).or_default();
        if all.iter().any(|held| held.is(source, &claim)) {
            return Some(address);
        }
        if self.len >= MAX_CLAIMS || all.len() >= MAX_OF_ADDRESS {
            self.refused += 1;
            if all.is_empty() {
                self.held.remove(&address);
            }
            return None;
        }
        // The one before had it until the end that we saw, whatever the new one says.
        let before = all.iter().filter(|held| held.worth == claim.worth).filter_map(|held| held.until_ns).max();
        let since_ns = since_ns.max(before.unwrap_or_default());
        let Claim { port, name, worth, .. } = claim;
        all.push(Held { source: Arc::clone(source), port, name, worth, since_ns, until_ns: None });
        self.len += 1;
        Some(address)
    }

    /// Who listened at an address when a connection to it was opened.
    #[must_use]
    pub fn asked(&self, address: SocketAddr, opened_ns: u64) -> Option<&Arc<Name>> {
        self.at(address.ip(), opened_ns, |port| port.is_none_or(|port| port == address.port()))
    }

    /// Who asked from an address when a connection from it was opened: only who has it for himself.
    #[must_use]
    pub fn asking(&self, address: IpAddr, opened_ns: u64) -> Option<&Arc<Name>> {
        self.at(address, opened_ns, |port| port.is_none())
    }

    fn at(&self, address: IpAddr, at_ns: u64, fits: impl Fn(Option<u16>) -> bool) -> Option<&Arc<Name>> {
        let all = self.held.get(&address.to_canonical())?;
        let at = || all.iter().filter(|held| held.held_at(at_ns) && fits(held.port));
        let worth = at().map(|held| held.worth).max()?;
        let mut names: Vec<&Arc<Name>> = at().filter(|held| held.worth == worth).map(|held| &held.name).collect();
        names.sort_by_key(|name| (name.name.len(), *name));
        names.dedup();
        match (worth, &names[..]) {
            (Worth::Owns, [_, _, ..]) => None,
            // A port may belong to several services: each name is right, the shortest is the plainest.
            (_, names) => names.first().copied(),
        }
    }

    /// Changes whenever something was learnt.
    #[must_use]
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// Claims that were refused for want of room.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Lets go of what was over long ago, once in a while.
    fn sweep(&mut self, now_ns: u64) {
        if now_ns.saturating_sub(self.swept_ns) < KEPT_NS / 10 {
            return;
        }
        self.swept_ns = now_ns;
        self.held.retain(|_, all| {
            all.retain(|held| held.until_ns.is_none_or(|until| now_ns.saturating_sub(until) < KEPT_NS));
            !all.is_empty()
        });
        self.len = self.held.values().map(Vec::len).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn claim(address: &str, port: Option<u16>, name: &str, worth: Worth) -> Claim {
        let name = Name { name: name.into(), namespace: Some("shop".into()) };
        Claim { address: address.parse().unwrap(), port, name: Arc::new(name), worth }
    }

    fn learn(peers: &mut Peers, source: &str, at: u64, claims: Vec<Claim>) {
        peers.learn(Claims { source: source.into(), claims, since_ns: at * SECOND, now_ns: at * SECOND });
    }

    fn asked(peers: &Peers, address: &str, at: u64) -> Option<String> {
        peers.asked(address.parse().unwrap(), at * SECOND).map(|name| name.name.to_string())
    }

    #[test]
    fn an_address_that_was_reused_never_gets_the_other_name() {
        let mut peers = Peers::default();
        learn(&mut peers, "a", 10, vec![claim("10.1.0.7", None, "old", Worth::Owns)]);
        learn(&mut peers, "a", 20, vec![]);
        // Created before the old one was gone, as its own time says.
        peers.learn(Claims {
            source: "b".into(),
            claims: vec![claim("10.1.0.7", None, "new", Worth::Owns)],
            since_ns: 15 * SECOND,
            now_ns: 25 * SECOND,
        });
        let names = [5, 10, 19, 20, 30].map(|at| asked(&peers, "10.1.0.7:80", at));
        assert_eq!(names.each_ref().map(Option::as_deref), [None, Some("old"), Some("old"), Some("new"), Some("new")]);
        assert_eq!(asked(&peers, "10.1.0.8:80", 30), None);
        assert_eq!(asked(&peers, "[::ffff:10.1.0.7]:80", 30).as_deref(), Some("new"));
    }

    #[test]
    fn where_two_own_an_address_at_once_nobody_is_named() {
        let mut peers = Peers::default();
        learn(&mut peers, "a", 10, vec![claim("10.1.0.7", None, "one", Worth::Owns)]);
        learn(&mut peers, "b", 12, vec![claim("10.1.0.7", None, "two", Worth::Owns)]);
        assert_eq!(asked(&peers, "10.1.0.7:80", 11).as_deref(), Some("one"));
        assert_eq!(asked(&peers, "10.1.0.7:80", 13), None);
        learn(&mut peers, "a", 14, vec![]);
        assert_eq!(asked(&peers, "10.1.0.7:80", 15).as_deref(), Some("two"));
    }

    #[test]
    fn a_shared_address_is_known_by_its_ports() {
        let mut peers = Peers::default();
        let node = "192.168.0.1";
        learn(&mut peers, "web", 1, vec![claim(node, Some(80), "web", Worth::Listens)]);
        learn(&mut peers, "dns", 1, vec![claim(node, Some(53), "dns", Worth::Listens)]);
        learn(&mut peers, "more", 1, vec![claim(node, Some(80), "web-headless", Worth::Listens)]);
        assert_eq!(asked(&peers, "192.168.0.1:80", 2).as_deref(), Some("web"));
        assert_eq!(asked(&peers, "192.168.0.1:53", 2).as_deref(), Some("dns"));
        assert_eq!(asked(&peers, "192.168.0.1:22", 2), None);
        assert_eq!(peers.asking(node.parse().unwrap(), 2 * SECOND), None, "anybody on the node may ask from there");
    }

    #[test]
    fn what_a_source_says_again_keeps_its_time() {
        let mut peers = Peers::default();
        let own = || vec![claim("10.1.0.7", None, "web", Worth::Owns)];
        learn(&mut peers, "a", 10, own());
        learn(&mut peers, "a", 20, own());
        assert_eq!(asked(&peers, "10.1.0.7:80", 12).as_deref(), Some("web"));
        learn(&mut peers, "a", 30, vec![claim("10.1.0.7", None, "canary", Worth::Owns)]);
        assert_eq!(asked(&peers, "10.1.0.7:80", 29).as_deref(), Some("web"));
        assert_eq!(asked(&peers, "10.1.0.7:80", 31).as_deref(), Some("canary"));
    }

    #[test]
    fn bounded_and_forgotten() {
        let mut peers = Peers::default();
        for number in 0..MAX_OF_ADDRESS + 3 {
            learn(&mut peers, &number.to_string(), 1, vec![claim("10.1.0.7", None, "x", Worth::Owns)]);
        }
        assert_eq!((peers.len, peers.refused()), (MAX_OF_ADDRESS, 3));
        for number in 0..MAX_OF_ADDRESS + 3 {
            learn(&mut peers, &number.to_string(), 2, vec![]);
        }
        learn(&mut peers, "127", 1000, vec![claim("127.0.0.1", None, "x", Worth::Owns)]);
        assert_eq!((peers.len, peers.held.len(), peers.of_source.len()), (0, 0, 0));
    }
}
