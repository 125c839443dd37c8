//! The protocols that wirespan understands. A new one is a folder, and a line in each of the two lists here.

use crate::protocol::Registry;

/// Every protocol, most common first. Detection goes by content, never by port.
pub static PROTOCOLS: Registry = Registry::new(&[
    &crate::http1::PROTOCOL,
    &crate::http2::PROTOCOL,
    &crate::postgres::PROTOCOL,
    &crate::redis::PROTOCOL,
    &crate::tls::PROTOCOL,
    &crate::dns::PROTOCOL,
    &crate::fastcgi::PROTOCOL,
]);
