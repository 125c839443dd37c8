use super::*;
use crate::event::{Role, Transport};
use crate::export::testing::{resource, server_span};
use crate::trace::sampler::Decision;

/// The end of a connection at `local`; bytes are numbered from `sent` and `received`, 0 where its beginning was not seen.
pub(super) fn open(connection: u64, local: &str, remote: &str, (sent, received): (u64, u64)) -> Open {
    let address = |text: &str| Endpoint::Inet(text.parse().unwrap());
    Open {
        connection,
        sock: connection,
        peer_sock: 0,
        pid: 1,
        role: None,
        vantage: Vantage::Socket,
        from_start: sent != 0,
        at_ns: 0,
        established_ns: None,
        accepted_ns: None,
        syn_retransmits: 0,
        context: 0,
        tid: 1,
        transport: Transport::Tcp,
        first_sent: sent,
        first_received: received,
        local: address(local),
        remote: address(remote),
        network_namespace: 5,
    }
}

fn ids(connection: u64, pos: u64) -> Owner {
    let request = RequestKey { connection, stream: 0, pos };
    let id = pos as u8;
    Owner { request, trace_id: [id; 16], span_id: [id; 8], parent: None, decision: Decision::Sample }
}

/// A client's end as connection 1 in a new table.
fn with_client(open: &Open) -> Links {
    let mut links = Links::default();
    links.opened(open);
    links
}

fn asked(connection: u64, pos: u64) -> Asked {
    Asked { ids: ids(connection, pos), print: None, relays: None }
}

#[test]
fn both_ends_find_each_other_by_their_addresses_or_their_first_byte() {
    let midway = open(1, "10.0.0.1:40000", "10.0.0.2:80", (0, 0));
    let mut links = with_client(&midway);
    assert_eq!(links.client_of(&open(2, "10.0.0.2:80", "10.0.0.1:40000", (0, 0))), Some(1));
    assert_eq!(links.client_of(&open(3, "10.0.0.2:80", "10.0.0.1:40001", (0, 0))), None);
    assert_eq!(links.client_of(&midway), None, "not itself");
    // What the client takes for the server is a load balancer's address.
    let mut links = with_client(&open(1, "10.0.0.1:40000", "10.96.0.9:80", (7001, 9001)));
    assert_eq!(links.client_of(&open(2, "10.0.0.2:8080", "10.0.0.1:40000", (9001, 7001))), Some(1));
    assert_eq!(links.client_of(&open(3, "10.0.0.2:8080", "10.0.0.1:40000", (9001, 7002))), None);
    // The two write addresses in different ways.
    let mut links = with_client(&open(1, "[::ffff:10.0.0.1]:40000", "[::ffff:10.0.0.2]:80", (0, 0)));
    assert_eq!(links.client_of(&open(2, "10.0.0.2:80", "10.0.0.1:40000", (0, 0))), Some(1));
}

#[test]
fn a_loopback_address_is_that_of_its_namespace() {
    let mut links = with_client(&open(1, "127.0.0.1:40000", "127.0.0.1:80", (7, 9)));
    let server = open(2, "127.0.0.1:80", "127.0.0.1:40000", (9, 7));
    assert_eq!(links.client_of(&Open { network_namespace: 6, ..server.clone() }), None);
    assert_eq!(links.client_of(&server), Some(1));
    assert!(links.is_met(1) && !links.is_met(2));
}

