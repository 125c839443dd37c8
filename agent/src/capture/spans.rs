//! The processes whose SDK says which span a thread is in (OTEP 4947), for the kernel programs.

use aya::maps::{Array, HashMap, MapData};

/// The maps `SPANS` and `SPANS_KNOWN`. The kernel programs take a process out when it executes another program or ends.
pub struct Spans {
    places: HashMap<MapData, u32, u64>,
    known: Array<MapData, u32>,
    refused: u64,
}

impl Spans {
    /// Of these maps.
    pub const fn new(places: HashMap<MapData, u32, u64>, known: Array<MapData, u32>) -> Self {
        Self { places, known, refused: 0 }
    }

    /// Tells where the threads of a process have that variable, from the thread pointer. One for which there is no room is counted.
    pub fn set(&mut self, pid: u32, place: i64) {
        let done = self.places.insert(pid, place.cast_unsigned(), 0).and_then(|()| self.known.set(0, 1, 0));
        self.refused += u64::from(done.is_err());
    }

    /// Processes that found no room.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }
}
