//! All connections: their limits, time-outs and counters.

mod secrets;

use super::candidates::Candidates;
use super::command::Command;
use super::connection::Connection;
use super::counts::Counts;
use super::fact::Fact;
use super::keyring::Keyring;
use super::telling::{drain, end_or_change, tell_set_up};
use super::{older, room};
use crate::event::{Change, Event, Open, Role, State, Transport};
use rustc_hash::FxHashMap;
use std::sync::Arc;
use wirespan_protocols::describe::headers::Headers;
use wirespan_protocols::exchange::detail::Detail;
use wirespan_protocols::protocol::Registry;
use wirespan_protocols::registry::PROTOCOLS;
use wirespan_protocols::session::{Output, Reason};

/// Limits of the tracker.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections followed at once. Beyond it the quietest ones are forgotten, if they were silent for
    /// [`idle_ns`](Self::idle_ns); else further ones are counted and ignored until others close.
    pub connections: usize,
    /// After so long a silence, ns, a session frees its buffers and takes what was lost for answered.
    pub quiet_ns: u64,
    /// How long a connection whose end may pass unseen (unix sockets, ignored ones) may be silent before it is forgotten, ns.
    /// It is announced anew when it speaks again. Others are forgotten only when there is no room, the quietest first.
    pub idle_ns: u64,
    /// Heap bytes that all connections together may hold: of their sessions, of bytes whose protocol is not known yet, of
    /// set-ups under way. Beyond it those that hold most are dropped.
    pub session_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const SECOND: u64 = 1_000_000_000;
        Self { connections: 64 * 1024, quiet_ns: 300 * SECOND, idle_ns: 900 * SECOND, session_bytes: 64 << 20 }
    }
}

/// Every connection by id. `T`: whatever the floor above keeps with each.
pub struct Tracker<T> {
    limits: Limits,
    registry: Registry,
    connections: FxHashMap<u64, Box<Connection<T>>>,
    /// Connection by socket: a new one with the same socket ends the old one.
    sockets: FxHashMap<u64, u64>,
    output: Output,
    counts: Counts,
    commands: Vec<Command>,
    /// Turns may have to be left out: the programs must know of which connections.
    sheds: bool,
    /// There are clients among them.
    sheds_clients: bool,
    /// Heap bytes of all connections, as last counted.
    heap: usize,
    keyring: Keyring,
    candidates: Candidates,
    swept_ns: u64,
    /// When room was last made.
    crowded_ns: Option<u64>,
}

/// How long a UDP socket may be silent before it is forgotten, ns: longer than a look-up waits for its answer.
const DATAGRAM_IDLE_NS: u64 = 30_000_000_000;

/// How often time-outs are looked at, ns of event time.
const SWEEP_NS: u64 = 1_000_000_000;

