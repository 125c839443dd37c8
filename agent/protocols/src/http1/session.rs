//! Both directions of a connection, and how it ends.

use super::pending::Queue;
use super::request::{self, Requests};
use super::response::{self, Responses};
use super::trial::Trial;
use crate::exchange::Ending;
use crate::protocol::Registry;
use crate::rpc::web;
use crate::session::{Close, Output, Reason, Session, Shedding};
use crate::stream::{Chunk, Direction, Stamp};
use std::collections::VecDeque;

/// Most bytes, and most events, of responses that wait for their request's event.
const MAX_PARKED_BYTES: usize = 64 * 1024;
const MAX_PARKED: usize = 64;

/// After so many broken frames in a row it never was HTTP.
const MAX_BROKEN: u32 = 32;

/// A part of a response that came before its request (two threads on one socket).
#[derive(Debug)]
pub(super) struct Parked {
    pos: u64,
    /// Captured bytes, or as many lost ones.
    bytes: Result<Vec<u8>, u64>,
    ends_call: bool,
    stamp: Stamp,
}

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Http1 {
    /// What a connection may change to.
    pub(super) registry: Registry,
    pub(super) queue: Queue,
    pub(super) up: Requests,
    pub(super) down: Responses,
    pub(super) from_start: bool,
    /// Not there while it is at work, and when it is over.
    pub(super) trial: Option<Box<Trial>>,
    /// Joined midway, and not understood for certain yet.
    pub(super) on_trial: bool,
    /// The stream left HTTP: nothing more is read.
    pub(super) left: bool,
    /// Nothing more will come: what waits is decided now.
    pub(super) flushing: bool,
    /// Broken frames since the last exchange.
    pub(super) broken: u32,
    /// Requests were left out on purpose, whose answers are to be passed over.
    pub(super) skipped: bool,
    /// Time of the last byte in either direction.
    last_ns: u64,
    pub(super) parked: VecDeque<Parked>,
    parked_bytes: usize,
}

impl Http1 {
    pub(super) fn new(from_start: bool, registry: Registry) -> Self {
        Self {
            registry,
            queue: Queue::default(),
            up: Requests::new(from_start),
            down: Responses::new(from_start),
            from_start,
            trial: (!from_start).then(Box::default),
            on_trial: !from_start,
            left: false,
            flushing: false,
            broken: 0,
            skipped: false,
            last_ns: 0,
            parked: VecDeque::new(),
            parked_bytes: 0,
        }
    }

    /// Something broke the rules.
    pub(super) fn malformed(&mut self, out: &mut Output) {
        out.count(Reason::Malformed);
        self.broken += 1;
        if self.broken >= MAX_BROKEN {
            self.leave(out);
        }
    }

    /// The stream is no longer HTTP.
    pub(super) fn leave(&mut self, out: &mut Output) {
        self.left = true;
        out.left = true;
        self.queue.lose_responses(out);
        self.parked.clear();
    }

    pub(super) fn park_data(&mut self, chunk: Chunk<'_>, out: &mut Output) {
        self.park(chunk.pos, Ok(chunk.bytes), chunk.ends_call, chunk.stamp, out);
    }

    pub(super) fn park_gap(&mut self, len: u64, stamp: Stamp, out: &mut Output) {
        self.park(0, Err(len), false, stamp, out);
    }

    fn park(&mut self, pos: u64, bytes: Result<&[u8], u64>, ends_call: bool, stamp: Stamp, out: &mut Output) {
        self.parked_bytes += bytes.map_or(0, <[u8]>::len);
        if self.parked.len() >= MAX_PARKED || self.parked_bytes > MAX_PARKED_BYTES {
            // That much cannot be a matter of the order of events.
            out.count(Reason::UnmatchedResponse);
            self.parked.clear();
            self.parked_bytes = 0;
            self.down.state = response::State::Lost;
            return;
        }
        self.parked.push_back(Parked { pos, bytes: bytes.map(<[u8]>::to_vec), ends_call, stamp });
    }

    /// Reads again what waited, now that a request has come.
    pub(super) fn unpark(&mut self, out: &mut Output) {
        if self.parked.is_empty() {
            return;
        }
        self.parked_bytes = 0;
        for Parked { pos, bytes, ends_call, stamp } in std::mem::take(&mut self.parked) {
            match bytes {
                _ if self.left => break,
                _ if !self.parked.is_empty() => {
                    self.park(pos, bytes.as_deref().map_err(|len| *len), ends_call, stamp, out)
                }
                Ok(bytes) => self.response_data(&Chunk { pos, bytes: &bytes, ends_call, stamp }, out),
                Err(len) => self.response_gap(len, stamp, out),
            }
        }
    }

    /// Nothing more will come from the server, or at all: decides what waited.
    fn flush(&mut self, out: &mut Output) {
        if !self.parked.is_empty() {
            if matches!(self.up.state, request::State::Line) {
                self.adopt_partial_line(out);
            }
            self.flushing = true;
            self.unpark(out);
            self.flushing = false;
        }
    }

