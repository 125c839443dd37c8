//! What a span says, and what is needed to say it. No protocol is known here.
//!
//! Layout, from the bottom up:
//! - [`short`], [`value`], [`name`]: attributes and their values, names of spans;
//! - [`view`]: both ends of a connection, as a span sees them;
//! - [`redact`], [`route`]: secrets in URLs, `http.route`;
//! - [`headers`]: header fields that somebody asked for;
//! - [`options`]: what a user can choose of all that;
//! - [`spoken`], [`family`]: which protocol an exchange was of, and what it was in the words of its family.

pub mod family;
pub mod headers;
pub mod name;
pub mod options;
pub mod redact;
pub mod route;
pub mod short;
pub mod spoken;
#[cfg(test)]
pub(crate) mod testing;
pub mod value;
pub mod view;

use std::borrow::Cow;

use name::Name;
use options::Options;
use route::Route;
use value::Attribute;
use view::View;

/// From where, and how, an exchange is described.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The connection.
    pub view: View<'a>,
    /// The request's route, where it has one.
    pub route: Option<&'a Route>,
    /// What a user chose.
    pub options: &'a Options,
}

/// The protocol's own part of a span. Whether and why the exchange failed is said by whoever makes the span.
#[derive(Debug)]
pub struct Described {
    /// Name of the span, low in cardinality.
    pub name: Name,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
    /// What the status of a failed one says beyond `error.type`; mostly nothing.
    pub message: Cow<'static, str>,
}
