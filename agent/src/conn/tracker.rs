//! All connections: their limits, time-outs and counters.

use super::connection::Connection;
use crate::event::{Endpoint, Event, Open};
use rustc_hash::FxHashMap;
use wirespan_protocols::exchange::Exchange;
use wirespan_protocols::session::{Output, Reason};

/// Limits of the tracker.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections followed at once; further ones are counted and ignored until others close.
    pub connections: usize,
    /// How long a request may wait for its response, ns.
    pub unanswered_ns: u64,
    /// How long a connection may be silent before it is forgotten (it is announced anew when it speaks again), ns.
    pub idle_ns: u64,
    /// Heap bytes of all sessions together; beyond it the sessions that hold most are dropped.
    pub session_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const SECOND: u64 = 1_000_000_000;
        Self { connections: 64 * 1024, unanswered_ns: 300 * SECOND, idle_ns: 900 * SECOND, session_bytes: 16 << 20 }
    }
}

/// What the tracker counted.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Connections seen.
    pub connections: u64,
    /// Connections that were none of our protocols.
    pub foreign: u64,
    /// Connections not followed because of the limit on connections.
    pub refused: u64,
    /// Sessions dropped because of the limit on memory.
    pub evicted: u64,
    /// Data of connections that were never announced, or are over.
    pub orphans: u64,
    /// By [`Reason`], over all sessions.
    pub reasons: [u64; Reason::ALL.len()],
}

/// What the tracker wants of the capture layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Copy so much payload per turn of this connection; 0: nothing more.
    Budget {
        /// Key of the kernel's table.
        sock: u64,
        /// Connection id.
        connection: u64,
        /// Bytes.
        budget: u32,
    },
    /// Forget this connection; announce it when it speaks again.
    Forget {
        /// Key of the kernel's table.
        sock: u64,
    },
}

/// Every connection by id. `T`: whatever the floor above keeps with each.
pub struct Tracker<T> {
    limits: Limits,
    connections: FxHashMap<u64, Box<Connection<T>>>,
    /// Connection by socket: a new one with the same socket ends the old one.
    sockets: FxHashMap<u64, u64>,
    output: Output,
    counts: Counts,
    commands: Vec<Command>,
    swept_ns: u64,
}

/// How often time-outs are looked at, ns of event time.
const SWEEP_NS: u64 = 1_000_000_000;

impl<T> Tracker<T> {
    /// An empty tracker.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            connections: FxHashMap::default(),
            sockets: FxHashMap::default(),
            output: Output::default(),
            counts: Counts::default(),
            commands: Vec::new(),
            swept_ns: 0,
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

