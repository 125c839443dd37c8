//! Two hosts, each a network namespace with an agent of its own: what the two saw is joined by an attribute alone.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use wirespan_tests::network::{CLIENT, Network, SERVER};
use wirespan_tests::span::Span;
use wirespan_tests::spans::Spans;

use crate::harness::agent::granted;
use crate::harness::parts::part;
use crate::harness::postgres::Postgres;
use crate::harness::process::{Owned, eventually, free_port};
use crate::harness::{Agent, Folder, run, servers, skipped};

/// Requests, in which everything happens in parallel.
const COUNT: usize = 40;
/// The same at both ends of a call.
const ID: &str = "wirespan.exchange.id";

/// On the first host curl and PostgreSQL, on the second a service between them: the spans of each host's agent. Both agents
/// export to `endpoint`, too.
#[track_caller]
fn two_hosts(network: &Network, endpoint: Option<&str>) -> [Spans; 2] {
    let database = network.client.inside(|| Postgres::start_on(CLIENT));
    network.client.inside(|| database.trust("10.77.0.0/24"));
    let dsn = format!("host={CLIENT} port={} user=postgres dbname=shop", database.port);
    let orders = network.server.inside(|| servers::program("orders_threads.py", &[&dsn, "0.0.0.0"]));
    let mark = free_port().to_string();
    let mut variables = vec![("WIRESPAN_LINKS_ATTRIBUTE", "true".to_owned())];
    variables.extend(endpoint.map(|url| ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", format!("{url}/v1/traces"))));
    let start = |backend: &str, select: &[String]| Agent::start_with("run", backend, select, &[], &variables);
    let backends = granted();
    let first = [format!("pid={}", database.pid()), format!("env.TESTED={mark}")];
    let mut first = network.client.inside(|| start(backends[0], &first));
    // Each backend tells the same.
    let last = backends[backends.len() - 1];
    let mut second = network.server.inside(|| start(last, &[format!("pid={}", orders.pid())]));
    let urls = format!("http://{SERVER}:{}/r[1-{COUNT}]", orders.port);
    let mut curl = Command::new("curl");
    curl.args(["-s", "--noproxy", "*", "-Z", "--parallel-max", "8"]).arg(urls).env("TESTED", &mark);
    network.client.inside(|| run(&mut curl));
    let spans = [first.finish(), second.finish()];
    println!("{}\n{}", first.stderr(), second.stderr());
    spans
}

/// CLIENT and SERVER spans by the name that they give to their call.
fn calls<'a>(spans: impl Iterator<Item = &'a Span>) -> BTreeMap<String, [Vec<&'a Span>; 2]> {
    let mut calls = BTreeMap::<_, [Vec<_>; 2]>::new();
    for span in spans.filter(|span| span.kind != "INTERNAL") {
        let id = span.text(ID);
        assert!(!id.is_empty(), "{span:#?}");
        calls.entry(id).or_default()[usize::from(span.kind == "SERVER")].push(span);
    }
    calls
}

/// The request that a span says it is for: `r7` of `/r7`, of `http://…/r7` and of `… AS r7`.
fn whose(span: &Span) -> String {
    let told = ["url.path", "url.full", "db.query.text"].map(|key| span.text(key)).concat();
    told.rsplit(['/', ' ']).next().unwrap_or_default().to_owned()
}

#[test]
fn two_agents_name_each_call_alike() {
    let network = match Network::new(Duration::from_millis(1)) {
        Ok(network) => network,
        Err(why) => return skipped(&why),
    };
    let [first, second] = two_hosts(&network, None);
    let calls = calls(first.iter().chain(second.iter()));
    let mut trees = Vec::new();
    for (id, [clients, servers]) in &calls {
        let ([client], [server]) = (&clients[..], &servers[..]) else { panic!("{id}: {clients:#?} {servers:#?}") };
        assert_eq!(whose(client), whose(server), "{id}");
        let is_first = |span: &Span| first.iter().any(|other| other.span_id == span.span_id);
        assert_ne!(is_first(client), is_first(server), "{id}: both of one agent");
        assert_ne!(client.trace_id, server.trace_id, "nothing but the attribute ties them");
        // curl, the service, its statement, PostgreSQL.
        if client.attributes.contains_key("url.full") {
            let statements = second.clients().pick(|call| call.parent.as_ref() == Some(&server.span_id));
            let statement = statements.pick(|call| whose(call).starts_with('r'));
            let [_, answers] = &calls[&statement.only().text(ID)];
            trees.push([client, server, statement.only(), answers[0]].map(whose));
        }
    }
    trees.sort();
    let mut expected: Vec<_> = (1..=COUNT).map(|number| [0; 4].map(|_| format!("r{number}"))).collect();
    expected.sort();
    assert_eq!(trees, expected);
}

/// Asks on a connection that stays open.
fn ask(mut stream: &TcpStream) {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: orders\r\n\r\n").unwrap();
    let (mut answer, mut room) = (Vec::new(), [0; 1024]);
    while !answer.ends_with(b"\r\n\r\nok\n") {
        let length = stream.read(&mut room).unwrap();
        assert!(length > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&room[..length]);
    }
}

/// Numbers of TCP, not counts: it does not matter since when somebody looks.
#[test]
fn an_agent_that_comes_later_names_them_alike() {
    let network = match Network::new(Duration::from_millis(1)) {
        Ok(network) => network,
        Err(why) => return skipped(&why),
    };
    let orders = network.server.inside(|| servers::program("orders_threads.py", &["", "0.0.0.0"]));
    let variables = [("WIRESPAN_LINKS_ATTRIBUTE", "true".to_owned())];
    for backend in granted() {
        let start = |pid| Agent::start_with("run", backend, &[format!("pid={pid}")], &[], &variables);
        let mut second = network.server.inside(|| start(orders.pid()));
        let stream = network.client.inside(|| TcpStream::connect((SERVER, orders.port)).unwrap());
        (0..2).for_each(|_| ask(&stream));
        let mut first = network.client.inside(|| start(std::process::id()));
        (0..3).for_each(|_| ask(&stream));
        let connection = format!("{}/", stream.local_addr().unwrap());
        drop(stream);
        let [clients, servers] = [first.finish().clients(), second.finish().servers()].map(|spans| {
            let ids = spans.texts(ID).into_iter().filter(|id| id.starts_with(&connection));
            ids.collect::<Vec<_>>()
        });
        let others: BTreeSet<_> = servers.iter().collect();
        assert_eq!((servers.len(), others.len()), (5, 5), "{backend}");
        assert_eq!(clients, servers[2..], "{backend}");
    }
}

/// A Collector with the configuration of `deploy/collector`, on the second host, which writes what it would send in detail.
#[track_caller]
fn collector(network: &Network, program: PathBuf, folder: &Folder) -> (Owned, String) {
    let (http, grpc) = (free_port(), free_port());
    let instead = folder.write(
        "instead.yaml",
        "exporters: {debug: {verbosity: detailed}}
service:
  pipelines: {traces: {exporters: [debug]}, traces/calls: {exporters: [debug]}}
  telemetry: {metrics: {level: none}}
",
    );
    let configuration = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy/collector/calls.yaml");
    let mut command = Command::new(program);
    command.arg("--config").arg(configuration).arg("--config").arg(instead);
    command.env("OTLP_HTTP", format!("0.0.0.0:{http}")).env("OTLP_GRPC", format!("0.0.0.0:{grpc}"));
    command.stdout(folder.output("stdout")).stderr(folder.output("stderr"));
    let process = network.server.inside(|| {
        let process = Owned::start(&mut command, Signal::TERM);
        eventually("the Collector listens", || TcpStream::connect((SERVER, http)).is_ok());
        process
    });
    (process, format!("http://{SERVER}:{http}"))
}

/// What the Collector wrote of one span: the fields that stand before its attributes, and those.
pub(crate) type Written<'a> = BTreeMap<&'a str, &'a str>;

pub(crate) fn written(text: &str) -> Vec<Written<'_>> {
    // Behind the attributes stand links, with ids of others.
    let spans = text.split("Span #").skip(1).filter_map(|span| span.split("Links:").next());
    spans.map(|span| span.lines().filter_map(field).collect()).collect()
}

