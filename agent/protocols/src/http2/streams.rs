//! The streams of a connection that are under way, in the order of their ids, which is that in which they began.

use std::collections::VecDeque;

use super::event::{Block, Event};
use super::frame::REFUSED;
use super::hpack::{Decoder, Field, Invalid};
use super::keep::{self, Seen};
use super::stream::Stream;
use super::torn::Torn;
use super::{again, describe};
use crate::exchange::Ending;
use crate::session::{Close, Output, Reason};
use crate::stream::{Direction, Stamp};

/// Most streams under way at once that are followed; servers allow 100 to 250.
const MAX_STREAMS: usize = 1024;
/// Most bytes of their texts.
const MAX_TEXT: usize = 512 * 1024;
/// A body that is longer, bytes, costs more than it is worth: where its frames end may be lost.
const LONG: u64 = 1 << 20;
/// Most responses that wait for their requests' events.
const MAX_EARLY: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Streams {
    pub(super) list: VecDeque<Stream>,
    /// The last stream that the client opened.
    newest: u32,
    /// Responses in the list whose requests were not seen yet.
    early: usize,
    /// Bytes of text in the list.
    text: usize,
    /// The server will answer no later stream.
    refused_after: Option<u32>,
    /// One whose body is so long that it need not be copied.
    long: Option<u32>,
    /// See [`super::torn`].
    pub(super) torn: Option<Torn>,
}

impl Streams {
    pub(super) fn find(&self, id: u32) -> Result<usize, usize> {
        match self.list.back() {
            Some(last) if last.id == id => Ok(self.list.len() - 1),
            Some(last) if last.id < id => Err(self.list.len()),
            None => Err(0),
            Some(_) => self.list.binary_search_by_key(&id, |stream| stream.id),
        }
    }

    /// Whether a body is under way that is so long that it need not be copied.
    pub(super) fn has_long_body(&self) -> bool {
        self.long.is_some()
    }

    /// Whether a stream may be meant where it is not certain that a frame begins.
    pub(super) fn may_be(&self, id: u32) -> bool {
        /// More streams than may begin unseen between two calls that are understood.
        const AHEAD: u32 = 1 << 16;
        id == 0 || self.newest == 0 || id <= self.newest.saturating_add(AHEAD)
    }

    fn insert(&mut self, at: usize, stream: Stream, out: &mut Output) -> usize {
        // Where one request comes after the other, one is all that is ever here; room for more is kept until the connection rests.
        if self.list.capacity() == 0 {
            self.list.reserve_exact(1);
        }
        self.list.insert(at, stream);
        let is_full = self.list.len() > MAX_STREAMS || self.text > MAX_TEXT;
        if is_full && at > 0 {
            if let Some(oldest) = self.remove(0) {
                // Of what was answered, or lost, there is something to say.
                if oldest.is_over() || oldest.is_lost || !oldest.is_asked || oldest.ways[1].is_doubtful {
                    self.tell(oldest, Ending::Answered, 0, out);
                } else {
                    out.count(Reason::TooManyPending);
                }
            }
            return at - 1;
        }
        at
    }

    /// The connection begins with a stream that was opened otherwise.
    pub(super) fn begin_with(&mut self, stream: Stream, out: &mut Output) {
        self.newest = stream.id;
        self.text += stream.text;
        self.insert(0, stream, out);
    }

    fn remove(&mut self, at: usize) -> Option<Stream> {
        let stream = self.list.remove(at)?;
        if self.long == Some(stream.id) {
            self.long = None;
        }
        self.early -= usize::from(!stream.is_asked);
        self.text -= stream.text;
        Some(stream)
    }

    /// Tells a stream that was taken out of the list.
    fn tell(&mut self, stream: Stream, ending: Ending, at_ns: u64, out: &mut Output) {
        if stream.ways[1].has_ended {
            let at_ns = stream.answered_ns();
            stream.end(Ending::Answered, at_ns, out);
        } else {
            stream.end(ending, at_ns, out);
        }
    }

