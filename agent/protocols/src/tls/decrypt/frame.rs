//! Records as a whole, in one direction: their bytes, with what is missing in their middle. After a loss, places at which a record
//! may stand: which one does, its tag tells.

use super::super::record::{APPLICATION_DATA, HEADER, MAX_BODY, may_be_header};
use super::search::Search;
use crate::stream::{Chunk, Stamp};

/// Room that is kept for the next record that comes in parts, bytes.
const KEPT: usize = 512;

/// A record that has passed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    /// What is there of it, from its header on: all of it, or what is before `hole` and then what is after it.
    pub bytes: &'a [u8],
    /// Where bytes are missing, and how many.
    pub hole: Option<(usize, usize)>,
    pub pos: u64,
    /// `first_ns` of its first byte, `last_ns` of its last one.
    pub stamp: Stamp,
    /// Its last byte is the last one of a call.
    pub ends_call: bool,
}

impl Frame<'_> {
    pub fn kind(&self) -> u8 {
        self.bytes[0]
    }

    /// Bytes of all of it.
    pub fn total(&self) -> usize {
        self.bytes.len() + self.hole.map_or(0, |(_, len)| len)
    }

    /// Position after its last byte.
    pub fn end(&self) -> u64 {
        self.pos + self.total() as u64
    }
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A record in the chunk, of so many bytes.
    Here(usize),
    /// A record that came in parts.
    Joined,
    /// A place where a record may stand, so many bytes long.
    Perhaps(usize),
    /// Here begins no record.
    Invalid,
    /// More bytes are needed.
    More,
}

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Framer {
    /// What has come of the record under way.
    bytes: Vec<u8>,
    hole: Option<(usize, usize)>,
    pos: u64,
    stamp: Stamp,
    ends_call: bool,
    /// Not known where records begin.
    search: Option<Box<Search>>,
}

fn total(header: &[u8]) -> Option<usize> {
    header.get(..HEADER).map(|header| HEADER + usize::from(u16::from_be_bytes([header[3], header[4]])))
}

impl Framer {
    /// Looks for the next record in `chunk` from byte `at` on, which moves on only over bytes that are kept.
    pub fn next(&mut self, chunk: &Chunk<'_>, at: &mut usize) -> Found {
        if let Some(search) = &mut self.search {
            return search.next(chunk, at).map_or(Found::More, Found::Perhaps);
        }
        if self.is_whole() {
            return Found::Joined;
        }
        let rest = &chunk.bytes[*at..];
        if rest.is_empty() {
            return Found::More;
        }
        if self.bytes.is_empty() {
            if !may_be_header(&rest[..rest.len().min(HEADER)]) {
                return Found::Invalid;
            }
            if let Some(len) = total(rest).filter(|len| *len <= rest.len()) {
                return Found::Here(len);
            }
            self.pos = chunk.pos + *at as u64;
            self.stamp = chunk.stamp_at(self.pos);
        }
        if self.bytes.len() < HEADER {
            let len = rest.len().min(HEADER - self.bytes.len());
            self.take(chunk, at, len);
            if !may_be_header(&self.bytes) {
                return Found::Invalid;
            }
        }
        if let Some(total) = total(&self.bytes) {
            let have = self.bytes.len() + self.hole.map_or(0, |(_, len)| len);
            let len = (chunk.bytes.len() - *at).min(total - have);
            self.bytes.reserve_exact(if self.hole.is_some() { len } else { total - have });
            self.take(chunk, at, len);
        }
        if self.is_whole() { Found::Joined } else { Found::More }
    }

    fn take(&mut self, chunk: &Chunk<'_>, at: &mut usize, len: usize) {
        self.bytes.extend_from_slice(&chunk.bytes[*at..*at + len]);
        *at += len;
        self.reach(chunk.stamp, chunk.ends_call && *at == chunk.bytes.len());
    }

    /// The last byte so far is of this call.
    fn reach(&mut self, stamp: Stamp, ends_call: bool) {
        self.stamp.last_ns = stamp.last_ns;
        self.stamp.actor = stamp.actor;
        self.ends_call = ends_call;
    }

