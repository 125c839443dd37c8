//! The telemetry registry: every attribute, metric, span, resource and log record that wirespan emits.
//!
//! - [`attribute`], [`instrument`], [`group`]: what is said of an attribute, of a metric, of what carries attributes;
//! - [`registry`]: the entries;
//! - [`check`]: is what was emitted in the registry? For tests;
//! - [`names`]: the list of names that is committed, and what a change of it asks for.
//!
//! The names of attributes are constants: `HTTP_ROUTE` is `"http.route"`. The agent writes no such name as a literal, the
//! tables of `docs/spans.md` and `docs/metrics.md` are made from the entries (`cargo xtask docs`), and tests compare what is
//! emitted with them.
//!
//! No I/O, no clock, no dependency.

#![forbid(unsafe_code)]

pub mod attribute;
pub mod check;
pub mod group;
pub mod instrument;
pub mod names;
pub mod registry;

pub use registry::attributes::keys::*;

/// The OpenTelemetry semantic conventions that names and values follow, as resources and scopes name them (`schema_url`).
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

/// Major and minor version of the names in the registry, wirespan's own included. A new name raises the minor version; one
/// that goes, or changes its type, unit or kind, raises the major one. CHANGELOG.md has a line for each version.
pub const SCHEMA_VERSION: (u32, u32) = (1, 5);
