//! Connections: per-direction data streams, roles, detection, sessions.
//!
//! - [`stream`]: one direction, positions, gaps and overlaps;
//! - [`detection`]: holds the first bytes back until their protocol is certain;
//! - [`connection`]: both directions and the session of one connection;
//! - [`timeline`]: how a connection was set up and how often it was used;
//! - [`fact`]: what is told of it; [`errno`]: names of errors; [`room`]: what tables give back;
//! - [`candidates`]: secrets of sessions that go on, until it is found whose they are;
//! - [`keyring`]: secrets of handshakes until their connections have them;
//! - `telling`: in which order;
//! - [`tracker`]: all connections, their limits and time-outs; [`counts`]: what it counts; [`Command`]: what it
//!   wants of the capture layer.
//!
//! Driven by events alone: a recorded stream gives the same exchanges again.

pub mod candidates;
mod command;
pub mod connection;
pub mod counts;
pub mod detection;
pub mod errno;
pub mod fact;
pub mod keyring;
mod older;
pub mod room;
pub mod stream;
mod telling;
pub mod timeline;
pub mod tracker;

pub use command::Command;
pub use connection::Connection;
pub use counts::Counts;
pub use tracker::{Limits, Tracker};
