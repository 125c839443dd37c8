use super::*;
use crate::event::{Data, Endpoint, Flow, Role, Vantage};
use wirespan_protocols::describe::family::Family;
use wirespan_protocols::exchange::{Ending, Exchange};
use wirespan_protocols::session::Shedding;
use wirespan_protocols::stream::Actor;

#[path = "tracker/upgrade_tests.rs"]
mod upgrades;

const SECOND: u64 = 1_000_000_000;
const REQUEST: &[u8] = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// A tracker, and what it told.
struct Bench {
    tracker: Tracker<()>,
    facts: Vec<(u64, Fact)>,
    now_ns: u64,
}

impl Bench {
    fn new(limits: Limits) -> Self {
        Self { tracker: Tracker::new(limits), facts: Vec::new(), now_ns: SECOND }
    }

    fn handle(&mut self, event: &Event<'_>) {
        let Self { tracker, facts, .. } = self;
        tracker.handle(event, &mut |connection, fact| facts.push((connection.open.connection, fact)));
    }

    /// A server's connection, from its start; its bytes are counted from 1,000.
    fn open(&mut self, connection: u64, sock: u64) {
        let at = |text: &str| Endpoint::Inet(text.parse().unwrap());
        self.handle(&Event::Open(Open {
            connection,
            sock,
            peer_sock: 0,
            pid: 7,
            role: Some(Role::Server),
            vantage: Vantage::Socket,
            from_start: true,
            at_ns: self.now_ns,
            established_ns: Some(self.now_ns),
            accepted_ns: None,
            syn_retransmits: 0,
            context: 0,
            tid: 7,
            transport: Transport::Tcp,
            first_sent: 1000,
            first_received: 1000,
            local: at("10.0.0.1:80"),
            remote: at("10.0.0.2:50000"),
            network_namespace: 1,
        }));
    }

    /// A call, `at` bytes from the beginning of its way.
    fn data(&mut self, connection: u64, flow: Flow, at: usize, bytes: &[u8]) {
        self.now_ns += 1_000_000;
        self.handle(&Event::Data(Data {
            shed: Default::default(),
            connection,
            flow,
            position: 1000 + at as u64,
            len: bytes.len() as u32,
            head: bytes,
            tail: b"",
            first_ns: self.now_ns,
            last_ns: self.now_ns,
            arrived_ns: None,
            actor: Actor { pid: 7, tid: 7, context: 0 },
        }));
    }

    fn end(&mut self, connection: u64, change: Change) {
        self.now_ns += 1_000_000;
        self.handle(&Event::State(State { connection, change, error: 0, at_ns: self.now_ns }));
    }

    fn exchanges(&self) -> Vec<&Exchange> {
        self.facts
            .iter()
            .filter_map(|(_, fact)| if let Fact::Exchange(one, _) = fact { Some(one) } else { None })
            .collect()
    }

    fn ends(&self) -> Vec<(u64, Change)> {
        let end = |(id, fact): &(u64, Fact)| if let Fact::Ended(end) = fact { Some((*id, end.change)) } else { None };
        self.facts.iter().filter_map(end).collect()
    }

    fn count(&self, reason: Reason) -> u64 {
        self.tracker.counts().reasons[reason as usize]
    }
}

#[test]
fn data_of_an_unknown_connection_is_counted() {
    let mut bench = Bench::new(Limits::default());
    bench.data(1, Flow::Received, 0, REQUEST);
    bench.open(1, 1);
    bench.data(1, Flow::Received, 0, REQUEST);
    bench.data(1, Flow::Sent, 0, ANSWER);
    bench.end(1, Change::Closed);
    bench.data(1, Flow::Received, REQUEST.len(), REQUEST);
    assert_eq!((bench.tracker.counts().orphans, bench.exchanges().len()), (2, 1));
    assert!(bench.tracker.is_empty());
}

