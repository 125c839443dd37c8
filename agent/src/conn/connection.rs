//! One connection: both directions, its role, and the session that follows its protocol.

mod budget;
mod change;
mod end;
mod inside;
mod shed;

use super::detection::{Detection, Held, Piece};
use super::stream::{Step, Stream};
use super::timeline::Life;
use crate::event::{Data, Flow, Open, Role, Transport, Vantage};
use std::net::SocketAddr;
use std::ops::Range;
use wirespan_protocols::describe::spoken::{FamilyName, Spoken};
use wirespan_protocols::protocol::{Context, Opening, Probe, Protocol, Registry};
use wirespan_protocols::session::{Output, Reason, Session, Shedding};
use wirespan_protocols::stream::{Chunk, Direction, Stamp};

/// How far a connection is understood.
enum Stage {
    /// Its protocol is not known yet.
    Detecting(Detection),
    /// It is followed.
    Following(&'static Protocol, Box<dyn Session>),
    /// Only its bytes are counted.
    Ignored {
        /// It never spoke a protocol of ours. Else it has left it, or enough is known of it.
        foreign: bool,
    },
}

/// Whether the handshake of what it encrypts was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    /// It was, or nothing is encrypted.
    Young,
    /// It was not, and its secrets are wanted.
    Older,
    /// It was not, and its secrets were found.
    Read,
}

/// A connection as the tracker knows it. `T`: whatever the floor above keeps with it.
pub struct Connection<T> {
    /// First sight.
    pub open: Open,
    /// Who connected, or as the protocol showed.
    pub role: Option<Role>,
    /// Kept for the floor above.
    pub extra: Option<T>,
    /// Kernel time of the last event, ns.
    pub last_ns: u64,
    /// Which way the last bytes passed.
    pub last_flow: Option<Flow>,
    /// The process last seen on it; 0 when unknown.
    pub pid: u32,
    /// The client for which a proxy made it, if the proxy said so.
    pub client: Option<SocketAddr>,
    /// How it was set up and used.
    pub life: Life,
    sent: Stream,
    received: Stream,
    stage: Stage,
    /// Prefaces of the detection that were told.
    prefaces_told: usize,
    began: bool,
    /// Encryption was seen on it.
    encrypted: bool,
    registry: Registry,
    /// What the programs were told of turns that may be left out, and when to tell it again; ns.
    shedding: Shedding,
    shedding_due_ns: u64,
    /// Heap bytes when they were last counted.
    counted: usize,
    /// Most payload bytes per turn that a rule allows.
    pub most: Option<u32>,
    /// Whether what it encrypts may be read.
    pub may_decrypt: bool,
    age: Age,
    /// What of the secrets of its process was tried, by their numbers.
    pub(super) tried: Range<u64>,
    /// What is spoken inside it, as far as that was decrypted: a connection of its own.
    inside: Option<Box<Self>>,
}

impl<T> Connection<T> {
    pub(super) fn new(open: Open, registry: Registry) -> Self {
        let (sent, received) = if open.from_start {
            // Sent along with the SYN, before the peer has said where it begins.
            let received = if open.is_early() { Stream::default() } else { Stream::at(open.first_received) };
            (Stream::at(open.first_sent), received)
        } else {
            (Stream::default(), Stream::default())
        };
        Self {
            role: open.role,
            last_ns: open.at_ns,
            last_flow: None,
            pid: open.pid,
            client: None,
            life: Life::new(&open),
            sent,
            received,
            stage: Self::unknown(&open, open.from_start, registry),
            prefaces_told: 0,
            began: false,
            encrypted: false,
            registry,
            shedding: Shedding::Never,
            shedding_due_ns: 0,
            counted: 0,
            most: None,
            may_decrypt: false,
            age: Age::Young,
            tried: 0..0,
            inside: None,
            extra: None,
            open,
        }
    }

    /// Nothing was seen yet. Datagrams are announced only where look-ups are made, so they need no detection.
    fn unknown(open: &Open, from_start: bool, registry: Registry) -> Stage {
        match open.transport {
            Transport::Udp => registry.datagrams().map_or(Stage::Ignored { foreign: true }, |protocol| {
                Stage::Following(
                    protocol,
                    (protocol.open)(&Opening { from_start, before: None, may_decrypt: false, registry }),
                )
            }),
            Transport::Tcp | Transport::Unix => Stage::Detecting(Detection::new(from_start, registry)),
        }
    }

