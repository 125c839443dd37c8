//! Into the runtimes of which processes the kernel programs look.

use aya::maps::{Array, HashMap, MapData};
use wirespan_common::context::Runtime;

/// The maps `RUNTIMES` and `RUNTIMES_KNOWN`. The kernel programs take a process out when it executes another program or ends.
pub struct Runtimes {
    runtimes: HashMap<MapData, u32, [u8; size_of::<Runtime>()]>,
    known: Array<MapData, u32>,
    refused: u64,
}

impl Runtimes {
    /// Of these maps.
    pub const fn new(runtimes: HashMap<MapData, u32, [u8; size_of::<Runtime>()]>, known: Array<MapData, u32>) -> Self {
        Self { runtimes, known, refused: 0 }
    }

    /// Tells how the contexts of a process are found. One for which there is no room is known by its threads alone, and counted.
    pub fn set(&mut self, pid: u32, runtime: Runtime) {
        let value: [u8; size_of::<Runtime>()] = zerocopy::transmute!(runtime);
        let done = self.runtimes.insert(pid, value, 0).and_then(|()| self.known.set(0, 1, 0));
        self.refused += u64::from(done.is_err());
    }

    /// Processes that found no room.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }
}
