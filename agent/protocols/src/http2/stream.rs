//! One stream: a request and its response, and how far they are.

use super::Http2Exchange;
use super::body::Body;
use super::keep::Seen;
use crate::exchange::detail::Detail;
use crate::exchange::{Ending, Exchange, Window};
use crate::phase::{Print, RequestStart};
use crate::rpc::grpc::{Call, Coding};
use crate::session::{Output, Reason};
use crate::stream::{Actor, Direction, Stamp};

/// A direction of a stream.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// The head, and what followed it. For the response: the final one.
    pub(super) window: Option<Window>,
    /// Bytes of its body, without padding.
    size: u64,
    /// How many there will be, as its head says.
    length: Option<u64>,
    body: Body,
    /// Its end was seen.
    pub(super) has_ended: bool,
    /// Frames were lost that may have been of it. For the response: since it was last seen to go on.
    pub(super) is_doubtful: bool,
    /// Frames were lost that may have been of its body.
    is_torn: bool,
}

impl Way {
    /// A frame of it.
    fn frame(&mut self, bytes: u64, last: Stamp) {
        self.is_doubtful = false;
        if let Some(window) = &mut self.window {
            window.bytes += bytes;
            window.last_ns = window.last_ns.max(last.last_ns);
        }
    }

    /// Its head was read.
    fn open(&mut self, pos: u64, first: Stamp, bytes: u64, last: Stamp, coding: Option<Coding>) {
        self.window = Some(Window::open(pos, first));
        // Nothing of its body was before.
        self.is_torn = false;
        self.body = Body::new(coding);
        self.frame(bytes, last);
    }

    /// A piece of its body.
    pub(super) fn piece(&mut self, piece: Result<&[u8], u64>) {
        self.body.piece(piece);
    }

    /// A frame of its body is over. How long the body is by now.
    pub(super) fn data(&mut self, bytes: u64, body: u64, last: Stamp) -> u64 {
        self.frame(bytes, last);
        self.size += body;
        self.size
    }

    /// Frames were lost that may have been of it.
    pub(super) fn doubt(&mut self) {
        if !self.has_ended {
            (self.is_doubtful, self.is_torn) = (true, true);
            self.body.lose();
        }
    }

    /// Bytes of its body that are yet to come, if its head says how many there will be.
    pub(super) fn missing(&self) -> Option<u64> {
        let is_whole = self.window.is_some() && !self.has_ended && !self.is_torn;
        self.length.filter(|_| is_whole)?.checked_sub(self.size)
    }

    /// All that was missing has passed unseen in so many bytes, the last of them with this stamp.
    pub(super) fn mend(&mut self, bytes: u64, last: Stamp) {
        self.frame(bytes, last);
        self.size = self.length.unwrap_or(self.size);
        (self.has_ended, self.is_torn) = (true, false);
    }

    /// Bytes of its body. Where frames of it were lost its head says how many there were, for one that ended must have those (RFC 9113,
    /// section 8.1.1).
    fn size(&self) -> Option<u64> {
        if self.is_torn { self.length.filter(|_| self.has_ended) } else { self.has_ended.then_some(self.size) }
    }

    fn messages(&self) -> Option<u64> {
        self.body.count(self.size).filter(|_| self.has_ended && !self.is_torn)
    }
}

/// A stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: u32,
    /// What its exchange calls it: both ends of a connection the same, and never 0, as ids are; but for one that was told before it was a stream.
    number: u64,
    /// Of the request, and of the response.
    pub(super) ways: [Way; 2],
    pub(super) detail: Box<Http2Exchange>,
    /// Who asked.
    actor: Actor,
    /// The head of the request was seen. If not, the response came first, by a little.
    pub(super) is_asked: bool,
    /// Too little is known of the request to tell it, and that was counted.
    pub(super) is_lost: bool,
    /// What was lost of the response's head or trailers says how the exchange went.
    has_lost_outcome: bool,
    /// Whether it is a call of gRPC is up to a field that was lost.
    is_unsure: bool,
    /// Bytes of text that are accounted for.
    pub(super) text: usize,
}

impl Stream {
    pub(super) fn new(id: u32, detail: Box<Http2Exchange>) -> Self {
        Self {
            id,
            number: u64::from(id),
            ways: Default::default(),
            detail,
            actor: Actor::default(),
            is_asked: false,
            is_lost: false,
            has_lost_outcome: false,
            is_unsure: false,
            text: 0,
        }
    }

    pub(super) fn way(&mut self, direction: Direction) -> &mut Way {
        &mut self.ways[direction as usize]
    }

    /// The request was made in another version of HTTP, and told.
    pub(super) fn asked_before(&mut self, window: Window, actor: Actor, body: Option<u64>, has_ended: bool) {
        (self.is_asked, self.actor, self.number) = (true, actor, 0);
        let way = &mut self.ways[0];
        (way.window, way.size, way.is_torn) = (Some(window), body.unwrap_or(0), body.is_none());
        way.has_ended = has_ended;
    }

