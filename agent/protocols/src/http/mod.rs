//! HTTP spans: `SERVER` from the server's socket (and from the wire), `CLIENT` from the client's. Whatever version of HTTP it
//! was: each hands its exchanges over as [`Http`].
//!
//! [`url`]: request targets and authorities; [`asked`]: a request that another version answers; [`foreign`]: headers of other tracing systems; [`forwarded`]: whom a proxy asks for;
//! [`otlp`]: exports of telemetry; [`secrets`]: fields that let somebody in; [`texts`]: room for what an exchange keeps.
//!
//! Beyond the conventions, `wirespan.url.truncated` = true says that the request target went on after what the span shows.

pub mod asked;
pub mod foreign;
pub mod forwarded;
pub mod otlp;
pub mod secrets;
pub mod texts;
pub mod url;

use std::borrow::Cow;
use std::sync::Arc;

use wirespan_semconv as semconv;

use crate::describe::family::{Http, OTHER};
use crate::describe::headers::Kept;
use crate::describe::name::Name;
use crate::describe::options::Options;
use crate::describe::redact::{self, names::Names};
use crate::describe::route::{Recent, Route};
use crate::describe::value::{Attribute, Kind, Value};
use crate::describe::view::{Site, View};
use crate::describe::{Described, Scene};
use foreign::Foreign;
use url::Target;

/// Methods that are known without configuration: RFC 9110, PATCH (RFC 5789) and QUERY, as the conventions list them.
pub const KNOWN_METHODS: [&str; 10] =
    ["GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS", "QUERY", "CONNECT", "TRACE"];

const CONNECT: &str = "CONNECT";

/// What the target of a request is.
#[must_use]
pub fn target<'a>(http: &Http<'a>) -> Target<'a> {
    let target = Target::parse(http.method, http.target, http.target_truncated);
    match http.scheme {
        Some(scheme) if target.authority.is_none() => Target { scheme, ..target },
        _ => target,
    }
}

/// `error.type` that a status is, as one side sees it: a client minds 4xx, a server does not.
#[must_use]
pub fn error(status: Option<u16>, kind: Kind) -> Option<Cow<'static, str>> {
    let first_error = if kind == Kind::Client { 400 } else { 500 };
    status.filter(|status| *status >= first_error).map(status_text)
}

/// Name and attributes of a span.
#[must_use]
pub fn describe(http: &Http<'_>, scene: &Scene<'_>, mut attributes: Vec<Attribute>) -> Described {
    let (view, options) = (&scene.view, scene.options);
    let target = target(http).over(view.is_encrypted);
    let method = method(http, options, &mut attributes);
    let mut name = Name::from(method.clone());
    if view.kind == Kind::Client {
        client_url(http, &target, view, &options.secrets, &mut attributes);
    } else {
        server_url(http, &target, view, &options.secrets, &mut attributes);
        if let Some(route) = scene.route {
            name = match method {
                Cow::Borrowed(method) => Name::shared(&route.title(method)),
                Cow::Owned(method) => Name::from([&*method, &*route.pattern].join(" ")),
            };
            attributes.push((semconv::HTTP_ROUTE, Value::shared(&route.pattern)));
            if route.is_guess {
                attributes.push((semconv::WIRESPAN_ROUTE_SOURCE, Value::Static("heuristic")));
            }
        }
        if let Some(agent) = http.user_agent {
            attributes.push((semconv::USER_AGENT_ORIGINAL, Value::text(agent)));
        }
    }
    if http.target_truncated {
        attributes.push((semconv::WIRESPAN_URL_TRUNCATED, Value::Bool(true)));
    }
    view.peer_attributes(&mut attributes);
    attributes.push((semconv::NETWORK_PROTOCOL_VERSION, Value::Static(http.version)));
    if let Some(status) = http.status {
        attributes.push((semconv::HTTP_RESPONSE_STATUS_CODE, Value::Int(status.into())));
    }
    for (key, size) in
        [(semconv::HTTP_REQUEST_BODY_SIZE, http.request_body), (semconv::HTTP_RESPONSE_BODY_SIZE, http.response_body)]
    {
        if let Some(size) = size {
            attributes.push((key, Value::Int(i64::try_from(size).unwrap_or(i64::MAX))));
        }
    }
    Described { name, attributes, message: Cow::Borrowed("") }
}

