//! Conversations in, phases and exchanges out.

mod build;
mod decrypt;
mod failures;
mod handshakes;
mod postgres;
mod properties;
mod rounds;

use super::{OpaqueExchange, PROTOCOL};
use crate::exchange::Exchange;
use crate::phase::{Phase, PhaseKind, TlsHandshake};
use crate::protocol::{Opening, Protocol};
use crate::registry::PROTOCOLS;
use crate::session::{Close, Output, Reason, Session};
use crate::stream::{Actor, Chunk, Direction, Stamp};

/// A connection under test. Each call takes one tick of 1000 ns and 10 ns from its first to its last byte.
pub(super) struct Talk {
    session: Box<dyn Session>,
    pub(super) out: Output,
    ends: [u64; 2],
    pub(super) now: u64,
}

impl Talk {
    pub(super) fn new() -> Self {
        Self::over(None)
    }

    /// What follows PostgreSQL's `SSLRequest`.
    pub(super) fn postgres() -> Self {
        Self::over(Some(&crate::postgres::PROTOCOL))
    }

    fn over(before: Option<&'static Protocol>) -> Self {
        Self::open(&Opening { from_start: true, before, may_decrypt: false, registry: PROTOCOLS })
    }

    fn open(opening: &Opening) -> Self {
        let session = (PROTOCOL.open)(opening);
        Self { session, out: Output::default(), ends: [1000, 5000], now: 0 }
    }

    fn stamp(&self) -> Stamp {
        Stamp {
            first_ns: self.now,
            last_ns: self.now + 10,
            actor: Actor { pid: 7, tid: 8, context: 0 },
            arrived_ns: 0,
            rejected: 0,
        }
    }

    fn end(&mut self, direction: Direction) -> &mut u64 {
        &mut self.ends[usize::from(direction == Direction::ToClient)]
    }

    /// A part of a call.
    pub(super) fn part(&mut self, direction: Direction, bytes: &[u8], ends_call: bool) {
        let stamp = self.stamp();
        let pos = *self.end(direction);
        *self.end(direction) += bytes.len() as u64;
        if !bytes.is_empty() {
            self.session.data(direction, &Chunk { pos, bytes, ends_call, stamp }, &mut self.out);
        }
    }

    pub(super) fn call(&mut self, direction: Direction, bytes: &[u8]) -> &mut Self {
        self.now += 1000;
        self.part(direction, bytes, true);
        self
    }

    /// The client sends, in one call.
    pub(super) fn up(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.call(Direction::ToServer, bytes.as_ref())
    }

    /// The server sends, in one call.
    pub(super) fn down(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.call(Direction::ToClient, bytes.as_ref())
    }

    /// Bytes that pass unseen, in this call or, before it, in others.
    pub(super) fn skip(&mut self, direction: Direction, len: u64) {
        let stamp = self.stamp();
        *self.end(direction) += len;
        self.session.gap(direction, len, stamp, &mut self.out);
    }

    /// A call of which only the ends are captured.
    pub(super) fn beyond(&mut self, direction: Direction, bytes: &[u8], head: usize, tail: usize) -> &mut Self {
        self.now += 1000;
        if head + tail >= bytes.len() {
            self.part(direction, bytes, true);
        } else {
            self.part(direction, &bytes[..head], false);
            self.skip(direction, (bytes.len() - head - tail) as u64);
            self.part(direction, &bytes[bytes.len() - tail..], true);
        }
        self
    }

    pub(super) fn fin(&mut self, direction: Direction) -> &mut Self {
        self.now += 1000;
        self.session.half_close(direction, self.now, &mut self.out);
        self
    }

    pub(super) fn close(&mut self, how: Close) -> &mut Self {
        self.now += 1000;
        self.session.close(how, self.now, &mut self.out);
        self
    }

    pub(super) fn expire(&mut self, before_ns: u64) -> &mut Self {
        self.session.expire(before_ns, &mut self.out);
        self
    }

    pub(super) fn budget(&self) -> Option<u32> {
        self.session.budget()
    }

    pub(super) fn count(&self, reason: Reason) -> u64 {
        self.out.counts[reason as usize]
    }

    pub(super) fn phases(&mut self) -> Vec<Phase> {
        std::mem::take(&mut self.out.phases)
    }

    #[track_caller]
    pub(super) fn phase(&mut self) -> Phase {
        let mut all = self.phases();
        assert_eq!(all.len(), 1, "{all:?} {:?}", self.out.counts);
        all.remove(0)
    }

    pub(super) fn exchanges(&mut self) -> Vec<Exchange> {
        std::mem::take(&mut self.out.exchanges)
    }
}

#[track_caller]
pub(super) fn tls(phase: &Phase) -> &TlsHandshake {
    let PhaseKind::Tls(tls) = &phase.kind else { panic!("{phase:?}") };
    tls
}

#[track_caller]
pub(super) fn opaque(exchange: &Exchange) -> &OpaqueExchange {
    exchange.detail.downcast().unwrap()
}