    /// The head of the request was read; `seen` is `None` if what it says was lost.
    pub(super) fn ask(&mut self, seen: Option<Seen>, head: &super::event::Block<'_>, out: &mut Output) {
        self.is_asked = true;
        self.actor = head.first.actor;
        self.ways[0].open(head.pos, head.first, head.bytes, head.last, seen.and_then(|seen| seen.coding));
        let known = seen.filter(|_| !self.detail.method.is_empty());
        let Some(seen) = known else {
            self.is_lost = true;
            out.count(Reason::LostRequest);
            return;
        };
        self.is_unsure = seen.lost && !seen.content_type && self.detail.method == "POST" && self.detail.call.is_none();
        if !seen.path {
            let authority = self.detail.host.clone().filter(|_| self.detail.method == "CONNECT");
            self.detail.target_truncated = authority.is_none();
            self.detail.target = authority.unwrap_or_default();
        }
        let is_whole = !self.detail.target_truncated;
        // Whoever read the end of the head is the one who knows it, if it is of the same process.
        if head.last.actor.pid == self.actor.pid {
            self.actor = head.last.actor;
        }
        out.requests.push(RequestStart {
            stream: self.number,
            pos: head.pos,
            at_ns: head.first.first_ns,
            read_ns: head.last.last_ns,
            actor: self.actor,
            traceparent: self.detail.traceparent.clone(),
            print: is_whole.then(|| Print::of(&self.detail.method, &self.detail.target)),
        });
    }

    /// A head or trailers of the response were read; `seen` is `None` if what they say was lost.
    pub(super) fn answer(&mut self, seen: Option<Seen>, head: &super::event::Block<'_>) {
        let has_begun = self.ways[1].window.is_some();
        let status = seen.and_then(|seen| seen.status);
        match status {
            // An interim response: the final one follows (RFC 9110, section 15.2).
            Some(100..=199) if !has_begun => return,
            Some(status) if !has_begun => {
                self.detail.status = Some(status);
                self.has_lost_outcome = false;
                let coding = seen.and_then(|seen| seen.coding);
                self.ways[1].open(head.pos, head.first, head.bytes, head.last, coding);
                self.ways[1].length = seen.and_then(|seen| seen.length).filter(|_| self.detail.call.is_none());
            }
            _ if has_begun => self.ways[1].frame(head.bytes, head.last),
            // The head itself was lost, or says what was.
            _ => {
                self.has_lost_outcome = true;
                self.ways[1].open(head.pos, head.first, head.bytes, head.last, None);
            }
        }
        let Some(seen) = seen else {
            self.has_lost_outcome |= self.detail.call.is_some() || self.is_unsure;
            return;
        };
        self.is_unsure &= !seen.content_type && !seen.grpc_status;
        // What a call came to is in the last block, if it came to something.
        let says_nothing = head.ends_stream && seen.lost && !seen.grpc_status;
        self.has_lost_outcome |= says_nothing && self.detail.call.is_some();
    }

    /// Bytes that its bodies hold.
    pub(super) fn bodies(&self) -> usize {
        self.ways.iter().map(|way| way.body.heap_bytes()).sum()
    }

    /// Whether nothing more will come that matters.
    pub(super) fn is_over(&self) -> bool {
        let [request, response] = &self.ways;
        self.is_asked && response.has_ended && (request.has_ended || request.is_doubtful)
    }

    /// It is over: tells it, or counts why not. Whoever took it out of the list has seen to what was accounted for.
    pub(super) fn end(self, ending: Ending, end_ns: u64, out: &mut Output) {
        let Self { number, ways: [request, response], mut detail, actor, is_asked, is_lost, .. } = self;
        let has_answer = response.has_ended;
        let (sizes, messages) = ([request.size(), response.size()], [request.messages(), response.messages()]);
        // What a call of gRPC-Web came to is behind its messages.
        let says = |call: &mut Box<Call>| !has_answer || response.body.end(call);
        let has_lost_outcome = self.has_lost_outcome | !detail.call.as_mut().is_none_or(says);
        let reason = match request.window {
            _ if is_lost => None,
            None => Some(Reason::UnmatchedResponse),
            Some(_) if !is_asked => Some(Reason::UnmatchedResponse),
            // The end may have passed unseen, and with it what came of the request.
            Some(_) if response.is_doubtful && !has_answer => Some(Reason::LostResponse),
            Some(_) if has_answer && has_lost_outcome => Some(Reason::LostResponse),
            Some(_) if self.is_unsure => Some(Reason::LostRequest),
            Some(window) => {
                [detail.request_body, detail.response_body] = sizes;
                if let Some(call) = &mut detail.call {
                    [call.request_messages, call.response_messages] = messages;
                }
                out.exchanges.push(Exchange {
                    stream: number,
                    request: window,
                    response: response.window,
                    actor,
                    ending,
                    end_ns: end_ns.max(window.first_ns),
                    detail,
                });
                return;
            }
        };
        if let Some(reason) = reason {
            out.count(reason);
        }
        out.spare.get_or_insert(detail as Box<dyn Detail>);
    }

    /// When the whole response had passed.
    pub(super) fn answered_ns(&self) -> u64 {
        self.ways[1].window.map_or(0, |window| window.last_ns)
    }
}
