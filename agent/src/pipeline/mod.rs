//! The only module that knows every stage.
//!
//! - [`engine`]: events in, spans out; no I/O, no clock: live tracing and replay run the same code;
//! - [`live`]: kernel → engine → exporters;
//! - [`hint`]: what to tell a user who sees nothing;
//! - [`summary`]: the account at the end.

pub mod engine;
pub mod hint;
pub mod live;
pub mod summary;
