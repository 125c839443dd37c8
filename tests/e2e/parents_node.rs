//! Which request a call of Node.js was made for.

use std::process::Command;

use wirespan_tests::span::Span;

use crate::harness::agent::granted;
use crate::harness::postgres::Postgres;
use crate::harness::{Agent, run, servers, workload};

/// In whose name a call was made: of `… AS "r7"`, `… AS "r7_late"`, `GET r7` and `/plain/r7`.
fn whose(call: &Span) -> &str {
    let text = call.attributes.get("db.query.text").or_else(|| call.attributes.get("url.full"));
    let text = text.and_then(|text| text.as_str()).unwrap_or_default();
    let name = text.trim_end_matches('"').rsplit(['/', ' ', '"']).next().unwrap_or_default();
    name.strip_suffix("_late").unwrap_or(name)
}

/// What a callback asks belongs to the request whose bytes, or whose answers, it handles: never to another one, and what a
/// poller asks to none, whether requests overlap or a timer comes in between.
#[test]
fn what_a_callback_asks_belongs_to_the_request_for_which_it_runs() {
    const COUNT: usize = 60;
    // Calls in the name of each request.
    const CALLS: usize = 7;
    // What must be known, of 100: all first calls, and one after the other nearly all.
    let setups: [(&str, &[&str], usize); 4] = [
        ("1", &[], 60),
        ("16", &["pool=40"], 13),
        ("16", &["pool=6", "background=5", "outgoing=agent"], 13),
        ("16", &["pool=40", "background=5", "timer=1"], 13),
    ];
    // The other backend has no room for it.
    if !granted().contains(&"sockets") {
        return;
    }
    for (at_once, options, least) in setups {
        let (database, redis) = (Postgres::start(), servers::redis());
        let other = servers::program("orders_node.js", &[]);
        let own = [format!("pg={}", database.port), format!("redis={}", redis.port), format!("http={}", other.port)];
        let arguments: Vec<&str> = own.iter().map(String::as_str).chain(options.iter().copied()).collect();
        let orders = servers::program("orders_node.js", &arguments);
        let mut agent = Agent::run("sockets", &[format!("pid={}", orders.pid())], &[]);
        let urls = format!("http://127.0.0.1:{}/r[1-{COUNT}]", orders.port);
        // One after the other means after what is asked behind the answer, too, and for longer than a process needs to be known.
        let pace: &[&str] = if at_once == "1" { &["--rate", "20/s"] } else { &["-Z", "--parallel-max", at_once] };
        run(Command::new("curl").args(["-s", "--noproxy", "*"]).args(pace).arg(urls));
        // What is asked after the last answer.
        std::thread::sleep(std::time::Duration::from_millis(300));
        let spans = agent.finish();
        println!("{at_once} {options:?}: {}", agent.stderr());
        let requests = spans.servers().count(COUNT);
        let nobodys = spans.clients().pick(|call| whose(call) == "nobody");
        assert!(nobodys.iter().all(|call| call.parent.is_none()), "{at_once} {options:?}");
        let calls = spans.clients().pick(|call| whose(call).starts_with('r'));
        let mut known = 0;
        for call in calls.iter().filter(|call| call.parent.is_some()) {
            let parent = requests.pick(|request| Some(&request.span_id) == call.parent.as_ref());
            assert_eq!(parent.only().text("url.path"), format!("/{}", whose(call)), "{at_once} {options:?}");
            known += 1;
        }
        println!("{at_once} {options:?}: {known} of {}", calls.len());
        assert!(100 * known >= least * CALLS * COUNT, "{at_once} {options:?}: {known} of {}", calls.len());
    }
}

/// Over HTTP/2 what is asked in a callback is sent later, with all else, and one read brings answers to many: each call belongs to its own
/// request all the same, of a server of HTTP/1 and of one whose requests come over one connection.
#[test]
fn what_is_asked_over_grpc_belongs_to_the_request_for_which_it_is_asked() {
    const COUNT: usize = 100;
    if !granted().contains(&"sockets") {
        return;
    }
    let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    for (front, at_once) in [("front", 1), ("front", 16), ("pass", 1), ("pass", 16)] {
        let start = |what: &'static str, service: &str| {
            let service = service.to_owned();
            servers::of(workload("grpc.js"), move |port| own(&[what, &port, &service]))
        };
        let service = start("serve", "0");
        let server = start(front, &service.port.to_string());
        let selectors = [&service, &server].map(|server| format!("pid={}", server.pid()));
        let mut agent = Agent::run("sockets", &selectors, &[]);
        let at_once = at_once.to_string();
        let mut asking = match front {
            "front" => {
                let mut curl = Command::new("curl");
                curl.args(["-s", "--noproxy", "*", "-Z", "--parallel-max", &at_once]);
                curl.arg(format!("http://127.0.0.1:{}/n[1-{COUNT}]", server.port));
                curl
            }
            _ => {
                let mut client = workload("grpc.js");
                client.args(["ask", &server.port.to_string(), &at_once, &COUNT.to_string()]);
                client
            }
        };
        run(&mut asking);
        let spans = agent.finish();
        println!("{front}, {at_once} at once: {}", agent.stderr());
        let is_stock = |span: &Span| span.name.starts_with("shop.Stock/");
        let requests = spans.servers().pick(|span| !is_stock(span)).count(COUNT);
        let asked = spans.clients().pick(is_stock).count(2 * COUNT);
        let served = spans.servers().pick(is_stock).count(2 * COUNT);
        let name = |span: &Span| {
            let path = span.attributes.get("url.path").and_then(|path| path.as_str());
            path.unwrap_or(&span.name).rsplit('/').next().unwrap_or_default().to_owned()
        };
        let mut known = 0;
        for (calls, upwards) in [(&asked, &requests), (&served, &asked)] {
            for call in calls.iter() {
                let Some(parent) = &call.parent else { continue };
                let parent = upwards.pick(|other| &other.span_id == parent);
                assert_eq!(name(parent.only()), name(call), "{front}, {at_once} at once");
                known += 1;
            }
        }
        println!("{front}, {at_once} at once: {known} of {} calls have their parents", 4 * COUNT);
        // The first ones over a connection have none.
        assert!(known * 100 >= 92 * 4 * COUNT, "{front}, {at_once} at once: {known} of {}", 4 * COUNT);
    }
}
