//! Conversations on the wire, and what should come out of them.

mod build;
mod copy;
mod errors;
mod extended;
mod follow;
mod foreign;
mod loss;
mod opening;
mod properties;
mod simple;

use super::{Operation, PROTOCOL, PostgresExchange};
use crate::exchange::{Ending, Exchange};
use crate::session::{Close, Output, Reason, Session};
use crate::stream::{Actor, Chunk, Direction, Stamp};

/// A connection under test: each call of `client` or `server` is one system call, 1 µs after the one before.
pub struct Wire {
    pub session: Box<dyn Session>,
    pub out: Output,
    pub now: u64,
    pub pos: [u64; 2],
}

pub const STEP: u64 = 1000;

impl Wire {
    pub fn new(from_start: bool) -> Self {
        Self { session: PROTOCOL.session(from_start), out: Output::default(), now: 0, pos: [1000, 5000] }
    }

    /// A connection whose start-up went well.
    pub fn ready() -> Self {
        let mut wire = Self::new(true);
        wire.client(&build::startup(&[("user", "bob"), ("database", "shop")]));
        wire.server(&build::welcome());
        assert!(wire.take().is_empty());
        wire
    }

    pub fn call(&mut self, direction: Direction, bytes: &[u8], ends_call: bool) -> &mut Self {
        self.now += STEP;
        let pos = &mut self.pos[usize::from(direction == Direction::ToClient)];
        let actor = Actor { pid: 1, tid: 2, context: 3 };
        let stamp = Stamp { first_ns: self.now, last_ns: self.now + 10, actor, arrived_ns: 0 };
        self.session.data(direction, &Chunk { pos: *pos, bytes, ends_call, stamp }, &mut self.out);
        *pos += bytes.len() as u64;
        self
    }

    pub fn client(&mut self, bytes: &[u8]) -> &mut Self {
        self.call(Direction::ToServer, bytes, true)
    }

    pub fn server(&mut self, bytes: &[u8]) -> &mut Self {
        self.call(Direction::ToClient, bytes, true)
    }

    pub fn gap(&mut self, direction: Direction, len: u64) -> &mut Self {
        self.now += STEP;
        let stamp = Stamp { first_ns: self.now, last_ns: self.now + 10, actor: Actor::default(), arrived_ns: 0 };
        self.session.gap(direction, len, stamp, &mut self.out);
        self.pos[usize::from(direction == Direction::ToClient)] += len;
        self
    }

    /// A call of which the middle is not captured.
    pub fn cut_call(&mut self, direction: Direction, bytes: &[u8], head: usize, tail: usize) -> &mut Self {
        self.call(direction, &bytes[..head], false);
        self.gap(direction, (bytes.len() - head - tail) as u64);
        self.call(direction, &bytes[bytes.len() - tail..], true)
    }

    pub fn close(&mut self, how: Close) -> &mut Self {
        self.now += STEP;
        self.session.close(how, self.now, &mut self.out);
        self
    }

    pub fn take(&mut self) -> Vec<Exchange> {
        std::mem::take(&mut self.out.exchanges)
    }

    pub fn counted(&self, reason: Reason) -> u64 {
        self.out.counts[reason as usize]
    }

    /// The exchanges, one line each.
    pub fn lines(&mut self) -> Vec<String> {
        self.take().iter().map(line).collect()
    }
}

pub fn detail(exchange: &Exchange) -> &PostgresExchange {
    exchange.detail.downcast().unwrap()
}

/// `text|command|rows|sqlstate`, then what is out of the ordinary.
pub fn line(exchange: &Exchange) -> String {
    let detail = detail(exchange);
    let mut line = format!(
        "{}|{}|{}|{}",
        detail.text.as_deref().unwrap_or("-"),
        detail.command.as_deref().unwrap_or("-"),
        detail.rows.map_or("-".to_owned(), |rows| rows.to_string()),
        detail.sqlstate.as_deref().unwrap_or("-"),
    );
    if detail.prepared {
        line += " prepared";
    }
    if let Some(size) = detail.batch_size {
        line += &format!(" of {size}");
    }
    if detail.text_truncated {
        line += " truncated";
    }
    if exchange.ending != Ending::Answered {
        line += &format!(" {:?}", exchange.ending);
    }
    if detail.operation != Operation::Statement {
        line += &format!(" {:?}", detail.operation);
    }
    line
}
