//! DNS look-ups of a capture against tshark.
#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

use std::path::Path;

use wirespan::conn::fact::Fact;
use wirespan::conn::{Limits, Tracker};
use wirespan::event::Event;
use wirespan::recording;
use wirespan_protocols::dns::DnsExchange;
use wirespan_protocols::exchange::{Ending, Exchange};

/// Every look-up of `dns.pcap`, in the order of their ends.
fn lookups() -> Vec<Exchange> {
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/replay/captures/dns.pcap");
    let mut source = recording::open(&capture).unwrap();
    let mut tracker = Tracker::<()>::new(Limits::default());
    let mut found = Vec::new();
    let mut take = |event: &Event<'_>| {
        tracker.handle(event, &mut |connection, fact| {
            if let Fact::Exchange(exchange, _) = fact {
                assert_eq!(connection.protocol().map(|spoken| spoken.name), Some("dns"));
                assert!(connection.role.is_some(), "the first datagram tells it");
                found.push(exchange);
            }
        });
    };
    while let Some(event) = source.next().unwrap() {
        take(&event);
    }
    found
}

#[test]
fn the_same_look_ups_as_tshark() {
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/replay/captures/lookups.tsv");
    let expected = std::fs::read_to_string(expected).unwrap();
    let mut found = lookups();
    // Given up before the last look-up of the capture, which comes ten seconds later.
    let silent = found.remove(found.len() - 2);
    let line = |exchange: &Exchange| {
        let dns: &DnsExchange = exchange.detail.downcast().unwrap();
        assert_eq!(exchange.ending, Ending::Answered);
        let addresses: Vec<_> = dns.addresses.iter().map(ToString::to_string).collect();
        let took = exchange.end_ns - exchange.request.first_ns;
        let code = dns.response_code.unwrap();
        format!("{}\t{}\t{code}\t{}\t{took}", dns.name, dns.question, addresses.join(","))
    };
    assert_eq!(found.iter().map(line).collect::<Vec<_>>(), expected.lines().collect::<Vec<_>>());
    // Sent twice from one socket, one second apart, and never answered: one look-up.
    let dns: &DnsExchange = silent.detail.downcast().unwrap();
    assert_eq!((&*dns.name, silent.ending, dns.response_code), ("silent.shop.test", Ending::Unanswered, None));
    let request = silent.request;
    assert_eq!((request.last_ns - request.first_ns) / 1_000_000, 1001);
    assert_eq!(silent.end_ns, request.last_ns + 6_000_000_000);
}