/// What header fields say besides: those of other tracing systems, and those that somebody asked for.
pub fn beside(foreign: Option<&Foreign>, kept: &Kept, scene: &Scene<'_>, attributes: &mut Vec<Attribute>) {
    if let Some(foreign) = foreign {
        foreign.describe(attributes);
    }
    if !scene.options.headers.is_empty() {
        scene.options.headers.describe(kept, scene.options, attributes);
    }
}

/// The route of a request as its server sees it; none for a target that went on after what is known. What the server did
/// not find, or did not answer, teaches no route: anybody can ask for anything.
#[must_use]
pub fn route(http: &Http<'_>, options: &Options, service: &Arc<str>, recent: &mut Recent) -> Option<Arc<Route>> {
    if options.routes.is_empty() {
        return None;
    }
    // What a target means is up to its method and its end only where it is no path.
    let is_path = http.target.starts_with('/') && http.method != CONNECT && !http.target_truncated;
    if is_path && let Some(route) = recent.get(service, http.target) {
        return Some(route);
    }
    let is_real = http.status.is_some_and(|status| !matches!(status, 400 | 404 | 405 | 410 | 414));
    let path = target(http).path.filter(|_| !http.target_truncated);
    let route = path.and_then(|path| options.routes.find(service, path, is_real));
    if is_path {
        recent.set(service, http.target, route.as_ref());
    }
    route
}

/// A method that is known without configuration, as such.
#[must_use]
pub fn usual_method(method: &str) -> Option<&'static str> {
    KNOWN_METHODS.into_iter().find(|known| *known == method)
}

/// `http.request.method`: the method if it is known, else `_OTHER`.
#[must_use]
pub fn method_name<'a>(http: &Http<'a>, options: &Options) -> &'a str {
    let is_known = match &options.known_methods {
        None => KNOWN_METHODS.contains(&http.method),
        Some(list) => lists(list, http.method),
    };
    if is_known { http.method } else { OTHER }
}

fn lists(methods: &[Box<str>], method: &str) -> bool {
    methods.iter().any(|listed| **listed == *method)
}

