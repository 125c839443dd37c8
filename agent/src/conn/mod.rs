//! Connections: per-direction data streams, roles, detection, sessions.
//!
//! - [`stream`]: one direction, positions, gaps and overlaps;
//! - [`detection`]: holds the first bytes back until their protocol is certain;
//! - [`connection`]: both directions and the session of one connection;
//! - [`tracker`]: all connections, their limits, time-outs and counters.
//!
//! Driven by events alone: a recorded stream gives the same exchanges again.

pub mod connection;
pub mod detection;
pub mod stream;
pub mod tracker;

pub use connection::Connection;
pub use tracker::{Command, Counts, Limits, Tracker};
