//! The entries.
//!
//! - [`attributes`]: each attribute, once;
//! - [`spans`], [`resources`]: what carries them, in the order of the documentation's tables; log records;
//! - [`metrics`]: each metric with its attributes.
//!
//! To add an attribute: a line in [`attributes`], and one in each thing that carries it. To add a metric: an entry in
//! [`metrics`]. Then `cargo xtask docs`, which says what else is due.

pub mod attributes;
pub mod metrics;
pub mod resources;
pub mod spans;

#[cfg(test)]
mod tests;
