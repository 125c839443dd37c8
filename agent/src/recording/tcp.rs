//! TCP connections out of segments: who is the client, where the streams begin, what was said, how it ended.
//!
//! The observed "socket" is the server's: [`Flow::Received`] is what the client sent. The sender of the SYN is the client;
//! where no SYN was seen the role is unknown, and the end with the lower port is called local, only so that the choice
//! is always the same.

use std::collections::VecDeque;
use std::net::SocketAddr;

use super::assembly::{Assembly, Piece};
use super::owned::Owned;
use super::packet::Segment;
use crate::event::{Change, Endpoint, Flow, Open, Role, State, Transport, Vantage};

mod handshake;

/// How long segments of a connection that is over are taken for stragglers (twice the usual TIME-WAIT).
const STRAGGLERS_NS: u64 = 120_000_000_000;
/// How long after its last SYN a connect that nobody answered has failed.
const CONNECT_NS: u64 = 60_000_000_000;
/// `errno` of a connect that was refused, and of one that nobody answered.
const ECONNREFUSED: u32 = 111;
const ETIMEDOUT: u32 = 110;
/// How much more than its SYN a SYN-ACK may acknowledge (TCP Fast Open, RFC 7413).
const MAX_FAST_OPEN: u32 = 1 << 16;

/// One direction and what the handshake said about it.
#[derive(Debug, Default)]
struct Side {
    assembly: Assembly,
    initial: Option<u32>,
    /// The sequence number of an earlier SYN-ACK that another one contradicted. The client's answer tells which one counts.
    contradicted: Option<u32>,
    /// When the last SYN or SYN-ACK was sent, and how many were sent again.
    syn_ns: u64,
    repeats: u32,
    end_told: bool,
}

/// A connection, from its first to its last segment.
#[derive(Debug)]
pub struct Connection {
    id: u64,
    local: SocketAddr,
    remote: SocketAddr,
    role: Option<Role>,
    from_start: bool,
    /// The capture saw the client's SYN first.
    syn_first: bool,
    first_ns: u64,
    last_ns: u64,
    established_ns: Option<u64>,
    opened: bool,
    over_ns: Option<u64>,
    received: Side,
    sent: Side,
    /// Bytes that came before the connection could be announced (data on a SYN).
    early: Vec<(Flow, Piece)>,
}

impl Connection {
    /// The connection that a segment belongs to, when no other is known.
    #[must_use]
    pub fn new(id: u64, segment: &Segment<'_>, at_ns: u64) -> Self {
        let (source, destination) = (segment.source, segment.destination);
        let (local, remote) = match (segment.syn, segment.ack) {
            (true, None) => (destination, source),
            (true, Some(_)) => (source, destination),
            (false, _) if (source.port(), source.ip()) < (destination.port(), destination.ip()) => {
                (source, destination)
            }
            (false, _) => (destination, source),
        };
        Self {
            id,
            local,
            remote,
            role: segment.syn.then_some(Role::Server),
            from_start: segment.syn,
            syn_first: segment.syn && segment.ack.is_none(),
            first_ns: at_ns,
            last_ns: at_ns,
            established_ns: None,
            opened: false,
            over_ns: None,
            received: Side::default(),
            sent: Side::default(),
            early: Vec::new(),
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// When it last had a segment, and whether it is over: what to forget first.
    #[must_use]
    pub fn age(&self) -> (bool, u64) {
        (self.over_ns.is_none(), self.last_ns)
    }

    /// Bytes held behind holes.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.received.assembly.held_bytes() + self.sent.assembly.held_bytes()
    }

    /// Whether something waits behind a hole, or a connect for its answer.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        let hole = self.received.assembly.has_hole() || self.sent.assembly.has_hole();
        self.over_ns.is_none() && (hole || self.is_unanswered())
    }

    /// Whether nothing but the client's SYN was seen.
    fn is_unanswered(&self) -> bool {
        self.syn_first && !self.opened && self.over_ns.is_none() && self.sent.initial.is_none()
    }

