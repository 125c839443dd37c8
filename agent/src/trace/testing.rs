//! Helpers of this module's tests.

use wirespan_protocols::exchange::detail::Detail;
use wirespan_protocols::exchange::{Ending, Exchange, Window};

use super::connection::ConnectionFacts;
use super::span::{Span, Value};
use crate::event::{Endpoint, Role, Vantage};

/// An answered exchange from 1,000 to 3,500 ns.
pub(crate) fn exchange(detail: impl Detail) -> Exchange {
    let window = |first_ns, last_ns| Window { first_ns, last_ns, pos: 0, bytes: 10, arrived_ns: 0 };
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

/// 10.0.0.2, an ephemeral port, talks to 10.0.0.1 on `port`; seen from the end that `role` names.
pub(crate) fn tcp(role: Role, port: u16) -> ConnectionFacts {
    let server = Endpoint::Inet(format!("10.0.0.1:{port}").parse().unwrap());
    let client = Endpoint::Inet("10.0.0.2:50000".parse().unwrap());
    match role {
        Role::Server => ConnectionFacts::new(role, Vantage::Socket, &server, &client),
        Role::Client => ConnectionFacts::new(role, Vantage::Socket, &client, &server),
    }
}

/// All attributes as `key=value`, sorted: what a test compares as a whole, so that nothing unexpected slips in.
pub(crate) fn listed(span: &Span) -> Vec<String> {
    let mut lines: Vec<String> = span
        .attributes
        .iter()
        .map(|(key, value)| match value {
            Value::Int(number) => format!("{key}={number}"),
            Value::Double(number) => format!("{key}={number}"),
            Value::Bool(truth) => format!("{key}={truth}"),
            Value::List(list) => format!("{key}={list:?}"),
            text => format!("{key}={:?}", text.as_str().unwrap()),
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
    match span.attribute(key) {
        None => "-".to_owned(),
        Some(Value::Int(number)) => number.to_string(),
        Some(Value::Double(number)) => number.to_string(),
        Some(Value::Bool(truth)) => truth.to_string(),
        Some(value) => value.as_str().unwrap().to_owned(),
    }
}
