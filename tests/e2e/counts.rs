//! Completeness and truth of times: load at a moderate rate against the servers' own accounts.

use std::process::Command;

use crate::harness::agent::granted;
use crate::harness::postgres::Postgres;
use crate::harness::servers::{nginx, redis};
use crate::harness::{Agent, run};

/// Every request of wrk is one span, with the status and the time that nginx logs.
#[test]
fn wrk_against_the_access_log() {
    for backend in granted() {
        let mut server = nginx(None);
        let mut agent = Agent::run(backend, &[format!("pid={}", server.pid())], &[]);
        let mut wrk = Command::new("wrk");
        // Few connections with pauses between requests: far below saturation.
        let script = server.folder.write("pause.lua", "function delay() return 2 end");
        wrk.args(["-t1", "-c4", "-d2s", "-s"]).arg(script);
        run(wrk.arg(format!("http://127.0.0.1:{}/", server.port)));
        for path in ["/status/404", "/status/503", "/big"] {
            crate::harness::servers::curl(server.port, path, &["-o", "/dev/null"]);
        }
        // Requests that wrk gave up at its end are in the log as well; nginx ends first, so that all are told.
        let logged = server.access_log();
        let spans = agent.finish().servers();
        assert!(logged.len() > 200, "{}", logged.len());
        assert_eq!(spans.len(), logged.len(), "{backend}: {}", agent.stderr());
        for status in [200, 404, 503] {
            let told = spans.pick(|span| span.text("http.response.status_code") == status.to_string()).len();
            assert_eq!(told, logged.iter().filter(|line| line.status == status).count(), "{status}");
        }
        // nginx's clock is that of its event loop, in milliseconds.
        let mean = |sum: f64| sum / logged.len() as f64;
        let ours = mean(spans.iter().map(|span| span.duration().as_secs_f64()).sum());
        let theirs = mean(logged.iter().map(|line| line.seconds).sum());
        assert!((ours - theirs).abs() < 0.002, "{ours} and {theirs}");
        assert!(logged.iter().all(|line| line.request.starts_with("GET /")));
    }
}

/// Every execution of pgbench is one span on each side, in each of its modes.
#[test]
fn pgbench_against_the_log() {
    let server = Postgres::start();
    server.execute("CREATE TABLE accounts AS SELECT n AS id, 0 AS balance FROM generate_series(1, 1000) n");
    let folder = crate::harness::Folder::new();
    let script = folder.write("script", "\\set id random(1, 1000)\nSELECT balance FROM accounts WHERE id = :id;\n");
    for mode in ["simple", "extended", "prepared"] {
        let before = executions(&server.log());
        let (spans, ()) = crate::harness::trace(&[format!("port={}", server.port)], || {
            let mut pgbench = Command::new("pgbench");
            pgbench.args(["-n", "-M", mode, "-c", "2", "-t", "150", "-R", "400", "-h", "127.0.0.1", "-U", "postgres"]);
            run(pgbench.args(["-p", &server.port.to_string()]).arg("-f").arg(&script).arg("shop"));
        });
        assert_eq!(executions(&server.log()) - before, 300, "{mode}");
        for spans in [spans.servers(), spans.clients()] {
            let spans = spans.pick(|span| span.name == "SELECT accounts").count(300);
            assert!(spans.iter().all(|span| !span.error && span.duration().as_millis() < 1000));
        }
    }
}

fn executions(log: &str) -> usize {
    let executed =
        |line: &&str| line.contains("FROM accounts WHERE") && !line.contains(" parse ") && !line.contains(" bind ");
    log.lines().filter(executed).count()
}

/// Every command of redis-benchmark is one span on each side, pipelined or not.
#[test]
fn redis_benchmark_against_its_statistics() {
    for depth in ["1", "16"] {
        let server = redis();
        let (spans, ()) = crate::harness::trace(&server.select_port(), || {
            let mut benchmark = Command::new("redis-benchmark");
            benchmark.args([
                "-p",
                &server.port.to_string(),
                "-c",
                "2",
                "-n",
                "1600",
                "-P",
                depth,
                "-t",
                "set,get",
                "-q",
            ]);
            run(&mut benchmark);
        });
        let mut ask = Command::new("redis-cli");
        let told = run(ask.args(["-p", &server.port.to_string(), "INFO", "commandstats"]));
        for command in ["SET", "GET"] {
            let line = format!("cmdstat_{}:calls=", command.to_lowercase());
            let calls = told.split(&line).nth(1).unwrap().split(',').next().unwrap().parse::<usize>().unwrap();
            assert!(calls >= 1600);
            for spans in [spans.servers(), spans.clients()] {
                let _ = spans.pick(|span| span.text("db.operation.name") == command).count(calls);
            }
        }
    }
}
