//! Which request a call of a JVM was made for: with a thread of the operating system for each request, and with virtual threads.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use wirespan_tests::span::Span;
use wirespan_tests::spans::Spans;

use crate::harness::agent::granted;
use crate::harness::parts::{part, skipped};
use crate::harness::postgres::Postgres;
use crate::harness::{Agent, run, servers};

/// Requests of one kind.
const COUNT: usize = 200;

/// The JDKs of this machine, with their versions.
fn jdks() -> Vec<(u32, PathBuf)> {
    let homes = std::fs::read_dir("/usr/lib/jvm").into_iter().flatten().flatten().map(|entry| entry.path());
    let mut jdks: Vec<_> = homes
        .filter_map(|home| {
            let release = std::fs::read_to_string(home.join("release")).ok()?;
            let version = release.lines().find_map(|line| line.strip_prefix("JAVA_VERSION=\""))?;
            Some((version.split(['.', '"']).next()?.parse().ok()?, home))
        })
        .collect();
    jdks.sort();
    jdks.dedup_by_key(|(version, _)| *version);
    jdks
}

/// The folder with the compiled server.
fn classes(jdk: &Path) -> &'static Path {
    static DONE: OnceLock<PathBuf> = OnceLock::new();
    DONE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("orders-java");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/workloads/Orders.java");
        run(Command::new(jdk.join("bin/javac")).args(["--release", "17", "-d"]).arg(&folder).arg(source));
        folder
    })
}

/// Whose a span is, as it says itself: `r7`.
fn whose(span: &Span) -> String {
    let text = span.attributes.get("url.path").or_else(|| span.attributes.get("db.query.text"));
    let text = text.and_then(|text| text.as_str()).unwrap_or_default();
    text.rsplit(['/', ' ']).next().unwrap_or_default().to_owned()
}

/// How many of these calls have the request as a parent that they name; none has another one.
fn known(calls: &Spans, requests: &Spans, case: &str) -> usize {
    let parents = calls.iter().map(|call| {
        let parent = requests.pick(|request| Some(&request.span_id) == call.parent.as_ref());
        let is_known = call.parent.is_some();
        assert_eq!(is_known.then(|| whose(parent.only())), is_known.then(|| whose(call)), "{case}");
        usize::from(is_known)
    });
    parents.sum()
}

fn calls_belong_to_their_requests(threads: &str, least: u32) {
    let drivers = part("java").into_iter().flat_map(|folder| std::fs::read_dir(folder).unwrap().flatten());
    let driver =
        drivers.map(|entry| entry.path()).find(|path| path.to_str().is_some_and(|it| it.contains("/postgresql-")));
    let jdks: Vec<_> = jdks().into_iter().filter(|(version, _)| *version >= least).collect();
    let (Some(driver), [(_, first), ..]) = (driver, &*jdks) else {
        return skipped("test part java or its JDK is missing");
    };
    // The other backend has no room for it.
    if !granted().contains(&"sockets") {
        return skipped("backend sockets is not granted");
    }
    let path = format!("{}:{}", classes(first).display(), driver.display());
    let (redis, database) = (servers::redis(), Postgres::start());
    let url = format!("jdbc:postgresql://127.0.0.1:{}/postgres?user=postgres", database.port);
    for ((version, home), at_once) in jdks.iter().flat_map(|jdk| [(jdk, "1"), (jdk, "16")]) {
        let case = format!("JDK {version}, {threads}, {at_once} at once");
        let mut java = Command::new(home.join("bin/java"));
        java.args(["-XX:TieredStopAtLevel=1", "-cp", &path, "Orders"]);
        let orders = servers::of(java, |port| vec![port, redis.port.to_string(), threads.to_owned(), url.clone()]);
        let mut agent = Agent::run("sockets", &[format!("pid={}", orders.pid())], &[]);
        // Those with a call after their answer come last: a thread that works without a request is not trusted from then on.
        for kind in ["r", "a"] {
            let urls = format!("http://127.0.0.1:{}/{kind}[1-{COUNT}]", orders.port);
            run(Command::new("curl").args(["-s", "--noproxy", "*", "-Z", "--parallel-max", at_once]).arg(urls));
        }
        let spans = agent.finish();
        println!("{case}: {}", agent.stderr());
        let requests = spans.servers().count(2 * COUNT);
        let asked = spans.clients().pick(|span| span.attributes.contains_key("db.query.text"));
        let of = |kind: char| asked.pick(|call| whose(call).starts_with(kind) && whose(call) != "nobody");
        let nobodys = asked.pick(|call| whose(call) == "nobody");
        assert!(nobodys.len() > 20 && nobodys.iter().all(|call| call.parent.is_none()), "{case}");
        let (during, after) = (of('r').count(3 * COUNT), of('a').count(4 * COUNT));
        let (found, found_after) = (known(&during, &requests, &case), known(&after, &requests, &case));
        println!("{case}: {found} of {}, with calls after the answer {found_after} of {}", during.len(), after.len());
        assert!(found >= 3 * COUNT - 3, "{case}: {found}");
        assert!(threads != "virtual" || found_after >= 4 * COUNT - 4, "{case}: {found_after}");
    }
}

#[test]
fn on_a_platform_thread_that_waits() {
    calls_belong_to_their_requests("threads", 11);
}

#[test]
fn on_a_virtual_thread() {
    calls_belong_to_their_requests("virtual", 21);
}
