//! The life of a connection: how it was set up, what was done with it, and how it ended.
//!
//! A set-up is over with the first request of the program, with TLS (where an authentication inside it is to be seen,
//! with that), with a failure, or with the end. A request that comes after a second of silence did not wait for it, and a
//! driver's preamble after that is work. A handshake after silence still belongs to it: the slowest set-ups matter most.
//!
//! What was seen of it is held in a [`Timeline`], which exists only so long; a connection that is set up keeps a few
//! bytes. A connection on which nothing happens is told after ten seconds; a handshake that comes even later is told as
//! a set-up of its own, from its first byte.

use super::errno;
use super::fact::{End, MAX_PHASES, MAX_PREAMBLE, PreambleStep, SetUp, TcpConnect, Use};
use crate::event::{Change, Open, Role, State, Transport, Vantage};
use wirespan_protocols::describe::family::Family;
use wirespan_protocols::describe::spoken::{FamilyName, Spoken};
use wirespan_protocols::exchange::Exchange;
use wirespan_protocols::phase::{Phase, PhaseKind};
use wirespan_protocols::stream::Actor;

/// What comes after so long a silence did not wait for the set-up, ns.
pub const SILENCE_NS: u64 = 1_000_000_000;
/// A set-up that nothing follows for so long is told, ns.
pub const UNUSED_NS: u64 = 10_000_000_000;

/// A set-up under way.
#[derive(Debug)]
struct Timeline {
    set_up: SetUp,
    /// The handshake of TCP was over, or bytes passed.
    established: bool,
    /// SYNs sent again, for a connect that fails.
    retransmits: u32,
    /// Who did it is certain. A server's connection may be accepted by one process and served by another.
    is_actor_known: bool,
}

/// What a connection went through so far.
#[derive(Debug, Default)]
pub struct Life {
    timeline: Option<Box<Timeline>>,
    /// End of the successful set-up, until its first use.
    ready_ns: Option<u64>,
    /// A request of the program was answered.
    used: bool,
    exchanges: u64,
    own_fin: bool,
    peer_first: bool,
    encrypted: bool,
    protocol: Option<Spoken>,
}

impl Life {
    /// That of a new connection.
    #[must_use]
    pub(super) fn new(open: &Open) -> Self {
        let timeline = (open.from_start && open.transport == Transport::Tcp).then(|| Box::new(Timeline::new(open)));
        Self { timeline, ..Self::default() }
    }

    /// Whether TLS was spoken on it.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// What it speaks: inside TLS the protocol that is known to be there.
    #[must_use]
    pub fn protocol(&self) -> Option<Spoken> {
        self.protocol
    }

    /// Takes in the protocol whose session follows the connection now. The first one is what it is about, unless that hides another one
    /// which shows itself.
    pub(super) fn speaks(&mut self, protocol: Option<Spoken>) {
        if self.protocol.is_none_or(|known| known.family == FamilyName::Opaque && protocol.is_some()) {
            self.protocol = protocol;
        }
    }

    /// Bytes, or a FIN, passed.
    pub(super) fn moved(&mut self) {
        if let Some(timeline) = &mut self.timeline {
            timeline.established = true;
        }
    }

    /// Takes in a phase; the set-up when that ended it. `shows_inside`: what is inside TLS tells itself how it begins.
    pub(super) fn phase(&mut self, phase: Phase, shows_inside: bool) -> Option<Box<SetUp>> {
        self.encrypted |= matches!(phase.kind, PhaseKind::Tls(_)) && phase.error.is_none();
        self.protocol = phase.spoken.or(self.protocol);
        // Told already because nothing followed for long, and not used since: here it goes on.
        if self.timeline.is_none() && self.ready_ns.is_some() && !self.used {
            self.timeline = Some(Box::new(Timeline::late(&phase)));
        }
        let timeline = self.timeline.as_mut()?;
        let is_over = timeline.phase(phase, shows_inside);
        if is_over { self.finish() } else { None }
    }

    /// Takes in the beginning of a request of a protocol that has no preamble; the set-up when that ended it.
    pub(super) fn request(&mut self, actor: Actor) -> Option<Box<SetUp>> {
        self.timeline.as_mut()?.act(actor);
        self.finish()
    }