#[test]
fn ends_that_are_no_clients_and_those_that_are_over_are_not_found() {
    let client = open(1, "10.0.0.1:40000", "10.0.0.2:80", (7, 9));
    let server = open(2, "10.0.0.2:80", "10.0.0.1:40000", (9, 7));
    let mut links = with_client(&Open { role: Some(Role::Server), ..client.clone() });
    assert_eq!(links.client_of(&server), None);
    let mut links = with_client(&Open { vantage: Vantage::Wire, ..client.clone() });
    assert_eq!(links.client_of(&server), None);
    let mut links = with_client(&client);
    assert_eq!(links.client_of(&server), Some(1));
    links.asks(asked(1, 50));
    // The addresses are another connection's now: the end of the first one is told late.
    links.opened(&Open { connection: 3, ..client.clone() });
    assert!(links.ended(&client).is_empty());
    assert_eq!((links.client_of(&server), links.asker(1, 50), links.is_met(1)), (Some(3), None, false));
    links.ended(&Open { connection: 3, ..client });
    assert_eq!(links.client_of(&server), None);
}

#[test]
fn a_request_is_found_by_the_number_of_its_first_byte() {
    let mut links = Links::default();
    let wrapped = 3_u64 << 32;
    links.asks(asked(1, wrapped + 50));
    links.asks(asked(1, wrapped + 90));
    assert_eq!(links.asker(1, 50).map(|asked| asked.ids.span_id), Some([50; 8]), "each end counts the wraps by itself");
    assert_eq!((links.asker(1, 51), links.asker(2, 50)), (None, None));
    assert!(links.answered(ids(1, wrapped + 90).request).is_some());
    assert_eq!(links.asker(1, 50), None, "those before it are over, too");
    assert_eq!(links.answered(ids(1, wrapped + 90).request), None);
}

#[test]
fn streams_are_answered_in_any_order() {
    let mut links = Links::default();
    let of = |stream, pos| {
        let asked = asked(1, pos);
        Asked { ids: Owner { request: RequestKey { stream, ..asked.ids.request }, ..asked.ids }, ..asked }
    };
    for (stream, pos) in [(1, 10), (3, 20), (5, 30), (3, 40)] {
        links.asks(of(stream, pos));
    }
    assert!(links.answered(of(5, 30).ids.request).is_some());
    assert!(links.answered(of(3, 40).ids.request).is_some());
    assert_eq!(links.answered(of(3, 20).ids.request), None, "it was before that on its stream");
    assert!(links.answered(of(1, 10).ids.request).is_some(), "what others were answered says nothing of it");
}

#[test]
fn what_is_kept_is_bounded() {
    let mut links = Links::default();
    for pos in 0..1000 {
        links.asks(asked(1, pos));
    }
    assert_eq!((links.asker(1, 999).is_some(), links.asker(1, 0)), (true, None));
    assert_eq!(links.asked[&1].len(), MAX_ON_CONNECTION);
    let span = server_span(&resource("shop"));
    let back = (0..10_000_u64).filter(|pos| links.hold(pos % 50, *pos, 0, span.clone()).is_some()).count();
    assert_eq!(back, 10_000 - 4096);
    assert_eq!(links.expired(999_999_999).len(), 0);
    assert_eq!(links.expired(1_100_000_000).len(), 4096);
    assert!(links.hold(1, 5, 0, span).is_none(), "there is room again");
    assert!(links.release(ids(1, 5).request).is_some() && links.release(ids(1, 5).request).is_none());
}

#[test]
fn ends_of_a_unix_connection_name_each_other() {
    let unix = |connection, sock, peer_sock| Open {
        sock,
        peer_sock,
        transport: Transport::Unix,
        role: None,
        local: Endpoint::Unix("/run/x".into()),
        remote: Endpoint::Unix("/run/x".into()),
        ..open(connection, "10.0.0.1:1", "10.0.0.2:2", (0, 0))
    };
    let mut links = Links::default();
    let (client, server) = (unix(1, 70, 80), unix(2, 80, 70));
    links.opened(&client);
    links.opened(&server);
    assert_eq!(
        (links.client_of(&server), links.client_of(&client)),
        (Some(1), Some(2)),
        "who is the client, requests tell"
    );
    assert_eq!(links.client_of(&unix(3, 80, 71)), None, "a socket of before");
    links.ended(&client);
    assert_eq!(links.client_of(&server), None);
}
