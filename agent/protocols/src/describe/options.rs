//! What a user can choose about descriptions.

use std::sync::Arc;

use super::headers::Headers;
use super::redact::names::Names;
use super::route::Routes;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Patterns of routes, for `http.route`.
    pub routes: Routes,
    /// `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`: replaces the list of known methods
    /// ([`KNOWN_METHODS`](crate::http::KNOWN_METHODS)).
    pub known_methods: Option<Vec<Box<str>>>,
    /// Opt-in: `db.response.returned_rows`.
    pub returned_rows: bool,
    /// Opt-in: header fields of HTTP.
    pub headers: Arc<Headers>,
    /// Names of parameters whose values are hidden.
    pub secrets: Names,
}