    fn is_whole(&self) -> bool {
        let have = self.bytes.len() + self.hole.map_or(0, |(_, len)| len);
        total(&self.bytes).is_some_and(|total| total == have)
    }

    /// What was found.
    pub fn frame<'a>(&'a self, found: Found, chunk: &Chunk<'a>, at: usize) -> Option<Frame<'a>> {
        match found {
            Found::Here(len) => {
                let pos = chunk.pos + at as u64;
                let bytes = &chunk.bytes[at..at + len];
                let ends_call = chunk.ends_call && at + len == chunk.bytes.len();
                Some(Frame { bytes, hole: None, pos, stamp: chunk.stamp_at(pos), ends_call })
            }
            Found::Joined => Some(Frame {
                bytes: &self.bytes,
                hole: self.hole,
                pos: self.pos,
                stamp: self.stamp,
                ends_call: self.ends_call,
            }),
            Found::Perhaps(len) => self.search.as_ref()?.frame(len),
            Found::Invalid | Found::More => None,
        }
    }

    /// A record that came in parts, whole by now.
    pub fn joined(&self) -> Option<Frame<'_>> {
        let whole = self.search.is_none() && self.is_whole();
        let (hole, pos, stamp, ends_call) = (self.hole, self.pos, self.stamp, self.ends_call);
        whole.then_some(Frame { bytes: &self.bytes, hole, pos, stamp, ends_call })
    }

    /// What was found is done with.
    pub fn pass(&mut self, found: Found, at: &mut usize) {
        match found {
            Found::Here(len) => *at += len,
            Found::Joined => {
                // Small ones, of which there are many, need no allocation each.
                if self.bytes.capacity() > KEPT {
                    self.bytes = Vec::new();
                }
                self.bytes.clear();
                self.hole = None;
            }
            Found::Perhaps(_) => self.search = None,
            Found::Invalid | Found::More => {}
        }
    }

    /// What was found is no record.
    pub fn refuse(&mut self, found: Found) {
        if let (Found::Perhaps(len), Some(search)) = (found, &mut self.search) {
            search.refuse(len);
        }
    }

    /// Where records begin is not known from here on. What was under way is forgotten.
    pub fn lose(&mut self) {
        *self = Self { search: Some(Box::default()), ..Self::default() };
    }

    pub fn is_lost(&self) -> bool {
        self.search.is_some()
    }

    /// `len` bytes passed unseen. False if they are not all of one record's body.
    #[must_use]
    pub fn gap(&mut self, len: u64, stamp: Stamp) -> bool {
        if self.search.is_some() {
            self.lose();
            return true;
        }
        let Some(total) = total(&self.bytes) else { return false };
        let (at, hidden) = self.hole.unwrap_or((self.bytes.len(), 0));
        let Some(len) = usize::try_from(len).ok().filter(|len| *len <= total - self.bytes.len() - hidden) else {
            return false;
        };
        // Of several holes one is made.
        let hidden = hidden + len + self.bytes.len() - at;
        self.bytes.truncate(at);
        self.hole = Some((at, hidden));
        self.reach(stamp, false);
        true
    }

    /// The record under way, of which the rest will not be seen: what is there of it, and its position.
    pub fn broken(&self) -> Option<Frame<'_>> {
        let total = total(&self.bytes).filter(|_| self.search.is_none())?;
        let at = self.hole.map_or(self.bytes.len(), |(at, _)| at);
        let hole = Some((at, total - at));
        Some(Frame { bytes: &self.bytes[..at], hole, pos: self.pos, stamp: self.stamp, ends_call: false })
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        self.bytes.capacity() + self.search.as_ref().map_or(0, |search| search.heap_bytes())
    }
}

/// Whether these begin like a record that may be encrypted data: the length of its body.
pub(super) fn data_len(bytes: &[u8]) -> Option<usize> {
    let len = match *bytes {
        [APPLICATION_DATA, 3, 3, high, low, ..] => u16::from_be_bytes([high, low]),
        _ => return None,
    };
    // A tag and a byte at least.
    (9..=MAX_BODY).contains(&len).then_some(usize::from(len))
}
