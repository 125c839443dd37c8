//! Span ids that requests have named: each is one span's, and no other span may have it.
//!
//! A call that carries a `traceparent` which nobody has named before carries the identity of the call itself. One that was
//! received by somebody, or that an earlier call carried, is passed on, or used again.

use std::collections::HashSet;

use super::span::SpanId;

/// Most ids that are kept, of those that were named lately and of those before them. Together they take 1.5 MiB.
const MAX: usize = 32 * 1024;

/// See the module's text. The tables are those of the standard library, whose hashes nobody can foresee: whoever sends a
/// request chooses the ids. What wirespan itself puts is as much again at most.
#[derive(Debug, Default)]
pub struct Named {
    lately: HashSet<SpanId>,
    before: HashSet<SpanId>,
    /// Put into calls by wirespan itself, which are not told yet.
    put: HashSet<SpanId>,
}

impl Named {
    /// Takes note of an id that wirespan has put into a call. Whoever is asked may be told of it before the call is.
    pub fn put(&mut self, id: SpanId) {
        if self.put.len() >= MAX {
            self.put.clear();
        }
        self.put.insert(id);
    }

    /// Whether the id that a call carries was put there: once.
    pub fn was_put(&mut self, id: SpanId) -> bool {
        self.put.remove(&id)
    }

    /// Takes note of an id. True when it was not known.
    pub fn is_new(&mut self, id: SpanId) -> bool {
        if self.lately.contains(&id) {
            return false;
        }
        if self.lately.len() >= MAX {
            self.before = std::mem::take(&mut self.lately);
        }
        // What is still in use stays.
        self.lately.insert(id);
        !self.before.contains(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> SpanId {
        (number as u64).to_be_bytes()
    }

    #[test]
    fn an_id_is_new_once() {
        let mut named = Named::default();
        assert!(named.is_new(id(0)) && named.is_new(id(1)));
        for number in 2..10 * MAX {
            assert!(named.is_new(id(number)));
            assert!(number % 1000 != 0 || !named.is_new(id(1)), "in use");
        }
        assert!(named.is_new(id(0)), "there is no room for all");
    }

    #[test]
    fn what_was_put_into_a_call_is_its_own_whoever_is_told_first() {
        let mut named = Named::default();
        named.put(id(1));
        assert!(named.is_new(id(1)), "the server");
        assert!(named.was_put(id(1)) && !named.was_put(id(1)), "once");
        for number in 0..10 * MAX {
            named.put(id(number));
        }
        assert!(named.put.len() <= MAX);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut named = Named::default();
        for number in 0..10 * MAX {
            assert!(named.is_new(id(number)));
        }
        assert!(named.lately.len() <= MAX && named.before.len() <= MAX);
        assert!(!named.is_new(id(9 * MAX)));
    }
}