/// `http.request.method` (and the original of an unknown one); returns what the span's name begins with.
fn method(http: &Http<'_>, options: &Options, attributes: &mut Vec<Attribute>) -> Cow<'static, str> {
    let usual = usual_method(http.method);
    let known = match &options.known_methods {
        None => usual.map(Cow::Borrowed),
        Some(list) if lists(list, http.method) => {
            Some(usual.map_or_else(|| Cow::Owned(String::from(http.method)), Cow::Borrowed))
        }
        Some(_) => None,
    };
    match known {
        Some(method) => {
            attributes.push((semconv::HTTP_REQUEST_METHOD, Value::from(method.clone())));
            method
        }
        None => {
            attributes.push((semconv::HTTP_REQUEST_METHOD, Value::Static(OTHER)));
            attributes.push((semconv::HTTP_REQUEST_METHOD_ORIGINAL, Value::text(http.method)));
            Cow::Borrowed("HTTP")
        }
    }
}

/// The server's view of the URL: its parts, the address by which it was called, and who called.
fn server_url(http: &Http<'_>, target: &Target<'_>, view: &View<'_>, secrets: &Names, attributes: &mut Vec<Attribute>) {
    if let Some(path) = target.path {
        attributes.push((semconv::URL_PATH, Value::text(&redact::path(path, secrets))));
    }
    if let Some(query) = target.query.filter(|query| !query.is_empty()) {
        attributes.push((semconv::URL_QUERY, Value::text(&redact::query(query, secrets))));
    }
    attributes.push((semconv::URL_SCHEME, Value::from(url::scheme(target.scheme))));
    // An absolute-form target replaces the Host header (RFC 9112, section 3.2.2).
    match target.authority.or(http.host).and_then(url::host_and_port) {
        Some((host, port)) => {
            attributes.push((semconv::SERVER_ADDRESS, Value::text(host)));
            // A name without a port means the usual one of a scheme that a proxy may have ended in front of us: only
            // when it is our own port is it known.
            let port = port.or(view.server.port.filter(|own| Some(*own) == url::usual_port(target.scheme)));
            attributes.extend(port.map(|port| (semconv::SERVER_PORT, Value::Int(port.into()))));
        }
        None => site(view.server, attributes),
    }
    if let Some(client) = client_address(http.forwarded_for, view.client) {
        attributes.push((semconv::CLIENT_ADDRESS, client));
    }
}

/// The client's view: the whole URL, and the address that it meant.
fn client_url(http: &Http<'_>, target: &Target<'_>, view: &View<'_>, secrets: &Names, attributes: &mut Vec<Attribute>) {
    let meant = meant(http, target, view);
    let (host, port) = match meant {
        Some((host, port)) => {
            attributes.push((semconv::SERVER_ADDRESS, Value::text(host)));
            attributes.extend(port.map(|port| (semconv::SERVER_PORT, Value::Int(port.into()))));
            (host, port)
        }
        None => {
            site(view.server, attributes);
            (&*view.server.address, view.server.port)
        }
    };
    // The path of a unix socket is no host: without a Host header there is no URL then.
    if meant.is_some() || port.is_some() {
        attributes.push((semconv::URL_FULL, Value::Text(url::full(target, host, port, secrets).into())));
    }
}

/// The address that a client meant, if the request says it.
fn meant<'a>(http: &Http<'a>, target: &Target<'a>, view: &View<'_>) -> Option<(&'a str, Option<u16>)> {
    match target.authority {
        // Sent through a proxy: the peer's port is the proxy's.
        Some(authority) => {
            url::host_and_port(authority).map(|(host, port)| (host, port.or_else(|| url::usual_port(target.scheme))))
        }
        // Without a port in Host the peer's is the truth: it is the usual one unless Host was overridden.
        None => http.host.and_then(url::host_and_port).map(|(host, port)| (host, port.or(view.server.port))),
    }
}

/// `server.address` and `server.port` of a client's request.
#[must_use]
pub fn called<'a>(http: &Http<'a>, target: &Target<'a>, view: &View<'a>) -> (&'a str, Option<u16>) {
    meant(http, target, view).unwrap_or((&view.server.address, view.server.port))
}

fn site(site: &Site, attributes: &mut Vec<Attribute>) {
    if !site.address.is_empty() {
        attributes.push((semconv::SERVER_ADDRESS, Value::shared(&site.address)));
    }
    attributes.extend(site.port.map(|port| (semconv::SERVER_PORT, Value::Int(port.into()))));
}

/// `client.address`: what a proxy said, without port (RFC 7239, section 6), else the peer. A proxy that hides its
/// client (`unknown`, `_name`) leaves it unknown.
fn client_address(forwarded: Option<&str>, peer: &Site) -> Option<Value> {
    let node = forwarded.map(|text| text.trim().trim_matches('"').trim()).filter(|text| !text.is_empty());
    let Some(node) = node else {
        return (!peer.address.is_empty()).then(|| Value::shared(&peer.address));
    };
    let address = match node.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None if node.matches(':').count() == 1 => node.split(':').next().unwrap_or(node),
        None => node,
    };
    let hidden = address.is_empty() || address.starts_with('_') || address.eq_ignore_ascii_case("unknown");
    (!hidden).then(|| Value::text(address))
}

/// A status code as text; the frequent ones cost nothing.
fn status_text(status: u16) -> Cow<'static, str> {
    Cow::Borrowed(match status {
        400 => "400",
        401 => "401",
        403 => "403",
        404 => "404",
        409 => "409",
        429 => "429",
        500 => "500",
        502 => "502",
        503 => "503",
        504 => "504",
        _ => return Cow::Owned(status.to_string()),
    })
}
