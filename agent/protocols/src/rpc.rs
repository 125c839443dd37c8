//! Spans of remote procedure calls: `SERVER` from the server's socket (and from the wire), `CLIENT` from the client's. Whatever
//! protocol it was: each hands its calls over as [`Rpc`].
//!
//! [`grpc`]: what calls of gRPC have, over each version of HTTP; `messages`: messages in bodies; `web`: bodies of gRPC-Web.
//!
//! Beyond the conventions, `wirespan.rpc.request.messages` and `wirespan.rpc.response.messages` count messages of both sides,
//! and `wirespan.rpc.timeout` says how long the client said that it waits.

pub mod grpc;
pub(crate) mod messages;
pub(crate) mod web;

use std::borrow::Cow;

use wirespan_semconv as semconv;

use crate::describe::family::{OTHER, Rpc};
use crate::describe::name::Name;
use crate::describe::value::{Attribute, Kind, Value};
use crate::describe::view::View;
use crate::describe::{Described, Scene};
use crate::http::url;

/// Host and port of the server: as the client calls it, else as the connection tells.
#[must_use]
pub fn called<'a>(rpc: &Rpc<'a>, view: &View<'a>) -> (&'a str, Option<u16>) {
    match rpc.authority.and_then(url::host_and_port) {
        Some((host, port)) => (host, port.or(view.server.port)),
        None => (&view.server.address, view.server.port),
    }
}

/// Name and attributes of a span.
#[must_use]
pub fn describe(rpc: &Rpc<'_>, scene: &Scene<'_>, mut attributes: Vec<Attribute>) -> Described {
    let view = &scene.view;
    attributes.push((semconv::RPC_SYSTEM_NAME, Value::Static(rpc.system)));
    let name = match rpc.method {
        // Whoever calls knows the method.
        Some(method) if rpc.is_unknown && view.kind != Kind::Client => {
            attributes.push((semconv::RPC_METHOD, Value::Static(OTHER)));
            attributes.push((semconv::RPC_METHOD_ORIGINAL, Value::text(method)));
            Name::from(rpc.system)
        }
        Some(method) => {
            attributes.push((semconv::RPC_METHOD, Value::text(method)));
            Name::from(method.to_owned())
        }
        None => Name::from(rpc.system),
    };
    if let Some(status) = rpc.status {
        attributes.push((semconv::RPC_RESPONSE_STATUS_CODE, Value::Static(status)));
    }
    let (host, port) = called(rpc, view);
    if !host.is_empty() {
        attributes.push((semconv::SERVER_ADDRESS, Value::text(host)));
    }
    attributes.extend(port.map(|port| (semconv::SERVER_PORT, Value::Int(port.into()))));
    if view.kind != Kind::Client && !view.client.address.is_empty() {
        attributes.push((semconv::CLIENT_ADDRESS, Value::shared(&view.client.address)));
    }
    view.peer_attributes(&mut attributes);
    attributes.push((semconv::NETWORK_PROTOCOL_VERSION, Value::Static(rpc.version)));
    let count = |count: u64| Value::Int(i64::try_from(count).unwrap_or(i64::MAX));
    for (key, messages) in [
        (semconv::WIRESPAN_RPC_REQUEST_MESSAGES, rpc.requests),
        (semconv::WIRESPAN_RPC_RESPONSE_MESSAGES, rpc.responses),
    ] {
        attributes.extend(messages.map(|messages| (key, count(messages))));
    }
    if let Some(timeout_ns) = rpc.timeout_ns {
        attributes.push((semconv::WIRESPAN_RPC_TIMEOUT, Value::Double(timeout_ns as f64 / 1e9)));
    }
    Described { name, attributes, message: Cow::Borrowed("") }
}
