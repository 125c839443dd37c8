//! Spans of how a connection was set up: `connection_setup`, INTERNAL and the root of its own trace, with a child for
//! each phase. The first request that used the connection links to it.

use std::borrow::Cow;
use std::sync::Arc;

use wirespan_protocols::phase::{Phase, PhaseKind, TlsHandshake};
use wirespan_semconv as semconv;

use super::Tracer;
use super::connection::{ConnectionFacts, Site};
use super::lookup::Waiting;
use super::span::{Attribute, Kind, Link, Name, Resource, Span, SpanId, Status, TraceId, Value};
use crate::conn::fact::{Lookup, SetUp, TcpConnect};
use crate::event::{Role, Transport, Vantage};
use crate::trace::sampler::Decision;
use crate::trace::traceparent::TraceParent;

/// Name of the span of a whole set-up.
pub const NAME: &str = "connection_setup";

/// Attributes that tell how long each part took (s), in the order in which the parts usually come, and short names.
pub const PHASES: [(&str, &str); 7] = [
    (semconv::WIRESPAN_CONNECTION_DNS_DURATION, "dns"),
    (semconv::WIRESPAN_CONNECTION_TCP_DURATION, "tcp"),
    (semconv::WIRESPAN_CONNECTION_PREFACE_DURATION, "proxy"),
    (semconv::WIRESPAN_CONNECTION_ENCRYPTION_REQUEST_DURATION, "encryption request"),
    (semconv::WIRESPAN_CONNECTION_TLS_DURATION, "tls"),
    (semconv::WIRESPAN_CONNECTION_AUTHENTICATION_DURATION, "auth"),
    (semconv::WIRESPAN_CONNECTION_PREAMBLE_DURATION, "preamble"),
];

/// Name of the span of a look-up.
const LOOKUP: &str = "DNS lookup";

/// Whether a span is a phase of a set-up, whose own span tells its duration too.
#[must_use]
pub fn is_part(span: &Span) -> bool {
    // A look-up that was done for a request has a parent too, and names its resolver.
    let is_lookup = span.name == LOOKUP && span.attribute(semconv::NETWORK_PEER_ADDRESS).is_some();
    span.kind == Kind::Internal && span.parent.is_some() && !is_lookup
}

/// What the first request of a connection says of its set-up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paid {
    /// The span of the set-up, if there is one.
    pub link: Option<Link>,
    /// How long it took, ns.
    pub duration_ns: u64,
}

/// How long each part of a set-up took, ns; in the order of [`PHASES`].
#[must_use]
pub fn shares(set_up: &SetUp) -> [u64; PHASES.len()] {
    let phases = |wanted: fn(&PhaseKind) -> bool| {
        let matching = set_up.phases.iter().filter(|phase| wanted(&phase.kind));
        covered(matching.map(|phase| (phase.start_ns, phase.end_ns)))
    };
    [
        covered(set_up.lookups.iter().map(|lookup| (lookup.start_ns, lookup.end_ns))),
        set_up.tcp.map_or(0, |tcp| tcp.end_ns.saturating_sub(tcp.start_ns)),
        phases(|kind| matches!(kind, PhaseKind::Preface(_))),
        phases(|kind| matches!(kind, PhaseKind::EncryptionRequest { .. })),
        phases(|kind| matches!(kind, PhaseKind::Tls(_))),
        phases(|kind| matches!(kind, PhaseKind::Authentication(_))),
        covered(set_up.preamble.iter().map(|step| (step.start_ns, step.end_ns))),
    ]
}

/// Time that intervals cover together, ns. They come in the order of their beginnings; overlaps count once.
fn covered(intervals: impl Iterator<Item = (u64, u64)>) -> u64 {
    let (mut sum, mut until) = (0, 0);
    for (start, end) in intervals {
        sum += end.saturating_sub(start.max(until));
        until = until.max(end);
    }
    sum
}

/// Seconds, as durations in attributes are.
pub(super) fn seconds(ns: u64) -> Value {
    Value::Double(ns as f64 / 1e9)
}

