//! Which request a goroutine asked for over HTTP, where a goroutine of the connection sends.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use wirespan_tests::span::Span;
use wirespan_tests::spans::Spans;

use crate::harness::agent::granted;
use crate::harness::certificates::Authority;
use crate::harness::parts::{part, stripped};
use crate::harness::process::Folder;
use crate::harness::servers::which;
use crate::harness::{Agent, run, servers, skipped, workload};

/// Requests of each kind.
const COUNT: usize = 120;
/// Calls of a request that asks itself and of one that is passed on, together: at least. A busy machine gives up some.
const CALLS: usize = 5;
/// Calls of a request whose goroutines ask, the last one after the answer.
const FANNED: usize = 3;
/// Calls of what a pool does for a request.
const POOLED: usize = 2;

/// Calls that may be thought a handler's until it is seen that a `go` statement starts goroutines that work for anybody.
const UNTIL_SEEN: usize = 16;

/// The spans of a server that asks another one all the time, for so many requests at once; with a name for what went wrong.
fn asked(program: Command, at_once: usize) -> Option<(Spans, String)> {
    // The other backend has no room for contexts.
    let backend = granted().into_iter().find(|backend| *backend == "sockets")?;
    let other = servers::program("front.go", &[]);
    let front = servers::command_at(program, &[&other.port.to_string()]);
    let mut agent = Agent::run(backend, &[format!("pid={}", front.pid())], &[]);
    for kind in ["r", "p", "f", "w"] {
        let urls = format!("http://127.0.0.1:{}/{kind}[1-{COUNT}]", front.port);
        let mut curl = Command::new("curl");
        curl.args(["-s", "--noproxy", "*", "-Z", "--parallel-max", &at_once.to_string()]);
        run(curl.arg(urls));
    }
    let spans = agent.finish();
    let told = format!("{at_once} at once: {}", agent.stderr());
    println!("{told}");
    Some((spans, told))
}

/// `r7`, of a request and of a call.
fn whose(span: &Span) -> &str {
    let text = span.attributes.get("url.path").or_else(|| span.attributes.get("url.full"));
    text.and_then(|text| text.as_str()).and_then(|text| text.rsplit('/').next()).unwrap_or_default()
}

/// How many of these calls have the request that they were made for as their parent, and how many another one's.
fn judged(calls: &Spans, requests: &Spans) -> (usize, usize) {
    let parent = |call: &Span| {
        let parents = requests.pick(|request| Some(&request.span_id) == call.parent.as_ref());
        parents.iter().next().map(|parent| whose(parent).to_owned())
    };
    let parents: Vec<_> = calls.iter().filter_map(|call| Some((whose(call).to_owned(), parent(call)?))).collect();
    let right = parents.iter().filter(|(own, parent)| own == parent).count();
    (right, parents.len() - right)
}

/// Each call has the request that it was made for as its parent, but few that have none; none has another one.
fn are_right(program: Command, at_once: usize) {
    let Some((spans, told)) = asked(program, at_once) else { return };
    let requests = spans.servers().count(4 * COUNT);
    let calls = spans.clients().pick(|span| span.attributes.contains_key("url.full"));
    let of = |kind: &str| calls.pick(|call| whose(call).starts_with(kind));
    let [nobodys, fanned, pooled] = ["nobody", "f", "w"].map(of);
    let calls = calls.pick(|call| whose(call).starts_with(['r', 'p']));
    let ([own, fan, pool, nobody], told) = {
        let judged = [&calls, &fanned, &pooled, &nobodys].map(|calls| judged(calls, &requests));
        let told = format!("{judged:?} of {}, {}, {}; {told}", calls.len(), fanned.len(), pooled.len());
        println!("{told}");
        (judged, told)
    };
    assert!(nobodys.len() > 20, "{told}");
    assert_eq!((own.1, fan.1), (0, 0), "none has the wrong one: {told}");
    assert!(pool.1 + nobody.1 <= UNTIL_SEEN, "{told}");
    // Those that gave up may not have been sent; connections that are closed when they are used are tried once more.
    assert!(calls.len() >= CALLS * COUNT, "{told}");
    assert!(fanned.len() >= FANNED * COUNT && pooled.len() >= POOLED * COUNT, "{told}");
    assert!(own.0 * 1000 >= calls.len() * 995, "{told}");
    assert!(fan.0 * 100 >= fanned.len() * 88, "{told}");
}

