//! Many connections, each for one byte each way: every one is counted, none stays behind.

use std::time::{Duration, Instant};

use crate::harness::agent::granted;
use crate::harness::process::free_port;
use crate::harness::prometheus::Scrape;
use crate::harness::{Agent, run, servers, workload};

/// Of each client; two clients at once.
const COUNT: u64 = 20_000;
/// A second, of each client. A slow machine makes fewer, which is no fault.
const RATE: u64 = 5_000;

#[test]
fn every_connection_is_counted() {
    let server = servers::command("rush.c", &["serve"]);
    for backend in granted() {
        let scrape_port = free_port();
        let listen = format!("127.0.0.1:{scrape_port}");
        let more = ["--output", "none", "--prometheus-listen", &listen];
        let mut agent = Agent::run(backend, &server.select_port(), &more);
        let client = || {
            let mut rush = workload("rush.c");
            rush.args(["connect", &server.port.to_string(), &RATE.to_string(), &COUNT.to_string()]);
            let told = run(&mut rush);
            told.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap()
        };
        let (one, two) = std::thread::scope(|scope| {
            let other = scope.spawn(client);
            (client(), other.join().unwrap())
        });
        println!("{backend}: {:.0} connections a second", COUNT as f64 / one + COUNT as f64 / two);
        // Both ends of each.
        let made = 4 * COUNT;
        let deadline = Instant::now() + Duration::from_secs(10);
        let scrape = loop {
            let scrape = Scrape::of(scrape_port, "text/plain");
            if scrape.sum("wirespan_tcp_connections_closed_total", |_| true) >= made as f64 || Instant::now() > deadline
            {
                break scrape;
            }
            std::thread::sleep(Duration::from_millis(200));
        };
        agent.stop();
        println!("{}", agent.stderr());
        for (name, expected) in [
            ("wirespan_tcp_connections_opened_total", made),
            ("wirespan_tcp_connections_closed_total", made),
            ("wirespan_tcp_connections_open", 0),
        ] {
            let told = scrape.sum(name, |_| true);
            assert_eq!(told as u64, expected, "{backend}: {name}");
        }
        // Those of processes that are not selected are seen, too.
        assert!(scrape.sum("wirespan_connections_seen_total", |_| true) >= made as f64, "{backend}");
        let tracked = scrape.sum("wirespan_connections_tracked", |_| true);
        assert!(tracked < 100.0, "{backend}: {tracked} are still followed");
    }
}
