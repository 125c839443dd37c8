//! Look-ups wait for the connect that they were made for, and become a part of its set-up. Those that nobody claims
//! become spans of their own.
//!
//! Certain enough is a connect of the same process to an address of the answer, within [`CLAIM_NS`] after it. A look-up
//! serves one connect, and brings the one of the other address family along.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use wirespan_protocols::describe::family::{self, Family};
use wirespan_protocols::describe::value::Kind;
use wirespan_protocols::exchange::Exchange;

use super::connection::ConnectionFacts;
use super::context::Owner;
use super::span::Resource;
use crate::conn::fact::{Lookup, MAX_LOOKUPS};
use crate::event::Transport;

/// Longest time from an answer to the connect that used it, ns.
const CLAIM_NS: u64 = 2_000_000_000;
/// How long a look-up waits to be claimed, ns: a connect is told when it is established, after two lost SYNs 3 s later.
const WAIT_NS: u64 = CLAIM_NS + 4_000_000_000;
/// Most look-ups that wait, of one process and of all.
const MAX_WAITING: (usize, usize) = (64, 4096);

/// A look-up of a client with what its own span would need.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Its exchange, of the family of look-ups.
    pub exchange: Box<Exchange>,
    /// Its connection to the resolver.
    pub connection: ConnectionFacts,
    /// What carried it.
    pub transport: Transport,
    /// The process that asked.
    pub resource: Arc<Resource>,
    /// What it was done for.
    pub owner: Option<Owner>,
}

impl Waiting {
    /// What was asked and answered.
    pub(super) fn asked(&self) -> Option<family::Lookup<'_>> {
        match self.exchange.detail.family() {
            Family::Lookup(lookup) => Some(lookup),
            Family::Http(_) | Family::Rpc(_) | Family::Database(_) | Family::Opaque(_) => None,
        }
    }

    fn answers(&self, address: IpAddr) -> bool {
        self.asked().is_some_and(|asked| asked.addresses.iter().any(|answer| answer.to_canonical() == address))
    }

    fn is_recent(&self, at_ns: u64) -> bool {
        let end_ns = self.exchange.end_ns;
        end_ns <= at_ns && at_ns - end_ns <= CLAIM_NS
    }

    fn lookup(&self) -> Option<Lookup> {
        let asked = self.asked()?;
        Some(Lookup {
            start_ns: self.exchange.request.first_ns,
            end_ns: self.exchange.end_ns,
            name: asked.name.into(),
            question: asked.question.into(),
            error: self.exchange.error_type(Kind::Client).map(Into::into),
        })
    }
}

/// Look-ups that wait, by process.
#[derive(Debug, Default)]
pub struct Lookups {
    waiting: FxHashMap<u32, VecDeque<Waiting>>,
    count: usize,
}

impl Lookups {
    /// Takes a look-up in. What had to make room for it, or found none, comes back: nobody will claim it.
    pub fn hold(&mut self, lookup: Waiting) -> Option<Waiting> {
        if self.count >= MAX_WAITING.1 {
            return Some(lookup);
        }
        let waiting = self.waiting.entry(lookup.exchange.actor.pid).or_default();
        waiting.push_back(lookup);
        if waiting.len() > MAX_WAITING.0 {
            return waiting.pop_front();
        }
        self.count += 1;
        None
    }

    /// A thread of a process began to connect to an address: the look-ups that it needed for that.
    pub fn claim(&mut self, pid: u32, tid: u32, address: IpAddr, at_ns: u64) -> Vec<Lookup> {
        let address = address.to_canonical();
        let Some(waiting) = self.waiting.get_mut(&pid) else { return Vec::new() };
        let fits = |lookup: &Waiting| lookup.is_recent(at_ns) && lookup.answers(address);
        // The thread's own before another's; the latest, since a retry asks again.
        let own = waiting.iter().rposition(|lookup| fits(lookup) && lookup.exchange.actor.tid == tid);
        let Some(index) = own.or_else(|| waiting.iter().rposition(fits)) else { return Vec::new() };
        let Some(found) = waiting.remove(index) else { return Vec::new() };
        let mut claimed: Vec<Lookup> = found.lookup().into_iter().collect();
        while claimed.len() < MAX_LOOKUPS
            && let Some(index) = waiting.iter().rposition(|other| {
                other.is_recent(at_ns)
                    && other.exchange.actor == found.exchange.actor
                    && other.asked().zip(found.asked()).is_some_and(|(other, found)| other.name == found.name)
                    && other.asked().is_some_and(|asked| claimed.iter().all(|taken| *taken.question != *asked.question))
            })
            && let Some(other) = waiting.remove(index)
        {
            claimed.extend(other.lookup());
        }
        self.count = self.count.saturating_sub(claimed.len());
        claimed.sort_by_key(|lookup| lookup.start_ns);
        claimed
    }

