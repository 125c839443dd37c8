//! The reader of the direction to the server.

use super::chunked::{Chunked, Status};
use super::fields::{self, Shape};
use super::head::{Framing, Head};
use super::keep::{keep, read_head};
use super::lines::{Line, Lines};
use super::pending::Method;
use super::probe;
use super::session::Http1;
use super::start::{self, is_registered};
use crate::protocol::Probe;
use crate::rpc::web;
use crate::session::{Output, Reason};
use crate::stream::{Chunk, Direction, Stamp};

/// Where the reader is.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    /// Between requests.
    Idle,
    /// In a request line.
    Line,
    /// In a header block.
    Head,
    /// In a body of known length: bytes left.
    Length(u64),
    /// In a chunked body.
    Chunked(Chunked),
    /// After a header block of which a part was lost: a body, or the next request, or nothing.
    Perhaps,
    /// In a body whose framing is unknown: it ends where the response begins.
    UntilResponse,
    /// After CONNECT: whatever comes before the answer is not HTTP.
    Tunnel,
    /// Waiting for something that certainly is a request line.
    Lost,
}

/// The reader.
#[derive(Debug)]
pub(super) struct Requests {
    pub(super) state: State,
    pub(super) lines: Lines,
    pub(super) head: Head,
    /// Position of the next byte.
    pub(super) pos: u64,
    /// Declared length of the body being read.
    pub(super) length: u64,
    /// The request that begins next may be a body's bytes, if that many were sent: up to this position.
    pub(super) unsent_end: Option<u64>,
    /// Messages of the body, where it has some.
    pub(super) messages: Option<Box<web::Body>>,
    /// Bytes followed CONNECT before it was granted.
    pub(super) spoke_early: bool,
    /// The gap was in the request line, whose end is still to come.
    line_cut: bool,
}

impl Requests {
    pub(super) fn new(from_start: bool) -> Self {
        let state = if from_start { State::Idle } else { State::Lost };
        Self {
            state,
            lines: Lines::default(),
            head: Head::default(),
            pos: 0,
            length: 0,
            unsent_end: None,
            messages: None,
            spoke_early: false,
            line_cut: false,
        }
    }
}

impl Requests {
    /// Bytes of the body, or so many that were not seen.
    fn part(&mut self, part: Result<&[u8], u64>) {
        match (&mut self.messages, part) {
            (Some(messages), Ok(bytes)) => messages.bytes(bytes),
            (Some(messages), Err(len)) if len > 0 => messages.gap(len),
            _ => {}
        }
    }
}

impl Http1 {
    /// Captured bytes passed.
    pub(super) fn request_data(&mut self, chunk: &Chunk<'_>, out: &mut Output) {
        let stamp = chunk.stamp;
        let end = chunk.pos.saturating_add(chunk.bytes.len() as u64);
        let mut bytes = chunk.bytes;
        if self.has_no_end() {
            self.up.state = State::Lost;
        }
        // Only the beginning of a chunk can be a certain boundary.
        if matches!(self.up.state, State::Lost) {
            if probe::begins_again(bytes, chunk.ends_call) {
                self.up.state = State::Idle;
            }
        } else if self.is_unsent_body() {
            self.judge_unsent(chunk);
        } else if matches!(self.up.state, State::Line) {
            self.withdraw_unsent(chunk);
        }
        while !bytes.is_empty() && !self.left {
            self.up.pos = end.saturating_sub(bytes.len() as u64);
            match self.up.state {
                State::Idle => self.between_requests(&mut bytes, chunk, out),
                State::Line => self.request_line(&mut bytes, out),
                State::Head => self.request_head(&mut bytes, end, chunk.ends_call, stamp, out),
                State::Length(left) => {
                    let used = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                    self.up.part(Ok(bytes.get(..used).unwrap_or_default()));
                    bytes = bytes.get(used..).unwrap_or_default();
                    self.up.pos = self.up.pos.saturating_add(used as u64);
                    self.up.state = State::Length(left - used as u64);
                    if left == used as u64 {
                        self.request_complete(Some(self.up.length), stamp);
                    }
                }
                State::Chunked(mut chunked) => match chunked.feed_to(bytes, |piece| self.up.part(Ok(piece))) {
                    Status::More => {
                        self.up.state = State::Chunked(chunked);
                        bytes = &[];
                    }
                    Status::Done(used) => {
                        bytes = bytes.get(used..).unwrap_or_default();
                        self.up.pos = self.up.pos.saturating_add(used as u64);
                        self.request_complete(Some(chunked.total()), stamp);
                    }
                    Status::Invalid => {
                        self.malformed(out);
                        self.up.state = State::UntilResponse;
                    }
                },
                State::Perhaps => match probe::request(bytes) {
                    Probe::Yes(_) if is_registered(bytes) => self.request_complete(Some(0), stamp),
                    _ => self.up.state = State::UntilResponse,
                },
                State::UntilResponse | State::Tunnel | State::Lost => {
                    self.up.spoke_early |= matches!(self.up.state, State::Tunnel);
                    bytes = &[];
                }
            }
        }
        self.up.pos = end;
        self.request_progress(stamp);
    }

