//! What spans, metrics and advice say of an exchange.

use std::borrow::Cow;

use super::frame::error_name;
use super::{Http2Exchange, SPOKEN};
use crate::describe::family::{Family, Http};
use crate::describe::spoken::Spoken;
use crate::describe::value::{Attribute, Kind};
use crate::describe::{Described, Scene};
use crate::exchange::detail::{Detail, Identity, Parent, Signal};
use crate::http;

impl Http2Exchange {
    fn http(&self) -> Http<'_> {
        Http {
            method: &self.method,
            target: &self.target,
            target_truncated: self.target_truncated,
            scheme: Some(&*self.scheme).filter(|scheme| !scheme.is_empty()),
            version: "2",
            status: self.status,
            host: self.host.as_deref(),
            user_agent: self.user_agent.as_deref(),
            forwarded_for: self.forwarded_for.as_deref(),
            request_body: self.request_body,
            response_body: self.response_body,
        }
    }
}

impl Detail for Http2Exchange {
    fn spoken(&self) -> Spoken {
        SPOKEN
    }

    fn family(&self) -> Family<'_> {
        Family::Http(self.http())
    }

    fn describe(&self, scene: &Scene<'_>, attributes: Vec<Attribute>) -> Described {
        let mut described = http::describe(&self.http(), scene, attributes);
        if let Some(foreign) = &self.foreign {
            foreign.describe(&mut described.attributes);
        }
        if !scene.options.headers.is_empty() {
            scene.options.headers.describe(&self.kept, scene.options, &mut described.attributes);
        }
        described
    }

    fn error(&self, kind: Kind) -> Option<Cow<'static, str>> {
        let reset = || self.reset.map(|code| Cow::Borrowed(error_name(code)));
        http::error(self.status, kind).or_else(reset)
    }

    fn parent(&self) -> Parent<'_> {
        Parent { traceparent: self.traceparent.as_deref(), tracestate: self.tracestate.as_deref() }
    }

    fn spans(&self) -> Vec<Identity> {
        self.foreign.as_ref().map(|foreign| foreign.spans()).unwrap_or_default()
    }

    fn exports(&self) -> Option<Signal> {
        if self.has_otlp_type { http::otlp::exported(&self.http()) } else { None }
    }
}

/// Bytes of text that an exchange holds.
pub(super) fn text(exchange: &Http2Exchange) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let kept: usize = exchange.kept.iter().map(|(_, value)| value.len()).sum();
    let foreign = exchange.foreign.as_ref().map_or(0, |foreign| foreign.heap_bytes());
    let fields = text(&exchange.host) + text(&exchange.user_agent) + text(&exchange.tracestate);
    exchange.target.len() + fields + text(&exchange.forwarded_for) + kept + foreign
}