    /// Whether a segment with the same addresses belongs to another, later connection.
    #[must_use]
    pub fn is_succeeded_by(&self, segment: &Segment<'_>, at_ns: u64) -> bool {
        if self.over_ns.is_some_and(|over| at_ns.saturating_sub(over) > STRAGGLERS_NS) {
            return true;
        }
        if !segment.syn {
            return false;
        }
        let (own, peer) = match self.flow(segment) {
            Flow::Received => (&self.received, &self.sent),
            Flow::Sent => (&self.sent, &self.received),
        };
        match segment.ack {
            // A repeated SYN, or both ends connecting at once.
            None => {
                let same = own.initial == Some(segment.seq) && self.over_ns.is_none();
                let both_connect = own.initial.is_none() && self.from_start && !self.opened;
                !same && !both_connect
            }
            Some(ack) => {
                let answers =
                    peer.initial.is_some_and(|initial| (1..=MAX_FAST_OPEN).contains(&ack.wrapping_sub(initial)));
                match own.initial {
                    // Until the client has chosen, the server may begin anew (it forgot, or two answer).
                    Some(initial) => initial != segment.seq && !(answers && self.is_undecided()),
                    None => !answers,
                }
            }
        }
    }

    fn flow(&self, segment: &Segment<'_>) -> Flow {
        if segment.source == self.remote { Flow::Received } else { Flow::Sent }
    }

    /// Takes a segment in; what it means is appended to `out`.
    pub fn take(&mut self, segment: &Segment<'_>, at_ns: u64, out: &mut VecDeque<Owned>) {
        self.last_ns = self.last_ns.max(at_ns);
        if self.over_ns.is_some() {
            return;
        }
        let flow = self.flow(segment);
        let refused = self.is_unanswered()
            && (flow, segment.rst) == (Flow::Sent, true)
            && segment.ack.is_some_and(|ack| self.answers_syn(ack));
        self.choose(flow, segment);
        let position = self.place(flow, segment, at_ns);
        let speaks = segment.len > 0 && !segment.rst;
        self.follow_handshake(flow, segment, at_ns);
        if (speaks && !segment.syn) || (self.from_start && (self.shaken() || segment.fin || segment.rst)) {
            self.open(out);
        }
        if let Some(ack) = segment.ack.filter(|_| speaks) {
            let caused_by = if flow == Flow::Sent { Flow::Received } else { Flow::Sent };
            self.with(caused_by, out, |assembly, emit| assembly.settle(assembly.extend(ack), at_ns, emit));
        }
        if speaks {
            self.with(flow, out, |assembly, emit| {
                assembly.insert(position, segment.len, segment.payload, at_ns, emit);
            });
        }
        if segment.fin {
            let end = position.saturating_add(u64::from(segment.len));
            self.side(flow).assembly.finish(end, at_ns);
        }
        self.review(at_ns, out);
        if segment.rst {
            self.give_up(at_ns, out);
            match flow {
                _ if refused => self.end(Change::Failed, ECONNREFUSED, at_ns, out),
                Flow::Received => self.end(Change::ResetByPeer, 0, at_ns, out),
                Flow::Sent => self.end(Change::ResetBySelf, 0, at_ns, out),
            }
        }
    }

    /// Moves the streams' beginnings and acknowledgements; returns the position of the segment's first byte.
    fn place(&mut self, flow: Flow, segment: &Segment<'_>, at_ns: u64) -> u64 {
        let from_start = self.from_start;
        let (own, peer) = match flow {
            Flow::Received => (&mut self.received, &mut self.sent),
            Flow::Sent => (&mut self.sent, &mut self.received),
        };
        let mut position = own.assembly.extend(segment.seq);
        if segment.syn {
            position += 1;
            own.initial.get_or_insert(segment.seq);
            own.assembly.start(position);
        } else if (segment.len > 0 || segment.fin) && !segment.rst {
            own.assembly.start(position);
        }
        let Some(ack) = segment.ack.filter(|_| !segment.rst) else { return position };
        let acknowledged = peer.assembly.extend(ack);
        if peer.assembly.next().is_some() {
            peer.assembly.acknowledge(acknowledged, at_ns);
        } else if from_start {
            // A part of the handshake was missed: what is acknowledged first is the SYN.
            peer.initial.get_or_insert(ack.wrapping_sub(1));
            peer.assembly.start(acknowledged);
        } else {
            peer.assembly.heard_of(acknowledged);
        }
        position
    }

    fn side(&mut self, flow: Flow) -> &mut Side {
        match flow {
            Flow::Received => &mut self.received,
            Flow::Sent => &mut self.sent,
        }
    }