    /// `len` bytes passed that nobody could read.
    pub(super) fn request_gap(&mut self, len: u64, stamp: Stamp, out: &mut Output) {
        let mut lost = len;
        match self.up.state {
            State::Tunnel => {
                self.up.spoke_early = true;
                self.up.pos = self.up.pos.saturating_add(len);
                lost = 0;
            }
            State::Length(left) => {
                let used = left.min(len);
                self.up.part(Err(used));
                self.up.pos = self.up.pos.saturating_add(used);
                self.up.state = State::Length(left - used);
                lost -= used;
                if left == used {
                    self.request_complete(Some(self.up.length), stamp);
                }
            }
            State::Chunked(mut chunked) => {
                let kept = if chunked.gap(len) { len } else { 0 };
                self.up.part(Err(kept));
                self.up.state = State::Chunked(chunked);
                self.up.pos = self.up.pos.saturating_add(kept);
                lost -= kept;
            }
            _ => {}
        }
        if lost > 0 {
            self.lose_request_bytes(stamp, out);
            self.up.pos = self.up.pos.saturating_add(lost);
        }
        self.request_progress(stamp);
    }

    /// Bytes were lost that may have held a boundary.
    fn lose_request_bytes(&mut self, stamp: Stamp, out: &mut Output) {
        out.count(Reason::Resync);
        match self.up.state {
            State::Idle | State::Lost => {
                self.queue.lose_requests(self.up.pos, stamp, self.down.orphan);
                self.up.state = State::Lost;
            }
            State::Line => {
                self.adopt_partial_line(out);
                self.up.line_cut = true;
                self.lose_head();
            }
            State::Head => self.lose_head(),
            State::Perhaps | State::UntilResponse | State::Chunked(_) | State::Length(_) | State::Tunnel => {
                self.queue.doubt = true;
                self.up.state = State::UntilResponse;
            }
        }
    }

    fn lose_head(&mut self) {
        self.queue.doubt = true;
        self.up.head.lose();
        self.up.lines.cut();
        self.up.state = State::Head;
    }

    /// The end of the request line will not be seen: the method is enough.
    pub(super) fn adopt_partial_line(&mut self, out: &mut Output) {
        if let Some(detail) = start::request_start(self.up.lines.partial()) {
            self.queue.start_line(detail);
        } else if let Some(current) = self.queue.current()
            && !std::mem::replace(&mut current.lost, true)
        {
            out.count(Reason::LostRequest);
        }
    }

    fn between_requests(&mut self, bytes: &mut &[u8], chunk: &Chunk<'_>, out: &mut Output) {
        let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        *bytes = bytes.get(blank..).unwrap_or_default();
        self.up.pos = self.up.pos.saturating_add(blank as u64);
        let Some(first) = bytes.first() else { return };
        if !fields::is_tchar(*first) {
            self.malformed(out);
            self.up.state = State::Lost;
            *bytes = &[];
            return;
        }
        let stamp = chunk.stamp_at(self.up.pos);
        self.before_request(stamp, out);
        let doubtful_end = self.up.unsent_end.take();
        self.queue.begin(self.up.pos, stamp, out);
        if let Some(current) = self.queue.current() {
            current.doubtful_end = doubtful_end;
        }
        self.down.orphan = false;
        self.up.state = State::Line;
        self.up.lines.reset();
        self.up.head = Head::default();
        self.up.line_cut = false;
    }

    fn request_line(&mut self, bytes: &mut &[u8], out: &mut Output) {
        let Some((line, used)) = self.up.lines.next(bytes) else {
            *bytes = &[];
            return;
        };
        let detail = start::request_line(line, &mut out.spare);
        *bytes = bytes.get(used..).unwrap_or_default();
        if let Some(detail) = detail {
            self.queue.start_line(detail);
            self.up.state = State::Head;
            self.unpark(out);
        } else {
            self.queue.withdraw();
            self.malformed(out);
            self.up.state = State::Lost;
            *bytes = &[];
        }
    }

