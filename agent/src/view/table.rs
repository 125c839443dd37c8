//! What is counted by a key, for a limited number of keys.

use std::hash::Hash;

use hashbrown::{Equivalent, HashMap};
use rustc_hash::FxBuildHasher;

use super::recent::{Happening, Recent};

/// Keys of which nothing came for so long are forgotten, ns.
const FORGET_NS: u64 = 600 * 1_000_000_000;

/// Counts by key.
#[derive(Clone, Debug)]
pub struct Table<K> {
    rows: HashMap<K, Recent, FxBuildHasher>,
    limit: usize,
    /// What found no room.
    pub left_out: u64,
}

impl<K: Eq + Hash> Table<K> {
    /// An empty one of at most so many keys.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { rows: HashMap::default(), limit, left_out: 0 }
    }

    /// Counts something under a key; `own`: the key, to be kept.
    pub fn add<Q: Hash + Equivalent<K> + ?Sized>(&mut self, key: &Q, own: impl FnOnce() -> K, one: &Happening) {
        if let Some(row) = self.rows.get_mut(key) {
            return row.add(one);
        }
        if self.rows.len() >= self.limit {
            self.left_out += one.times;
            return;
        }
        self.rows.entry(own()).or_default().add(one);
    }

    /// Every key and its counts.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &Recent)> {
        self.rows.iter()
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Forgets what has been silent for long, if that makes room that is needed.
    pub fn sweep(&mut self, now_ns: u64) {
        if self.rows.len() * 2 > self.limit {
            self.rows.retain(|_, row| row.last_ns + FORGET_NS >= now_ns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_limited_and_the_silent_ones_make_room() {
        let mut table: Table<String> = Table::new(4);
        let one = |second: u64| Happening { at_ns: second * 1_000_000_000, times: 1, ..Happening::default() };
        for key in ["a", "b", "c", "d", "e", "a"] {
            table.add(key, || key.to_owned(), &one(1));
        }
        assert_eq!((table.len(), table.left_out), (4, 1));
        table.add("a", || unreachable!(), &one(700));
        table.sweep(700 * 1_000_000_000);
        assert_eq!(table.len(), 1);
    }
}
