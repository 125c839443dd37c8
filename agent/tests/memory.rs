//! What the stages hold, by a counting allocator: within the documented limits whatever connections do, and given back after
//! they are over.
#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use wirespan::conn::Limits;
use wirespan::enrich::{Host, Resources};
use wirespan::event::{Change, Data, Endpoint, Event, Flow, Open, Role, State, Transport, Vantage};
use wirespan::metrics::record::Metrics;
use wirespan::metrics::settings::Settings;
use wirespan::pipeline::engine::Engine;
use wirespan::process::Selectors;
use wirespan::process::table::ProcessTable;
use wirespan::trace::ids::Ids;
use wirespan::trace::span::Resource;
use wirespan::trace::{Config, Tracer};
use wirespan_protocols::stream::Actor;

/// Heap bytes in use, and most of them so far.
static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
/// One test at a time: they share the counter.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Counting;

// SAFETY: everything is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MIB: usize = 1 << 20;
/// What all connections hold together besides their fixed part (ARCHITECTURE.md, "Limits in user space").
const HELD: usize = 64 * MIB;
/// The fixed part of a connection with all observers, tables included.
const FIXED: usize = 3 * 1024;

/// What stays when all of them are over: series, small tables.
const REST: usize = 4 * MIB;

struct Bench {
    engine: Engine,
    at_ns: u64,
    before: usize,
}

impl Bench {
    fn new() -> Self {
        let before = NOW.load(Ordering::Relaxed);
        let own = std::sync::Arc::new(Resource { service_name: "wirespan".into(), ..Default::default() });
        let engine = Engine::new(
            Limits { connections: 32_768, ..Limits::default() },
            Tracer::new(Config::default(), Ids::seeded(0)),
            ProcessTable::replay(Selectors::default()),
            Resources::new(Host::default()),
        )
        .with_observer(Metrics::new(Settings::default(), Config::default(), own));
        PEAK.store(NOW.load(Ordering::Relaxed), Ordering::Relaxed);
        Self { engine, at_ns: 1_000_000_000, before }
    }

    fn open(&mut self, number: u32, role: Role) {
        self.at_ns += 1000;
        let [_, a, b, c] = number.to_be_bytes();
        let (near, far) = (Endpoint::Inet("10.0.0.1:80".parse().unwrap()), ([10, a, b, c], 40_000).into());
        let far = Endpoint::Inet(far);
        let (local, remote) = if role == Role::Server { (near, far) } else { (far, near) };
        self.engine.handle(&Event::Open(Open {
            connection: number.into(),
            sock: number.into(),
            peer_sock: 0,
            pid: 7,
            role: Some(role),
            vantage: Vantage::Socket,
            from_start: true,
            at_ns: self.at_ns,
            established_ns: Some(self.at_ns),
            accepted_ns: None,
            syn_retransmits: 0,
            context: 0,
            tid: number,
            transport: Transport::Tcp,
            first_sent: 0,
            first_received: 0,
            local,
            remote,
            network_namespace: 0,
        }));
    }

    fn data(&mut self, number: u32, flow: Flow, position: u64, head: &[u8]) {
        self.at_ns += 1000;
        self.engine.handle(&Event::Data(Data {
            shed: Default::default(),
            connection: number.into(),
            flow,
            position,
            len: u32::try_from(head.len()).unwrap(),
            head,
            tail: &[],
            first_ns: self.at_ns,
            last_ns: self.at_ns,
            arrived_ns: None,
            actor: Actor { pid: 7, tid: number, context: 0 },
        }));
        self.engine.take_spans();
        self.engine.take_commands();
    }

    fn close(&mut self, number: u32) {
        let state = State { connection: number.into(), change: Change::Closed, error: 0, at_ns: self.at_ns };
        self.engine.handle(&Event::State(state));
        self.engine.take_spans();
    }

    /// Most bytes held at a time, spans and commands taken at once.
    fn peak(&self) -> usize {
        PEAK.load(Ordering::Relaxed).saturating_sub(self.before)
    }

    /// Bytes held after everything is over and forgotten.
    fn rest(&mut self, connections: u32) -> usize {
        (1..=connections).for_each(|number| self.close(number));
        for _ in 0..2 {
            self.at_ns += 1_000_000_000_000;
            self.engine.handle(&Event::Tick { at_ns: self.at_ns });
        }
        NOW.load(Ordering::Relaxed).saturating_sub(self.before)
    }
}

