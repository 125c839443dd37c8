//! A request that asked to go on in another version of HTTP, and is answered in that one (RFC 7540, section 3.2).

use std::borrow::Cow;
use std::sync::Arc;

use super::foreign::Foreign;
use crate::describe::headers::Kept;
use crate::exchange::Window;
use crate::stream::Actor;

/// What is known of it.
#[derive(Debug)]
pub struct Asked {
    /// The request, as far as it was read.
    pub window: Window,
    /// Who asked.
    pub actor: Actor,
    /// Bytes of its body by now; `None` when that is uncertain.
    pub body: Option<u64>,
    /// Bytes of its body that are to come before anything else does.
    pub body_left: u64,
    /// As in exchanges.
    pub method: Cow<'static, str>,
    /// As in exchanges.
    pub target: String,
    /// As in exchanges.
    pub target_truncated: bool,
    /// As in exchanges.
    pub host: Option<String>,
    /// As in exchanges.
    pub user_agent: Option<String>,
    /// As in exchanges.
    pub traceparent: Option<Arc<str>>,
    /// As in exchanges.
    pub tracestate: Option<String>,
    /// As in exchanges.
    pub forwarded_for: Option<String>,
    /// As in exchanges.
    pub foreign: Option<Box<Foreign>>,
    /// Header fields of the request that somebody asked for.
    pub kept: Kept,
    /// As in exchanges.
    pub has_otlp_type: bool,
}
