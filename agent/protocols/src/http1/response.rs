//! The reader of the direction to the client.

use super::HttpExchange;
use super::chunked::{Chunked, Status, ends_body};
use super::fields::{self, Shape};
use super::finish::{answered, keep_outcome};
use super::head::{Framing, Head};
use super::lines::{Line, Lines};
use super::pending::Method;
use super::probe;
use super::session::Http1;
use super::start;
use crate::exchange::Window;
use crate::protocol::Probe;
use crate::rpc::web;
use crate::session::{Output, Reason};
use crate::stream::{Chunk, Direction, Stamp};

/// How much of the end of a call is looked at for the end of a chunked body.
const TAIL: usize = 512;

/// Where the reader is.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    /// Between responses.
    Idle,
    /// In a status line.
    Line,
    /// In a header block.
    Head,
    /// In a body of known length: bytes left.
    Length(u64),
    /// In a chunked body.
    Chunked(Chunked),
    /// In a body that the end of the stream ends.
    UntilClose,
    /// In a body whose framing was lost: it ends with a last chunk, the next request, or the stream.
    Unknown,
    /// Waiting for something that certainly is a status line.
    Lost,
}

/// The reader.
#[derive(Debug)]
pub(super) struct Responses {
    pub(super) state: State,
    pub(super) lines: Lines,
    pub(super) head: Head,
    pub(super) window: Window,
    pub(super) status: Option<u16>,
    /// Declared length of the body being read.
    length: u64,
    /// Position of the first byte of the body.
    pub(super) body_pos: u64,
    /// Position of the next byte.
    pub(super) pos: u64,
    /// How many fields were kept of the request.
    pub(super) kept_before: usize,
    /// A response came since the last request although nothing waited for one: the loss of its request is yet to be told.
    pub(super) orphan: bool,
    /// Messages of the body, where it has some.
    pub(super) messages: Option<Box<web::Body>>,
    /// Contiguous last bytes, only in [`State::Unknown`].
    pub(super) tail: Vec<u8>,
}

impl Responses {
    pub(super) fn new(from_start: bool) -> Self {
        Self {
            state: if from_start { State::Idle } else { State::Lost },
            lines: Lines::default(),
            head: Head::default(),
            window: Window::default(),
            status: None,
            length: 0,
            body_pos: 0,
            pos: 0,
            kept_before: 0,
            orphan: false,
            messages: None,
            tail: Vec::new(),
        }
    }

    /// The final response that is being read, as far as it was read.
    pub(super) fn begun(&self) -> Option<(Window, u16)> {
        self.status.filter(|status| *status >= 200 || *status == 101).map(|status| (self.window, status))
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let messages = self.messages.as_ref().map_or(0, |body| size_of::<web::Body>() + body.heap_bytes());
        self.lines.heap_bytes() + self.tail.capacity() + messages
    }

    /// Bytes of the body.
    fn part(&mut self, bytes: &[u8]) {
        if let Some(messages) = &mut self.messages {
            messages.bytes(bytes);
        }
    }

    pub(super) fn begin_unknown(&mut self) {
        self.state = State::Unknown;
        self.tail.clear();
        if let Some(messages) = &mut self.messages {
            messages.lose();
        }
    }

    /// Keeps the last bytes of what was contiguous.
    fn remember(&mut self, bytes: &[u8]) {
        let bytes = bytes.get(bytes.len().saturating_sub(TAIL)..).unwrap_or_default();
        let excess = (self.tail.len() + bytes.len()).saturating_sub(TAIL);
        self.tail.drain(..excess.min(self.tail.len()));
        self.tail.extend_from_slice(bytes);
    }
}

/// Whether a response that arrives now has its request.
pub(super) enum Pairing {
    /// The request at the front.
    Ready,
    /// The request's event may still be on its way.
    Wait,
    /// None that can be known.
    Unmatched,
}

