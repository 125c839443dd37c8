//! Who asks on the streams of a connection for which something else sends, as runtimes say it: grpc-go has one goroutine send for all.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use wirespan_protocols::stream::Actor;

use super::context::RequestKey;
use crate::conn::room;
use crate::event::Asks;

/// Most of one connection whose answers are still to come: the streams that began first go. They may never come, where exchanges are left out.
const MAX_ON_CONNECTION: usize = 4096;
/// Most of all connections. One that has some gives up its first ones.
const MAX_ASKERS: usize = 64 * 1024;
/// How long those of a connection are kept of which nothing was said since, ns: its end may not be seen.
const KEEP_NS: u64 = 600_000_000_000;
/// Time between two looks for what is too old, ns.
const SWEEP_NS: u64 = 10_000_000_000;

/// Those of a connection, by stream; and when the last one asked, ns.
#[derive(Debug, Default)]
struct Streams {
    askers: BTreeMap<u64, Actor>,
    last_ns: u64,
}

/// See the module's text.
#[derive(Debug, Default)]
pub struct Askers {
    connections: FxHashMap<u64, Streams>,
    count: usize,
    swept_ns: u64,
}

impl Askers {
    /// Somebody asks on a stream. The first one counts: others may go on with it.
    pub fn asks(&mut self, asks: &Asks) {
        let is_full = self.count >= MAX_ASKERS;
        if is_full && !self.connections.contains_key(&asks.connection) {
            return;
        }
        let streams = self.connections.entry(asks.connection).or_default();
        streams.last_ns = asks.at_ns;
        self.count -= streams.askers.len();
        streams.askers.entry(asks.stream).or_insert(asks.actor);
        if is_full || streams.askers.len() > MAX_ON_CONNECTION {
            streams.askers.pop_first();
        }
        self.count += streams.askers.len();
    }

    /// Who asked a request, if that was said.
    #[must_use]
    pub fn of(&self, request: RequestKey) -> Option<Actor> {
        self.connections.get(&request.connection)?.askers.get(&request.stream).copied()
    }

    /// The same of a request that is over.
    pub fn take(&mut self, request: RequestKey) -> Option<Actor> {
        let asker = self.connections.get_mut(&request.connection)?.askers.remove(&request.stream)?;
        self.count -= 1;
        Some(asker)
    }

    /// A connection is over.
    pub fn end_connection(&mut self, connection: u64) {
        let over = self.connections.remove(&connection);
        self.count -= over.map_or(0, |streams| streams.askers.len());
    }

    /// Lets go of what is too old.
    pub fn sweep(&mut self, now_ns: u64) {
        if now_ns.saturating_sub(self.swept_ns) >= SWEEP_NS {
            self.swept_ns = now_ns;
            self.connections.retain(|_, streams| now_ns.saturating_sub(streams.last_ns) < KEEP_NS);
            self.count = self.connections.values().map(|streams| streams.askers.len()).sum();
            room::give_back(&mut self.connections);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(connection: u64, stream: u64, context: u64) -> Asks {
        Asks { connection, stream, at_ns: stream, actor: Actor { pid: 7, tid: 1, context } }
    }

    fn key(connection: u64, stream: u64) -> RequestKey {
        RequestKey { connection, stream, pos: 100 }
    }

    #[test]
    fn each_stream_has_the_one_who_asked_first() {
        let mut askers = Askers::default();
        for (stream, context) in [(1, 10), (3, 20), (3, 30)] {
            askers.asks(&asks(5, stream, context));
        }
        let of = |askers: &Askers, key| askers.of(key).map(|actor| actor.context);
        assert_eq!((of(&askers, key(5, 1)), of(&askers, key(5, 3))), (Some(10), Some(20)));
        assert_eq!((of(&askers, key(5, 5)), of(&askers, key(6, 1))), (None, None));
        assert_eq!(askers.take(key(5, 3)).map(|actor| actor.context), Some(20));
        assert_eq!((askers.take(key(5, 3)), askers.count), (None, 1));
        askers.end_connection(5);
        assert_eq!((of(&askers, key(5, 1)), askers.count), (None, 0));
    }

    #[test]
    fn all_of_it_has_a_limit() {
        let mut askers = Askers::default();
        (0..2 * MAX_ON_CONNECTION as u64).for_each(|stream| askers.asks(&asks(1, stream, 1)));
        assert_eq!(askers.count, MAX_ON_CONNECTION);
        assert!(askers.of(key(1, 2 * MAX_ON_CONNECTION as u64 - 1)).is_some() && askers.of(key(1, 0)).is_none());
        (0..2 * MAX_ASKERS as u64).for_each(|connection| askers.asks(&asks(connection, 1, 1)));
        assert_eq!(askers.count, MAX_ASKERS);
        let last = 2 * MAX_ON_CONNECTION as u64;
        askers.asks(&asks(1, last, 1));
        assert!(askers.of(key(1, last)).is_some() && askers.count == MAX_ASKERS, "it gives up its own first one");
        askers.sweep(KEEP_NS + 2 * MAX_ASKERS as u64);
        assert_eq!((askers.count, askers.connections.len()), (0, 0));
    }
}