    /// Forgets what waits.
    pub(super) fn forget_parked(&mut self) {
        self.parked.clear();
        self.parked_bytes = 0;
    }

    /// Reads captured bytes.
    pub(super) fn read(&mut self, direction: Direction, chunk: &Chunk<'_>, out: &mut Output) {
        match direction {
            Direction::ToServer => self.request_data(chunk, out),
            Direction::ToClient if self.parked.is_empty() => self.response_data(chunk, out),
            Direction::ToClient => self.park_data(*chunk, out),
        }
    }

    /// Passes over bytes that nobody could read.
    pub(super) fn pass(&mut self, direction: Direction, len: u64, stamp: Stamp, out: &mut Output) {
        match direction {
            Direction::ToServer => self.request_gap(len, stamp, out),
            Direction::ToClient if self.parked.is_empty() => self.response_gap(len, stamp, out),
            Direction::ToClient => self.park_gap(len, stamp, out),
        }
    }

    /// A direction ended.
    pub(super) fn end_direction(&mut self, direction: Direction, out: &mut Output) {
        if direction == Direction::ToServer {
            return;
        }
        self.flush(out);
        self.give_up_head();
        match self.down.state {
            response::State::UntilClose => {
                let end = self.down.window.pos.saturating_add(self.down.window.bytes);
                self.finish_response(Some(end.saturating_sub(self.down.body_pos)), false, out);
            }
            response::State::Unknown => self.finish_response(None, false, out),
            _ => {}
        }
    }

    /// The connection ended.
    pub(super) fn end(&mut self, how: Close, at_ns: u64, out: &mut Output) {
        match how {
            Close::Orderly => self.end_direction(Direction::ToClient, out),
            Close::Reset => self.flush(out),
        }
        let ending = if how == Close::Reset { Ending::Reset } else { Ending::Closed };
        if matches!(self.up.state, request::State::Line) {
            self.adopt_partial_line(out);
        }
        let mut response = self.down.begun();
        self.down.status = None;
        while let Some(pending) = self.queue.pop() {
            pending.emit(response.take(), ending, at_ns, out);
        }
        self.left = true;
    }
}

impl Session for Http1 {
    fn data(&mut self, direction: Direction, chunk: &Chunk<'_>, out: &mut Output) {
        self.last_ns = self.last_ns.max(chunk.stamp.last_ns);
        if self.left {
            return;
        }
        match self.trial.take() {
            None => self.read(direction, chunk, out),
            Some(trial) => self.try_data(trial, direction, chunk, out),
        }
    }

    fn gap(&mut self, direction: Direction, len: u64, stamp: Stamp, out: &mut Output) {
        self.last_ns = self.last_ns.max(stamp.last_ns);
        if self.left || len == 0 {
            return;
        }
        match self.trial.take() {
            None => self.pass(direction, len, stamp, out),
            Some(trial) => self.try_gap(trial, direction, len, stamp, out),
        }
    }

    fn skip(&mut self, direction: Direction, len: u64, stamp: Stamp, out: &mut Output) {
        if !self.pass_over(direction, len) {
            self.gap(direction, len, stamp, out);
        }
    }

    fn shedding(&self) -> Shedding {
        if self.trial.is_none() && !self.left { Shedding::Any } else { Shedding::Never }
    }

    fn half_close(&mut self, direction: Direction, _at_ns: u64, out: &mut Output) {
        if self.left {
            return;
        }
        match self.trial.take() {
            None => self.end_direction(direction, out),
            Some(trial) => self.try_half_close(trial, direction, out),
        }
    }

    fn close(&mut self, how: Close, at_ns: u64, out: &mut Output) {
        if self.left {
            return;
        }
        match self.trial.take() {
            None => self.end(how, at_ns, out),
            Some(trial) => self.try_close(trial, how, at_ns, out),
        }
    }

    fn abandon(&mut self, reason: Reason, out: &mut Output) {
        if self.left {
            return;
        }
        self.abandon_trial(out);
        self.flush(out);
        while let Some(pending) = self.queue.pop() {
            if !pending.lost {
                out.count(reason);
            }
        }
        self.left = true;
    }

    fn expire(&mut self, before_ns: u64, out: &mut Output) {
        if self.left {
            return;
        }
        // Nothing is parked on a connection that is on trial.
        if self.parked.back().is_some_and(|parked| parked.stamp.last_ns < before_ns) {
            self.flush(out);
        }
        if self.last_ns >= before_ns {
            return;
        }
        self.queue.settle();
        self.up.lines.shrink();
        self.down.lines.shrink();
        self.down.tail.shrink_to(0);
        if self.parked.is_empty() {
            self.parked = VecDeque::new();
        }
    }

    fn heap_bytes(&self) -> usize {
        let parked = self.parked_bytes + self.parked.capacity() * size_of::<Parked>();
        let trial = self.trial.as_ref().map_or(0, |trial| trial.heap_bytes());
        let messages = self.up.messages.as_ref().map_or(0, |body| size_of::<web::Body>() + body.heap_bytes());
        trial + messages + self.queue.heap_bytes() + self.up.lines.heap_bytes() + self.down.heap_bytes() + parked
    }
}
