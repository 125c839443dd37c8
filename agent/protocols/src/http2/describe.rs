//! What spans, metrics and advice say of an exchange.

use std::borrow::Cow;

use super::frame::error_name;
use super::{CALLS, Call, Http2Exchange, SPOKEN};
use crate::describe::family::{Family, Http};
use crate::describe::spoken::Spoken;
use crate::describe::value::{Attribute, Kind};
use crate::describe::{Described, Scene};
use crate::exchange::detail::{Detail, Identity, Parent, Signal};
use crate::{http, rpc};

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
        if self.call.is_some() { CALLS } else { SPOKEN }
    }

    fn family(&self) -> Family<'_> {
        match &self.call {
            Some(call) => Family::Rpc(call.rpc(&self.http())),
            None => Family::Http(self.http()),
        }
    }

    fn describe(&self, scene: &Scene<'_>, attributes: Vec<Attribute>) -> Described {
        let mut described = match &self.call {
            Some(call) => rpc::describe(&call.rpc(&self.http()), scene, attributes),
            None => http::describe(&self.http(), scene, attributes),
        };
        if let Some(call) = self.call.as_ref().filter(|call| call.has_failed(scene.view.kind)) {
            described.message = call.message.clone().into();
        }
        http::beside(self.foreign.as_deref(), &self.kept, scene, &mut described.attributes);
        described
    }

    fn error(&self, kind: Kind) -> Option<Cow<'static, str>> {
        let reset = || self.reset.map(|code| Cow::Borrowed(error_name(code)));
        match self.call.as_deref() {
            Some(call) if call.status.is_some() => call.error(self.status, kind),
            _ => http::error(self.status, kind).or_else(reset),
        }
    }

    fn parent(&self) -> Parent<'_> {
        Parent { traceparent: self.traceparent.as_deref(), tracestate: self.tracestate.as_deref() }
    }

    fn spans(&self) -> Vec<Identity> {
        self.foreign.as_ref().map(|foreign| foreign.spans()).unwrap_or_default()
    }

    fn exports(&self) -> Option<Signal> {
        match self.call.as_deref() {
            None if self.has_otlp_type => http::otlp::exported(&self.http()),
            Some(Call { status: Some(0), .. }) => match &*self.target {
                "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Some(Signal::Traces),
                "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => Some(Signal::Metrics),
                _ => None,
            },
            _ => None,
        }
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

#[cfg(test)]
#[path = "describe_tests.rs"]
mod tests;