    fn request_head(&mut self, bytes: &mut &[u8], end: u64, ends_call: bool, stamp: Stamp, out: &mut Output) {
        let mut rest = *bytes;
        loop {
            if self.up.lines.at_start() && !self.up.head.lossy {
                let detail = self.queue.current().and_then(|current| current.detail.as_deref_mut());
                let (used, ended) = read_head(&mut self.up.head, rest, detail, &out.headers);
                rest = rest.get(used..).unwrap_or_default();
                if ended {
                    self.up.pos = end.saturating_sub(rest.len() as u64);
                    self.request_head_done(true, stamp, out);
                    break;
                }
            }
            let Some((line, used)) = self.up.lines.next(rest) else {
                rest = &[];
                break;
            };
            rest = rest.get(used..).unwrap_or_default();
            let line = match line {
                Line::Whole(line) | Line::Long(line) => line,
                Line::Cut(line) => {
                    if std::mem::take(&mut self.up.line_cut)
                        && line.ends_with(b" HTTP/1.0")
                        && let Some(detail) = self.queue.current().and_then(|current| current.detail.as_mut())
                    {
                        detail.version_minor = 0;
                    }
                    if fields::is_text(line) {
                        continue;
                    }
                    self.queue.tell(stamp, out);
                    self.up.state = State::UntilResponse;
                    break;
                }
            };
            let shape = fields::shape(line);
            if shape == Shape::End {
                let sure = !self.up.head.lossy || self.up.head.found_again || (rest.is_empty() && ends_call);
                self.up.pos = end.saturating_sub(rest.len() as u64);
                self.request_head_done(sure, stamp, out);
                break;
            }
            if self.up.head.lossy {
                if !matches!(shape, Shape::Fold(_)) && !fields::is_field(line) {
                    // The end of the block was lost: this is the body, or the next request already.
                    if start::request_line(Line::Whole(line), &mut None).is_some() {
                        self.queue.pipelining = true;
                        out.count(Reason::LostRequest);
                    }
                    self.queue.tell(stamp, out);
                    self.up.state = State::UntilResponse;
                    break;
                }
                self.up.head.found_again = true;
            }
            if let Some(detail) = self.queue.current().and_then(|current| current.detail.as_mut()) {
                out.headers.keep(Direction::ToServer, line, &mut detail.kept);
            }
            if let Some((field, value, folded)) = self.up.head.take(shape)
                && let Some(detail) = self.queue.current().and_then(|current| current.detail.as_mut())
            {
                keep(detail, field, value, folded);
            }
        }
        *bytes = rest;
    }

    fn request_head_done(&mut self, sure: bool, stamp: Stamp, out: &mut Output) {
        self.queue.weigh();
        self.queue.tell(stamp, out);
        let coding = self.up.head.coding;
        if let Some(detail) =
            self.queue.current().and_then(|current| current.detail.as_mut()).filter(|_| coding.is_none())
        {
            detail.call = None;
        }
        self.up.messages = coding.map(|coding| Box::new(web::Body::new(coding)));
        let connect = self.queue.current().is_some_and(|current| current.method == Method::Connect);
        match self.up.head.framing() {
            _ if !sure => self.up.state = State::UntilResponse,
            _ if connect => {
                self.request_complete(Some(0), stamp);
                self.up.state = State::Tunnel;
            }
            Framing::Silent | Framing::Length(0) => self.request_complete(Some(0), stamp),
            Framing::Length(length) => {
                self.up.length = length;
                self.up.state = State::Length(length);
            }
            Framing::Chunked => self.up.state = State::Chunked(Chunked::new()),
            Framing::Unknown if self.up.head.lossy => self.up.state = State::Perhaps,
            Framing::Unknown | Framing::Coded => self.up.state = State::UntilResponse,
        }
    }

    /// The last byte of the request was the one before `pos`.
    fn request_complete(&mut self, body: Option<u64>, stamp: Stamp) {
        let (pos, messages) = (self.up.pos, self.up.messages.take());
        self.up.state = State::Idle;
        let Some(current) = self.queue.current() else { return };
        current.window.extend(pos, stamp);
        if let Some(detail) = &mut current.detail {
            detail.request_body = body;
            if let Some(call) = &mut detail.call {
                call.request_messages = messages.and_then(|messages| messages.count());
            }
        }
    }

    /// Bytes passed that belong to the request that is being read.
    fn request_progress(&mut self, stamp: Stamp) {
        let pos = self.up.pos;
        if !matches!(self.up.state, State::Idle | State::Tunnel | State::Lost)
            && let Some(current) = self.queue.current()
        {
            current.window.extend(pos, stamp);
        }
    }
}
