//! A small world of facts for the tests: services, peers, connections and requests, told as the trace floor tells them.

use std::sync::Arc;

use wirespan_protocols::dns::DnsExchange;
use wirespan_protocols::exchange::detail::Detail;
use wirespan_protocols::exchange::{Ending, Exchange, Window};
use wirespan_protocols::http1::HttpExchange;
use wirespan_protocols::phase::{Authentication, Phase, PhaseKind, RequestStart, TlsHandshake};
use wirespan_protocols::postgres::PostgresExchange;
use wirespan_protocols::redis::RedisExchange;
use wirespan_protocols::registry::PROTOCOLS;
use wirespan_protocols::stream::Actor;

use super::Advisor;
use super::report::Report;
use crate::conn::fact::{End, Fact, SetUp, TcpConnect, Use};
use crate::event::{Change, Endpoint, Role, Stats, Transport, Vantage};
use crate::trace::connection::ConnectionFacts;
use crate::trace::context::{Owner, RequestKey};
use crate::trace::observation::{Observation, Observer};
use crate::trace::sampler::Decision;
use crate::trace::span::Resource;

/// A millisecond, ns.
pub(crate) const MS: u64 = 1_000_000;

/// Tells facts to an advisor.
pub(crate) struct World {
    pub(crate) advisor: Advisor,
    next: u64,
}