    /// Takes in an exchange: which use of the connection it is, and before it the set-up when that ended it.
    pub(super) fn exchange(&mut self, exchange: &Exchange) -> (Option<Box<SetUp>>, Use) {
        self.exchanges += 1;
        if exchange.detail.spoken().family == FamilyName::Opaque
            && let Family::Opaque(opaque) = exchange.detail.family()
        {
            self.protocol = opaque.inside.or(self.protocol);
        }
        if exchange.detail.is_start_up() {
            return (None, Use::Preamble);
        }
        let mut over = None;
        if let Some(timeline) = &mut self.timeline {
            if timeline.step(exchange) {
                return (None, Use::Preamble);
            }
            over = self.finish();
        }
        let ready_ns = self.ready_ns.take();
        let again = std::mem::replace(&mut self.used, true);
        let usage = match ready_ns {
            _ if again => Use::Again,
            None => Use::Unknown,
            Some(ready_ns) if exchange.request.first_ns.saturating_sub(ready_ns) > SILENCE_NS => Use::Ready,
            Some(_) => Use::First,
        };
        (over, usage)
    }

    /// Time has come to `now_ns`; `last_ns` is when bytes last passed, `ignored` that nothing will be understood of
    /// them. The set-up when that ended it.
    pub(super) fn tick(&mut self, now_ns: u64, last_ns: u64, ignored: bool) -> Option<Box<SetUp>> {
        let timeline = self.timeline.as_ref()?;
        let end_ns = timeline.set_up.end_ns;
        // What passed after the last phase may be the next one, or the first request: it will tell itself. So will a
        // phase that has to come.
        let is_quiet = ignored || last_ns <= end_ns && !timeline.expects_more();
        let patience_ns = if ignored { SILENCE_NS } else { UNUSED_NS };
        if is_quiet && now_ns.saturating_sub(end_ns.max(last_ns)) >= patience_ns { self.finish() } else { None }
    }

    /// Heap bytes held.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.timeline.as_ref().map_or(0, |timeline| size_of::<Timeline>() + timeline.heap_bytes())
    }

    /// Takes in a change of state. The set-up when that was its end, and the end.
    pub(super) fn change(&mut self, state: &State) -> (Option<Box<SetUp>>, Option<End>) {
        match state.change {
            Change::SentFin => {
                self.own_fin = true;
                self.moved();
            }
            Change::ReceivedFin => {
                self.peer_first |= !self.own_fin;
                self.moved();
            }
            Change::Unseen => {
                let (set_up, end) = self.forget(state.at_ns);
                return (set_up, Some(End { change: Change::Unseen, ..end }));
            }
            Change::Closed | Change::ResetByPeer | Change::ResetBySelf | Change::Failed => {
                let set_up = self.end(state.change, state.error, state.at_ns);
                let end = End {
                    change: state.change,
                    at_ns: state.at_ns,
                    error: state.error,
                    peer_first: self.peer_first,
                    exchanges: self.exchanges,
                    forgotten: false,
                };
                return (set_up, Some(end));
            }
        }
        (None, None)
    }

    /// The tracker lets go of the connection, which may live on.
    pub(super) fn forget(&mut self, at_ns: u64) -> (Option<Box<SetUp>>, End) {
        let end = End {
            change: Change::Closed,
            at_ns,
            error: 0,
            peer_first: self.peer_first,
            exchanges: self.exchanges,
            forgotten: true,
        };
        (self.finish(), end)
    }

    /// No more events come. The set-up, if it was not told.
    pub(super) fn conclude(&mut self) -> Option<Box<SetUp>> {
        self.finish()
    }

    fn end(&mut self, change: Change, errno: u32, at_ns: u64) -> Option<Box<SetUp>> {
        if let Some(timeline) = &mut self.timeline
            && !timeline.established
        {
            timeline.fail(change, errno, at_ns);
        }
        self.finish()
    }

    fn finish(&mut self) -> Option<Box<SetUp>> {
        let set_up = self.timeline.take()?.set_up;
        if set_up.error.is_none() {
            self.ready_ns = Some(set_up.end_ns);
        }
        Some(Box::new(set_up))
    }
}

