//! The only module that knows every stage.
//!
//! - [`engine`]: events in, spans out; no I/O, no clock: live tracing and replay run the same code;
//! - `stages`: where each fact of a connection goes;
//! - [`live`]: kernel → engine → exporters, with what [`crate::resolve`] finds;
//! - `again`: which processes are looked at once more;
//! - [`metering`], [`own`]: when metrics are collected, and what the agent tells of itself;
//! - [`listing`]: the processes that the agent knows, for whoever asks;
//! - [`viewing`]: what was seen lately, and the answers to those who look;
//! - [`hint`]: what to tell a user who sees nothing;
//! - [`summary`]: the account at the end.

pub mod advising;
mod again;
#[cfg(test)]
mod emitted_tests;
pub mod engine;
pub mod governor;
pub mod hint;
mod idle;
pub mod listing;
pub mod live;
pub mod metering;
pub mod own;
mod stages;
pub mod summary;
mod turn;
pub mod viewing;
