//! Which request a call of a Python program was made for, where its interpreter shows it. Every call carries the name of its
//! request.

mod made;

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;
use wirespan_tests::span::Span;
use wirespan_tests::spans::Spans;

use crate::harness::agent::granted;
use crate::harness::postgres::Postgres;
use crate::harness::servers::Server;
use crate::harness::{Agent, run, servers};

const COUNT: usize = 120;

/// What became of the calls.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    right: usize,
    missing: usize,
    wrong: usize,
    /// Calls of nobody, and those of them that have a parent.
    nobodys: usize,
    claimed: usize,
}

/// The last word of what a call says of itself: `rN`, `nobody`, or nothing.
fn named(span: &Span) -> Option<String> {
    let text = span.attributes.get("db.query.text").or_else(|| span.attributes.get("url.full"))?.as_str()?.to_owned();
    let name = text.trim_end_matches('"').rsplit(['/', ' ', '"']).next()?.to_owned();
    let is_request = name.strip_prefix('r').is_some_and(|number| number.parse::<u32>().is_ok());
    (is_request || name == "nobody").then_some(name)
}

fn compare(spans: &Spans) -> Found {
    let requests = spans.servers().count(COUNT);
    let paths: BTreeMap<_, _> = requests.iter().map(|span| (span.span_id.clone(), span.text("url.path"))).collect();
    let mut found = Found::default();
    for call in spans.clients().iter() {
        let Some(name) = named(call) else { continue };
        let parent = call.parent.as_ref();
        if name == "nobody" {
            found.nobodys += 1;
            found.claimed += usize::from(parent.is_some());
            continue;
        }
        match parent.map(|id| paths.get(id)) {
            None => found.missing += 1,
            Some(Some(path)) if path.ends_with(&format!("/{name}")) => found.right += 1,
            Some(_) => found.wrong += 1,
        }
    }
    found
}

/// Requests of the server, so many at once, by the backend that sees contexts; `None` if the kernel does not grant it.
fn ask(server: &Server, path: &str, at_once: usize) -> Option<Found> {
    let backend = granted().into_iter().find(|backend| *backend == "sockets")?;
    let mut agent = Agent::run(backend, &[format!("pid={}", server.pid())], &[]);
    let urls = format!("http://127.0.0.1:{}{path}r[1-{COUNT}]", server.port);
    let at_once = at_once.to_string();
    run(Command::new("curl").args(["-s", "--noproxy", "*", "-Z", "--parallel-max", &at_once]).arg(urls));
    let spans = agent.finish();
    println!("{}", agent.stderr());
    Some(compare(&spans))
}

/// Nothing wrong, and nearly all of `calls` a request right; while somebody polled.
#[track_caller]
fn is_right(found: Option<Found>, calls: usize) {
    let nobodys = found.as_ref().map_or(0, |found| found.nobodys);
    assert!(found.is_none() || nobodys > 10, "{found:?}");
    is_mostly_right(found, calls);
}

/// Nothing wrong, and nearly all of `calls` a request right.
#[track_caller]
fn is_mostly_right(found: Option<Found>, calls: usize) {
    let Some(found) = found else { return };
    let Found { right, missing, wrong, claimed, .. } = found;
    println!("{found:?}");
    assert_eq!((wrong, claimed), (0, 0), "{found:?}");
    assert!(right + missing >= calls * COUNT - 2 && right * 1000 >= calls * COUNT * 995, "{found:?}");
}

#[test]
fn asyncio_without_any_library() {
    for at_once in [1, 16] {
        let redis = servers::redis();
        let server = servers::program("contexts_plain.py", &[&redis.port.to_string()]);
        is_right(ask(&server, "/", at_once), 5);
    }
}

/// FastAPI on uvicorn with the event loop of that name; nginx answers its requests.
fn fast_api(loop_name: &str) -> (Postgres, [Server; 3]) {
    let (database, redis, web) = (Postgres::start(), servers::redis(), servers::nginx(None));
    let ports = [&redis, &web].map(|server| server.port.to_string());
    let dsn = format!("postgresql://postgres@127.0.0.1:{}/shop", database.port);
    let server = servers::program("contexts_async.py", &[&dsn, &ports[0], &ports[1], loop_name]);
    (database, [server, redis, web])
}

#[test]
fn coroutines_tasks_threads_and_work_after_the_answer() {
    // uvloop reads for all connections outside of all contexts, and writes at the end of a turn of the loop.
    for (loop_name, at_once) in [("asyncio", 1), ("asyncio", 16), ("uvloop", 1), ("uvloop", 16)] {
        let (_database, [server, _redis, _web]) = fast_api(loop_name);
        is_right(ask(&server, "/a/", at_once), 5);
        // Sooner over than a poller on a connection of before is understood.
        is_mostly_right(ask(&server, "/s/", at_once), 1);
    }
}