fn field(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.trim_start_matches([' ', '-', '>']).split_once(':')?;
    Some((key.trim(), value.trim()))
}

#[test]
fn a_collector_makes_a_trace_of_each_call() {
    let Some(program) = part("otelcol/otelcol") else {
        return skipped("test part otelcol is missing");
    };
    let network = match Network::new(Duration::from_millis(1)) {
        Ok(network) => network,
        Err(why) => return skipped(&why),
    };
    let folder = Folder::new();
    let (mut collector, endpoint) = collector(&network, program, &folder);
    let spans = two_hosts(&network, Some(&endpoint));
    let calls = calls(spans.iter().flat_map(|spans| spans.iter()));
    let received = || std::fs::read_to_string(folder.join("stderr")).unwrap();
    let joined = |text: &str| text.matches("call.trace_id: Str(").count();
    eventually("the Collector has joined all", || joined(&received()) == 2 * calls.len());
    collector.stop();
    let text = received();
    let told = written(&text);
    let made: Vec<_> = told.iter().filter(|span| span.contains_key("call.trace_id")).collect();
    for (id, [clients, servers]) in &calls {
        let name = format!("Str({id})");
        let both: Vec<_> = made.iter().filter(|span| span[ID] == name).collect();
        let of = |kind: &str| both.iter().find(|span| span["Kind"] == kind).unwrap();
        let (client, server) = (of("Client"), of("Server"));
        assert_eq!(both.len(), 2, "{id}");
        assert_eq!((client["Trace ID"], client["Parent ID"]), (server["Trace ID"], ""), "{id}");
        assert_eq!(server["Parent ID"], client["ID"], "{id}");
        // They name the traces that they are from, which went on unchanged.
        for (made, span) in [(client, clients[0]), (server, servers[0])] {
            assert_eq!(made["call.trace_id"], format!("Str({})", span.trace_id), "{id}");
            let same = told.iter().filter(|other| other["ID"] == span.span_id && other["Trace ID"] == span.trace_id);
            assert_eq!(same.count(), 1, "{id}");
        }
    }
}
