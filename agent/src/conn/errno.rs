//! Names of the errors with which a socket fails, in the words of `error.type`.

use std::borrow::Cow;

/// `error.type` of an `errno` (asm-generic/errno.h, the same on every architecture that wirespan runs on). 0 is what a
/// connect that its application gave up has.
#[must_use]
pub fn error_type(errno: u32) -> Cow<'static, str> {
    Cow::Borrowed(match errno {
        0 | 103 => "aborted",
        32 | 104 => "connection_reset",
        99 => "address_not_available",
        101 => "network_unreachable",
        110 => "timeout",
        111 => "connection_refused",
        112 | 113 => "host_unreachable",
        other => return Cow::Owned(format!("errno_{other}")),
    })
}
