//! From an exchange to a span: names, kinds, attributes and status of the semantic conventions.

pub mod span;
