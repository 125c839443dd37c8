//! One event as bytes. Numbers are LEB128, strings and payloads are length-prefixed; each event stands alone.
//!
//! [`encode`] and [`decode`] are each other's inverse: what one of them says of an event, the other has to say too.

mod decode;
mod encode;

pub use decode::decode;
pub use encode::encode;

/// Longest string of an event: a path, a command name.
const MAX_STRING: usize = 4096;
/// Longest captured head, and tail, of one call.
const MAX_PAYLOAD: usize = 512 << 10;

mod tag {
    pub(super) const OPEN: u8 = 1;
    pub(super) const DATA: u8 = 2;
    pub(super) const STATE: u8 = 3;
    pub(super) const PROCESS: u8 = 4;
    pub(super) const LISTEN: u8 = 5;
    pub(super) const CLOCK: u8 = 6;
    pub(super) const TICK: u8 = 7;
    pub(super) const STATS: u8 = 8;
    pub(super) const LISTENER: u8 = 9;
    pub(super) const SPOKEN: u8 = 10;
    pub(super) const ASKS: u8 = 11;
}

#[cfg(test)]
mod tests;