    /// Something passed; `stamp` is that of its last byte. An error means that nothing more can be understood of this direction.
    pub(super) fn take(
        &mut self,
        direction: Direction,
        event: Event<'_>,
        decoder: &mut Decoder,
        stamp: Stamp,
        out: &mut Output,
    ) -> Result<(), Invalid> {
        if direction == Direction::ToClient
            && matches!(event, Event::Headers(_) | Event::Data { .. } | Event::Reset(..))
        {
            self.goes_on();
        }
        match event {
            Event::Headers(block) => return self.headers(direction, &block, decoder, out),
            Event::Body(id, piece) => {
                if let Ok(at) = self.find(id)
                    && self.list[at].detail.call.is_some()
                {
                    self.list[at].way(direction).piece(piece);
                }
            }
            Event::Data { stream, ends_stream, bytes, body } => {
                if let Ok(at) = self.find(stream) {
                    if self.list[at].way(direction).data(bytes, body, stamp) > LONG {
                        self.long = Some(stream);
                    }
                    self.ended(at, direction, ends_stream, out);
                }
            }
            Event::Reset(id, code) => self.reset(id, code, stamp, out),
            Event::GoAway(last) if direction == Direction::ToClient => self.go_away(last, stamp, out),
            Event::GoAway(_) | Event::Nothing => {}
            Event::Lost => {
                decoder.lose();
                self.doubt(direction);
            }
            Event::Malformed => return Err(Invalid),
        }
        Ok(())
    }

    /// Frames of a direction were lost.
    pub(super) fn doubt(&mut self, direction: Direction) {
        for stream in &mut self.list {
            stream.way(direction).doubt();
        }
    }

    /// Tells what waited only for the end of a request that may have passed unseen.
    pub(super) fn settle(&mut self, out: &mut Output) {
        let mut at = 0;
        while at < self.list.len() {
            if self.list[at].is_over() {
                if let Some(stream) = self.remove(at) {
                    self.tell(stream, Ending::Answered, 0, out);
                }
            } else {
                at += 1;
            }
        }
    }

    fn headers(
        &mut self,
        direction: Direction,
        block: &Block<'_>,
        decoder: &mut Decoder,
        out: &mut Output,
    ) -> Result<(), Invalid> {
        if block.fields.is_none() {
            decoder.lose();
        }
        if block.is_promise {
            out.count(Reason::UnmatchedResponse);
            return pass(block, decoder);
        }
        match direction {
            Direction::ToServer => self.request(block, decoder, out),
            Direction::ToClient => self.response(block, decoder, out),
        }
    }

    fn request(&mut self, block: &Block<'_>, decoder: &mut Decoder, out: &mut Output) -> Result<(), Invalid> {
        let found = self.find(block.stream);
        let is_early = found.is_ok_and(|at| !self.list[at].is_asked);
        if let (Ok(at), false) = (found, is_early) {
            // Trailers.
            let read = pass(block, decoder);
            self.list[at].way(Direction::ToServer).data(block.bytes, 0, block.last);
            self.ended(at, Direction::ToServer, block.ends_stream, out);
            return read;
        }
        if block.stream.is_multiple_of(2) {
            pass(block, decoder)?;
            return Err(Invalid);
        }
        if block.stream <= self.newest && !is_early {
            // Trailers of what is over.
            return pass(block, decoder);
        }
        self.mend(out);
        let found = self.find(block.stream);
        self.newest = self.newest.max(block.stream);
        let mut early = found.ok().and_then(|at| self.remove(at));
        let mut stream = match early.take() {
            Some(stream) => stream,
            None => Stream::new(block.stream, again::blank(&mut out.spare)),
        };
        let read = read(block, decoder, |seen, field| keep::request(&mut stream.detail, seen, field, &out.headers));
        // Streams begin in order: the requests of earlier responses are not to come.
        while self.early > 0 && self.list.front().is_some_and(|first| !first.is_asked && first.id < block.stream) {
            if let Some(unmatched) = self.remove(0) {
                self.tell(unmatched, Ending::Closed, 0, out);
            }
        }
        stream.ask(read.unwrap_or_default(), block, out);
        stream.text = describe::text(&stream.detail) + stream.bodies();
        self.text += stream.text;
        let at = self.find(block.stream).unwrap_or_else(|at| at);
        let at = self.insert(at, stream, out);
        self.ended(at, Direction::ToServer, block.ends_stream, out);
        read.map(|_| ())
    }

