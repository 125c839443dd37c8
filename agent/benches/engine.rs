//! What an exchange costs the agent above the kernel: events through the engine with metrics and advice, spans through the
//! queue of an exporter, encoded. All on one thread, so that runs compare; what threads cost each other is not in it.
//!
//! `cargo bench --package wirespan --bench engine -- [EXCHANGES] [PART OF A NAME]`

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use wirespan::advise::Advisor;
use wirespan::conn::Limits;
use wirespan::enrich::{Host, Resources};
use wirespan::event::{Data, Endpoint, Event, Flow, Open, Role, Transport, Vantage};
use wirespan::export::counts::Counts;
use wirespan::export::otlp::encode;
use wirespan::export::queue::{Batching, Queue};
use wirespan::metrics::record::Metrics;
use wirespan::metrics::settings::Settings;
use wirespan::pipeline::engine::Engine;
use wirespan::process::{ProcessTable, Selectors};
use wirespan::trace::ids::Ids;
use wirespan::trace::sampler::{Root, Sampler};
use wirespan::trace::spare::Spare;
use wirespan::trace::{Config, Tracer};
use wirespan_protocols::stream::Actor;

/// Connections that take turns.
const CONNECTIONS: u64 = 16;
/// Exchanges between two hand-overs of spans, as at tens of thousands a second.
const TURN: u64 = 256;
/// Exchanges of one measurement, unless the command line says.
const EXCHANGES: u64 = 400_000;
/// Process of the server.
const PID: u32 = 100;
/// Time from one exchange to the next, ns.
const STEP_NS: u64 = 20_000;

/// What wrk and nginx say to each other.
const SHORT: (&[u8], &[u8]) = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1:18080\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 29 Nov 2026 08:00:00 GMT\r\nContent-Type: text/plain\r\n\
      Content-Length: 3\r\nConnection: keep-alive\r\n\r\nok\n",
);
/// What a traced client and an API do.
const TRACED: (&[u8], &[u8]) = (
    b"GET /api/users/4711/orders?page=2 HTTP/1.1\r\nHost: shop.example\r\n\
      User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
      Accept: application/json\r\nAccept-Encoding: gzip, deflate, br\r\n\
      traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nConnection: keep-alive\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"orders\":1}",
);

/// The stages of a live agent, but for the kernel and the receiver.
struct Bench {
    engine: Engine,
    spare: Spare,
    queue: Queue,
    runtime: tokio::runtime::Runtime,
    encoded: usize,
}

impl Bench {
    fn new(sampler: Sampler) -> std::io::Result<Self> {
        let spare = Spare::default();
        let mut config = Config { sampler, ..Config::default() };
        config.options.routes.guess();
        let metrics = Metrics::new(Settings::default(), config.clone(), Arc::default());
        let tracer = Tracer::new(config, Ids::seeded(0));
        let processes = ProcessTable::replay(Selectors::default());
        let resources = Resources::new(Host::default());
        let mut bench = Self {
            engine: Engine::new(Limits::default(), tracer, processes, resources)
                .with_observer(Rc::new(RefCell::new(metrics)))
                .with_observer(Rc::new(RefCell::new(Advisor::new())))
                .with_spare(spare.clone()),
            spare,
            queue: Queue::new(Batching::PROMPT, Arc::new(Counts::default())),
            runtime: tokio::runtime::Builder::new_current_thread().enable_time().build()?,
            encoded: 0,
        };
        bench.engine.handle(&Event::Clock { offset_ns: 1_700_000_000_000_000_000 });
        for connection in 1..=CONNECTIONS {
            bench.engine.handle(&Event::Open(opened(connection)));
        }
        Ok(bench)
    }

    /// Exchanges, from number `from` on.
    fn run(&mut self, (request, response): (&[u8], &[u8]), numbers: std::ops::Range<u64>) {
        for number in numbers {
            let (connection, round) = (1 + number % CONNECTIONS, number / CONNECTIONS);
            let (request_ns, response_ns) = (number * STEP_NS, number * STEP_NS + 5_000);
            self.engine.handle(&data(connection, Flow::Received, round, request, request_ns));
            self.engine.handle(&data(connection, Flow::Sent, round, response, response_ns));
            if number % TURN == TURN - 1 {
                self.engine.handle(&Event::Tick { at_ns: response_ns });
                self.export();
            }
        }
    }

    fn export(&mut self) {
        let spans = self.engine.take_spans();
        if spans.is_empty() {
            return;
        }
        self.queue.offer(spans);
        if let Some(batch) = self.runtime.block_on(self.queue.next()) {
            self.encoded += encode::request(&batch).len();
            self.spare.give(batch);
        }
    }
}

fn endpoint(host: u8, port: u16) -> Endpoint {
    Endpoint::Inet(SocketAddr::from(([127, 0, 0, host], port)))
}

fn opened(connection: u64) -> Open {
    Open {
        connection,
        sock: connection,
        peer_sock: 0,
        pid: PID,
        role: Some(Role::Server),
        vantage: Vantage::Socket,
        from_start: true,
        at_ns: 0,
        established_ns: Some(1),
        accepted_ns: Some(2),
        syn_retransmits: 0,
        context: 0,
        tid: PID,
        transport: Transport::Tcp,
        first_sent: 1,
        first_received: 1,
        local: endpoint(1, 18080),
        remote: endpoint(1, 40_000 + connection as u16),
        network_namespace: 1,
    }
}

fn data(connection: u64, flow: Flow, round: u64, bytes: &[u8], at_ns: u64) -> Event<'_> {
    Event::Data(Data {
        shed: Default::default(),
        connection,
        flow,
        position: 1 + round * bytes.len() as u64,
        len: bytes.len() as u32,
        head: bytes,
        tail: &[],
        first_ns: at_ns,
        last_ns: at_ns + 500,
        arrived_ns: (flow == Flow::Received).then(|| at_ns.saturating_sub(1_000)),
        actor: Actor { pid: PID, tid: PID, ..Actor::default() },
    })
}

/// Processor time of this thread, ns, which other programs do not lengthen. From a file, so that valgrind can run it, too.
fn processor_time() -> std::io::Result<u64> {
    let text = std::fs::read_to_string("/proc/self/schedstat")?;
    text.split(' ').next().and_then(|word| word.parse().ok()).ok_or(std::io::ErrorKind::InvalidData.into())
}

fn main() -> std::io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let exchanges = words.iter().find_map(|word| word.parse().ok()).unwrap_or(EXCHANGES);
    let wanted = words.iter().find(|word| word.parse::<u64>().is_err()).map_or("", String::as_str);
    let every = Sampler { parent_based: false, root: Root::On };
    let few = Sampler { parent_based: false, root: Root::Below((1 << 63) / 100) };
    for (name, texts, sampler) in [
        ("nginx, every span", SHORT, every),
        ("nginx, 1 % of spans", SHORT, few),
        ("traced API, every span", TRACED, every),
        ("traced API, 1 % of spans", TRACED, few),
    ] {
        if !name.contains(wanted) {
            continue;
        }
        let mut bench = Bench::new(sampler)?;
        // What is done once for each connection and series.
        let warm = exchanges / 8;
        bench.run(texts, 0..warm);
        let (encoded, before) = (bench.encoded, processor_time()?);
        bench.run(texts, warm..warm + exchanges);
        let each = (processor_time()? - before) as f64 / exchanges as f64;
        let bytes = (bench.encoded - encoded) as f64 / exchanges as f64;
        println!("{name}: {each:.0} ns/exchange, {bytes:.0} encoded bytes each");
    }
    Ok(())
}
