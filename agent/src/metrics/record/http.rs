//! Rate, errors and duration of HTTP, and the sizes of bodies.

use std::sync::Arc;

use wirespan_protocols::describe::family::{Http, OTHER};
use wirespan_protocols::describe::options::Options;
use wirespan_protocols::http::{self, url};
use wirespan_semconv as semconv;

use super::Measured;
use super::labels::Labels;
use crate::event::Role;
use crate::metrics::catalog::Metric;
use crate::metrics::label::same;
use crate::metrics::store::{Key, Near, Store};

/// A scheme as a label: a peer can invent any number of them.
fn scheme_label(scheme: &str) -> &str {
    if matches!(scheme, "http" | "https" | "ws" | "wss") { scheme } else { OTHER }
}

/// What the labels of a server's last exchange came from, and where it went. Where all of it is the same again, so are they:
/// none is put together then.
#[derive(Clone, Debug, Default)]
pub(super) struct Last {
    near: Near,
    of: Option<Of>,
}

#[derive(Clone, Debug)]
struct Of {
    method: &'static str,
    version: &'static str,
    status: Option<u16>,
    is_encrypted: bool,
    route: Option<(Arc<str>, bool)>,
}

impl Of {
    /// That of an exchange; `None` where its labels tell more than this.
    fn new(measured: &Measured<'_>, http: &Http<'_>) -> Option<Self> {
        let is_usual = is_plain(measured, http);
        let method = http::usual_method(http.method).filter(|_| is_usual)?;
        let route = measured.seen.route.map(|route| (Arc::clone(&route.pattern), route.is_guess));
        let is_encrypted = measured.view.is_encrypted;
        Some(Self { method, version: http.version, status: http.status, is_encrypted, route })
    }

    fn is(&self, measured: &Measured<'_>, http: &Http<'_>) -> bool {
        let same_route = match (&self.route, measured.seen.route) {
            (None, None) => true,
            (Some((pattern, is_guess)), Some(route)) => {
                Arc::ptr_eq(pattern, &route.pattern) && *is_guess == route.is_guess
            }
            _ => false,
        };
        same_route
            && self.status == http.status
            && self.is_encrypted == measured.view.is_encrypted
            && same(self.version, http.version)
            && self.method == http.method
            && is_plain(measured, http)
    }
}

/// Whether a server answered, and the request names no scheme and did not fail.
fn is_plain(measured: &Measured<'_>, http: &Http<'_>) -> bool {
    measured.role == Role::Server && measured.error.is_none() && http.target.starts_with('/')
}

const SERVER: [Metric; 3] = [Metric::HttpServerDuration, Metric::HttpServerRequestBody, Metric::HttpServerResponseBody];
const CLIENT: [Metric; 3] = [Metric::HttpClientDuration, Metric::HttpClientRequestBody, Metric::HttpClientResponseBody];

pub(super) fn record(
    store: &mut Store,
    last: &mut Last,
    options: &Options,
    measured: &Measured<'_>,
    exchange: &Http<'_>,
) {
    let resource = measured.seen.resource;
    if last.of.as_ref().is_some_and(|of| of.is(measured, exchange))
        && let Some(key) = store.key_again(last.near, resource)
    {
        return amounts(store, &mut key.times(measured.times), SERVER, measured, exchange);
    }
    last.of = Of::new(measured, exchange);
    let target = http::target(exchange).over(measured.view.is_encrypted);
    let mut labels = Labels::default();
    labels.text(semconv::HTTP_REQUEST_METHOD, http::method_name(exchange, options));
    let scheme;
    let metrics = if measured.role == Role::Server {
        scheme = url::scheme(target.scheme);
        labels.text(semconv::URL_SCHEME, scheme_label(&scheme));
        if let Some(route) = measured.seen.route {
            labels.shared(semconv::HTTP_ROUTE, &route.pattern);
            if route.is_guess {
                labels.known(semconv::WIRESPAN_ROUTE_SOURCE, "heuristic");
            }
        }
        SERVER
    } else {
        let (address, port) = http::called(exchange, &target, &measured.view);
        if !address.is_empty() {
            labels.text(semconv::SERVER_ADDRESS, address);
        }
        labels.port(semconv::SERVER_PORT, port);
        CLIENT
    };
    if let Some(status) = exchange.status {
        labels.number(semconv::HTTP_RESPONSE_STATUS_CODE, status.into());
    }
    labels.error(measured.error);
    labels.known(semconv::NETWORK_PROTOCOL_VERSION, exchange.version);
    let mut key = store.key_near(&mut last.near, resource, labels.as_slice()).times(measured.times);
    amounts(store, &mut key, metrics, measured, exchange);
}

fn amounts(store: &mut Store, key: &mut Key<'_>, metrics: [Metric; 3], measured: &Measured<'_>, exchange: &Http<'_>) {
    let [duration, request_body, response_body] = metrics;
    measured.duration(store, duration, key);
    measured.amount(store, request_body, key, exchange.request_body);
    measured.amount(store, response_body, key, exchange.response_body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_that_nobody_defined_are_one() {
        assert_eq!(["http", "wss", "x17"].map(scheme_label), ["http", "wss", OTHER]);
    }
}