    fn response(&mut self, block: &Block<'_>, decoder: &mut Decoder, out: &mut Output) -> Result<(), Invalid> {
        let at = match self.find(block.stream) {
            Ok(at) => at,
            // What was told already, or pushed.
            Err(_) if block.stream <= self.newest || block.stream.is_multiple_of(2) => return pass(block, decoder),
            Err(_) if self.early >= MAX_EARLY => {
                out.count(Reason::UnmatchedResponse);
                return pass(block, decoder);
            }
            Err(at) => {
                self.early += 1;
                let stream = Stream::new(block.stream, again::blank(&mut out.spare));
                self.insert(at, stream, out)
            }
        };
        let Some(stream) = self.list.get_mut(at) else { return Ok(()) };
        let read = read(block, decoder, |seen, field| keep::response(&mut stream.detail, seen, field, &out.headers));
        let before = stream.bodies();
        stream.answer(read.unwrap_or_default(), block);
        let more = stream.bodies().saturating_sub(before);
        (stream.text, self.text) = (stream.text + more, self.text + more);
        self.ended(at, Direction::ToClient, block.ends_stream, out);
        read.map(|_| ())
    }

    /// A frame of a direction was the last one, if it was.
    fn ended(&mut self, at: usize, direction: Direction, ends_stream: bool, out: &mut Output) {
        if !ends_stream {
            return;
        }
        let Some(stream) = self.list.get_mut(at) else { return };
        stream.way(direction).has_ended = true;
        if stream.is_over()
            && let Some(stream) = self.remove(at)
        {
            self.tell(stream, Ending::Answered, 0, out);
        }
    }

    fn reset(&mut self, id: u32, code: u32, stamp: Stamp, out: &mut Output) {
        let Ok(at) = self.find(id) else { return };
        let Some(mut stream) = self.remove(at) else { return };
        if !stream.ways[1].has_ended {
            stream.detail.reset = Some(code);
        }
        self.tell(stream, Ending::Reset, stamp.last_ns, out);
    }

    /// The server tells which stream is the last that it will answer. Nothing was done about later ones (RFC 9113, section 6.8).
    fn go_away(&mut self, last: u32, stamp: Stamp, out: &mut Output) {
        self.refused_after = Some(last);
        let mut at = self.find(last).map_or_else(|at| at, |at| at + 1);
        while let Some(stream) = self.list.get(at) {
            if stream.is_asked && stream.ways[1].window.is_none() {
                self.reset(stream.id, REFUSED, stamp, out);
            } else {
                at += 1;
            }
        }
    }

    /// The connection ended.
    pub(super) fn close(&mut self, how: Close, at_ns: u64, out: &mut Output) {
        self.mend(out);
        let ending = if how == Close::Reset { Ending::Reset } else { Ending::Closed };
        while let Some(mut stream) = self.remove(0) {
            let is_refused = self.refused_after.is_some_and(|last| stream.id > last);
            if is_refused && stream.ways[1].window.is_none() {
                stream.detail.reset = Some(REFUSED);
            }
            self.tell(stream, ending, at_ns, out);
        }
    }

    /// Nothing more will be told but what is certain.
    pub(super) fn abandon(&mut self, reason: Reason, out: &mut Output) {
        self.mend(out);
        while let Some(stream) = self.remove(0) {
            let is_open = stream.is_asked && !stream.is_lost && !stream.ways[1].has_ended;
            if is_open && !stream.ways[1].is_doubtful {
                out.count(reason);
            } else {
                self.tell(stream, Ending::Closed, 0, out);
            }
        }
    }

    /// Gives up what may have ended unseen.
    pub(super) fn expire(&mut self, out: &mut Output) {
        self.mend(out);
        let mut at = 0;
        while let Some(stream) = self.list.get(at) {
            if stream.ways[1].is_doubtful || !stream.is_asked {
                if let Some(stream) = self.remove(at) {
                    self.tell(stream, Ending::Closed, 0, out);
                }
            } else {
                at += 1;
            }
        }
        self.list.shrink_to_fit();
    }

    /// Heap bytes held.
    pub(super) fn heap_bytes(&self) -> usize {
        let fixed = self.list.capacity() * size_of::<Stream>();
        fixed + self.list.len() * size_of::<super::Http2Exchange>() + self.text
    }
}

/// Reads a block, and hands over its fields. What it had; `None` if its bytes were lost.
fn read(
    block: &Block<'_>,
    decoder: &mut Decoder,
    mut keep: impl FnMut(&mut Seen, &Field<'_>),
) -> Result<Option<Seen>, Invalid> {
    let Some(fields) = block.fields else { return Ok(None) };
    let mut seen = Seen::default();
    decoder.decode(fields, |field| keep(&mut seen, &field))?;
    Ok(Some(seen))
}

/// Reads a block that says nothing of interest, for the table.
fn pass(block: &Block<'_>, decoder: &mut Decoder) -> Result<(), Invalid> {
    block.fields.map_or(Ok(()), |fields| decoder.decode(fields, |_| {}))
}
