//! Which turns of a connection may be left out to save work: rules of a [`Directive`](crate::record::Directive).

/// [`shedding`](crate::record::Directive::shedding): none.
pub const NEVER: u32 = 0;
/// [`shedding`](crate::record::Directive::shedding): any, with their answers.
pub const ANY: u32 = 1;
/// [`shedding`](crate::record::Directive::shedding): turns of messages that each begin with a tag and a length (4 bytes,
/// big-endian, which counts itself and not the tag), unless there is one among them with the tag in the second byte, or with
/// that in the third byte and a body that does not begin with a zero byte.
pub const TAGGED: u32 = 2;

/// Beside how many turns of 256 are left out, in the map `SHEDDING`: what a thread asks of others goes with the request that it
/// handles.
pub const INHERITS: u32 = 0x100;

/// A rule for [`TAGGED`].
#[must_use]
pub const fn tagged(stays: u8, stays_if_named: u8) -> u32 {
    TAGGED | (stays as u32) << 8 | (stays_if_named as u32) << 16
}
