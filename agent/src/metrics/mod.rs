//! Metrics: from what is known of exchanges and connections to series, within limits.
//!
//! ```text
//! trace::observation ──▶ recorders ──▶ Store (series by resource and attributes) ──▶ Snapshot ──▶ export
//! ```
//!
//! - [`instrument`], [`catalog`]: what metrics there are: those of the telemetry registry;
//! - [`store`]: the series, their limits, their expiry; `shares`: how many of them each service may have;
//! - [`exponential`]: histograms without given bounds;
//! - [`snapshot`]: what a collection gives.

pub mod exponential;
pub mod label;
pub mod record;
mod series;
mod sets;
pub mod settings;
mod shares;
pub mod snapshot;
pub mod store;
#[cfg(test)]
pub(crate) mod testing;

pub use wirespan_semconv::instrument;
pub use wirespan_semconv::registry::metrics as catalog;
