//! What proxies say first is skipped, and told.

use serde_json::json;

use super::made::{Talk, get, ok};
use super::{Told, case};

const PROXY: &[u8] = b"PROXY TCP4 198.51.100.7 192.0.2.2 5555 80\r\n";

/// Names of the spans of set-ups.
fn phases(told: &Told) -> Vec<&str> {
    told.all.iter().filter(|span| span.kind == "INTERNAL").map(|span| span.name.as_str()).collect()
}

#[test]
fn proxy_protocol_and_socks() {
    let told = case("preface-proxy-protocol--preface");
    let spans = told.spans.clone().count(5);
    assert_eq!(spans.texts("url.path"), ["/v1", "/v1-second", "/v2", "/through-socks", "/plain"]);
    let client = "198.51.100.7";
    assert_eq!(spans.texts("client.address"), [client, client, client, "192.0.2.1", "192.0.2.1"]);
    for span in spans.iter() {
        span.failed(false).has(&json!({ "network.peer.address": "192.0.2.1" }));
    }
    let prefaces = told.all.pick(|span| span.name == "proxy preface").count(3);
    assert_eq!(prefaces.texts("wirespan.preface.kind"), ["proxy", "proxy", "socks5"]);
    assert_eq!(prefaces[2].duration().as_millis(), 30);
    assert!(told.dropped.is_empty(), "{:?}", told.dropped);
}

/// In pieces, with the request behind it in one packet, and a header that a client sent.
#[test]
fn a_header_in_pieces() {
    for cut in 1..PROXY.len() {
        let mut talk = Talk::new(40000);
        talk.ask(&PROXY[..cut]).ask([&PROXY[cut..], get("/1").as_bytes()].concat()).answer(ok("")).end();
        let spans = talk.replay().spans.count(1);
        spans.only().has(&json!({ "url.path": "/1", "client.address": "198.51.100.7" }));
    }
    let mut talk = Talk::new(40000);
    let request = "GET /1 HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9, 198.51.100.7\r\n\r\n";
    talk.ask(PROXY).ask(request).answer(ok("")).end();
    talk.replay().spans.count(1).only().has(&json!({ "client.address": "203.0.113.9" }));
}

#[test]
fn before_other_protocols() {
    let mut talk = Talk::new(40000);
    talk.ask(PROXY).ask("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n").answer("$1\r\nv\r\n").end();
    let told = talk.replay();
    told.spans.count(1).only().failed(false).has(&json!({ "db.operation.name": "GET" }));

    let startup = [&[0, 0, 0, 16, 0, 3, 0, 0][..], b"user\0a\0\0"].concat();
    let ready: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
    let query: &[u8] = b"Q\0\0\0\x0dSELECT 1\0";
    let answer: &[u8] = b"C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I";
    let mut talk = Talk::new(40000);
    talk.ask([PROXY, &startup].concat()).answer(ready).ask(query).answer(answer).end();
    let told = talk.replay();
    assert!(
        phases(&told).contains(&"authentication") && phases(&told).contains(&"proxy preface"),
        "{:?}",
        phases(&told)
    );
    told.spans.count(1).only().failed(false).has(&json!({ "db.system.name": "postgresql" }));

    // A ClientHello that says nothing but its version, and an alert.
    let hello = [&[22, 3, 1, 0, 47, 1, 0, 0, 43, 3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 1, 1, 0, 0, 0]].concat();
    let mut talk = Talk::new(40000);
    talk.ask([PROXY, &hello].concat()).answer([21, 3, 3, 0, 2, 2, 40]).end();
    let told = talk.replay();
    let tls = told.all.pick(|span| span.name == "TLS client handshake");
    tls.count(1).only().failed(true).has(&json!({ "error.type": "handshake_failure" }));
}

#[test]
fn through_a_tunnel() {
    let connect = "CONNECT db.test:80 HTTP/1.1\r\nHost: db.test:80\r\n\r\n";
    let granted = "HTTP/1.1 200 Connection established\r\n\r\n";
    let mut talk = Talk::new(40000);
    talk.ask(connect).answer(granted).ask(get("/inside")).answer(ok("")).ask(get("/2")).answer(ok("")).end();
    let told = talk.replay();
    assert_eq!(told.spans.count(3).texts("http.request.method"), ["CONNECT", "GET", "GET"]);

    let mut talk = Talk::new(40000);
    talk.ask(connect).answer(granted).ask("*1\r\n$4\r\nPING\r\n").answer("+PONG\r\n").end();
    assert_eq!(talk.replay().spans.count(2).texts("db.operation.name"), ["", "PING"]);

    // Refused: what follows is for the proxy.
    let mut talk = Talk::new(40000);
    talk.ask(connect).answer("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n").ask(get("/1")).answer(ok("")).end();
    assert_eq!(talk.replay().spans.count(2).texts("http.response.status_code"), ["407", "200"]);
}

#[test]
fn a_proxy_that_refuses() {
    let mut talk = Talk::new(40000);
    talk.ask(b"\x05\x01\x00").answer(b"\x05\x00").ask(b"\x05\x01\x00\x03\x05a.b.c\x00P");
    talk.answer(b"\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00").end();
    let told = talk.replay();
    let preface = told.all.pick(|span| span.name == "proxy preface").count(1);
    preface.only().failed(true).has(&json!({ "wirespan.preface.kind": "socks5", "error.type": "refused" }));
}
