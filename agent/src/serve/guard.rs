//! Who may read the page. Three questions, each with its own refusal:
//!
//! - by what name the agent is asked: only an address, or `localhost`. A name that an attacker owns can be made to point here (DNS
//!   rebinding), and then their page could read ours;
//! - from where: a browser says which page asks. No other page may;
//! - with what: the token, where there is one. `/?token=…` trades it for a cookie, so that it does not stay in the address.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HOST, LOCATION, ORIGIN, REFERRER_POLICY, SET_COOKIE,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::view::said::hex;

/// What a browser may do with the page: load what this server has, and nothing else.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                                 base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

/// Of every answer, refusals as well.
const HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The cookie that stands for the token. Ports share cookies: each has its own.
const NAME: &str = "wirespan";

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub(super) struct Guard {
    /// The token as hexadecimal digits; empty if there is none.
    token: Arc<str>,
    cookie: Arc<str>,
}

impl Guard {
    /// Lets in whoever has the token; everybody, if it is empty. `port`: where it stands.
    pub(super) fn new(token: &str, port: u16) -> Self {
        Self { token: hex(token.as_bytes()).into(), cookie: format!("{NAME}-{port}").into() }
    }

    fn knows(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let bearer = text(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut cookies = cookies.flat_map(|value| value.split(';')).filter_map(|one| one.trim().split_once('='));
        self.token.is_empty()
            || bearer.is_some_and(|token| same(&hex(token.trim().as_bytes()), &self.token))
            || cookies.any(|(name, value)| name == &*self.cookie && same(value, &self.token))
    }

    /// The token that an address brings.
    fn brought(request: &Request) -> Option<String> {
        let query = request.uri().query().filter(|_| request.uri().path() == "/")?;
        form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "token").map(|(_, value)| value.into_owned())
    }

    fn refusal(&self, request: &Request) -> Option<Response> {
        let headers = request.headers();
        if !is_own_name(headers) {
            return Some((StatusCode::FORBIDDEN, "open the page by its address, or by localhost\n").into_response());
        }
        if !is_own_page(request) {
            return Some((StatusCode::FORBIDDEN, "another page may not read this one\n").into_response());
        }
        if let Some(token) = Self::brought(request) {
            if !self.token.is_empty() && same(&hex(token.as_bytes()), &self.token) {
                let cookie = format!("{}={}; Path=/; HttpOnly; SameSite=Strict", self.cookie, self.token);
                return Some(
                    (StatusCode::SEE_OTHER, [(LOCATION, "/".to_owned()), (SET_COOKIE, cookie)]).into_response(),
                );
            }
            if self.token.is_empty() {
                return Some((StatusCode::SEE_OTHER, [(LOCATION, "/")]).into_response());
            }
        } else if self.knows(headers) {
            return None;
        }
        let ask = [(WWW_AUTHENTICATE, "Bearer")];
        let what = "a token is needed: open /?token=TOKEN once, or send `Authorization: Bearer TOKEN`\n";
        Some((StatusCode::UNAUTHORIZED, ask, what).into_response())
    }
}

/// In the same time, wherever they differ.
fn same(one: &str, other: &str) -> bool {
    let differing = one.bytes().zip(other.bytes()).fold(0, |all, (one, other)| all | (one ^ other));
    one.len() == other.len() && std::hint::black_box(differing) == 0
}

/// The host without its port: `[::1]:9470`, `127.0.0.1`.
fn host(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !host.ends_with(':') => host,
        _ => authority,
    }
}

fn is_own_name(headers: &HeaderMap) -> bool {
    let mut named = headers.get_all(HOST).iter();
    let (Some(one), None) = (named.next(), named.next()) else { return false };
    let Ok(host) = one.to_str().map(host) else { return false };
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    host.eq_ignore_ascii_case("localhost")
        || bare.map_or_else(|| host.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv4()), |ip| ip.parse::<Ipv6Addr>().is_ok())
}

/// Whether our own page asks, or none: a person, or a program that is no browser.
fn is_own_page(request: &Request) -> bool {
    let headers = request.headers();
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let own = text(HOST.as_str()).unwrap_or_default();
    let is_own_origin = text(ORIGIN.as_str()).is_none_or(|origin| {
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        authority.is_some_and(|authority| authority.eq_ignore_ascii_case(own))
    });
    // A link to the page may be followed from anywhere; that tells nobody what is on it.
    let is_followed = request.uri().path() == "/"
        && text("sec-fetch-mode") == Some("navigate")
        && text("sec-fetch-dest") == Some("document");
    let is_own_site = text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none") || is_followed);
    is_own_origin && is_own_site
}

/// Refuses, or lets the request through; either way the answer says what a browser may do with it.
pub(super) async fn guarded(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let mut answer = match guard.refusal(&request) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    };
    let headers = answer.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    answer
}
