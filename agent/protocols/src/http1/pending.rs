//! Requests that wait for a response, in the order in which they were sent (RFC 9112, section 9.3.2).

use super::HttpExchange;
use super::head::Head;
use crate::exchange::{Ending, Exchange, Window};
use crate::phase::RequestStart;
use crate::session::{Output, Reason};
use crate::stream::{Actor, Stamp};
use std::collections::VecDeque;

/// Most requests that may wait on one connection.
const MAX_PENDING: usize = 4096;
/// Most bytes of their texts, together.
const MAX_TEXT: usize = 1 << 20;

/// What of the method matters for the framing of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// The request line is not complete, or was lost.
    Unknown,
    Head,
    Connect,
    Other,
}

/// One request.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) serial: u64,
    pub(super) window: Window,
    /// Who read or sent the end of its head, once that is there. In Go another goroutine may have read its first byte.
    pub(super) actor: Actor,
    read_ns: u64,
    pub(super) method: Method,
    /// What was read of it; `None` until the request line is complete, and for requests that are not reported.
    pub(super) detail: Option<Box<HttpExchange>>,
    /// It holds a place in the order but is not reported (its loss was counted).
    pub(super) lost: bool,
    /// It may be the bytes of a body, if the client had sent so much when the response began.
    pub(super) doubtful_end: Option<u64>,
    /// Its beginning was told.
    told: bool,
    /// The texts' weight in [`Queue::text`].
    weight: usize,
}

impl Pending {
    /// Tells that it began, once.
    pub(super) fn tell(&mut self, out: &mut Output) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        out.requests.push(RequestStart {
            stream: 0,
            pos: self.window.pos,
            at_ns: self.window.first_ns,
            read_ns: self.read_ns,
            actor: self.actor,
            traceparent: self.detail.as_deref().and_then(|detail| detail.traceparent.clone()),
            print: self.detail.as_deref().filter(|detail| !detail.target_truncated).map(HttpExchange::print),
        });
    }

    /// Reports it, with or without a response. False when there is nothing to report.
    pub(super) fn emit(
        mut self,
        response: Option<(Window, u16)>,
        ending: Ending,
        end_ns: u64,
        out: &mut Output,
    ) -> bool {
        if self.lost || self.detail.is_none() {
            return false;
        }
        // A request may be answered before the end of its head was seen.
        self.tell(out);
        let Some(mut detail) = self.detail else { return false };
        detail.status = response.map(|(_, status)| status);
        out.exchanges.push(Exchange {
            stream: 0,
            request: self.window,
            response: response.map(|(window, _)| window),
            actor: self.actor,
            ending,
            end_ns: end_ns.max(self.window.first_ns),
            detail,
        });
        true
    }
}

/// The requests that wait, and what is known about their order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    list: VecDeque<Pending>,
    /// Serial of the request that began last; 0 when none ever did.
    pub(super) serial: u64,
    /// Request bytes were lost, and with them perhaps requests. Ends when a request begins while nothing waits.
    pub(super) doubt: bool,
    /// A response was seen to begin after a later request had: an idle moment cannot be told from a lost request.
    pub(super) pipelining: bool,
    /// Responses were lost since `doubt` began.
    pub(super) responses_lost: bool,
    /// Bytes of text in `list`.
    text: usize,
}

impl Queue {
    /// A request begins.
    pub(super) fn begin(&mut self, pos: u64, stamp: Stamp, out: &mut Output) {
        if self.doubt && self.list.is_empty() && !self.pipelining {
            self.doubt = false;
            self.responses_lost = false;
        }
        let doubt = self.doubt;
        let reason = if self.push(pos, stamp, doubt) {
            doubt.then_some(Reason::LostRequest)
        } else {
            Some(Reason::TooManyPending)
        };
        if let Some(reason) = reason {
            out.count(reason);
        }
    }

    /// Requests were lost: one entry keeps their place, unless the answer was `seen` already. How many there were is not
    /// known here, so none is counted: the kernel has counted them.
    pub(super) fn lose_requests(&mut self, pos: u64, stamp: Stamp, seen: bool) {
        let kept = self.doubt && self.list.back().is_some_and(|last| last.lost && last.method == Method::Unknown);
        self.doubt = true;
        if !kept && (!seen || self.pipelining) {
            self.push(pos, stamp, true);
        }
    }

