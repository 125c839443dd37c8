//! The reader of one direction: bytes and gaps in, frames out.
//!
//! Only what begins a frame, and header blocks, are ever held. A gap within a body costs nothing. One within a frame whose head
//! was seen costs that frame: of a header block it is known then where it ends, but not what it says. Any other one costs the
//! framing, until a call begins with what certainly are frames ([`resync`](super::resync)).

use super::event::{Event, MAX_BLOCK, Open, data, whole};
use super::frame::{HEAD_LEN, Head, PREFACE, flag, kind};
use crate::stream::Stamp;

/// The stream that answers a request of another version (RFC 7540, section 3.2).
pub(super) const FIRST: u32 = 1;

/// Where the reader is.
#[derive(Clone, Copy, Debug)]
enum State {
    /// In the body of the request that was made in another version: bytes left, and how many there were.
    Earlier(u64, u64),
    /// So many bytes into the client's preface.
    Preface(usize),
    /// Between frames, or in one that is held.
    Idle,
    /// In a frame of a body.
    Data(Data),
    /// In a frame that is passed over: bytes left. One of a header block counts all the same.
    Skip(u64, Option<Head>),
    /// Anywhere.
    Lost,
}

#[derive(Clone, Copy, Debug)]
struct Data {
    head: Head,
    left: u64,
    pad: u64,
}

/// The reader.
#[derive(Debug)]
pub(super) struct Reader {
    state: State,
    /// The beginning of a frame.
    held: Vec<u8>,
    /// The frame in `held` was handed over.
    is_handed_over: bool,
    /// Where and when the frame began.
    began: (u64, Stamp),
    open: Option<Open>,
    /// Fragments of the block that goes on.
    block: Vec<u8>,
    /// The call of the last bytes, and whether they ended it.
    call: Option<(Stamp, bool)>,
}

impl Reader {
    pub(super) fn new(begins_with_preface: bool, is_lost: bool) -> Self {
        let state = match (is_lost, begins_with_preface) {
            (true, _) => State::Lost,
            (false, true) => State::Preface(0),
            (false, false) => State::Idle,
        };
        Self {
            state,
            held: Vec::new(),
            is_handed_over: false,
            began: (0, Stamp::default()),
            open: None,
            block: Vec::new(),
            call: None,
        }
    }