/// A connection as the world tells of it.
#[derive(Clone, Debug)]
pub(crate) struct Socket {
    pub(crate) id: u64,
    facts: ConnectionFacts,
    resource: Arc<Resource>,
    protocol: Option<&'static str>,
    encrypted: bool,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut world = Self { advisor: Advisor::new(), next: 1 };
        world.tick(0);
        world
    }

    /// Event time passes, ms.
    pub(crate) fn tick(&mut self, ms: u64) {
        self.advisor.tick((ms + 1) * MS);
    }

    pub(crate) fn report(&mut self) -> Report {
        let report = self.advisor.take();
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report, "JSON reads back to the same report");
        report
    }

    /// A client's connection from a service to a peer.
    pub(crate) fn client(&mut self, service: &str, peer: &str, protocol: Option<&'static str>) -> Socket {
        let local = format!("10.0.0.1:{}", 20_000 + self.next % 40_000);
        self.socket(service, Role::Client, &local, peer, protocol)
    }

    /// The other end of a client's connection.
    pub(crate) fn accepted(&mut self, service: &str, client: &Socket) -> Socket {
        let end = |site: &crate::trace::connection::Site| format!("{}:{}", site.address, site.port.unwrap_or(0));
        let (local, remote) = (end(&client.facts.remote), end(&client.facts.local));
        self.socket(service, Role::Server, &local, &remote, Some("http"))
    }

    /// A server's connection, from somewhere.
    pub(crate) fn server(&mut self, service: &str) -> Socket {
        let remote = format!("10.9.9.9:{}", 20_000 + self.next % 40_000);
        self.socket(service, Role::Server, "10.0.0.1:80", &remote, Some("http"))
    }

    fn socket(
        &mut self,
        service: &str,
        role: Role,
        local: &str,
        remote: &str,
        protocol: Option<&'static str>,
    ) -> Socket {
        self.next += 1;
        let end = |text: &str| Endpoint::Inet(text.parse().unwrap());
        let facts = ConnectionFacts::new(role, Vantage::Socket, &end(local), &end(remote));
        let resource =
            Arc::new(Resource { service_name: Arc::from(service), attributes: Vec::new(), ..Resource::default() });
        Socket { id: self.next, facts, resource, protocol, encrypted: false }
    }

    pub(crate) fn tell(&mut self, socket: &Socket, owner: Option<RequestKey>, fact: &Fact) {
        self.tell_with(socket, owner, fact, true);
    }

    fn tell_with(&mut self, socket: &Socket, owner: Option<RequestKey>, fact: &Fact, from_start: bool) {
        let owner = owner.map(|request| Owner {
            request,
            trace_id: [1; 16],
            span_id: [2; 8],
            parent: None,
            decision: Decision::Sample,
        });
        self.advisor.observe(&Observation {
            fact,
            id: socket.id,
            connection: &socket.facts,
            transport: Transport::Tcp,
            network_namespace: 0,
            opened_ns: MS,
            from_start,
            pid: 7,
            resource: &socket.resource,
            protocol: socket.protocol.map(|name| PROTOCOLS.named(name).unwrap().spoken),
            encrypted: socket.encrypted,
            owner: owner.as_ref(),
            is_measured: false,
            route: None,
            name: None,
            paid_ns: 0,
            span: None,
        });
    }

    /// A connection that was there before, of which nobody knows who connected: the kernel's count of turns at two times.
    pub(crate) fn older(&mut self, service: &str, local: &str, peer: &str, turns: [u32; 2]) {
        let mut socket = self.socket(service, Role::Client, local, peer, None);
        socket.facts.role = None;
        for (at, turns) in turns.into_iter().enumerate() {
            let stats = Stats { connection: socket.id, at_ns: (at as u64 + 1) * MS, turns, ..Stats::default() };
            self.tell_with(&socket, None, &Fact::Stats(stats), false);
        }
    }

    /// A set-up from `at`, ms: TCP, TLS and authentication of so many ms each, 0: none. Returns its end.
    pub(crate) fn set_up(&mut self, socket: &mut Socket, owner: Option<RequestKey>, at: u64, phases: [u64; 3]) -> u64 {
        let [tcp, tls, authentication] = phases;
        let ns = |ms: u64| (ms + 1) * MS;
        let mut set_up = blank(ns(at));
        set_up.tcp = Some(TcpConnect { start_ns: ns(at), end_ns: ns(at + tcp), retransmits: 0, error: 0 });
        let mut reached = at + tcp;
        let mut phase = |length: u64, kind: PhaseKind| {
            if length > 0 {
                let (start_ns, end_ns) = (ns(reached), ns(reached + length));
                set_up.phases.push(Phase {
                    start_ns,
                    end_ns,
                    actor: Actor::default(),
                    error: None,
                    spoken: None,
                    goes_on: false,
                    kind,
                });
                reached += length;
            }
        };
        phase(tls, PhaseKind::Tls(Box::<TlsHandshake>::default()));
        phase(authentication, PhaseKind::Authentication(Box::<Authentication>::default()));
        socket.encrypted = tls > 0;
        set_up.end_ns = ns(reached);
        self.tell(socket, owner, &Fact::SetUp(Box::new(set_up)));
        reached
    }

    /// A connect that fails with an errno.
    pub(crate) fn refused(&mut self, socket: &Socket, owner: Option<RequestKey>, at: u64, error: &str) {
        let ns = (at + 1) * MS;
        let set_up = SetUp {
            tcp: Some(TcpConnect { start_ns: ns, end_ns: ns + MS, retransmits: 0, error: 111 }),
            end_ns: ns + MS,
            error: Some(error.into()),
            ..blank(ns)
        };
        self.tell(socket, owner, &Fact::SetUp(Box::new(set_up)));
        self.end(socket, at + 1);
    }

    /// An operation from `at` on that takes `length` ms. Returns its end.
    pub(crate) fn call(
        &mut self,
        socket: &Socket,
        owner: Option<RequestKey>,
        at: u64,
        length: u64,
        detail: Box<dyn Detail>,
    ) -> u64 {
        self.exchange(socket, owner, at, length, detail, 0);
        at + length
    }

    pub(crate) fn exchange(
        &mut self,
        socket: &Socket,
        owner: Option<RequestKey>,
        at: u64,
        length: u64,
        detail: Box<dyn Detail>,
        pos: u64,
    ) {
        let (start, end) = ((at + 1) * MS, (at + length + 1) * MS);
        let request = Window { first_ns: start, last_ns: start, pos, bytes: 10, arrived_ns: 0, rejected: 0 };
        let exchange = Exchange {
            stream: 0,
            request,
            response: Some(Window { first_ns: end, last_ns: end, ..request }),
            actor: Actor::default(),
            ending: Ending::Answered,
            end_ns: end,
            detail,
        };
        self.tell(socket, owner, &Fact::Exchange(exchange, Use::Again));
    }

    /// The end of a connection.
    pub(crate) fn end(&mut self, socket: &Socket, at: u64) {
        let at_ns = (at + 1) * MS;
        let end = End { change: Change::Closed, at_ns, error: 0, peer_first: false, exchanges: 0, forgotten: false };
        self.tell(socket, None, &Fact::Ended(end));
    }

    /// A server request begins; its key.
    pub(crate) fn begin(&mut self, socket: &Socket, at: u64) -> RequestKey {
        self.begin_at(socket, at, at)
    }

    pub(crate) fn begin_at(&mut self, socket: &Socket, at: u64, pos: u64) -> RequestKey {
        let at_ns = (at + 1) * MS;
        let request = RequestStart {
            stream: 0,
            pos,
            at_ns,
            read_ns: at_ns,
            actor: Actor::default(),
            traceparent: None,
            print: None,
        };
        self.tell(socket, None, &Fact::Request(request));
        RequestKey { connection: socket.id, stream: 0, pos }
    }

    /// … and ends.
    pub(crate) fn finish(&mut self, socket: &Socket, key: RequestKey, from: u64, to: u64, target: &str, status: u16) {
        self.exchange(socket, None, from, to - from, http("GET", target, status), key.pos);
    }
}

fn blank(at_ns: u64) -> SetUp {
    SetUp::beginning(at_ns, Actor::default())
}

pub(crate) fn http(method: &'static str, target: &str, status: u16) -> Box<dyn Detail> {
    Box::new(HttpExchange {
        method: method.into(),
        target: target.into(),
        status: Some(status),
        version_minor: 1,
        ..HttpExchange::default()
    })
}

pub(crate) fn query(text: &str) -> Box<dyn Detail> {
    let summary: Vec<&str> = text.split(' ').filter(|word| !matches!(*word, "*" | "FROM" | "?")).collect();
    Box::new(PostgresExchange {
        database: Some("shop".into()),
        text: Some(text.into()),
        summary: Some(summary.join(" ").into()),
        ..PostgresExchange::default()
    })
}

pub(crate) fn redis(command: &str) -> Box<dyn Detail> {
    Box::new(RedisExchange { command: command.into(), ..RedisExchange::default() })
}

pub(crate) fn lookup(name: &str, response_code: u8) -> Box<dyn Detail> {
    Box::new(DnsExchange {
        name: name.into(),
        question: "A".into(),
        response_code: Some(response_code),
        ..DnsExchange::default()
    })
}
