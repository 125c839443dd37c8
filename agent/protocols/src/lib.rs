//! Bytes in, exchanges out: passive parsers of the protocols that wirespan understands.
//!
//! No I/O, no clock, no allocation that the wire can drive without a limit. A passive observer starts in the
//! middle, loses bytes and sees both directions; so each parser is told of gaps, resynchronises at the next
//! *certain* frame boundary and never reports a half-guess.
//!
//! Layout, from the bottom up:
//! - [`stream`]: stamps, chunks and the [`Inbox`](stream::Inbox), the bytes of one direction with positions and times;
//! - [`exchange`]: what comes out, an [`Exchange`](exchange::Exchange) and its protocol-specific detail;
//! - [`phase`]: phases of a connection's set-up, and beginnings of requests;
//! - [`session`]: the trait that each protocol implements for one connection, and the output it writes to;
//! - [`registry`]: the list of protocols and detection by content;
//! - `appetite`: whether framing needs more than is copied;
//! - `habit`: whether a client waits for its answers, which decides how it is followed again after a loss;
//! - [`preface`]: what proxies say before a protocol begins;
//! - [`dns`], [`http1`], [`postgres`], [`redis`], [`tls`]: one folder a protocol.
#![forbid(unsafe_code)]

mod appetite;
pub mod dns;
pub mod exchange;
mod habit;
pub mod http1;
pub mod phase;
pub mod postgres;
pub mod preface;
pub mod redis;
pub mod registry;
pub mod session;
pub mod stream;
pub mod tls;