    /// Takes the commands for the capture layer.
    pub fn take_commands(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.commands)
    }

    /// Takes in an event; finished exchanges go to `sink` with their connection.
    pub fn handle(&mut self, event: &Event<'_>, sink: &mut impl FnMut(&mut Connection<T>, Exchange)) {
        match event {
            Event::Open(open) => self.open(open, sink),
            Event::Data(data) => {
                let Some(connection) = self.connections.get_mut(&data.connection) else {
                    self.counts.orphans += 1;
                    return;
                };
                let before = connection.budget();
                connection.data(data, &mut self.output);
                drain(&mut self.output, &mut self.counts, connection, sink);
                let after = connection.budget();
                if after != before {
                    self.counts.foreign += u64::from(connection.is_ignored());
                    if let (sock @ 1.., Some(budget)) = (connection.open.sock, after) {
                        self.commands.push(Command::Budget { sock, connection: data.connection, budget });
                    }
                }
            }
            Event::State(state) => {
                let Some(connection) = self.connections.get_mut(&state.connection) else { return };
                let over = connection.change(state.change, state.at_ns, &mut self.output);
                drain(&mut self.output, &mut self.counts, connection, sink);
                if over {
                    self.remove(state.connection);
                }
            }
            Event::Tick { at_ns } => {
                if at_ns.saturating_sub(self.swept_ns) >= SWEEP_NS {
                    self.swept_ns = *at_ns;
                    self.sweep(*at_ns, sink);
                }
            }
            Event::Process(_) | Event::Listen { .. } | Event::Clock { .. } => {}
        }
    }

    fn open(&mut self, open: &Open, sink: &mut impl FnMut(&mut Connection<T>, Exchange)) {
        if open.sock != 0
            && let Some(old) = self.sockets.insert(open.sock, open.connection)
            && old != open.connection
        {
            self.end(old, open.at_ns, sink);
            self.sockets.insert(open.sock, open.connection);
        }
        self.counts.connections += 1;
        if self.connections.len() >= self.limits.connections {
            self.counts.refused += 1;
            self.sockets.remove(&open.sock);
            return;
        }
        self.connections.insert(open.connection, Box::new(Connection::new(open.clone())));
    }

    /// Ends a connection whose end was not seen.
    fn end(&mut self, id: u64, at_ns: u64, sink: &mut impl FnMut(&mut Connection<T>, Exchange)) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.change(crate::event::Change::Closed, at_ns, &mut self.output);
            drain(&mut self.output, &mut self.counts, connection, sink);
            self.remove(id);
        }
    }

    fn remove(&mut self, id: u64) {
        if let Some(connection) = self.connections.remove(&id)
            && self.sockets.get(&connection.open.sock) == Some(&id)
        {
            self.sockets.remove(&connection.open.sock);
        }
    }

    /// Gives up unanswered requests, forgets silent connections, keeps the memory of sessions within its limit.
    fn sweep(&mut self, now_ns: u64, sink: &mut impl FnMut(&mut Connection<T>, Exchange)) {
        let before_ns = now_ns.saturating_sub(self.limits.unanswered_ns);
        let idle_before_ns = now_ns.saturating_sub(self.limits.idle_ns);
        let mut silent = Vec::new();
        let mut heap = 0;
        for (id, connection) in &mut self.connections {
            connection.expire(before_ns, &mut self.output);
            drain(&mut self.output, &mut self.counts, connection, sink);
            heap += connection.heap_bytes();
            // TCP tells its end; a unix socket may be gone unseen.
            let limit = if matches!(connection.open.local, Endpoint::Unix(_)) || connection.is_ignored() {
                idle_before_ns
            } else {
                now_ns.saturating_sub(self.limits.idle_ns.saturating_mul(8))
            };
            if connection.last_ns < limit {
                silent.push(*id);
            }
        }
        for id in silent {
            if let Some(connection) = self.connections.get(&id)
                && connection.open.sock != 0
            {
                self.commands.push(Command::Forget { sock: connection.open.sock });
            }
            self.remove(id);
        }
        if heap > self.limits.session_bytes {
            self.evict(heap);
        }
    }

    /// Drops the sessions that hold most until the rest is within the limit.
    fn evict(&mut self, mut heap: usize) {
        let mut sizes: Vec<(usize, u64)> =
            self.connections.iter().map(|(id, connection)| (connection.heap_bytes(), *id)).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        for (size, id) in sizes {
            if heap <= self.limits.session_bytes {
                break;
            }
            heap -= size;
            self.counts.evicted += 1;
            if let Some(connection) = self.connections.get(&id)
                && connection.open.sock != 0
            {
                self.commands.push(Command::Forget { sock: connection.open.sock });
            }
            self.remove(id);
        }
    }
}

fn drain<T>(
    output: &mut Output,
    counts: &mut Counts,
    connection: &mut Connection<T>,
    sink: &mut impl FnMut(&mut Connection<T>, Exchange),
) {
    for exchange in output.exchanges.drain(..) {
        sink(connection, exchange);
    }
    for (total, count) in counts.reasons.iter_mut().zip(&mut output.counts) {
        *total += std::mem::take(count);
    }
}