/// A set-up as its spans see it.
struct Scene<'a> {
    set_up: &'a SetUp,
    peer: &'a Site,
    is_server: bool,
    resource: &'a Arc<Resource>,
    trace_id: TraceId,
}

impl Tracer {
    /// The spans of a set-up, its own first, and what the connection's first request will say of it. There are spans of
    /// what a client paid for; of a server only if there was TLS, authentication or a failure.
    pub fn set_up(
        &mut self,
        set_up: &SetUp,
        connection: &ConnectionFacts,
        resource: &Arc<Resource>,
    ) -> (Paid, Vec<Span>) {
        let mut paid = Paid { link: None, duration_ns: set_up.end_ns.saturating_sub(set_up.start_ns) };
        let is_server = connection.vantage == Vantage::Socket && connection.role == Some(Role::Server);
        let is_worth_it = if is_server {
            set_up.error.is_some()
                || set_up
                    .phases
                    .iter()
                    .any(|phase| matches!(phase.kind, PhaseKind::Tls(_) | PhaseKind::Authentication(_)))
        } else {
            set_up.tcp.is_some() || !set_up.phases.is_empty() || !set_up.lookups.is_empty()
        };
        if !self.config.connection_spans || !is_worth_it {
            return (paid, Vec::new());
        }
        let trace_id = self.ids.trace_id();
        if self.config.sampler.decide(&trace_id, None) != Decision::Sample {
            return (paid, Vec::new());
        }
        // On the wire the observed end is the server's.
        let wire = connection.vantage == Vantage::Wire;
        let peer = if wire && connection.role == Some(Role::Server) { &connection.local } else { &connection.remote };
        let scene = Scene { set_up, peer, is_server, resource, trace_id };
        let mut spans = vec![self.whole(&scene)];
        let root = spans[0].span_id;
        paid.link = Some(Link { trace_id, span_id: root });
        let mut add = |tracer: &mut Self, (name, at, attributes, error): Part| {
            spans.push(tracer.part(&scene, root, name, at, attributes, error));
        };
        for lookup in &set_up.lookups {
            add(self, name_lookup(lookup));
        }
        if let Some(tcp) = set_up.tcp {
            add(self, connect(set_up, tcp, peer));
        }
        for phase in &set_up.phases {
            add(self, phase_part(phase, is_server));
        }
        if let (Some(first), Some(last)) = (set_up.preamble.first(), set_up.preamble.last()) {
            let steps = set_up.preamble.iter().map(|step| step.what.clone()).collect();
            let attributes = vec![(semconv::WIRESPAN_CONNECTION_PREAMBLE, Value::List(steps))];
            add(self, ("preamble", (first.start_ns, last.end_ns.max(first.start_ns)), attributes, None));
        }
        (paid, spans)
    }

    /// The span of a look-up that no connect followed. `None` when it is not sampled.
    pub fn lookup(&mut self, lookup: &Waiting) -> Option<Span> {
        let asked = lookup.asked()?;
        let parent = lookup.owner.and_then(TraceParent::of);
        let trace_id = parent.map_or_else(|| self.ids.trace_id(), |parent| parent.trace_id);
        if !self.samples(&trace_id, parent.map(|parent| parent.sampled), &lookup.resource) {
            return None;
        }
        let mut attributes = question(asked.name, asked.question);
        if !asked.addresses.is_empty() {
            let addresses = asked.addresses.iter().map(|address| address.to_string().into()).collect();
            attributes.push((semconv::DNS_ANSWERS, Value::List(addresses)));
        }
        peer(&lookup.connection.remote, lookup.transport, &mut attributes);
        let error = lookup.exchange.error_type(Kind::Client);
        let at = (lookup.exchange.request.first_ns, lookup.exchange.end_ns);
        let mut span = self.bare(LOOKUP.into(), trace_id, at, attributes, error.as_deref(), &lookup.resource);
        span.parent = parent.map(|parent| parent.span_id);
        Some(span)
    }