    /// Whether it is not known where frames begin.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self.state, State::Lost)
    }

    /// Whether these bytes, which come next, begin a call.
    pub(super) fn begins_call(&self, stamp: &Stamp) -> bool {
        self.call.is_none_or(|(last, ended)| ended || !last.same_call(stamp))
    }

    /// They came.
    pub(super) fn called(&mut self, stamp: Stamp, ends_call: bool) {
        self.call = Some((stamp, ends_call));
    }

    /// A frame begins with the next byte.
    pub(super) fn find(&mut self) {
        self.state = State::Idle;
    }

    /// It is not known where frames begin.
    pub(super) fn lose(&mut self) {
        self.state = State::Lost;
        self.held.clear();
        self.block.clear();
        self.open = None;
        self.is_handed_over = false;
    }

    /// Reads on in `bytes`, whose first one is at `pos` and has this stamp. Returns how many were used and what passed with
    /// them: `None` when all were used.
    pub(super) fn next<'a>(&'a mut self, bytes: &'a [u8], pos: u64, stamp: Stamp) -> (usize, Option<Event<'a>>) {
        if std::mem::take(&mut self.is_handed_over) {
            self.held.clear();
        }
        let mut used = 0;
        loop {
            let rest = bytes.get(used..).unwrap_or_default();
            match self.state {
                State::Lost => return (bytes.len(), None),
                State::Preface(seen) => {
                    let expected = PREFACE.get(seen..).unwrap_or_default();
                    let len = expected.len().min(rest.len());
                    if rest.get(..len) != expected.get(..len) {
                        self.lose();
                        return (bytes.len(), Some(Event::Malformed));
                    }
                    used += len;
                    self.state = if len == expected.len() { State::Idle } else { State::Preface(seen + len) };
                    if len < expected.len() {
                        return (used, None);
                    }
                }
                State::Earlier(left, all) => {
                    let len = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
                    if left > 0 && len == 0 {
                        return (used, None);
                    }
                    used += len;
                    if let Some(event) = self.pass_earlier(left - len as u64, all) {
                        return (used, Some(event));
                    }
                }
                State::Skip(left, head) => {
                    let len = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
                    used += len;
                    match left - len as u64 {
                        0 => self.state = State::Idle,
                        left => {
                            self.state = State::Skip(left, head);
                            return (used, None);
                        }
                    }
                    if let Some(head) = head
                        && let Some(event) = self.end_of_broken(head, stamp)
                    {
                        return (used, Some(event));
                    }
                }
                State::Data(Data { left: 0, head, pad }) => {
                    self.state = State::Idle;
                    return (used, Some(data(head, pad)));
                }
                State::Data(data) => {
                    let piece = data.left.saturating_sub(data.pad);
                    let most = if piece > 0 { piece } else { data.left };
                    let len = usize::try_from(most).map_or(rest.len(), |most| most.min(rest.len()));
                    if len == 0 {
                        return (used, None);
                    }
                    used += len;
                    self.state = State::Data(Data { left: data.left - len as u64, ..data });
                    if piece > 0 {
                        return (used, Some(Event::Body(data.head.stream, Ok(rest.get(..len).unwrap_or_default()))));
                    }
                }
                State::Idle if rest.is_empty() => return (used, None),
                State::Idle => {
                    let at = pos.saturating_add(used as u64);
                    let stamp = if used == 0 { stamp } else { Stamp { arrived_ns: 0, ..stamp } };
                    match self.begin(rest, at, stamp) {
                        Begun::Used(len) => used += len,
                        Begun::Whole(head, len) => {
                            used += len;
                            let frame = if self.is_handed_over { &*self.held } else { rest };
                            let frame = frame.get(HEAD_LEN..HEAD_LEN + head.len as usize).unwrap_or_default();
                            let (open, block) = (&mut self.open, &mut self.block);
                            match whole(head, frame, open, block, self.began, stamp) {
                                Some(Event::Malformed) => {
                                    self.state = State::Lost;
                                    return (bytes.len(), Some(Event::Malformed));
                                }
                                Some(event) => return (used, Some(event)),
                                // Only parts of blocks get here, which were copied.
                                None => return (used, Some(Event::Nothing)),
                            }
                        }
                        Begun::Malformed => {
                            self.lose();
                            return (bytes.len(), Some(Event::Malformed));
                        }
                    }
                }
            }
        }
    }

    /// The beginning of a frame, or more of it.
    fn begin(&mut self, rest: &[u8], at: u64, stamp: Stamp) -> Begun {
        if self.held.is_empty() {
            self.began = (at, stamp);
        }
        let mut used = 0;
        let head = match rest.first_chunk::<HEAD_LEN>().filter(|_| self.held.is_empty()) {
            Some(head) => Head::parse(head),
            None => {
                used = self.hold(rest, HEAD_LEN);
                let Some(head) = self.held.first_chunk() else { return Begun::Used(used) };
                Head::parse(head)
            }
        };
        let continues = self.open.map(|open| (kind::CONTINUATION, open.stream));
        let is_continued = head.kind == kind::CONTINUATION || continues.is_some();
        if !head.is_valid() || (is_continued && continues != Some((head.kind, head.stream))) {
            return Begun::Malformed;
        }
        let is_block = matches!(head.kind, kind::HEADERS | kind::PUSH_PROMISE | kind::CONTINUATION);
        let is_read = is_block || matches!(head.kind, kind::RST_STREAM | kind::GOAWAY);
        let is_short = head.len as usize <= MAX_BLOCK;
        let is_padded = head.kind == kind::DATA && head.has(flag::PADDED);
        let need = match head.kind {
            kind::DATA => HEAD_LEN + usize::from(is_padded),
            _ if is_read && is_short => HEAD_LEN + head.len as usize,
            _ => HEAD_LEN,
        };
        let pad = if self.held.is_empty() && rest.len() >= need {
            used = need;
            rest.get(HEAD_LEN)
        } else {
            used += self.hold(rest.get(used..).unwrap_or_default(), need);
            if self.held.len() < need {
                return Begun::Used(used);
            }
            self.is_handed_over = true;
            self.held.get(HEAD_LEN)
        };
        let pad = pad.copied().filter(|_| is_padded).map_or(0, u64::from);
        if is_read && is_short {
            return Begun::Whole(head, used);
        }
        if std::mem::take(&mut self.is_handed_over) {
            self.held.clear();
        }
        let left = u64::from(head.len);
        self.state = if head.kind == kind::DATA {
            // The length of the padding counts as padding.
            let left = left.saturating_sub(u64::from(is_padded));
            if (is_padded && head.len == 0) || pad > left {
                return Begun::Malformed;
            }
            State::Data(Data { head, left, pad })
        } else {
            State::Skip(left, is_block.then_some(head))
        };
        Begun::Used(used)
    }

    /// Takes as much of `rest` as fills what is held up to `len`.
    fn hold(&mut self, rest: &[u8], len: usize) -> usize {
        let taken = len.saturating_sub(self.held.len()).min(rest.len());
        self.held.extend_from_slice(rest.get(..taken).unwrap_or_default());
        taken
    }

    /// A body that began in another version comes first, of which so much is left.
    pub(super) fn expect_earlier(&mut self, left: u64) {
        self.state = State::Earlier(left, left);
    }

    /// So much of it is left now.
    fn pass_earlier(&mut self, left: u64, all: u64) -> Option<Event<'static>> {
        self.state = if left > 0 { State::Earlier(left, all) } else { State::Preface(0) };
        (left == 0).then_some(Event::Data { stream: FIRST, ends_stream: true, bytes: all, body: all })
    }

    /// The end of a frame of a header block whose payload was lost.
    fn end_of_broken(&mut self, head: Head, stamp: Stamp) -> Option<Event<'static>> {
        let began = self.began;
        let open = self.open.get_or_insert_with(|| Open::new(head, began));
        open.bytes += HEAD_LEN as u64 + u64::from(head.len);
        open.is_broken = true;
        if !head.has(flag::END_HEADERS) {
            return None;
        }
        self.block.clear();
        self.open.take().map(|open| Event::Headers(open.block(None, stamp)))
    }

    /// Passes over `len` bytes that nobody saw. Returns how many of them are accounted for, and what passed with them; `None`
    /// when all are.
    pub(super) fn gap(&mut self, len: u64, stamp: Stamp) -> (u64, Option<Event<'static>>) {
        if std::mem::take(&mut self.is_handed_over) {
            self.held.clear();
        }
        match self.state {
            State::Lost => (len, None),
            State::Earlier(left, all) => {
                let used = left.min(len);
                (used, self.pass_earlier(left - used, all))
            }
            State::Skip(left, head) => {
                let used = left.min(len);
                if used < left {
                    self.state = State::Skip(left - used, head);
                    return (used, None);
                }
                self.state = State::Idle;
                let event = head.and_then(|head| self.end_of_broken(head, stamp));
                (used, event.or((used < len).then_some(Event::Nothing)))
            }
            State::Data(Data { left: 0, head, pad }) => {
                self.state = State::Idle;
                (0, Some(data(head, pad)))
            }
            State::Data(data) if len > 0 => {
                let used = data.left.min(len);
                self.state = State::Data(Data { left: data.left - used, ..data });
                (used, Some(Event::Body(data.head.stream, Err(data.left.saturating_sub(data.pad).min(used)))))
            }
            _ if len == 0 => (0, None),
            State::Idle if let Some(head) = self.held.first_chunk().map(Head::parse) => {
                let left = (HEAD_LEN as u64 + u64::from(head.len)).saturating_sub(self.held.len() as u64);
                let is_block = matches!(head.kind, kind::HEADERS | kind::PUSH_PROMISE | kind::CONTINUATION);
                if !is_block || len > left {
                    self.lose();
                    return (len, Some(Event::Lost));
                }
                self.held.clear();
                self.state = State::Skip(left, Some(head));
                self.gap(len, stamp)
            }
            State::Data(_) | State::Preface(_) | State::Idle => {
                self.lose();
                (len, Some(Event::Lost))
            }
        }
    }

    /// Heap bytes held.
    pub(super) fn heap_bytes(&self) -> usize {
        self.held.capacity() + self.block.capacity()
    }

    /// Gives back room that is not needed.
    pub(super) fn shrink(&mut self) {
        self.held.shrink_to_fit();
        self.block.shrink_to_fit();
    }
}

/// What the beginning of a frame is.
enum Begun {
    /// So many bytes were used; the state tells the rest.
    Used(usize),
    /// All of it is there, in what is held or in the bytes, of which so many were used.
    Whole(Head, usize),
    Malformed,
}
