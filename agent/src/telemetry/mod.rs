//! What the agent tells about itself: log lines, spans, and what it costs.
//!
//! All other modules speak through the macros of `tracing` (`info!`, `info_span!`) and know nothing of this one. Layout:
//! [`log`](self::log): lines on standard error; [`spans`]: spans of the agent's own work; [`subscriber`]: takes both from
//! `tracing`; [`cost`]: processor time and memory.

pub mod cost;
pub mod log;
pub mod spans;
mod subscriber;

pub use subscriber::Telemetry;
