//! DNS over UDP out of datagrams: each pair of ends is a "connection", each datagram a call.
//!
//! Which end asks is not known here: the end with the lower address is called local, only so that the choice is always
//! the same.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use super::assembly::Piece;
use super::owned::Owned;
use super::packet::Datagram;
use crate::event::{Change, Endpoint, Flow, Open, State, Transport, Vantage};

/// The port that DNS has on the wire; nothing else of a capture's datagrams is looked at.
const DNS: u16 = 53;
/// Pairs of ends followed at once; beyond it the quieter half is forgotten.
const MAX_PAIRS: usize = 1 << 15;
/// Silence after which a pair is over: whoever asks uses another port for its next question.
const IDLE_NS: u64 = 30_000_000_000;

/// A pair of ends.
#[derive(Debug)]
struct Pair {
    id: u64,
    last_ns: u64,
    /// Bytes that each way has carried: the positions of datagrams.
    sent: u64,
    received: u64,
}

/// Every pair, by its ends: replays go through them in the same order.
#[derive(Debug, Default)]
pub struct Pairs {
    by_ends: BTreeMap<(SocketAddr, SocketAddr), Pair>,
    /// Pairs forgotten at the limit.
    pub forgotten: u64,
}

impl Pairs {
    /// Whether a datagram is of interest.
    #[must_use]
    pub fn wants(datagram: &Datagram<'_>) -> bool {
        datagram.source.port() == DNS || datagram.destination.port() == DNS
    }

    /// Takes a datagram in; `next_id` gives the id of a new pair.
    pub fn take(
        &mut self,
        datagram: &Datagram<'_>,
        at_ns: u64,
        next_id: impl FnOnce() -> u64,
        out: &mut VecDeque<Owned>,
    ) {
        let (local, remote) = (datagram.source.min(datagram.destination), datagram.source.max(datagram.destination));
        if self.by_ends.len() >= MAX_PAIRS && !self.by_ends.contains_key(&(local, remote)) {
            self.forget(at_ns, out);
        }
        let pair = self.by_ends.entry((local, remote)).or_insert_with(|| {
            let id = next_id();
            out.push_back(Owned::Open(Box::new(open(id, local, remote, at_ns))));
            Pair { id, last_ns: at_ns, sent: 0, received: 0 }
        });
        pair.last_ns = pair.last_ns.max(at_ns);
        let (flow, position) =
            if datagram.source == local { (Flow::Sent, &mut pair.sent) } else { (Flow::Received, &mut pair.received) };
        let piece = Piece { position: *position, len: datagram.len, bytes: datagram.payload.to_vec(), at_ns };
        *position += u64::from(datagram.len);
        out.push_back(Owned::Data(pair.id, flow, piece));
    }

    /// Ends pairs that have been silent for long.
    pub fn review(&mut self, at_ns: u64, out: &mut VecDeque<Owned>) {
        let before_ns = at_ns.saturating_sub(IDLE_NS);
        self.by_ends.retain(|_, pair| {
            let alive = pair.last_ns >= before_ns;
            if !alive {
                out.push_back(closed(pair, at_ns));
            }
            alive
        });
    }

    fn forget(&mut self, at_ns: u64, out: &mut VecDeque<Owned>) {
        let mut ages: Vec<u64> = self.by_ends.values().map(|pair| pair.last_ns).collect();
        let middle = ages.len() / 2;
        let (_, &mut median, _) = ages.select_nth_unstable(middle);
        let before = self.by_ends.len();
        self.by_ends.retain(|_, pair| {
            let keep = pair.last_ns > median;
            if !keep {
                out.push_back(closed(pair, at_ns));
            }
            keep
        });
        self.forgotten += (before - self.by_ends.len()) as u64;
    }
}

fn closed(pair: &Pair, at_ns: u64) -> Owned {
    Owned::State(State { connection: pair.id, change: Change::Closed, error: 0, at_ns })
}

fn open(id: u64, local: SocketAddr, remote: SocketAddr, at_ns: u64) -> Open {
    Open {
        connection: id,
        sock: 0,
        peer_sock: 0,
        pid: 0,
        role: None,
        vantage: Vantage::Wire,
        from_start: false,
        at_ns,
        established_ns: None,
        accepted_ns: None,
        syn_retransmits: 0,
        context: 0,
        tid: 0,
        transport: Transport::Udp,
        first_sent: 0,
        first_received: 0,
        local: Endpoint::Inet(local),
        remote: Endpoint::Inet(remote),
        network_namespace: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(port: u16) -> (SocketAddr, SocketAddr) {
        (SocketAddr::from(([10, 0, 0, 2], port)), SocketAddr::from(([10, 0, 0, 1], DNS)))
    }

    fn told(out: &mut VecDeque<Owned>) -> Vec<String> {
        let line = |owned| match owned {
            Owned::Open(open) => format!("{} open {:?}", open.connection, open.transport),
            Owned::Data(id, flow, piece) => format!("{id} {flow:?} {} {} @{}", piece.position, piece.len, piece.at_ns),
            Owned::State(state) => format!("{} {:?} @{}", state.connection, state.change, state.at_ns),
            other => panic!("{other:?}"),
        };
        out.drain(..).map(line).collect()
    }

    #[test]
    fn each_datagram_is_a_call() {
        let (mut pairs, mut out, mut id) = (Pairs::default(), VecDeque::new(), 0);
        let mut send = |pairs: &mut Pairs, out: &mut VecDeque<Owned>, port, back: bool, len, at_ns| {
            let (client, server) = ends(port);
            let (source, destination) = if back { (server, client) } else { (client, server) };
            let datagram = Datagram { source, destination, len, payload: b"x" };
            assert!(Pairs::wants(&datagram));
            pairs.take(
                &datagram,
                at_ns,
                || {
                    id += 1;
                    id
                },
                out,
            );
        };
        send(&mut pairs, &mut out, 4000, false, 30, 1);
        send(&mut pairs, &mut out, 4001, false, 31, 2);
        send(&mut pairs, &mut out, 4000, true, 60, 3);
        send(&mut pairs, &mut out, 4000, false, 30, 4);
        assert_eq!(
            told(&mut out),
            [
                "1 open Udp",
                "1 Received 0 30 @1",
                "2 open Udp",
                "2 Received 0 31 @2",
                "1 Sent 0 60 @3",
                "1 Received 30 30 @4"
            ]
        );
        pairs.review(IDLE_NS + 3, &mut out);
        assert_eq!(told(&mut out), [format!("2 Closed @{}", IDLE_NS + 3)]);
        for port in 0..u16::try_from(MAX_PAIRS).unwrap() {
            send(&mut pairs, &mut out, port + 5000, false, 1, 10 + u64::from(port));
        }
        assert_eq!(pairs.forgotten, MAX_PAIRS as u64 / 2 + 1);
        assert!(pairs.by_ends.len() <= MAX_PAIRS);
    }
}
