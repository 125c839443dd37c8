//! Tables give back the room of a flood that is over: a hash table never shrinks by itself.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

/// Tables below this many places are left alone.
const SMALL: usize = 1024;

/// Gives room back if less than an eighth of it is in use.
pub fn give_back<K: Eq + Hash, V, S: BuildHasher>(table: &mut HashMap<K, V, S>) {
    if table.capacity() > SMALL && table.len() < table.capacity() / 8 {
        table.shrink_to(table.len() * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_given_back_when_a_flood_is_over() {
        let mut table: HashMap<u32, u32> = (0..100_000).map(|number| (number, number)).collect();
        table.retain(|number, _| *number < 20_000);
        give_back(&mut table);
        assert!(table.capacity() >= 100_000, "a fifth in use is no reason");
        table.retain(|number, _| *number < 10);
        give_back(&mut table);
        assert!(table.capacity() <= SMALL && table.len() == 10);
    }
}
