//! The dynamic table (RFC 7541, section 2.3.2), as far as it is known.
//!
//! After a loss it is not known which entries were inserted unseen. What is inserted afterwards is: indices count from the
//! newest entry, so those entries keep the right ones, and all others are older ones, which are unknown. Whether an entry has
//! been evicted depends on the sizes of the newer ones alone. Where these are uncertain an entry may be kept that its encoder
//! has evicted: no encoder names it then.

use std::collections::VecDeque;

use crate::http2::names::Name;

/// What an entry counts besides its name and its value (RFC 7541, section 4.1).
const OVERHEAD: usize = 32;
/// Largest table that is kept, bytes as the RFC counts them. Encoders may be allowed more: what is beyond is unknown.
pub(super) const MOST: usize = 64 * 1024;
/// Size before anybody changes it (RFC 9113, section 6.5.2).
const USUAL: usize = 4096;
/// Size of a table whose changes were perhaps not seen.
const UNSURE: usize = 16 * 1024;

/// An entry.
#[derive(Debug)]
pub(super) struct Entry {
    /// What its name is.
    pub(super) name: Name,
    /// Name and value. The name is empty where it is not known.
    text: Box<[u8]>,
    name_len: u32,
}

impl Entry {
    pub(super) fn new(name: Name, text: &[u8], value: &[u8]) -> Self {
        let name_len = u32::try_from(text.len()).unwrap_or_default();
        Self { name, text: [text, value].concat().into(), name_len }
    }

    pub(super) fn name_text(&self) -> &[u8] {
        self.text.get(..self.name_len as usize).unwrap_or_default()
    }

    pub(super) fn value(&self) -> &[u8] {
        self.text.get(self.name_len as usize..).unwrap_or_default()
    }

    /// At least that.
    fn size(&self) -> usize {
        self.text.len() + OVERHEAD
    }
}

/// The table of one direction.
#[derive(Debug)]
pub(super) struct Table {
    /// The newest entry first.
    entries: VecDeque<Entry>,
    size: usize,
    /// Size that its encoder may fill.
    limit: usize,
    /// There may be entries that are not known.
    is_unsure: bool,
}

impl Table {
    pub(super) fn new(is_from_start: bool) -> Self {
        let limit = if is_from_start { USUAL } else { UNSURE };
        Self { entries: VecDeque::new(), size: 0, limit, is_unsure: !is_from_start }
    }

    /// Header blocks were lost.
    pub(super) fn lose(&mut self) {
        *self = Self { limit: self.limit.max(UNSURE), ..Self::new(false) };
    }

    /// Whether entries may be there that are not known.
    pub(super) fn is_unsure(&self) -> bool {
        self.is_unsure
    }

    /// The entry that was inserted `index` entries before the newest one.
    pub(super) fn get(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index)
    }

    /// The encoder changes its size.
    pub(super) fn resize(&mut self, limit: usize) {
        self.is_unsure |= limit > MOST;
        self.limit = limit.min(MOST);
        self.evict(0);
    }

    pub(super) fn insert(&mut self, entry: Entry) {
        let size = entry.size();
        self.evict(size);
        if size <= self.limit {
            self.size += size;
            self.entries.push_front(entry);
        }
    }

    /// Makes room for `size` bytes.
    fn evict(&mut self, size: usize) {
        while self.size + size > self.limit
            && let Some(entry) = self.entries.pop_back()
        {
            self.size -= entry.size();
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let texts = self.size.saturating_sub(self.entries.len() * OVERHEAD);
        texts + self.entries.capacity() * size_of::<Entry>()
    }
}