impl<T> Tracker<T> {
    /// An empty tracker, which follows every protocol that there is.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self::of(limits, PROTOCOLS)
    }

    /// An empty tracker, which follows these protocols.
    #[must_use]
    pub fn of(limits: Limits, registry: Registry) -> Self {
        Self {
            limits,
            registry,
            connections: FxHashMap::default(),
            sockets: FxHashMap::default(),
            output: Output::default(),
            counts: Counts { encrypted_inside: vec![0; registry.len()], ..Counts::default() },
            commands: Vec::new(),
            sheds: false,
            sheds_clients: false,
            heap: 0,
            keyring: Keyring::default(),
            candidates: Candidates::default(),
            swept_ns: 0,
            crowded_ns: None,
        }
    }

    /// What was counted so far.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Connections followed now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.connections.len()
    }

    /// Whether none is followed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Shows every connection that is followed now.
    pub fn each(&mut self, mut visit: impl FnMut(&mut Connection<T>)) {
        self.connections.values_mut().for_each(|connection| visit(connection));
    }

    /// Whether turns may have to be left out to save work: from now on each connection on which data moves is told of in
    /// [`Command::Direct`] when its turns may be, or not.
    pub fn set_shedding(&mut self, sheds: bool) {
        self.sheds = sheds;
    }

    /// Whether turns of clients may be left out, too: they go with the request for which they are.
    #[must_use]
    pub fn sheds_clients(&self) -> bool {
        self.sheds_clients
    }

    /// Takes in what an exchange said that nobody needs any more.
    pub fn reuse(&mut self, detail: Box<dyn Detail>) {
        self.output.spare = Some(detail);
    }

    /// Takes the commands for the capture layer.
    pub fn take_commands(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.commands)
    }

    /// Takes in an event; what becomes known goes to `sink` with its connection.
    pub fn handle(&mut self, event: &Event<'_>, sink: &mut impl FnMut(&mut Connection<T>, Fact)) {
        match event {
            Event::Open(open) => self.open(open, sink),
            Event::Data(data) => {
                let Some(connection) = self.connections.get_mut(&data.connection) else {
                    self.counts.orphans += 1;
                    return;
                };
                let (before, was_foreign, was_encrypted) =
                    (connection.budget(), connection.is_foreign(), connection.is_encrypted());
                connection.data(data, &mut self.output);
                if let Some(random) = self.output.wants_secrets.take() {
                    for secret in self.keyring.want(random, (data.connection, connection.pid), data.last_ns) {
                        connection.secret(&secret, data.last_ns, &mut self.output);
                    }
                }
                older::looks(connection, data, &mut self.candidates, &mut self.output);
                drain(&mut self.output, &mut self.counts, connection, sink);
                if connection.is_encrypted() && !was_encrypted {
                    self.counts.encrypted += 1;
                    let inside = connection.life.protocol().and_then(|spoken| self.registry.index(spoken));
                    if let Some(count) = inside.and_then(|inside| self.counts.encrypted_inside.get_mut(inside)) {
                        *count += 1;
                    }
                }
                match (was_foreign, connection.is_foreign()) {
                    (false, true) if !connection.is_encrypted() => self.counts.foreign += 1,
                    // It had only begun oddly.
                    (true, false) if !was_encrypted => self.counts.foreign = self.counts.foreign.saturating_sub(1),
                    _ => {}
                }
                let budget = connection.budget();
                let allows = self.sheds && connection.allows_shedding(data);
                self.sheds_clients |= allows && connection.role == Some(Role::Client);
                if (allows || budget != before && budget.is_some()) && connection.open.sock != 0 {
                    self.commands.push(Command::Direct {
                        sock: connection.open.sock,
                        connection: data.connection,
                        budget,
                        shedding: connection.shedding(),
                    });
                }
                connection.count_heap(&mut self.heap);
                if self.heap > self.limits.session_bytes {
                    self.evict(data.last_ns, sink);
                }
            }
            Event::State(state) => {
                let Some(connection) = self.connections.get_mut(&state.connection) else { return };
                if end_or_change(connection, state, &mut self.output, &mut self.counts, sink) {
                    self.remove(state.connection);
                }
            }
            Event::Tick { at_ns } => {
                if at_ns.saturating_sub(self.swept_ns) >= SWEEP_NS {
                    self.swept_ns = *at_ns;
                    self.sweep(*at_ns, sink);
                }
            }
            Event::Stats(stats) => {
                if let Some(connection) = self.connections.get_mut(&stats.connection) {
                    sink(connection, Fact::Stats(*stats));
                }
            }
            Event::Secret(told) => self.told(told, sink),
            Event::Spoken(_)
            | Event::Asks(_)
            | Event::Listener(_)
            | Event::Process(_)
            | Event::Listen { .. }
            | Event::Clock { .. } => {}
        }
    }

    fn open(&mut self, open: &Open, sink: &mut impl FnMut(&mut Connection<T>, Fact)) {
        // Told twice, it is still one.
        if self.connections.contains_key(&open.connection) {
            return;
        }
        if open.sock != 0
            && let Some(old) = self.sockets.insert(open.sock, open.connection)
            && old != open.connection
        {
            self.end(old, open.at_ns, sink);
            self.sockets.insert(open.sock, open.connection);
        }
        self.counts.connections += 1;
        if self.connections.len() >= self.limits.connections {
            self.make_room(open.at_ns, sink);
        }
        if self.connections.len() >= self.limits.connections {
            self.counts.refused += 1;
            self.sockets.remove(&open.sock);
            return;
        }
        let mut connection = Box::new(Connection::new(open.clone(), self.registry));
        sink(&mut connection, Fact::Opened);
        if let Some(most) = connection.most.filter(|_| open.sock != 0) {
            let shedding = connection.shedding();
            self.commands.push(Command::Direct {
                sock: open.sock,
                connection: open.connection,
                budget: Some(most),
                shedding,
            });
        }
        connection.count_heap(&mut self.heap);
        if let Some(old) = self.connections.insert(open.connection, connection) {
            self.heap = self.heap.saturating_sub(old.counted());
        }
        if self.heap > self.limits.session_bytes {
            self.evict(open.at_ns, sink);
        }
    }

    /// Ends a connection whose end was not seen.
    fn end(&mut self, id: u64, at_ns: u64, sink: &mut impl FnMut(&mut Connection<T>, Fact)) {
        if let Some(connection) = self.connections.get_mut(&id) {
            // Nothing tells the end of a socket for datagrams.
            let is_datagram = connection.open.transport == Transport::Udp;
            let change = if is_datagram { Change::Closed } else { Change::Unseen };
            let state = State { connection: id, change, error: 0, at_ns };
            end_or_change(connection, &state, &mut self.output, &mut self.counts, sink);
            self.remove(id);
        }
    }

    fn remove(&mut self, id: u64) {
        let Some(connection) = self.connections.remove(&id) else { return };
        self.heap = self.heap.saturating_sub(connection.counted());
        self.candidates.decided(id);
        if self.sockets.get(&connection.open.sock) == Some(&id) {
            self.sockets.remove(&connection.open.sock);
        }
    }

    /// Keeps these header fields of what passes from now on.
    pub fn keep_headers(&mut self, headers: Arc<Headers>) {
        self.output.headers = headers;
    }

    /// No more events come: counts the requests that are under way, and tells the set-ups that nothing followed.
    pub fn finish(&mut self, sink: &mut impl FnMut(&mut Connection<T>, Fact)) {
        let mut ids: Vec<u64> = self.connections.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.abandon(Reason::UnderWay, &mut self.output);
                drain(&mut self.output, &mut self.counts, connection, sink);
                let set_up = connection.life.conclude();
                tell_set_up(connection, set_up, sink);
            }
        }
    }

    /// Forgets up to a quarter of the connections: the quietest ones, of those that have been silent for long.
    fn make_room(&mut self, now_ns: u64, sink: &mut impl FnMut(&mut Connection<T>, Fact)) {
        // All are looked at, which must not be done for each that comes.
        if self.crowded_ns.is_some_and(|at| now_ns.saturating_sub(at) < SWEEP_NS) {
            return;
        }
        self.crowded_ns = Some(now_ns);
        let before_ns = now_ns.saturating_sub(self.limits.idle_ns);
        let ages = self.connections.iter().map(|(id, connection)| (connection.last_ns, *id));
        let mut silent: Vec<(u64, u64)> = ages.filter(|(last_ns, _)| *last_ns < before_ns).collect();
        silent.sort_unstable();
        for (_, id) in silent.into_iter().take(self.limits.connections.div_ceil(4)) {
            self.counts.crowded_out += 1;
            self.forget(id, now_ns, sink);
        }
    }

    /// Forgets connections whose end may have passed unseen, counts memory anew.
    fn sweep(&mut self, now_ns: u64, sink: &mut impl FnMut(&mut Connection<T>, Fact)) {
        let idle_before_ns = now_ns.saturating_sub(self.limits.idle_ns);
        self.keyring.sweep(now_ns);
        let mut silent = Vec::new();
        self.heap = 0;
        for (id, connection) in &mut self.connections {
            connection.expire(now_ns, self.limits.quiet_ns, &mut self.output);
            drain(&mut self.output, &mut self.counts, connection, sink);
            let set_up = connection.life.tick(now_ns, connection.last_ns, connection.is_dark());
            tell_set_up(connection, set_up, sink);
            connection.count_anew(&mut self.heap);
            // TCP tells its end; a unix socket may be gone unseen, and the socket of a look-up nearly always is.
            let limit = match connection.open.transport {
                Transport::Udp => now_ns.saturating_sub(DATAGRAM_IDLE_NS),
                Transport::Tcp if !connection.is_ignored() => 0,
                Transport::Tcp | Transport::Unix => idle_before_ns,
            };
            if connection.last_ns < limit {
                silent.push(*id);
            }
        }
        for id in silent {
            self.forget(id, now_ns, sink);
        }
        if self.heap > self.limits.session_bytes {
            self.evict(now_ns, sink);
        }
        let waits = |id| self.connections.get(&id).is_some_and(|connection| connection.waits_for_secrets());
        self.candidates.sweep(now_ns, waits);
        room::give_back(&mut self.connections);
        room::give_back(&mut self.sockets);
    }

    /// Lets go of a connection that may live on.
    fn forget(&mut self, id: u64, now_ns: u64, sink: &mut impl FnMut(&mut Connection<T>, Fact)) {
        if let Some(connection) = self.connections.get_mut(&id) {
            if connection.open.sock != 0 {
                self.commands.push(Command::Forget { sock: connection.open.sock, connection: id });
            }
            connection.abandon(Reason::Forgotten, &mut self.output);
            drain(&mut self.output, &mut self.counts, connection, sink);
            let (set_up, end) = connection.life.forget(now_ns);
            tell_set_up(connection, set_up, sink);
            sink(connection, Fact::Ended(end));
        }
        self.remove(id);
    }

    /// Drops the connections that hold most until the rest is well within the limit: to look for them costs a look at
    /// all, so it must not be needed again at once.
    fn evict(&mut self, now_ns: u64, sink: &mut impl FnMut(&mut Connection<T>, Fact)) {
        let enough = self.limits.session_bytes / 4 * 3;
        let mut sizes: Vec<(usize, u64)> =
            self.connections.iter().map(|(id, connection)| (connection.counted(), *id)).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        for (_, id) in sizes {
            if self.heap <= enough {
                break;
            }
            self.counts.evicted += 1;
            self.forget(id, now_ns, sink);
        }
    }
}

#[cfg(test)]
#[path = "tracker_tests.rs"]
mod tests;