impl Timeline {
    fn new(open: &Open) -> Self {
        let connects = open.vantage == Vantage::Wire || open.role == Some(Role::Client);
        let established_ns = open.established_ns.map(|at| at.max(open.at_ns));
        let tcp = established_ns.filter(|_| connects).map(|end_ns| TcpConnect {
            start_ns: open.at_ns,
            end_ns,
            retransmits: open.syn_retransmits,
            error: 0,
        });
        let begun_ns = established_ns.unwrap_or(open.at_ns);
        let accepted_ns = open.accepted_ns.filter(|_| !connects);
        let set_up = SetUp {
            start_ns: open.at_ns,
            end_ns: accepted_ns.unwrap_or(begun_ns).max(begun_ns),
            actor: Actor { pid: open.pid, tid: open.tid, context: open.context },
            lookups: Vec::new(),
            tcp,
            accept_wait_ns: accepted_ns.map(|accepted| accepted.saturating_sub(begun_ns)),
            phases: Vec::new(),
            preamble: Vec::new(),
            error: None,
        };
        // What was accepted is established, whether its time was seen or not.
        Self {
            established: established_ns.is_some() || !connects,
            retransmits: open.syn_retransmits,
            is_actor_known: connects && open.pid != 0 && open.tid != 0,
            set_up,
        }
    }

    /// What goes on after the set-up was told.
    fn late(phase: &Phase) -> Self {
        let set_up = SetUp::beginning(phase.start_ns, phase.actor);
        Self { set_up, established: true, retransmits: 0, is_actor_known: true }
    }

    /// Someone did a part of it. What a runtime executes is not always seen when it connects, but then.
    fn act(&mut self, actor: Actor) {
        if !std::mem::replace(&mut self.is_actor_known, true) {
            self.set_up.actor = actor;
        } else if self.set_up.actor.pid == actor.pid && self.set_up.actor.context == 0 {
            self.set_up.actor.context = actor.context;
        }
    }

    /// Takes in a phase; true when the set-up is over with it.
    fn phase(&mut self, phase: Phase, shows_inside: bool) -> bool {
        self.established = true;
        self.act(phase.actor);
        let set_up = &mut self.set_up;
        set_up.end_ns = set_up.end_ns.max(phase.end_ns);
        let over = match &phase.kind {
            PhaseKind::EncryptionRequest { .. } | PhaseKind::Preface(_) => false,
            PhaseKind::Authentication(authentication) => authentication.encrypted,
            PhaseKind::Tls(_) => !phase.goes_on && !shows_inside,
        };
        let failed = phase.error.is_some();
        set_up.error = phase.error.clone();
        if set_up.phases.len() < MAX_PHASES {
            set_up.phases.push(phase);
        }
        over || failed
    }

    /// Takes in an exchange; true when it belongs to the set-up.
    fn step(&mut self, exchange: &Exchange) -> bool {
        self.established = true;
        self.act(exchange.actor);
        let set_up = &mut self.set_up;
        let Some(what) = exchange.detail.preamble() else { return false };
        let is_late = exchange.request.first_ns.saturating_sub(set_up.end_ns) > SILENCE_NS;
        if set_up.preamble.len() >= MAX_PREAMBLE || is_late {
            return false;
        }
        set_up.end_ns = set_up.end_ns.max(exchange.end_ns);
        set_up.preamble.push(PreambleStep { start_ns: exchange.request.first_ns, end_ns: exchange.end_ns, what });
        true
    }

    /// Whether a phase has to follow the last one.
    fn expects_more(&self) -> bool {
        self.set_up.phases.last().is_some_and(|phase| phase.goes_on)
    }

    fn heap_bytes(&self) -> usize {
        let set_up = &self.set_up;
        let phases: usize = set_up.phases.iter().map(Phase::heap_bytes).sum();
        let steps: usize = set_up.preamble.iter().map(|step| step.what.len()).sum();
        let places =
            set_up.phases.capacity() * size_of::<Phase>() + set_up.preamble.capacity() * size_of::<PreambleStep>();
        places + phases + steps + set_up.error.as_ref().map_or(0, |error| error.len())
    }

    /// The handshake of TCP never came to its end.
    fn fail(&mut self, change: Change, errno: u32, at_ns: u64) {
        let set_up = &mut self.set_up;
        set_up.end_ns = at_ns.max(set_up.start_ns);
        set_up.error = Some(if errno == 0 && change.is_reset() {
            "connection_reset".into()
        } else {
            errno::error_type(errno).into()
        });
        set_up.tcp = Some(TcpConnect {
            start_ns: set_up.start_ns,
            end_ns: set_up.end_ns,
            retransmits: self.retransmits,
            error: errno,
        });
    }
}

#[cfg(test)]
mod tests;
