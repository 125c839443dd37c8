//! Other drivers, other versions.

use std::process::Command;

use super::{SCHEMA, pair, select, server, texts};
use crate::harness::parts::part;
use crate::harness::postgres::Postgres;
use crate::harness::{run, skipped, trace, workload};

#[test]
fn node_postgres() {
    let server = server();
    let (spans, ()) = trace(&select(&server), || {
        run(workload("pg.js").arg(server.port.to_string()));
    });
    let (servers, clients) = pair(&spans);
    let expected = [
        "SELECT id FROM orders WHERE id = ?",
        "SELECT note FROM orders WHERE id = $1",
        "SELECT order_id FROM items WHERE order_id = $1",
        "SELECT order_id FROM items WHERE order_id = $1",
        "SELECT order_id FROM items WHERE order_id = $1",
        "SELECT nothing FROM orders WHERE id = $1",
        "BEGIN",
        "UPDATE orders SET note = $1 WHERE id = $2",
        "COMMIT",
        "SELECT pg_sleep($1)",
        "SELECT pg_sleep($1)",
        "SELECT pg_sleep($1)",
    ];
    assert_eq!(texts(&servers), expected);
    for spans in [&servers, &clients] {
        let failed = spans.pick(|span| span.text("db.query.text").contains("nothing"));
        failed.only().failed(true);
        let mut took: Vec<_> = spans[9..].iter().map(|span| span.duration().as_millis()).collect();
        took.sort_unstable();
        assert!(took[0] >= 100 && took[1] >= 200 && took[2] >= 300 && took[2] < 900, "{took:?}");
    }
}

#[test]
fn jdbc() {
    let drivers = part("java").into_iter().flat_map(|folder| std::fs::read_dir(folder).unwrap().flatten());
    let mut drivers = drivers.map(|entry| entry.path());
    let Some(driver) = drivers.find(|path| path.to_str().is_some_and(|path| path.contains("/postgresql-"))) else {
        return skipped("test part java is missing");
    };
    let server = server();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/workloads/Jdbc.java");
    let mut java = Command::new("java");
    java.args(["-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp"]).arg(driver).arg(program).arg(server.port.to_string());
    let (spans, ()) = trace(&select(&server), || {
        run(&mut java);
    });
    let (servers, _) = pair(&spans);
    let count = |text: &str| servers.pick(|span| span.text("db.query.text") == text).len();
    assert_eq!(count("SELECT note FROM orders WHERE id = $1"), 7, "{:?}", texts(&servers));
    // Three portions of one portal.
    assert_eq!(count("SELECT generate_series(?, $1)"), 3, "{:?}", texts(&servers));
    assert_eq!(count("INSERT INTO items (order_id) VALUES ($1)"), 5);
    assert_eq!((count("BEGIN"), count("COMMIT")), (1, 1));
    assert!(servers.iter().all(|span| !span.error));
}

#[test]
fn version_3_2_of_the_protocol() {
    let Some(programs) = part("postgres18/bin") else {
        return skipped("test part postgres18 is missing");
    };
    let server = Postgres::of(&programs);
    server.execute(SCHEMA);
    let mut newest = false;
    let (spans, ()) = trace(&select(&server), || {
        let client = workload("pg3.py").args(["protocol", &server.dsn()]).status().unwrap();
        newest = client.success();
        assert!(newest || client.code() == Some(7), "{client}");
        run(workload("pg3.py").args(["pipeline", &server.dsn()]));
    });
    if !newest {
        skipped("the libpq of psycopg does not speak 3.2");
    }
    let (servers, _) = pair(&spans);
    let selects = servers.pick(|span| span.name == "SELECT orders");
    assert_eq!(selects.len(), 1 + usize::from(newest));
}
