//! What spans, metrics and advice say of an exchange.

use std::borrow::Cow;

use super::{CALLS, HttpExchange, SPOKEN};
use crate::describe::family::{Family, Http};
use crate::describe::spoken::Spoken;
use crate::describe::value::{Attribute, Kind};
use crate::describe::{Described, Scene};
use crate::exchange::detail::{Detail, Identity, Parent, Signal};
use crate::phase::Print;
use crate::{http, rpc};

impl HttpExchange {
    pub(super) fn print(&self) -> Print {
        Print::of(&self.method, &self.target)
    }

    fn http(&self) -> Http<'_> {
        Http {
            method: &self.method,
            target: &self.target,
            target_truncated: self.target_truncated,
            scheme: None,
            version: if self.version_minor == 0 { "1.0" } else { "1.1" },
            status: self.status,
            host: self.host.as_deref(),
            user_agent: self.user_agent.as_deref(),
            forwarded_for: self.forwarded_for.as_deref(),
            request_body: self.request_body,
            response_body: self.response_body,
        }
    }
}

impl Detail for HttpExchange {
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
        match &self.call {
            Some(call) => call.error(self.status, kind),
            None => http::error(self.status, kind),
        }
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

#[cfg(test)]
#[path = "describe_tests.rs"]
mod tests;