#[test]
fn a_gap_before_a_call_is_told_to_the_session() {
    // 10 bytes of a body are lost between two calls: with them the body has its length, without them the next request is body.
    let request = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n01234";
    let mut bench = Bench::new(Limits::default());
    bench.open(1, 1);
    bench.data(1, Flow::Received, 0, request);
    bench.data(1, Flow::Received, request.len() + 10, b"56789");
    bench.data(1, Flow::Sent, 0, ANSWER);
    bench.data(1, Flow::Received, request.len() + 15, REQUEST);
    bench.data(1, Flow::Sent, ANSWER.len(), ANSWER);
    let paths: Vec<String> = bench
        .exchanges()
        .iter()
        .map(|exchange| match exchange.detail.family() {
            Family::Http(http) => format!("{} {}", http.method, http.target),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(paths, ["POST /a", "GET /a"]);
}

#[test]
fn connections_beyond_the_limit_are_counted_and_not_followed() {
    let mut bench = Bench::new(Limits { connections: 2, ..Limits::default() });
    for connection in 1..=4 {
        bench.open(connection, connection);
        bench.data(connection, Flow::Received, 0, REQUEST);
    }
    let counts = bench.tracker.counts();
    assert_eq!((bench.tracker.len(), counts.connections, counts.refused, counts.orphans), (2, 4, 2, 2));
    // One that closes makes room.
    bench.end(1, Change::Closed);
    bench.open(5, 5);
    assert_eq!((bench.tracker.len(), bench.tracker.counts().refused), (2, 2));
}

#[test]
fn a_socket_that_is_used_again_ends_its_old_connection() {
    let mut bench = Bench::new(Limits::default());
    bench.open(1, 9);
    bench.data(1, Flow::Received, 0, REQUEST);
    bench.open(2, 9);
    assert_eq!(bench.ends(), [(1, Change::Unseen)]);
    assert_eq!(bench.tracker.len(), 1);
    // Told twice it is the same.
    bench.open(2, 9);
    assert_eq!(bench.ends().len(), 1);
    // The end of the old one does not touch the new one.
    bench.end(1, Change::Closed);
    bench.data(2, Flow::Received, 0, REQUEST);
    bench.data(2, Flow::Sent, 0, ANSWER);
    assert_eq!((bench.exchanges().len(), bench.tracker.counts().orphans), (1, 0));
}

#[test]
fn a_request_that_is_open_when_its_connection_ends_is_told() {
    for (change, ending) in [(Change::Closed, Ending::Closed), (Change::ResetByPeer, Ending::Reset)] {
        let mut bench = Bench::new(Limits::default());
        bench.open(1, 1);
        bench.data(1, Flow::Received, 0, REQUEST);
        assert_eq!(bench.exchanges().len(), 0);
        bench.end(1, change);
        let endings: Vec<Ending> = bench.exchanges().iter().map(|exchange| exchange.ending).collect();
        assert_eq!(endings, [ending], "{change:?}");
        assert_eq!(bench.ends(), [(1, change)]);
    }
}

#[test]
fn a_request_under_way_at_the_end_of_input_is_counted() {
    let mut bench = Bench::new(Limits::default());
    bench.open(1, 1);
    bench.data(1, Flow::Received, 0, REQUEST);
    let Bench { tracker, facts, .. } = &mut bench;
    tracker.finish(&mut |connection, fact| facts.push((connection.open.connection, fact)));
    assert_eq!((bench.count(Reason::UnderWay), bench.exchanges().len()), (1, 0));
}

#[test]
fn the_kernel_is_told_how_much_a_protocol_needs() {
    let mut bench = Bench::new(Limits::default());
    bench.open(1, 11);
    bench.data(1, Flow::Received, 0, b"*1\r\n$4\r\nPING\r\n");
    bench.data(1, Flow::Sent, 0, b"+PONG\r\n");
    let budget = wirespan_protocols::redis::PROTOCOL.turn_budget.unwrap();
    assert_eq!(
        bench.tracker.take_commands(),
        [Command::Direct { sock: 11, connection: 1, budget: Some(budget), shedding: Shedding::Never }]
    );
    // Once is enough.
    bench.data(1, Flow::Received, 14, b"*1\r\n$4\r\nPING\r\n");
    assert_eq!(bench.tracker.take_commands(), []);
    // What is none of ours needs nothing, once it is clear that it did not only begin oddly.
    bench.open(2, 12);
    for turn in 0..8 {
        assert_eq!(bench.tracker.take_commands(), [], "turn {turn}");
        let flow = if turn % 2 == 0 { Flow::Received } else { Flow::Sent };
        bench.data(2, flow, turn / 2 * 64, &[0xff; 64]);
        assert_eq!(bench.tracker.counts().foreign, 1);
    }
    bench.data(2, Flow::Received, 4 * 64, &[0xff; 64]);
    assert_eq!(
        bench.tracker.take_commands(),
        [Command::Direct { sock: 12, connection: 2, budget: Some(0), shedding: Shedding::Never }]
    );
    assert_eq!(bench.tracker.counts().foreign, 1);
}

/// A stream in one direction has no turns.
#[test]
fn the_second_look_at_a_stream_ends() {
    let mut bench = Bench::new(Limits::default());
    bench.open(1, 11);
    for call in 0..70 {
        bench.data(1, Flow::Received, call * 64, &[0xff; 64]);
    }
    assert_eq!(
        bench.tracker.take_commands(),
        [Command::Direct { sock: 11, connection: 1, budget: Some(0), shedding: Shedding::Never }]
    );
}

#[test]
fn a_connection_that_only_began_oddly_is_not_foreign() {
    let mut bench = Bench::new(Limits::default());
    bench.open(1, 11);
    bench.data(1, Flow::Received, 0, b"GET /\r\n");
    bench.data(1, Flow::Sent, 0, b"<html>");
    bench.data(1, Flow::Received, 7, REQUEST);
    bench.data(1, Flow::Sent, 6, ANSWER);
    assert_eq!((bench.exchanges().len(), bench.tracker.counts().foreign), (1, 0));
}

#[test]
fn requests_of_connections_that_are_forgotten_are_counted() {
    // Their socket is used again.
    let mut bench = Bench::new(Limits::default());
    bench.open(1, 9);
    bench.data(1, Flow::Received, 0, REQUEST);
    bench.data(1, Flow::Received, REQUEST.len(), REQUEST);
    bench.open(2, 9);
    assert_eq!((bench.count(Reason::Forgotten), bench.exchanges().len()), (2, 0));
    // Positions that have nothing to do with those before.
    bench.data(2, Flow::Received, 0, REQUEST);
    bench.data(2, Flow::Received, 1 << 40, REQUEST);
    assert_eq!(bench.count(Reason::Forgotten), 3);
}

#[test]
fn the_quietest_connections_make_room() {
    let mut bench = Bench::new(Limits { connections: 8, ..Limits::default() });
    for connection in 1..=8 {
        bench.open(connection, connection);
        bench.data(connection, Flow::Received, 0, REQUEST);
        bench.now_ns += SECOND;
    }
    bench.now_ns += 901 * SECOND;
    bench.data(1, Flow::Sent, 0, ANSWER);
    bench.open(9, 9);
    let counts = bench.tracker.counts();
    assert_eq!((bench.tracker.len(), counts.crowded_out, counts.refused), (7, 2, 0));
    let left: Vec<u64> = bench.ends().iter().map(|(id, _)| *id).collect();
    assert_eq!((left, bench.count(Reason::Forgotten)), (vec![2, 3], 2));
}

/// However long it sleeps, and however long a request takes.
#[test]
fn time_ends_nothing() {
    let mut bench = Bench::new(Limits::default());
    bench.open(1, 1);
    bench.data(1, Flow::Received, 0, REQUEST);
    for day in 1..=3 {
        bench.handle(&Event::Tick { at_ns: bench.now_ns + day * 86_400 * SECOND });
    }
    bench.now_ns += 4 * 86_400 * SECOND;
    bench.data(1, Flow::Sent, 0, ANSWER);
    let took: Vec<u64> =
        bench.exchanges().iter().map(|one| (one.end_ns - one.request.first_ns) / (86_400 * SECOND)).collect();
    assert_eq!((took, bench.ends()), (vec![4], vec![]));
}

#[test]
fn sessions_beyond_the_memory_limit_are_dropped() {
    let mut bench = Bench::new(Limits { session_bytes: 1000, ..Limits::default() });
    for connection in 1..=20 {
        bench.open(connection, connection);
        // Half a header: it is held until the rest comes.
        bench.data(connection, Flow::Received, 0, &[b"GET /a HTTP/1.1\r\nA: ", &[b'x'; 500][..]].concat());
    }
    bench.handle(&Event::Tick { at_ns: bench.now_ns + 2 * SECOND });
    let heap = {
        let mut heap = 0;
        bench.tracker.each(|connection| heap += connection.heap_bytes());
        heap
    };
    let evicted = bench.tracker.counts().evicted;
    assert!(heap <= 1000 && evicted > 0, "{heap} bytes, {evicted} dropped");
    assert!((1..=evicted).contains(&bench.count(Reason::Forgotten)), "the requests that they had begun");
    let forgotten = bench.tracker.take_commands();
    let forgotten = forgotten.iter().filter(|command| matches!(command, Command::Forget { .. })).count();
    assert_eq!((forgotten as u64, bench.tracker.len() as u64), (evicted, 20 - evicted));
}