    /// Takes out what waited long enough. Event time has come to `now_ns`.
    pub fn expired(&mut self, now_ns: u64) -> Vec<Waiting> {
        let mut expired = Vec::new();
        self.waiting.retain(|_, waiting| {
            // In the order in which they ended.
            while waiting.front().is_some_and(|lookup| lookup.exchange.end_ns.saturating_add(WAIT_NS) <= now_ns) {
                expired.extend(waiting.pop_front());
            }
            !waiting.is_empty()
        });
        self.count = self.count.saturating_sub(expired.len());
        expired
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Role;
    use crate::trace::testing::{exchange, tcp};
    use wirespan_protocols::dns::DnsExchange;

    const SECOND: u64 = 1_000_000_000;

    fn lookup(tid: u32, question: &str, addresses: &[&str], start_ns: u64) -> Waiting {
        let dns = DnsExchange {
            name: "db.internal".into(),
            question: question.into(),
            response_code: Some(0),
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        };
        let mut exchange = Box::new(exchange(dns));
        (exchange.request.first_ns, exchange.end_ns) = (start_ns, start_ns + 10);
        (exchange.actor.pid, exchange.actor.tid) = (7, tid);
        let connection = tcp(Role::Client, 53);
        Waiting { exchange, connection, transport: Transport::Udp, resource: Arc::default(), owner: None }
    }

    fn held(all: Vec<Waiting>) -> Lookups {
        let mut lookups = Lookups::default();
        assert!(all.into_iter().all(|lookup| lookups.hold(lookup).is_none()));
        lookups
    }

    fn claim(lookups: &mut Lookups, tid: u32, address: &str, at_ns: u64) -> Vec<(Box<str>, u64)> {
        let claimed = lookups.claim(7, tid, address.parse().unwrap(), at_ns);
        claimed.into_iter().map(|lookup| (lookup.question, lookup.start_ns)).collect()
    }

    #[test]
    fn both_address_families_come_along_once() {
        let mut lookups = held(vec![lookup(1, "A", &["10.0.0.1"], 100), lookup(1, "AAAA", &[], 101)]);
        assert_eq!(claim(&mut lookups, 1, "10.0.0.2", 200), [], "another address");
        let both = [("A".into(), 100), ("AAAA".into(), 101)];
        assert_eq!(claim(&mut lookups, 1, "::ffff:10.0.0.1", 200), both);
        assert_eq!(claim(&mut lookups, 1, "10.0.0.1", 201), []);
        assert_eq!(lookups.count, 0);
    }

    #[test]
    fn threads_that_ask_the_same_keep_their_own() {
        let mut lookups = held(vec![lookup(1, "A", &["10.0.0.1"], 100), lookup(2, "A", &["10.0.0.1"], 105)]);
        assert_eq!(claim(&mut lookups, 1, "10.0.0.1", 200), [("A".into(), 100)]);
        assert_eq!(claim(&mut lookups, 3, "10.0.0.1", 200), [("A".into(), 105)], "a thread of its own asked");
    }

    #[test]
    fn only_in_time_and_only_after_the_answer() {
        let mut lookups = held(vec![lookup(1, "A", &["10.0.0.1"], 100)]);
        assert_eq!(claim(&mut lookups, 1, "10.0.0.1", 105), [], "not answered yet");
        assert_eq!(claim(&mut lookups, 1, "10.0.0.1", 111 + CLAIM_NS), []);
        assert_eq!(lookups.claim(8, 1, "10.0.0.1".parse().unwrap(), 200), [], "another process");
        assert_eq!(lookups.expired(SECOND).len(), 0);
        assert_eq!(lookups.expired(WAIT_NS + 110).len(), 1);
        assert_eq!(lookups.count, 0);
    }

    #[test]
    fn bounded() {
        let mut lookups = Lookups::default();
        let back = (0..100).filter_map(|at| lookups.hold(lookup(1, "A", &[], at))).count();
        assert_eq!((back, lookups.count), (100 - MAX_WAITING.0, MAX_WAITING.0));
        for pid in 0..100 {
            for at in 0..MAX_WAITING.0 as u64 {
                let mut other = lookup(1, "A", &[], at);
                other.exchange.actor.pid = 1000 + pid;
                lookups.hold(other);
            }
        }
        assert_eq!(lookups.count, MAX_WAITING.1);
        assert_eq!(lookups.expired(u64::MAX).len(), MAX_WAITING.1);
    }
}