impl Http1 {
    /// Captured bytes passed.
    pub(super) fn response_data(&mut self, chunk: &Chunk<'_>, out: &mut Output) {
        let stamp = chunk.stamp;
        let end = chunk.pos.saturating_add(chunk.bytes.len() as u64);
        let mut bytes = chunk.bytes;
        if matches!(self.down.state, State::Lost) && start::status_line(bytes.get(..13).unwrap_or(bytes)).is_some() {
            self.down.state = State::Idle;
        }
        while !bytes.is_empty() && !self.left {
            self.down.pos = end.saturating_sub(bytes.len() as u64);
            match self.down.state {
                State::Idle => {
                    let stamp = chunk.stamp_at(self.down.pos);
                    if !self.between_responses(&mut bytes, stamp, out) {
                        self.park_data(Chunk { pos: self.down.pos, bytes, stamp, ..*chunk }, out);
                        return;
                    }
                }
                State::Line => self.status_line(&mut bytes, out),
                State::Head => self.response_head(&mut bytes, end, stamp, chunk.ends_call, out),
                State::Length(left) => {
                    let used = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                    self.down.part(bytes.get(..used).unwrap_or_default());
                    bytes = bytes.get(used..).unwrap_or_default();
                    self.response_skip(left, used as u64, stamp, out);
                }
                State::Chunked(mut chunked) => match chunked.feed_to(bytes, |piece| self.down.part(piece)) {
                    Status::More => {
                        self.down.state = State::Chunked(chunked);
                        bytes = &[];
                    }
                    Status::Done(used) => {
                        bytes = bytes.get(used..).unwrap_or_default();
                        self.down.pos = self.down.pos.saturating_add(used as u64);
                        self.response_complete(Some(chunked.total()), stamp, out);
                    }
                    Status::Invalid => {
                        self.malformed(out);
                        self.lose_framing(out);
                    }
                },
                State::Unknown => {
                    self.down.remember(bytes);
                    bytes = &[];
                    if chunk.ends_call && self.down.head.declared_length().is_none() && ends_body(&self.down.tail) {
                        self.down.pos = end;
                        self.response_complete(None, stamp, out);
                    }
                }
                State::UntilClose => self.down.part(std::mem::take(&mut bytes)),
                State::Lost => bytes = &[],
            }
        }
        self.down.pos = end;
        self.response_progress(stamp);
    }

    /// Whose response begins at `stamp`?
    pub(super) fn pairing(&self, stamp: Stamp) -> Pairing {
        match self.queue.front() {
            // Events of both directions are ordered but for a few microseconds: a request may still come. Not so on a
            // connection whose requests were lost, or where none was ever seen.
            None if self.flushing
                || self.queue.doubt
                || (!self.from_start && self.queue.serial == 0)
                || self.on_trial =>
            {
                Pairing::Unmatched
            }
            None => Pairing::Wait,
            Some(front) if front.window.first_ns > stamp.first_ns => Pairing::Unmatched,
            Some(front) if front.method == Method::Unknown && !front.lost && !self.flushing => Pairing::Wait,
            Some(_) => Pairing::Ready,
        }
    }

    /// False when the bytes have to wait for their request.
    fn between_responses(&mut self, bytes: &mut &[u8], stamp: Stamp, out: &mut Output) -> bool {
        // Some servers send an empty line too many.
        let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        *bytes = bytes.get(blank..).unwrap_or_default();
        self.down.pos = self.down.pos.saturating_add(blank as u64);
        if bytes.is_empty() {
            return true;
        }
        if probe::response(bytes) == Probe::No {
            self.malformed(out);
            self.down.state = State::Lost;
            *bytes = &[];
            return true;
        }
        match self.pairing(stamp) {
            Pairing::Wait => {
                self.down.orphan |= self.queue.len() == 0;
                return false;
            }
            Pairing::Ready if !self.is_sent_for_certain(out) => *bytes = &[],
            Pairing::Ready => {
                self.queue.answering(stamp.first_ns);
                self.down.window = Window::open(self.down.pos, stamp);
                self.down.status = None;
                self.down.head = Head::default();
                self.down.lines.reset();
                self.down.state = State::Line;
            }
            Pairing::Unmatched => {
                if bytes.get(9) != Some(&b'1') {
                    out.count(Reason::UnmatchedResponse);
                    // More responses than requests after a loss of requests: more than one was lost.
                    self.queue.pipelining |= self.queue.doubt && !self.queue.responses_lost && !self.down.orphan;
                    self.down.orphan |= self.queue.len() == 0;
                }
                self.down.state = State::Lost;
                *bytes = &[];
            }
        }
        true
    }

    fn status_line(&mut self, bytes: &mut &[u8], out: &mut Output) {
        let Some((Line::Whole(line) | Line::Long(line) | Line::Cut(line), used)) = self.down.lines.next(bytes) else {
            *bytes = &[];
            return;
        };
        let status = start::status_line(line);
        *bytes = bytes.get(used..).unwrap_or_default();
        if let Some(status) = status {
            self.down.status = Some(status);
            self.down.state = State::Head;
            if self.down.begun().is_some() {
                self.settle_request();
            }
            self.down.kept_before = answered(&mut self.queue, Some(status)).map_or(0, |detail| detail.kept.len());
        } else {
            self.malformed(out);
            self.down.state = State::Lost;
            *bytes = &[];
        }
    }