    /// Runs `step` on one direction, with its pieces going where they belong.
    fn with(&mut self, flow: Flow, out: &mut VecDeque<Owned>, step: impl FnOnce(&mut Assembly, &mut dyn FnMut(Piece))) {
        let (id, opened) = (self.id, self.opened);
        let (assembly, early) = match flow {
            Flow::Received => (&mut self.received.assembly, &mut self.early),
            Flow::Sent => (&mut self.sent.assembly, &mut self.early),
        };
        step(assembly, &mut |piece| {
            if opened {
                out.push_back(Owned::Data(id, flow, piece));
            } else {
                early.push((flow, piece));
            }
        });
    }

    fn open(&mut self, out: &mut VecDeque<Owned>) {
        if self.opened {
            return;
        }
        self.opened = true;
        // Data on the SYN was taken in already, and the stream begins before it. Where the beginning was not seen it is
        // unknown, and 0 says so: no position here is that low.
        let from_start = self.from_start;
        let first = |flow: Flow, side: &Side| {
            let early = self.early.iter().find(|(of, _)| *of == flow).map(|(_, piece)| piece.position);
            if from_start { early.unwrap_or_else(|| side.assembly.first()) } else { 0 }
        };
        out.push_back(Owned::Open(Box::new(Open {
            connection: self.id,
            sock: 0,
            peer_sock: 0,
            pid: 0,
            role: self.role,
            vantage: Vantage::Wire,
            from_start: self.from_start,
            at_ns: self.first_ns,
            // How long it took is known if its beginning was seen.
            established_ns: self.established_ns.filter(|_| self.syn_first),
            accepted_ns: None,
            syn_retransmits: self.received.repeats.saturating_add(self.sent.repeats),
            context: 0,
            tid: 0,
            transport: Transport::Tcp,
            first_sent: first(Flow::Sent, &self.sent),
            first_received: first(Flow::Received, &self.received),
            local: Endpoint::Inet(self.local),
            remote: Endpoint::Inet(self.remote),
            network_namespace: 0,
        })));
        out.extend(std::mem::take(&mut self.early).into_iter().map(|(flow, piece)| Owned::Data(self.id, flow, piece)));
    }

    /// Gives up holes that will not be filled, and tells the ends that were reached.
    pub fn review(&mut self, at_ns: u64, out: &mut VecDeque<Owned>) {
        for flow in [Flow::Received, Flow::Sent] {
            self.with(flow, out, |assembly, emit| assembly.review(at_ns, emit));
        }
        self.tell_ends(out);
        let failed_ns = self.received.syn_ns.saturating_add(CONNECT_NS);
        if self.is_unanswered() && at_ns >= failed_ns {
            self.open(out);
            self.end(Change::Failed, ETIMEDOUT, failed_ns, out);
        }
    }

    /// Gives out all that waits behind holes.
    pub fn give_up(&mut self, at_ns: u64, out: &mut VecDeque<Owned>) {
        for flow in [Flow::Received, Flow::Sent] {
            self.with(flow, out, |assembly, emit| assembly.give_up_all(at_ns, emit));
        }
        self.tell_ends(out);
    }

    fn tell_ends(&mut self, out: &mut VecDeque<Owned>) {
        let mut last_ns = 0;
        for (flow, change) in [(Flow::Received, Change::ReceivedFin), (Flow::Sent, Change::SentFin)] {
            let side = self.side(flow);
            let Some(at_ns) = side.assembly.ended() else { continue };
            last_ns = at_ns.max(last_ns);
            if !std::mem::replace(&mut side.end_told, true) && self.opened {
                out.push_back(Owned::State(State { connection: self.id, change, error: 0, at_ns }));
            }
        }
        if self.received.end_told && self.sent.end_told {
            self.end(Change::Closed, 0, last_ns, out);
        }
    }

    /// The connection is over, once. A connection that was never announced ends silently.
    pub fn end(&mut self, change: Change, error: u32, at_ns: u64, out: &mut VecDeque<Owned>) {
        if self.over_ns.is_none() {
            self.over_ns = Some(at_ns);
            if self.opened {
                out.push_back(Owned::State(State { connection: self.id, change, error, at_ns }));
            }
        }
    }
}
