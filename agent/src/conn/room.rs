//! Tables give back the room of a flood that is over: a hash table never shrinks by itself.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

/// Tables of up to this many places are left alone.
const SMALL: usize = 1024;

/// Gives room back if less than an eighth of it is in use. `HashMap::capacity` cannot tell: it does not count places from
/// which something was removed. `shrink_to` looks at the table itself, and does nothing where it is small enough.
pub fn give_back<K: Eq + Hash, V, S: BuildHasher>(table: &mut HashMap<K, V, S>) {
    table.shrink_to(table.len().saturating_mul(8).max(SMALL));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_given_back_when_a_flood_is_over() {
        let mut table: HashMap<u32, u32> = (0..100_000).map(|number| (number, number)).collect();
        table.retain(|number, _| *number < 20_000);
        let before = table.capacity();
        give_back(&mut table);
        assert_eq!(table.capacity(), before, "a fifth in use is no reason");
        table.retain(|number, _| *number < 10);
        give_back(&mut table);
        assert!(table.capacity() <= 2 * SMALL && table.len() == 10);
        table.extend((0..1000).map(|number| (number, number)));
        assert!(table.capacity() <= 2 * SMALL, "the room that was kept is that of a small table");
    }
}
