//! Both directions of a connection.

use std::any::Any;

use super::event::Event;
use super::hpack::Decoder;
use super::reader::Reader;
use super::resync;
use super::streams::Streams;
use crate::http::asked::Asked;
use crate::session::{Close, EVERYTHING, Output, Reason, Session};
use crate::stream::{Chunk, Direction, Stamp};

/// After so many broken frames it never was HTTP/2.
const MAX_BROKEN: u32 = 8;

/// Payload bytes of a turn while a long body is under way: what is usual.
const BESIDE_LONG: u32 = 15 * 1024;

/// What is read of one direction.
#[derive(Debug)]
struct Side {
    reader: Reader,
    decoder: Decoder,
}

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Http2 {
    sides: [Side; 2],
    streams: Streams,
    /// Broken frames since the last exchange.
    broken: u32,
    last_ns: u64,
    /// Nothing more is read.
    left: bool,
}

impl Http2 {
    pub(super) fn new(from_start: bool) -> Self {
        let side = |begins_with_preface| Side {
            reader: Reader::new(begins_with_preface, !from_start),
            decoder: Decoder::new(from_start),
        };
        Self { sides: [side(true), side(false)], streams: Streams::default(), broken: 0, last_ns: 0, left: false }
    }

    /// Something broke the rules: what follows in this direction cannot be understood.
    fn malformed(&mut self, direction: Direction, out: &mut Output) {
        let side = &mut self.sides[direction as usize];
        side.reader.lose();
        side.decoder.lose();
        self.streams.doubt(direction);
        self.streams.settle(out);
        out.count(Reason::Malformed);
        self.broken += 1;
        if self.broken >= MAX_BROKEN {
            self.streams.abandon(Reason::LostResponse, out);
            (self.left, out.left) = (true, true);
        }
    }
}

impl Session for Http2 {
    fn take_over(&mut self, request: Box<dyn Any + Send>, out: &mut Output) {
        let Ok(asked) = request.downcast::<Asked>() else { return };
        if asked.body_left > 0 {
            self.sides[Direction::ToServer as usize].reader.expect_earlier(asked.body_left);
        }
        self.streams.take_over(*asked, out);
    }

    fn data(&mut self, direction: Direction, chunk: &Chunk<'_>, out: &mut Output) {
        self.last_ns = self.last_ns.max(chunk.stamp.last_ns);
        if self.left {
            return;
        }
        let Self { sides, streams, .. } = self;
        let Side { reader, decoder } = &mut sides[direction as usize];
        if reader.is_lost()
            && reader.begins_call(&chunk.stamp)
            && resync::fits(chunk.bytes, chunk.ends_call, direction, |id| streams.may_be(id))
        {
            reader.find();
        }
        if reader.is_lost() && direction == Direction::ToClient {
            streams.pass_over(chunk.bytes.len() as u64, chunk.stamp);
        }
        let (mut at, mut is_broken) = (0, false);
        loop {
            let rest = chunk.bytes.get(at..).unwrap_or_default();
            let pos = chunk.pos.saturating_add(at as u64);
            let (used, event) = reader.next(rest, pos, chunk.stamp_at(pos));
            at += used;
            let Some(event) = event else { break };
            let stamp = chunk.stamp;
            if streams.take(direction, event, decoder, stamp, out).is_err() {
                is_broken = true;
                break;
            }
        }
        reader.called(chunk.stamp, chunk.ends_call);
        if is_broken {
            self.malformed(direction, out);
        } else if !out.exchanges.is_empty() {
            self.broken = 0;
        }
    }

    fn gap(&mut self, direction: Direction, len: u64, stamp: Stamp, out: &mut Output) {
        self.last_ns = self.last_ns.max(stamp.last_ns);
        if self.left || len == 0 {
            return;
        }
        let Self { sides, streams, .. } = self;
        let Side { reader, decoder } = &mut sides[direction as usize];
        let (mut left, mut was_lost) = (len, reader.is_lost());
        let is_answer = direction == Direction::ToClient;
        if was_lost && is_answer {
            streams.pass_over(len, stamp);
        }
        loop {
            let (used, event) = reader.gap(left, stamp);
            left -= used.min(left);
            let Some(event) = event else { break };
            if is_answer && matches!(event, Event::Lost) {
                streams.tear(used, stamp);
            }
            // Only the loss of framing is an error here, and that is told as such.
            let _ = streams.take(direction, event, decoder, stamp, out);
        }
        if reader.is_lost() && !std::mem::replace(&mut was_lost, true) {
            out.count(Reason::Resync);
            streams.settle(out);
        }
    }

    fn half_close(&mut self, _direction: Direction, _at_ns: u64, _out: &mut Output) {}

    fn close(&mut self, how: Close, at_ns: u64, out: &mut Output) {
        if !std::mem::replace(&mut self.left, true) {
            self.streams.close(how, at_ns, out);
        }
    }

    fn abandon(&mut self, reason: Reason, out: &mut Output) {
        if !std::mem::replace(&mut self.left, true) {
            self.streams.abandon(reason, out);
        }
    }

    fn rest(&mut self, now_ns: u64, out: &mut Output) {
        if !self.left {
            self.streams.rest(now_ns, out);
        }
    }

    fn expire(&mut self, before_ns: u64, out: &mut Output) {
        if self.left || self.last_ns >= before_ns {
            return;
        }
        self.streams.expire(out);
        for Side { reader, decoder } in &mut self.sides {
            reader.shrink();
            decoder.shrink();
        }
    }

    fn budget(&self) -> Option<u32> {
        Some(if self.streams.has_long_body() { BESIDE_LONG } else { EVERYTHING })
    }

    fn heap_bytes(&self) -> usize {
        let sides: usize = self.sides.iter().map(|side| side.reader.heap_bytes() + side.decoder.heap_bytes()).sum();
        sides + self.streams.heap_bytes()
    }
}
