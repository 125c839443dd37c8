//! Rate, errors and duration of HTTP, and the sizes of bodies.

use wirespan_protocols::http1::HttpExchange;

use super::labels::Labels;
use super::{Measured, known};
use crate::event::Role;
use crate::metrics::catalog::Metric;
use crate::metrics::store::{Near, Store};
use crate::trace::connection::View;
use crate::trace::http;
use crate::trace::url::{self, Target};

pub(super) fn record(
    store: &mut Store,
    near: &mut Near,
    config: &crate::trace::Config,
    measured: &Measured<'_>,
    exchange: &HttpExchange,
) {
    let view = View::of_http(measured.seen.connection);
    let target = Target::parse(&exchange.method, &exchange.target, exchange.target_truncated);
    let mut labels = Labels::default();
    labels.text("http.request.method", http::method_name(exchange, config));
    let (route, scheme);
    let metrics = if measured.role == Role::Server {
        scheme = url::scheme(target.scheme);
        route = http::route(exchange, &target, config, &measured.seen.resource.service_name);
        labels.text("url.scheme", known::scheme(&scheme));
        if let Some(route) = &route {
            labels.shared("http.route", &route.pattern);
            if route.is_guess {
                labels.known("wirespan.route.source", "heuristic");
            }
        }
        [Metric::HttpServerDuration, Metric::HttpServerRequestBody, Metric::HttpServerResponseBody]
    } else {
        let (address, port) = http::called(exchange, &target, &view);
        if !address.is_empty() {
            labels.text("server.address", address);
        }
        labels.port("server.port", port);
        [Metric::HttpClientDuration, Metric::HttpClientRequestBody, Metric::HttpClientResponseBody]
    };
    if let Some(status) = exchange.status {
        labels.number("http.response.status_code", status.into());
    }
    labels.error(measured.error);
    labels.known("network.protocol.version", if exchange.version_minor == 0 { "1.0" } else { "1.1" });
    let mut key = store.key_near(near, measured.seen.resource, labels.as_slice());
    let [duration, request_body, response_body] = metrics;
    measured.duration(store, duration, &mut key);
    measured.amount(store, request_body, &mut key, exchange.request_body);
    measured.amount(store, response_body, &mut key, exchange.response_body);
}