#[test]
fn what_goroutines_ask_over_http_belongs_to_their_requests() {
    are_right(workload("front.go"), 1);
    are_right(workload("front.go"), 16);
}

#[test]
fn a_program_without_symbols_tells_the_same() {
    are_right(stripped("front.go"), 16);
}

/// Many requests at once on a connection: what a handler asks belongs to its own.
#[test]
fn what_handlers_of_streams_ask_belongs_to_their_requests() {
    if which("h2load").is_none() {
        return skipped("h2load is missing");
    }
    let Some(backend) = granted().into_iter().find(|backend| *backend == "sockets") else { return };
    let authority = Authority::new();
    let identity = authority.sign();
    let folder = Folder::new();
    for streams in [1, 4, 32] {
        let redis = servers::redis();
        let server = servers::of(workload("streams.go"), |port| {
            let of = |path: &Path| path.display().to_string();
            vec![port, of(&identity.certificate), of(&identity.key), redis.port.to_string()]
        });
        let mut agent = Agent::run(backend, &[format!("pid={}", server.pid())], &["--tls"]);
        // Each of its two clients begins with the first one.
        let urls =
            (0..COUNT).flat_map(|n| ["r", "w"].map(|kind| format!("https://127.0.0.1:{}/{kind}{n}\n", server.port)));
        folder.write("urls", urls.collect::<String>());
        let mut h2load = Command::new("h2load");
        h2load.args(["-n", &(2 * COUNT).to_string(), "-c", "2", "-m", &streams.to_string()]);
        run(h2load.arg("-i").arg(folder.join("urls")));
        let spans = agent.finish();
        println!("{streams} streams: {}", agent.stderr());
        let requests = spans.servers().count(2 * COUNT);
        all_are_known(&spans, &requests, 5 * COUNT, &format!("{streams} streams"));
    }
}

/// The same of grpc-go, with goroutines for each stream and with a pool of them.
#[test]
fn what_handlers_of_grpc_ask_belongs_to_their_calls() {
    let Some(shop) = part("go").map(|folder| folder.join("shop")) else { return skipped("test part go is missing") };
    let Some(backend) = granted().into_iter().find(|backend| *backend == "sockets") else { return };
    for (at_once, workers) in [(1, None), (16, None), (64, None), (16, Some("4"))] {
        let redis = servers::redis();
        let server = servers::of(Command::new(&shop), |port| {
            let own = ["serve".to_owned(), port, redis.port.to_string()];
            own.into_iter().chain(workers.map(str::to_owned)).collect()
        });
        let selectors = [format!("pid={}", server.pid()), format!("port={}", server.port)];
        let mut agent = Agent::run(backend, &selectors, &[]);
        let numbers = [usize::from(server.port), at_once, COUNT].map(|number| number.to_string());
        run(Command::new(&shop).arg("ask").args(numbers));
        let spans = agent.finish();
        let case = format!("{at_once} at once, workers {workers:?}");
        println!("{case}: {}", agent.stderr());
        let calls = |kind: &str| spans.pick(|span| span.kind == kind && span.attributes.contains_key("rpc.method"));
        let (clients, requests) = (calls("CLIENT").count(COUNT), calls("SERVER").count(COUNT));
        for request in requests.iter() {
            let parent = clients.pick(|client| Some(&client.span_id) == request.parent.as_ref());
            assert_eq!(parent.only().text("rpc.method"), request.text("rpc.method"), "{case}");
        }
        all_are_known(&spans, &requests, 2 * COUNT, &case);
    }
}