    fn response_head(&mut self, bytes: &mut &[u8], end: u64, stamp: Stamp, ends_call: bool, out: &mut Output) {
        let mut rest = *bytes;
        loop {
            if self.down.lines.at_start() && !self.down.head.lossy {
                let wanted = answered(&mut self.queue, self.down.status)
                    .filter(|detail| !out.headers.is_empty() || detail.call.is_some());
                let (used, ended) = match wanted {
                    Some(HttpExchange { kept, call, .. }) => self.down.head.read(
                        rest,
                        |line| out.headers.keep(Direction::ToClient, line, kept),
                        |field, value, _| keep_outcome(call, field, value),
                    ),
                    None => self.down.head.read(rest, |_| {}, |_, _, _| {}),
                };
                rest = rest.get(used..).unwrap_or_default();
                if ended {
                    self.down.pos = end.saturating_sub(rest.len() as u64);
                    self.response_head_done(true, stamp, out);
                    break;
                }
            }
            let before = rest;
            let Some((line, used)) = self.down.lines.next(rest) else {
                rest = &[];
                break;
            };
            rest = rest.get(used..).unwrap_or_default();
            let line = match line {
                Line::Whole(line) | Line::Long(line) => line,
                Line::Cut(line) if fields::is_text(line) => continue,
                Line::Cut(_) => {
                    self.lose_framing(out);
                    rest = before;
                    break;
                }
            };
            let shape = fields::shape(line);
            if shape == Shape::End {
                let sure = !self.down.head.lossy || self.down.head.found_again || (rest.is_empty() && ends_call);
                self.down.pos = end.saturating_sub(rest.len() as u64);
                self.response_head_done(sure, stamp, out);
                break;
            }
            if self.down.head.lossy {
                if !matches!(shape, Shape::Fold(_)) && !fields::is_field(line) {
                    self.lose_framing(out);
                    rest = before;
                    break;
                }
                self.down.head.found_again = true;
            }
            let (found, detail) = (self.down.head.take(shape), answered(&mut self.queue, self.down.status));
            if let Some(HttpExchange { kept, call, .. }) = detail {
                out.headers.keep(Direction::ToClient, line, kept);
                found.into_iter().for_each(|(field, value, _)| keep_outcome(call, field, value));
            }
        }
        *bytes = rest;
    }

    fn response_head_done(&mut self, sure: bool, stamp: Stamp, out: &mut Output) {
        let Some(status) = self.down.status else { return };
        if status < 200 && status != 101 {
            // An interim response: the final one follows (RFC 9110, section 15.2).
            self.down.state = State::Idle;
            self.down.status = None;
            return;
        }
        self.down.window.extend(self.down.pos, stamp);
        self.down.body_pos = self.down.pos;
        let method = self.queue.front().map_or(Method::Unknown, |front| front.method);
        if status == 101 && sure && self.hand_over(out) {
            return;
        }
        if status == 101 || (method == Method::Connect && (200..300).contains(&status)) {
            self.finish_response(Some(0), true, out);
            out.tunnel = (status != 101 && !self.up.spoke_early).then_some(self.down.pos);
            self.leave(out);
            return;
        }
        let is_call =
            self.queue.front().is_some_and(|front| front.detail.as_ref().is_some_and(|one| one.call.is_some()));
        self.down.messages = self.down.head.coding.filter(|_| is_call).map(|coding| Box::new(web::Body::new(coding)));
        match (method, self.down.head.framing()) {
            // Whether it has a body depends on the method.
            (Method::Unknown, _) => {
                self.finish_response(None, false, out);
                self.down.state = State::Lost;
            }
            (Method::Head, _) => self.response_complete(Some(0), stamp, out),
            _ if matches!(status, 204 | 304) => self.response_complete(Some(0), stamp, out),
            _ if !sure => self.lose_framing(out),
            (_, Framing::Length(0)) => self.response_complete(Some(0), stamp, out),
            (_, Framing::Length(length)) => {
                self.down.length = length;
                self.down.state = State::Length(length);
            }
            (_, Framing::Chunked) => self.down.state = State::Chunked(Chunked::new()),
            (_, Framing::Unknown) => self.lose_framing(out),
            (_, Framing::Silent | Framing::Coded) => self.down.state = State::UntilClose,
        }
    }

    /// `used` of `left` bytes of body passed.
    pub(super) fn response_skip(&mut self, left: u64, used: u64, stamp: Stamp, out: &mut Output) {
        self.down.pos = self.down.pos.saturating_add(used);
        self.down.state = State::Length(left - used);
        if left == used {
            self.response_complete(Some(self.down.length), stamp, out);
        }
    }

    /// The last byte of the response was the one before the current position.
    fn response_complete(&mut self, body: Option<u64>, stamp: Stamp, out: &mut Output) {
        self.down.window.extend(self.down.pos, stamp);
        self.finish_response(body, false, out);
    }

    /// Bytes passed that belong to the response that is being read.
    pub(super) fn response_progress(&mut self, stamp: Stamp) {
        if !matches!(self.down.state, State::Idle | State::Lost) {
            self.down.window.extend(self.down.pos, stamp);
        }
    }
}
