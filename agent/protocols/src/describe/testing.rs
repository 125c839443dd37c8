//! Helpers of tests: what becomes of an exchange's description.

use super::Scene;
use super::family::Family;
use super::name::Name;
use super::options::Options;
use super::route::Recent;
use super::value::{Attribute, Kind, Status, Value};
use super::view::{Site, View};
use crate::exchange::detail::Detail;
use crate::exchange::{Ending, Exchange, Window};
use crate::http;
use std::sync::Arc;

/// An answered exchange from 1,000 to 3,500 ns.
pub(crate) fn exchange(detail: impl Detail) -> Exchange {
    let window = |first_ns, last_ns| Window { first_ns, last_ns, pos: 0, bytes: 10, arrived_ns: 0, rejected: 0 };
    Exchange {
        stream: 0,
        request: window(1_000, 1_200),
        response: Some(window(3_000, 3_500)),
        actor: Default::default(),
        ending: Ending::Answered,
        end_ns: 3_500,
        detail: Box::new(detail),
    }
}

/// Both ends of a connection, seen from one.
#[derive(Clone)]
pub(crate) struct Ends {
    /// Which end a span is told from; on the wire, that of the family.
    pub kind: Option<Kind>,
    pub server: Site,
    pub client: Site,
}

/// 10.0.0.2, an ephemeral port, talks to 10.0.0.1 on `port`; seen from the end that `kind` names.
pub(crate) fn tcp(kind: Kind, port: u16) -> Ends {
    let site = |address: &str, port| Site { address: address.into(), port: Some(port) };
    Ends { kind: Some(kind), server: site("10.0.0.1", port), client: site("10.0.0.2", 50_000) }
}

/// The same, seen on the wire.
pub(crate) fn wire(port: u16) -> Ends {
    Ends { kind: None, ..tcp(Kind::Server, port) }
}

/// A client of the unix socket `path`.
pub(crate) fn unix(path: &str) -> Ends {
    let site = |path: &str| Site { address: path.into(), port: None };
    Ends { kind: Some(Kind::Client), server: site(path), client: site("") }
}

/// The protocol's part of a span.
pub(crate) struct Span {
    pub kind: Kind,
    pub name: Name,
    pub attributes: Vec<Attribute>,
    pub status: Status,
}

/// The span of an exchange under options, of the service `shop`.
pub(crate) fn span_with(options: &Options, exchange: &Exchange, ends: &Ends) -> Span {
    let kind = ends.kind.unwrap_or_else(|| exchange.detail.spoken().family.on_the_wire());
    let (server, client) = (&ends.server, &ends.client);
    let peer = if kind == Kind::Server { client } else { server };
    let view = View { kind, server, peer, client, is_encrypted: false };
    let route = match exchange.detail.family() {
        Family::Http(http) => http::route(&http, options, &Arc::from("shop"), &mut Recent::default()),
        _ => None,
    };
    let scene = Scene { view, route: route.as_deref(), options };
    let (described, status) = exchange.describe(&scene, Vec::new());
    Span { kind, name: described.name, attributes: described.attributes, status }
}

/// The span of an exchange with everything at its default.
pub(crate) fn span(exchange: &Exchange, ends: &Ends) -> Span {
    span_with(&Options::default(), exchange, ends)
}

/// All attributes as `key=value`, sorted: what a test compares as a whole, so that nothing unexpected slips in.
pub(crate) fn listed(span: &Span) -> Vec<String> {
    let mut lines: Vec<String> = span
        .attributes
        .iter()
        .map(|(key, value)| match value.as_str() {
            Some(text) => format!("{key}={text:?}"),
            None => format!("{key}={}", shown(value)),
        })
        .collect();
    lines.sort();
    let mut keys: Vec<&str> = span.attributes.iter().map(|(key, _)| *key).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), lines.len(), "a key twice: {lines:?}");
    lines
}

/// One attribute as text, `-` when absent.
pub(crate) fn get(span: &Span, key: &str) -> String {
    span.attributes.iter().find(|(own, _)| *own == key).map_or_else(|| "-".to_owned(), |(_, value)| shown(value))
}

fn shown(value: &Value) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Double(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::List(list) => format!("{list:?}"),
        Value::Static(_) | Value::Shared(_) | Value::Text(_) | Value::Short(_) => {
            value.as_str().unwrap_or_default().to_owned()
        }
    }
}