    /// The role by the direction of what passed in `flow`.
    fn learn_role(&mut self, flow: Flow, direction: Direction) {
        self.role.get_or_insert(match (direction, flow) {
            (Direction::ToServer, Flow::Sent) | (Direction::ToClient, Flow::Received) => Role::Client,
            (Direction::ToServer, Flow::Received) | (Direction::ToClient, Flow::Sent) => Role::Server,
        });
    }

    /// The protocol that it speaks, once known.
    #[must_use]
    pub fn protocol(&self) -> Option<Spoken> {
        if let Some(spoken) = self.inside.as_ref().and_then(|inside| inside.protocol()) {
            return Some(spoken);
        }
        match &self.stage {
            Stage::Following(protocol, _) => Some(protocol.spoken),
            Stage::Detecting(_) | Stage::Ignored { .. } => None,
        }
    }

    /// Whether only its bytes are counted.
    #[must_use]
    pub fn is_ignored(&self) -> bool {
        matches!(self.stage, Stage::Ignored { .. })
    }

    /// Whether nothing of it is understood, and perhaps nothing will be.
    #[must_use]
    pub fn is_dark(&self) -> bool {
        match &self.stage {
            Stage::Detecting(detection) => detection.is_second_look(),
            Stage::Following(..) => false,
            Stage::Ignored { .. } => true,
        }
    }