#[test]
fn undecided_connections() {
    let _turn = turn();
    let mut host = Bench::new();
    // Nothing says what it is: the beginning of a method that never ends.
    let undecided = [b'A'; 6000];
    for round in 0..4 {
        for number in 1..=8000 {
            if round == 0 {
                host.open(number, Role::Server);
            }
            host.data(number, Flow::Received, round * 6000, &undecided);
        }
    }
    let (peak, limit) = (host.peak(), HELD + 8000 * FIXED);
    println!("8,000 undecided connections: {peak} bytes");
    assert!(peak <= limit, "{peak} of {limit}");
    let rest = host.rest(8000);
    assert!(rest <= REST, "{rest}");
}

#[test]
fn pending_commands() {
    let _turn = turn();
    let mut host = Bench::new();
    let value = "v".repeat(200);
    let command = format!("*3\r\n$3\r\nSET\r\n$40\r\n{}\r\n$200\r\n{value}\r\n", "k".repeat(40));
    let pipeline = command.repeat(40);
    for number in 1..=1000 {
        host.open(number, Role::Client);
        for turn in 0..10 {
            host.data(number, Flow::Sent, turn * pipeline.len() as u64, pipeline.as_bytes());
        }
    }
    let (peak, limit) = (host.peak(), HELD + 1000 * FIXED + 4 * MIB);
    println!("1,000 connections with 400 pending commands each: {peak} bytes");
    assert!(peak <= limit, "{peak} of {limit}");
    let evicted = host.engine.connection_counts().evicted;
    println!("dropped because of the limit: {evicted}");
    let rest = host.rest(1000);
    assert!(rest <= REST, "{rest}");
}

#[test]
fn as_many_connections_as_are_followed() {
    let _turn = turn();
    let mut host = Bench::new();
    const COUNT: u32 = 32_768;
    for number in 1..=COUNT {
        host.open(number, Role::Server);
        host.data(number, Flow::Received, 0, b"GET /a HTTP/1.1\r\nHost: shop\r\n\r\n");
        host.data(number, Flow::Sent, 0, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
    let (peak, limit) = (host.peak(), HELD + COUNT as usize * FIXED);
    println!("32,768 connections: {peak} bytes, {} each", peak / COUNT as usize);
    assert!(peak <= limit, "{peak} of {limit}");
    let rest = host.rest(COUNT);
    println!("after their end: {rest} bytes");
    assert!(rest <= REST, "{rest}");
}

/// A frame of HTTP/2 that is a whole block of header fields and ends its stream: an indexed field, and some with texts of their own, which go into the
/// table of header compression.
fn block(stream: u32, indexed: u8, fields: &[(&str, String)]) -> Vec<u8> {
    let mut block = vec![indexed];
    for (name, value) in fields {
        block.push(0x40);
        for text in [*name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    let length = u32::try_from(block.len()).unwrap().to_be_bytes();
    [&length[1..], &[1, 5], &stream.to_be_bytes(), &block].concat()
}

/// None of them is dropped before its next request: what its tables hold would not be known then.
#[test]
fn connections_of_http2_that_are_used_in_turns() {
    let _turn = turn();
    let mut host = Bench::new();
    const COUNT: u32 = 20_000;
    const GET: u8 = 0x82;
    const OK: u8 = 0x88;
    let opening = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat();
    let mut positions = vec![[0u64; 2]; COUNT as usize];
    for round in 0..5u32 {
        for number in 1..=COUNT {
            let order = || format!("order-{number:032}-{round:032}");
            let path = format!("/c{number}/r{round}");
            let request = block(2 * round + 1, GET, &[(":path", path.clone()), ("x-order", order())]);
            let answer = block(2 * round + 1, OK, &[("x-served", path)]);
            let request = if round == 0 {
                host.open(number, Role::Server);
                [opening.clone(), request].concat()
            } else {
                request
            };
            let [received, sent] = &mut positions[number as usize - 1];
            host.data(number, Flow::Received, *received, &request);
            host.data(number, Flow::Sent, *sent, &answer);
            *received += request.len() as u64;
            *sent += answer.len() as u64;
        }
    }
    let (peak, limit) = (host.peak(), HELD + COUNT as usize * FIXED);
    println!("20,000 connections of HTTP/2: {peak} bytes, {} each", peak / COUNT as usize);
    assert_eq!(host.engine.connection_counts().evicted, 0);
    assert!(peak <= limit, "{peak} of {limit}");
    let rest = host.rest(COUNT);
    assert!(rest <= REST, "{rest}");
}