    /// A response to the first request begins.
    pub(super) fn answering(&mut self, first_ns: u64) {
        self.pipelining |= self.list.get(1).is_some_and(|second| second.window.first_ns < first_ns);
    }

    /// False when there is no room.
    fn push(&mut self, pos: u64, stamp: Stamp, lost: bool) -> bool {
        self.serial += 1;
        if self.list.len() >= MAX_PENDING || self.text >= MAX_TEXT {
            // Its place is not kept: what comes after it cannot be paired.
            self.doubt = true;
            self.pipelining = true;
            return false;
        }
        self.list.push_back(Pending {
            serial: self.serial,
            window: Window::open(pos, stamp),
            actor: stamp.actor,
            read_ns: stamp.last_ns,
            method: Method::Unknown,
            detail: None,
            lost,
            doubtful_end: None,
            told: false,
            weight: 0,
        });
        true
    }

    /// The request that is being read, unless it was answered or given up before its end.
    pub(super) fn current(&mut self) -> Option<&mut Pending> {
        let serial = self.serial;
        self.list.back_mut().filter(|last| last.serial == serial)
    }

    /// The request line was read.
    pub(super) fn start_line(&mut self, detail: Box<HttpExchange>) -> Method {
        let method = match &*detail.method {
            "HEAD" => Method::Head,
            "CONNECT" => Method::Connect,
            _ => Method::Other,
        };
        if let Some(current) = self.current() {
            current.method = method;
            if !current.lost {
                current.detail = Some(detail);
            }
        }
        method
    }

    /// The header block of the request that is being read is complete, or more of it will not be understood.
    pub(super) fn tell(&mut self, stamp: Stamp, out: &mut Output) {
        if let Some(current) = self.current() {
            if !current.told {
                current.read_ns = stamp.last_ns;
                if current.actor.pid == stamp.actor.pid {
                    current.actor = stamp.actor;
                }
            }
            current.tell(out);
        }
    }

    /// The header block was read: from here on its texts are accounted for.
    pub(super) fn weigh(&mut self) {
        let Some(current) = self.current() else { return };
        let len = |text: &Option<String>| text.as_ref().map_or(0, String::capacity);
        let weight = current.detail.as_ref().map_or(0, |detail| {
            let texts = [&detail.host, &detail.user_agent, &detail.tracestate, &detail.forwarded_for];
            let parent = detail.traceparent.as_ref().map_or(0, |text| text.len());
            let always = size_of::<HttpExchange>() + detail.method.len() + detail.target.capacity();
            let foreign = detail.foreign.as_ref().map_or(0, |foreign| foreign.heap_bytes());
            let kept: usize = detail.kept.iter().map(|(_, value)| value.len() + size_of::<(&str, Box<str>)>()).sum();
            always + parent + foreign + kept + detail.buffers.heap_bytes() + texts.map(len).iter().sum::<usize>()
        });
        let before = std::mem::replace(&mut current.weight, weight);
        self.text = (self.text + weight).saturating_sub(before);
    }

    /// The request line is not one: the request that just began never was.
    pub(super) fn withdraw(&mut self) {
        if self.current().is_some() {
            self.list.pop_back();
        }
    }

    pub(super) fn front(&self) -> Option<&Pending> {
        self.list.front()
    }

    pub(super) fn front_mut(&mut self) -> Option<&mut Pending> {
        self.list.front_mut()
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn pop(&mut self) -> Option<Pending> {
        let front = self.list.pop_front()?;
        self.text = self.text.saturating_sub(front.weight);
        Some(front)
    }

    /// The answers to everything that waits may have been lost.
    pub(super) fn lose_responses(&mut self, out: &mut Output) {
        self.doubt |= self.pipelining || self.list.len() > 1;
        self.responses_lost = true;
        while let Some(pending) = self.pop() {
            if !pending.lost {
                out.count(Reason::LostResponse);
            }
        }
    }

    /// Nothing passed in either direction for long: whatever was lost has been answered or never will be.
    pub(super) fn settle(&mut self) {
        self.list.retain(|pending| !pending.lost);
        if self.list.is_empty() {
            self.doubt = false;
            self.list = VecDeque::new();
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.list.capacity() * size_of::<Pending>() + self.text
    }
}

/// The size of a request's body when its end was told by the response's beginning only: the declared one, if so many
/// bytes came.
pub(super) fn body_by_declaration(head: &Head, window: &Window) -> Option<u64> {
    head.declared_length().filter(|length| *length <= window.bytes)
}
