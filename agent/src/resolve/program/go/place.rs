//! Where something of a program is, in its file's own addresses and in a process that runs it.

use crate::resolve::program::elf::Elf;

/// Mappings begin at multiples of this.
pub(super) const PAGE: u64 = 4096;

/// See the module's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its address in the program.
    address: u64,
    /// Of a program that may be loaded anywhere: the lowest address in it.
    lowest: Option<u64>,
}

impl Place {
    /// Of an address in the program.
    pub(super) fn of(elf: &Elf<'_>, address: u64) -> Option<Self> {
        Some(Self { address, lowest: if elf.is_movable() { Some(elf.lowest()?) } else { None } })
    }

    /// Its address in a process whose program begins there.
    pub(in crate::resolve::program) fn in_process(self, begins: impl FnOnce() -> Option<u64>) -> Option<u64> {
        let Some(lowest) = self.lowest else { return Some(self.address) };
        begins()?.checked_sub(lowest & !(PAGE - 1))?.checked_add(self.address)
    }
}