    /// Whether it is none of our protocols, as far as is known.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        match &self.stage {
            Stage::Detecting(detection) => detection.is_second_look(),
            Stage::Following(..) => false,
            Stage::Ignored { foreign } => *foreign,
        }
    }

    /// Whether it is encrypted: its handshake was seen, or it was joined midway and its calls begin as those of such a
    /// connection do.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Heap bytes of its session, of what is held back until its protocol is known, and of its set-up under way: all that
    /// varies from one connection to another.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let stage = match &self.stage {
            Stage::Following(_, session) => session.heap_bytes(),
            Stage::Detecting(detection) => detection.heap_bytes(),
            Stage::Ignored { .. } => 0,
        };
        stage
            + self.life.heap_bytes()
            + self.inside.as_ref().map_or(0, |inside| size_of::<Self>() + inside.heap_bytes())
    }

    /// Brings the sum of all connections' heap bytes up to date with this one's.
    pub(super) fn count_heap(&mut self, sum: &mut usize) {
        let now = self.heap_bytes();
        *sum = (*sum + now).saturating_sub(std::mem::replace(&mut self.counted, now));
    }

    /// Adds its heap bytes to a new sum.
    pub(super) fn count_anew(&mut self, sum: &mut usize) {
        self.counted = 0;
        self.count_heap(sum);
    }

    /// Heap bytes that it has in the sum.
    pub(super) fn counted(&self) -> usize {
        self.counted
    }

    fn direction(&self, flow: Flow) -> Option<Direction> {
        Some(match (self.role?, flow) {
            (Role::Client, Flow::Sent) | (Role::Server, Flow::Received) => Direction::ToServer,
            (Role::Client, Flow::Received) | (Role::Server, Flow::Sent) => Direction::ToClient,
        })
    }

    /// A connection that was set up before the agent looked, but on which nothing had passed, is followed from its start.
    fn notice_start(&mut self, data: &Data<'_>) {
        let known = self.open.from_start || self.open.transport == Transport::Udp;
        if std::mem::replace(&mut self.began, true) || known {
            return;
        }
        if self.open.is_counted() {
            self.stage = Stage::Detecting(Detection::perhaps_from_start(self.registry));
            return;
        }
        let first = match data.flow {
            Flow::Received => self.open.first_received,
            Flow::Sent => self.open.first_sent,
        };
        // The connecting side's count of acknowledged bytes includes its SYN.
        let offset = data.position.wrapping_sub(first);
        let is_first = offset == 0 || data.flow == Flow::Sent && offset == 1;
        if is_first && self.open.first_received != 0 {
            self.stage = Stage::Detecting(Detection::new(true, self.registry));
        }
    }

    /// Takes in a call's bytes.
    pub(super) fn data(&mut self, data: &Data<'_>, out: &mut Output) {
        self.last_ns = self.last_ns.max(data.last_ns);
        self.life.moved();
        self.last_flow = Some(data.flow);
        if data.actor.pid != 0 {
            self.pid = data.actor.pid;
        }
        if self.is_ignored() {
            return;
        }
        self.notice_start(data);
        self.encrypted |= match &self.stage {
            Stage::Following(protocol, _) => protocol.spoken.family == FamilyName::Opaque,
            Stage::Detecting(_) => self.registry.looks_encrypted(data.head),
            Stage::Ignored { .. } => false,
        };
        self.join_encrypted(data.head, data.len);
        let len = u64::from(data.len);
        let stream = match data.flow {
            Flow::Sent => &mut self.sent,
            Flow::Received => &mut self.received,
        };
        let stamp = Stamp {
            first_ns: data.first_ns,
            last_ns: data.last_ns,
            actor: data.actor,
            arrived_ns: data.arrived_ns.unwrap_or(0),
            rejected: data.shed.rejected,
        };
        match stream.step(data.position, len) {
            Step::Repeated => {}
            Step::Restart => {
                self.abandon(Reason::Forgotten, out);
                self.stage = Self::unknown(&self.open, false, self.registry);
                (self.age, self.inside) = (Age::Young, None);
                self.call(data, 0, stamp, out);
            }
            Step::New { gap, skip } => {
                match gap {
                    0 => {}
                    _ if data.shed.skipped => self.skip(data.flow, gap, stamp, out),
                    _ => self.gap(data.flow, gap, stamp, out),
                }
                self.call(data, skip, stamp, out);
            }
        }
    }

    /// Passes on head, gap and tail of a call, without its first `skip` bytes.
    fn call(&mut self, data: &Data<'_>, skip: u64, stamp: Stamp, out: &mut Output) {
        let len = u64::from(data.len);
        // Nearly every call: all of it is there.
        if skip == 0 && data.head.len() as u64 == len {
            if len > 0 {
                self.bytes(data.flow, data.position, data.head, true, stamp, out);
            }
            return;
        }
        let head = &data.head[..data.head.len().min(data.len as usize)];
        let tail = &data.tail[..data.tail.len().min(data.len as usize - head.len())];
        let tail_at = len - tail.len() as u64;
        let from = skip.min(head.len() as u64);
        let shown = &head[from as usize..];
        let middle = Stamp { arrived_ns: 0, ..stamp };
        if !shown.is_empty() {
            // Only the first byte of a call is known to have arrived then.
            let stamp = if from == 0 { stamp } else { middle };
            self.bytes(data.flow, data.position + from, shown, head.len() as u64 == len, stamp, out);
        }
        let unseen_from = skip.max(head.len() as u64);
        if unseen_from < tail_at {
            self.gap(data.flow, tail_at - unseen_from, stamp, out);
        }
        let tail_skip = unseen_from.saturating_sub(tail_at).min(tail.len() as u64);
        let tail = &tail[tail_skip as usize..];
        if !tail.is_empty() {
            self.bytes(data.flow, data.position + tail_at + tail_skip, tail, true, middle, out);
        }
    }

    fn bytes(&mut self, flow: Flow, position: u64, bytes: &[u8], ends_call: bool, stamp: Stamp, out: &mut Output) {
        if self.role.is_none()
            && let Stage::Following(protocol, _) = &self.stage
            && let Probe::Yes(direction) = (protocol.probe)(bytes, Context { direction: None, from_start: false })
        {
            self.learn_role(flow, direction);
        }
        let direction = self.direction_or_guess(flow);
        match &mut self.stage {
            Stage::Following(_, session) => {
                let chunk = Chunk { pos: position, bytes, ends_call, stamp };
                if let Some(direction) = direction {
                    session.data(direction, &chunk, out);
                }
                let (tunnel, upgrade) = (out.tunnel.take(), out.upgrade.take());
                self.follow_up(out);
                if let Some(upgrade) = upgrade {
                    return self.upgrade(upgrade, flow, &chunk, out);
                }
                // A proxy only hands on what is inside.
                if let Some(rest_at) = tunnel
                    && (self.role == Some(Role::Client) || self.open.vantage == Vantage::Wire)
                {
                    self.enter(rest_at, flow, &chunk, out);
                }
            }
            Stage::Detecting(_) => {
                let piece = Piece::Bytes { position, bytes: bytes.to_vec(), ends_call };
                self.detect(Held { flow, piece, stamp }, out);
            }
            Stage::Ignored { .. } => {}
        }
    }

    fn gap(&mut self, flow: Flow, len: u64, stamp: Stamp, out: &mut Output) {
        let direction = self.direction_or_guess(flow);
        match &mut self.stage {
            Stage::Following(_, session) => {
                if let Some(direction) = direction {
                    session.gap(direction, len, stamp, out);
                }
                self.follow_up(out);
            }
            Stage::Detecting(_) => self.detect(Held { flow, piece: Piece::Gap(len), stamp }, out),
            Stage::Ignored { .. } => {}
        }
    }
}