    fn whole(&mut self, scene: &Scene<'_>) -> Span {
        let set_up = scene.set_up;
        let mut attributes = Vec::with_capacity(16);
        peer(scene.peer, Transport::Tcp, &mut attributes);
        if !scene.is_server {
            attributes.extend(server_name(set_up).map(|name| (semconv::SERVER_ADDRESS, Value::Text(name.into()))));
        } else if !scene.peer.address.is_empty() {
            // Only a server's set-up has one, so that whoever reads it can tell the two.
            attributes.push((semconv::CLIENT_ADDRESS, Value::shared(&scene.peer.address)));
        }
        let tls = set_up.phases.iter().find_map(|phase| match &phase.kind {
            PhaseKind::Tls(tls) => Some(tls),
            _ => None,
        });
        if let Some(tls) = tls {
            handshake(tls, &mut attributes);
        }
        if let Some(tcp) = set_up.tcp.filter(|tcp| tcp.retransmits > 0) {
            attributes.push((semconv::WIRESPAN_TCP_SYN_RETRANSMITS, Value::Int(tcp.retransmits.into())));
        }
        if let Some(wait_ns) = set_up.accept_wait_ns {
            attributes.push((semconv::WIRESPAN_TCP_ACCEPT_DURATION, seconds(wait_ns)));
        }
        let shares = PHASES.into_iter().zip(shares(set_up)).filter(|(_, ns)| *ns > 0);
        attributes.extend(shares.map(|((key, _), ns)| (key, seconds(ns))));
        let at = (set_up.start_ns, set_up.end_ns);
        self.bare(NAME.into(), scene.trace_id, at, attributes, set_up.error.as_deref(), scene.resource)
    }

    fn part(
        &mut self,
        scene: &Scene<'_>,
        parent: SpanId,
        name: &'static str,
        at: (u64, u64),
        attributes: Vec<Attribute>,
        error: Option<&str>,
    ) -> Span {
        let mut span = self.bare(name.into(), scene.trace_id, at, attributes, error, scene.resource);
        span.parent = Some(parent);
        span
    }

    fn bare(
        &mut self,
        name: Name,
        trace_id: TraceId,
        (first_ns, last_ns): (u64, u64),
        mut attributes: Vec<Attribute>,
        error: Option<&str>,
        resource: &Arc<Resource>,
    ) -> Span {
        attributes.extend(error.map(|error| (semconv::ERROR_TYPE, Value::Text(error.into()))));
        let (start_unix_ns, end_unix_ns) = self.clock.interval(first_ns, last_ns);
        Span {
            trace_id,
            span_id: self.ids.span_id(),
            parent: None,
            trace_state: None,
            kind: Kind::Internal,
            name,
            start_unix_ns,
            end_unix_ns,
            answered_unix_ns: None,
            thread: 0,
            attributes,
            status: if error.is_some() { Status::Error(Cow::Borrowed("")) } else { Status::Unset },
            links: Vec::new(),
            resource: Arc::clone(resource),
        }
    }
}

/// Name, interval, attributes and error of a child.
type Part<'a> = (&'static str, (u64, u64), Vec<Attribute>, Option<&'a str>);

fn name_lookup(lookup: &Lookup) -> Part<'_> {
    let attributes = question(&lookup.name, &lookup.question);
    (LOOKUP, (lookup.start_ns, lookup.end_ns), attributes, lookup.error.as_deref())
}

fn connect<'a>(set_up: &'a SetUp, tcp: TcpConnect, site: &Site) -> Part<'a> {
    let mut attributes = Vec::with_capacity(5);
    peer(site, Transport::Tcp, &mut attributes);
    if tcp.retransmits > 0 {
        attributes.push((semconv::WIRESPAN_TCP_SYN_RETRANSMITS, Value::Int(tcp.retransmits.into())));
    }
    // A set-up that has no phases failed in this one.
    let error = set_up.error.as_deref().filter(|_| set_up.phases.is_empty());
    ("socket connect", (tcp.start_ns, tcp.end_ns), attributes, error)
}

