//! Bytes in, exchanges out: passive parsers of the protocols that wirespan understands.
//!
//! No I/O, no clock, no allocation that the wire can drive without a limit. A passive observer starts in the
//! middle, loses bytes and sees both directions; so each parser is told of gaps, resynchronises at the next
//! *certain* frame boundary and never reports a half-guess.
//!
//! Layout, from the bottom up; each floor knows those below it only:
//! - [`stream`]: stamps, chunks and the [`Inbox`](stream::Inbox), the bytes of one direction with positions and times;
//! - [`describe`]: attributes, and what else spans, metrics and advice say; families of protocols;
//! - [`phase`]: phases of a connection's set-up, and beginnings of requests;
//! - [`exchange`]: what comes out, an [`Exchange`](exchange::Exchange) and its protocol-specific detail;
//! - [`plain`]: secrets that let a session decrypt, and what it decrypted;
//! - [`session`]: the trait that each protocol implements for one connection, and the output it writes to;
//! - [`hidden`], [`blank`]: what protocols tell of themselves where they are encrypted, and of secrets that are not;
//! - [`protocol`]: what a protocol is, tables of them, and detection by content;
//! - [`preface`]: what proxies say before a protocol begins;
//! - helpers that protocols share: [`http`], [`rpc`], `sql`, `appetite` (whether framing needs more than is copied), `habit` (whether
//!   a client waits for its answers, which decides how it is followed again after a loss);
//! - [`dns`], [`http1`], [`http2`], [`postgres`], [`redis`], [`tls`]: one folder a protocol, which knows no other one;
//! - [`registry`]: the table of those.
#![forbid(unsafe_code)]

mod appetite;
pub mod blank;
pub mod describe;
pub mod dns;
pub mod exchange;
pub mod fastcgi;
mod habit;
pub mod hidden;
pub mod http;
pub mod http1;
pub mod http2;
pub mod phase;
pub mod plain;
pub mod postgres;
pub mod preface;
pub mod protocol;
pub mod redis;
pub mod registry;
pub mod rpc;
pub mod session;
mod sql;
pub mod stream;
pub mod tls;
