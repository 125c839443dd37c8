//! What a loss of response bytes means, and how the reader of responses gets back in step.

use super::pending::body_by_declaration;
use super::response::{Pairing, Responses, State};
use super::session::Http1;
use super::start;
use crate::session::{Output, Reason};
use crate::stream::Stamp;

impl Responses {
    /// So many bytes of the body were not seen.
    fn part_lost(&mut self, len: u64) {
        if let Some(messages) = self.messages.as_mut().filter(|_| len > 0) {
            messages.gap(len);
        }
    }
}

impl Http1 {
    /// `len` bytes passed that nobody could read.
    pub(super) fn response_gap(&mut self, len: u64, stamp: Stamp, out: &mut Output) {
        let mut lost = len;
        match self.down.state {
            State::Length(left) => {
                let used = left.min(len);
                self.down.part_lost(used);
                self.response_skip(left, used, stamp, out);
                lost -= used;
            }
            State::Chunked(mut chunked) => {
                let kept = if chunked.gap(len) { len } else { 0 };
                self.down.state = State::Chunked(chunked);
                self.down.part_lost(kept);
                self.down.pos = self.down.pos.saturating_add(kept);
                lost -= kept;
            }
            State::UntilClose => {
                self.down.part_lost(len);
                self.down.pos = self.down.pos.saturating_add(len);
                lost = 0;
            }
            _ => {}
        }
        if lost > 0 {
            self.lose_response_bytes(lost, stamp, out);
            self.down.pos = self.down.pos.saturating_add(lost);
        }
        self.response_progress(stamp);
    }

    /// Bytes were lost that may have held a boundary.
    fn lose_response_bytes(&mut self, lost: u64, stamp: Stamp, out: &mut Output) {
        if matches!(self.down.state, State::Idle) && matches!(self.pairing(stamp), Pairing::Wait) {
            self.park_gap(lost, stamp, out);
            return;
        }
        out.count(Reason::Resync);
        match self.down.state {
            State::Line => match start::status_line(self.down.lines.partial()) {
                Some(status) if status >= 200 && self.queue.len() == 1 => {
                    self.down.status = Some(status);
                    self.settle_request();
                    self.lose_response_head();
                }
                _ => self.lose_responses(out),
            },
            State::Head if self.down.begun().is_some() && self.queue.len() == 1 => self.lose_response_head(),
            State::Chunked(_) => self.lose_framing(out),
            State::Unknown if self.queue.len() == 1 => self.down.tail.clear(),
            State::Idle | State::Lost => {
                // A request that was sent after this cannot have been answered by it.
                if self.queue.front().is_some_and(|front| front.window.first_ns <= stamp.first_ns) {
                    self.lose_responses(out);
                }
                self.down.state = State::Lost;
            }
            _ => self.lose_responses(out),
        }
    }

    fn lose_response_head(&mut self) {
        self.down.head.lose();
        self.down.lines.cut();
        self.down.state = State::Head;
    }

    /// The end of the response can no longer be found by its framing.
    pub(super) fn lose_framing(&mut self, out: &mut Output) {
        if self.queue.len() == 1 {
            self.down.begin_unknown();
        } else {
            // Its end, and the next one's beginning, would be guessed.
            self.lose_responses(out);
        }
    }

    /// Whatever was asked may have been answered in what was lost.
    pub(super) fn lose_responses(&mut self, out: &mut Output) {
        self.queue.lose_responses(out);
        self.down.status = None;
        self.down.state = State::Lost;
    }

    /// The end of a header block of which a part was lost will not be found any more.
    pub(super) fn give_up_head(&mut self) {
        if matches!(self.down.state, State::Head) && self.down.head.lossy {
            self.down.begin_unknown();
        }
    }

    /// A request is about to begin, which says something about the response before it.
    pub(super) fn before_request(&mut self, stamp: Stamp, out: &mut Output) {
        let single = self.queue.len() == 1 && !self.queue.pipelining;
        self.give_up_head();
        match self.down.state {
            State::Lost => {
                if self.queue.len() > 0 && !self.queue.doubt {
                    self.lose_responses(out);
                }
                if self.queue.len() == 0 || !self.queue.pipelining {
                    self.down.state = State::Idle;
                }
            }
            // A client that does not pipeline has the whole response before it asks again.
            State::Unknown | State::UntilClose if single && self.down.window.last_ns <= stamp.first_ns => {
                let body = body_by_declaration(&self.down.head, &self.down.window);
                self.finish_response(body, false, out);
            }
            State::Unknown => self.lose_responses(out),
            _ => {}
        }
    }
}
