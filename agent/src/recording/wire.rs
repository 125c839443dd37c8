//! A packet capture as a stream of events.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;

use super::EventSource;
use super::owned::Owned;
use super::packet::{Datagram, Packet, Segment, Skipped, packet};
use super::pcap::Frames;
use super::tcp::Connection;
use super::udp::Pairs;
use crate::event::{Change, Event};

/// Connections followed at once; beyond it those that are over, then the quietest ones are forgotten.
const MAX_CONNECTIONS: usize = 1 << 16;
/// Bytes behind holes of all connections together; beyond it the holes of the one that asks are given up.
const MAX_HELD_BYTES: usize = 64 << 20;
/// Packet time between two ticks.
const TICK_NS: u64 = 1_000_000_000;

/// Both ends, the lower one first.
type Key = (SocketAddr, SocketAddr);

/// Reassembles the connections of a capture.
#[derive(Debug, Default)]
pub struct Connections {
    by_key: HashMap<Key, Connection>,
    datagrams: Pairs,
    /// Connections that wait for something, by id: replays go through them in the same order.
    waiting: BTreeMap<u64, Key>,
    held_bytes: usize,
    next_id: u64,
    tick_ns: Option<u64>,
    now_ns: u64,
    queue: VecDeque<Owned>,
    forgotten: u64,
}

impl Connections {
    /// Takes a segment in.
    pub fn take(&mut self, segment: &Segment<'_>, at_ns: u64) {
        self.now_ns = self.now_ns.max(at_ns);
        self.tick(at_ns);
        let key = (segment.source.min(segment.destination), segment.source.max(segment.destination));
        if self.by_key.get(&key).is_some_and(|known| known.is_succeeded_by(segment, at_ns))
            && let Some(mut old) = self.by_key.remove(&key)
        {
            self.held_bytes -= old.held_bytes();
            self.waiting.remove(&old.id());
            old.give_up(at_ns, &mut self.queue);
            old.end(Change::Unseen, 0, at_ns, &mut self.queue);
        }
        if self.by_key.len() >= MAX_CONNECTIONS && !self.by_key.contains_key(&key) {
            self.forget();
        }
        let connection = self.by_key.entry(key).or_insert_with(|| {
            self.next_id += 1;
            Connection::new(self.next_id, segment, at_ns)
        });
        let before = connection.held_bytes();
        connection.take(segment, at_ns, &mut self.queue);
        if self.held_bytes - before + connection.held_bytes() > MAX_HELD_BYTES {
            connection.give_up(at_ns, &mut self.queue);
        }
        self.held_bytes = self.held_bytes - before + connection.held_bytes();
        if connection.is_waiting() {
            self.waiting.insert(connection.id(), key);
        } else {
            self.waiting.remove(&connection.id());
        }
    }

    /// Takes a datagram in.
    pub fn take_datagram(&mut self, datagram: &Datagram<'_>, at_ns: u64) {
        self.now_ns = self.now_ns.max(at_ns);
        self.tick(at_ns);
        let Self { datagrams, next_id, queue, .. } = self;
        let id = || {
            *next_id += 1;
            *next_id
        };
        datagrams.take(datagram, at_ns, id, queue);
    }

    /// The next event.
    pub fn pop(&mut self) -> Option<Owned> {
        self.queue.pop_front()
    }

    /// The capture is over: nothing will fill the holes.
    pub fn finish(&mut self) {
        self.visit_waiting(Connection::review, self.now_ns);
        self.visit_waiting(Connection::give_up, self.now_ns);
        self.datagrams.review(self.now_ns, &mut self.queue);
    }

    fn tick(&mut self, at_ns: u64) {
        let due = self.tick_ns.get_or_insert(at_ns.saturating_add(TICK_NS));
        if at_ns >= *due {
            *due = at_ns.saturating_add(TICK_NS);
            self.visit_waiting(Connection::review, at_ns);
            self.datagrams.review(at_ns, &mut self.queue);
            self.queue.push_back(Owned::Tick(at_ns));
        }
    }

    fn visit_waiting(&mut self, visit: impl Fn(&mut Connection, u64, &mut VecDeque<Owned>), at_ns: u64) {
        let Self { by_key, waiting, held_bytes, queue, .. } = self;
        waiting.retain(|_, key| {
            let Some(connection) = by_key.get_mut(key) else { return false };
            let before = connection.held_bytes();
            visit(connection, at_ns, queue);
            *held_bytes = *held_bytes - before + connection.held_bytes();
            connection.is_waiting()
        });
    }

    /// Makes room: forgets a quarter, those that are over first, then the quietest.
    fn forget(&mut self) {
        let mut ages: Vec<_> = self.by_key.iter().map(|(key, known)| (known.age(), known.id(), *key)).collect();
        ages.sort_unstable();
        for ((alive, _), id, key) in ages.into_iter().take(MAX_CONNECTIONS / 4) {
            if let Some(connection) = self.by_key.remove(&key) {
                self.held_bytes -= connection.held_bytes();
                self.waiting.remove(&id);
                self.forgotten += u64::from(alive);
            }
        }
    }
}

/// The events of a capture.
pub struct Wire<F> {
    frames: F,
    connections: Connections,
    skipped: [u64; Skipped::ALL.len()],
    current: Owned,
    begun: bool,
    done: bool,
    /// What went wrong, to be told after all that came before it.
    failure: Option<anyhow::Error>,
}

impl<F: Frames> Wire<F> {
    /// The events of what `frames` gives.
    pub fn new(frames: F) -> Self {
        Self {
            frames,
            connections: Connections::default(),
            skipped: [0; Skipped::ALL.len()],
            current: Owned::Clock,
            begun: false,
            done: false,
            failure: None,
        }
    }

    /// Reads a frame.
    fn advance(&mut self) {
        match self.frames.next() {
            Ok(Some(frame)) => match packet(&frame) {
                Ok(Packet::Tcp(segment)) => self.connections.take(&segment, frame.at_ns),
                Ok(Packet::Udp(datagram)) if Pairs::wants(&datagram) => {
                    self.connections.take_datagram(&datagram, frame.at_ns);
                }
                Ok(Packet::Udp(_)) => self.skipped[Skipped::OtherProtocol as usize] += 1,
                Err(why) => self.skipped[why as usize] += 1,
            },
            Ok(None) => self.finish(None),
            Err(failure) => self.finish(Some(failure)),
        }
    }

    fn finish(&mut self, failure: Option<anyhow::Error>) {
        self.done = true;
        self.failure = failure;
        self.connections.finish();
    }
}

impl<F: Frames> EventSource for Wire<F> {
    fn next(&mut self) -> anyhow::Result<Option<Event<'_>>> {
        if !self.begun {
            self.begun = true;
            return Ok(Some(self.current.event()));
        }
        loop {
            if let Some(next) = self.connections.pop() {
                self.current = next;
                return Ok(Some(self.current.event()));
            }
            if self.done {
                return self.failure.take().map_or(Ok(None), Err);
            }
            self.advance();
        }
    }

    fn left_out(&self) -> Vec<(&'static str, u64)> {
        let frames = Skipped::ALL.iter().map(|why| (why.name(), self.skipped[*why as usize]));
        let forgotten = self.connections.forgotten + self.connections.datagrams.forgotten;
        let forgotten = ("connections forgotten at the limit", forgotten);
        frames.chain([forgotten]).filter(|(_, count)| *count > 0).collect()
    }
}

#[cfg(test)]
mod tests;