/// Nothing is sent, so the connect itself shows for whom it was.
#[test]
fn advice_names_the_route_whose_call_cannot_connect() {
    for loop_name in ["asyncio", "uvloop"] {
        let (_database, [server, _redis, _web]) = fast_api(loop_name);
        let Some(backend) = granted().into_iter().find(|backend| *backend == "sockets") else { return };
        let selected = [format!("pid={}", server.pid())];
        let mut agent = Agent::start("advise", backend, &selected, &["--for", "120", "--output", "json"]);
        let urls = |path: &str| format!("http://127.0.0.1:{}{path}[1-{COUNT}]", server.port);
        let mut curl = Command::new("curl");
        curl.args(["-s", "--noproxy", "*", "-Z", "--parallel-max", "16"]);
        run(curl.args([urls("/a/"), urls("/f/")]));
        agent.stop();
        let report: Value = serde_json::from_str(&agent.stdout()).unwrap();
        let findings = report["findings"].as_array().unwrap();
        let found = findings.iter().find(|finding| finding["kind"] == "failing_dependency").unwrap();
        println!("{found:#}");
        assert_eq!(
            (found["route"].as_str(), found["peer"]["port"].as_u64()),
            (Some("GET /f/{id}"), Some(1)),
            "{report:#}"
        );
    }
}

#[test]
fn threads_with_and_without_contexts_of_their_own_and_pools_of_them() {
    for at_once in [1, 16] {
        let redis = servers::redis();
        let server = servers::program("contexts_threads.py", &[&redis.port.to_string()]);
        is_right(ask(&server, "/", at_once), 5);
    }
}

/// nginx, a shop in FastAPI, PostgreSQL, Redis and another service: what one request makes of them is one tree.
#[test]
fn one_request_through_five_programs_is_one_trace() {
    let Some(backend) = granted().into_iter().find(|backend| *backend == "sockets") else { return };
    let database = Postgres::start();
    let cache = servers::redis();
    let stock = servers::program("fast_api.py", &[]);
    let [cache_port, stock_port] = [cache.port, stock.port].map(|port| port.to_string());
    let shop = servers::program("shop.py", &[&database.dsn(), &cache_port, &stock_port]);
    let gateway = servers::nginx(Some(shop.port));
    let ports = [gateway.port, shop.port, database.port, cache.port, stock.port].map(|port| format!("port={port}"));
    let mut agent = Agent::run(backend, &ports, &[]);
    // The first one opens connections and prepares statements.
    for _ in 0..2 {
        servers::curl(gateway.port, "/up/orders/1", &[]);
    }
    let spans = agent.finish();
    println!("{}", agent.stderr());
    let name = |span: &Span| {
        let service = span.resource.get("service.name").and_then(|name| name.as_str()).unwrap_or_default();
        format!("{service} {} {}", span.kind, span.name)
    };
    // curl talks to a port that is selected, too.
    let roots = spans.clients().pick(|span| name(span) == "curl CLIENT GET");
    let root = roots.count(2).iter().max_by_key(|span| span.start).cloned().expect("curl");
    let trace = spans.pick(|span| span.trace_id == root.trace_id);
    let mut tree: Vec<_> = trace
        .iter()
        .map(|span| {
            let parents = trace.pick(|parent| Some(&parent.span_id) == span.parent.as_ref());
            let parent = parents.iter().next();
            assert!(parent.is_none_or(|parent| parent.encloses(span)), "{parent:?} {span:?}");
            [parent.map(name).unwrap_or_default(), name(span)].join(" > ")
        })
        .collect();
    tree.sort();
    let expected = [
        " > curl CLIENT GET",
        "curl CLIENT GET > nginx SERVER GET /up/orders/{id}",
        "nginx CLIENT GET > shop SERVER GET /orders/{id}",
        "nginx SERVER GET /up/orders/{id} > nginx CLIENT GET",
        "shop CLIENT GET > fast_api SERVER GET /orders/{id}",
        "shop CLIENT GET > redis-server SERVER GET",
        "shop CLIENT SELECT orders > postgres SERVER SELECT orders",
        "shop SERVER GET /orders/{id} > shop CLIENT GET",
        "shop SERVER GET /orders/{id} > shop CLIENT GET",
        "shop SERVER GET /orders/{id} > shop CLIENT SELECT orders",
    ];
    assert_eq!(tree, expected);
}