/// What a handler asks over gRPC, one goroutine sends for all: it belongs to the handler's own call all the same.
#[test]
fn what_is_asked_over_grpc_belongs_to_who_asks() {
    let Some(shop) = part("go").map(|folder| folder.join("shop")) else { return skipped("test part go is missing") };
    let Some(backend) = granted().into_iter().find(|backend| *backend == "sockets") else { return };
    for at_once in [1, 16, 64] {
        let redis = servers::redis();
        let own = |command: &'static str| move |port, next: u16| vec![command.to_owned(), port, next.to_string()];
        let server = servers::of(Command::new(&shop), |port| own("serve")(port, redis.port));
        let front = servers::of(Command::new(&shop), |port| own("pass")(port, server.port));
        let selectors = [&server, &front].map(|server| format!("pid={}", server.pid()));
        let mut agent = Agent::run(backend, &selectors, &[]);
        let numbers = [usize::from(front.port), at_once, COUNT].map(|number| number.to_string());
        run(Command::new(&shop).arg("ask").args(numbers));
        let spans = agent.finish();
        println!("{at_once} at once: {}", agent.stderr());
        let calls = spans.pick(|span| span.attributes.contains_key("rpc.method"));
        let of = |port: u16, kind: &str| {
            let is_there =
                |span: &Span| span.attributes.get("server.port").is_some_and(|at| at.as_u64() == Some(port.into()));
            calls.pick(|span| span.kind == kind && is_there(span))
        };
        let requests = of(front.port, "SERVER").count(COUNT);
        let (asked, served) = (of(server.port, "CLIENT").count(3 * COUNT), of(server.port, "SERVER").count(3 * COUNT));
        let mut right = 0;
        for (asked, upwards) in [(&asked, &requests), (&served, &asked)] {
            for call in asked.iter() {
                let Some(parent) = &call.parent else { continue };
                let parent = upwards.pick(|other| &other.span_id == parent);
                assert_eq!(parent.only().text("rpc.method"), call.text("rpc.method"), "{at_once} at once");
                right += 1;
            }
        }
        println!("{at_once} at once: {right} of {} calls have their parents", 6 * COUNT);
        assert!(right * 100 >= 95 * 6 * COUNT, "{at_once} at once: {right} of {}", 6 * COUNT);
    }
}

/// So many calls were made of Redis for requests, all of them are children of the one whose name they carry, and nobody's of none.
#[track_caller]
fn all_are_known(spans: &Spans, requests: &Spans, count: usize, case: &str) {
    let calls = spans.clients().pick(|span| {
        let command = span.attributes.get("db.operation.name").and_then(|name| name.as_str());
        command.is_some_and(|command| ["GET", "STRLEN"].contains(&command))
    });
    let name = |request: &Span| {
        let name = request.attributes.get("url.path").or_else(|| request.attributes.get("rpc.method"));
        name.and_then(|name| name.as_str()?.rsplit('/').next()).unwrap_or_default().to_owned()
    };
    let names: HashMap<&str, String> = requests.iter().map(|request| (&*request.span_id, name(request))).collect();
    let (mut right, mut of_requests) = (0, 0);
    for call in calls.iter() {
        let text = call.text("db.query.text");
        let key = text.rsplit(' ').next().unwrap_or_default();
        let parent = call.parent.as_deref().and_then(|parent| names.get(parent)).map(String::as_str);
        assert_eq!(parent.is_some(), call.parent.is_some(), "{case}: a parent that was not told");
        assert!(parent.is_none() || parent == Some(key), "{case}: {key} of {parent:?}");
        of_requests += usize::from(key != "nobody");
        right += usize::from(parent.is_some());
    }
    println!("{case}: {right} of {of_requests} calls");
    assert_eq!(of_requests, count, "{case}");
    assert!(right * 100 >= 99 * of_requests, "{case}: {right} of {of_requests}");
}