fn phase_part(phase: &Phase, is_server: bool) -> Part<'_> {
    let mut attributes = Vec::new();
    let name = match &phase.kind {
        PhaseKind::Tls(tls) => {
            handshake(tls, &mut attributes);
            if let Some(name) = &tls.server_name {
                attributes.push((semconv::SERVER_ADDRESS, Value::Text(name.clone())));
            }
            if is_server { "TLS server handshake" } else { "TLS client handshake" }
        }
        PhaseKind::Preface(kind) => {
            attributes.push((semconv::WIRESPAN_PREFACE_KIND, Value::Static(kind)));
            "proxy preface"
        }
        PhaseKind::EncryptionRequest { accepted } => {
            attributes.push((semconv::WIRESPAN_ENCRYPTION_ACCEPTED, Value::Bool(*accepted)));
            "encryption request"
        }
        PhaseKind::Authentication(authentication) => {
            if let Some(method) = authentication.method {
                attributes.push((semconv::WIRESPAN_AUTHENTICATION_METHOD, Value::Static(method)));
            }
            attributes
                .push((semconv::WIRESPAN_AUTHENTICATION_ROUND_TRIPS, Value::Int(authentication.round_trips.into())));
            "authentication"
        }
    };
    (name, (phase.start_ns, phase.end_ns), attributes, phase.error.as_deref())
}

/// What a handshake negotiated.
fn handshake(tls: &TlsHandshake, attributes: &mut Vec<Attribute>) {
    // SSL 3.0 and older are none of ours.
    if let Some(version) = tls.version {
        attributes.push((semconv::TLS_PROTOCOL_NAME, Value::Static("tls")));
        attributes.push((semconv::TLS_PROTOCOL_VERSION, Value::Static(version)));
    }
    if let Some(cipher) = &tls.cipher {
        attributes.push((semconv::TLS_CIPHER, Value::Text(cipher.clone())));
    }
    if let Some(resumed) = tls.resumed {
        attributes.push((semconv::TLS_RESUMED, Value::Bool(resumed)));
    }
    if let Some(protocol) = &tls.chosen_protocol {
        attributes.push((semconv::TLS_NEXT_PROTOCOL, Value::Text(protocol.clone())));
    }
    if let Some(asked) = tls.client_certificate_asked {
        attributes.push((semconv::WIRESPAN_TLS_CLIENT_CERTIFICATE_ASKED, Value::Bool(asked)));
    }
    if tls.retried {
        attributes.push((semconv::WIRESPAN_TLS_HELLO_RETRIED, Value::Bool(true)));
    }
}

/// The name by which the server was called: what TLS asked for, else what was looked up.
fn server_name(set_up: &SetUp) -> Option<&str> {
    let asked = set_up.phases.iter().find_map(|phase| match &phase.kind {
        PhaseKind::Tls(tls) => tls.server_name.as_deref(),
        _ => None,
    });
    asked.or_else(|| set_up.lookups.first().map(|lookup| &*lookup.name))
}

fn question(name: &str, question: &str) -> Vec<Attribute> {
    vec![
        (semconv::DNS_QUESTION_NAME, Value::Text(name.into())),
        (semconv::WIRESPAN_DNS_QUESTION_TYPE, Value::Text(question.into())),
    ]
}

fn peer(site: &Site, transport: Transport, attributes: &mut Vec<Attribute>) {
    if !site.address.is_empty() {
        attributes.push((semconv::NETWORK_PEER_ADDRESS, Value::Shared(Arc::clone(&site.address))));
    }
    attributes.extend(site.port.map(|port| (semconv::NETWORK_PEER_PORT, Value::Int(port.into()))));
    let transport = match transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
        Transport::Unix => "unix",
    };
    attributes.push((semconv::NETWORK_TRANSPORT, Value::Static(transport)));
}

#[cfg(test)]
mod tests;
