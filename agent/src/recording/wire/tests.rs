use super::*;
use crate::event::{Data, Flow, Role};

const CLIENT: &str = "10.0.0.2:50000";
const SERVER: &str = "10.0.0.1:80";
/// Where the first sequence numbers are placed.
const BASE: u64 = 1 << 32;

/// What a test says about a segment: who, flags (`S`, `A`, `F`, `R`), sequence number, acknowledgement, payload.
fn send(connections: &mut Connections, from: &str, flags: &str, seq: u32, ack: u32, payload: &str, at_ns: u64) {
    let to = if from == CLIENT { SERVER } else { CLIENT };
    let segment = Segment {
        source: from.parse().unwrap(),
        destination: to.parse().unwrap(),
        seq,
        ack: flags.contains('A').then_some(ack),
        syn: flags.contains('S'),
        fin: flags.contains('F'),
        rst: flags.contains('R'),
        len: u32::try_from(payload.len()).unwrap(),
        payload: payload.as_bytes(),
    };
    connections.take(&segment, at_ns);
}

/// The events so far, one short line each; positions without their base.
fn told(connections: &mut Connections) -> Vec<String> {
    std::iter::from_fn(|| connections.pop())
        .map(|owned| match owned.event() {
            Event::Open(open) => {
                let role = open.role.map_or("?".to_owned(), |role| format!("{role:?}"));
                let (sent, received) = (open.first_sent.saturating_sub(BASE), open.first_received.saturating_sub(BASE));
                format!("{} open {role} start={} sent={sent} received={received}", open.connection, open.from_start)
            }
            Event::Data(Data { connection, flow, position, len, head, first_ns, .. }) => {
                let text = String::from_utf8_lossy(head);
                format!("{connection} {flow:?} {} {len} {text} @{first_ns}", position - BASE)
            }
            Event::State(state) => {
                let error = if state.error == 0 { String::new() } else { format!(" {}", state.error) };
                format!("{} {:?}{error} @{}", state.connection, state.change, state.at_ns)
            }
            Event::Tick { at_ns } => format!("tick @{at_ns}"),
            other => format!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_connection_from_beginning_to_end() {
    let mut all = Connections::default();
    send(&mut all, CLIENT, "S", 100, 0, "", 1);
    send(&mut all, CLIENT, "S", 100, 0, "", 2);
    send(&mut all, SERVER, "SA", 500, 101, "", 3);
    assert!(told(&mut all).is_empty(), "not before the handshake is over");
    send(&mut all, CLIENT, "A", 101, 501, "", 4);
    send(&mut all, CLIENT, "A", 101, 501, "ask", 5);
    send(&mut all, SERVER, "A", 501, 104, "reply", 6);
    send(&mut all, SERVER, "A", 501, 104, "reply", 7);
    send(&mut all, CLIENT, "FA", 104, 506, "", 8);
    send(&mut all, SERVER, "FA", 506, 105, "!", 9);
    send(&mut all, CLIENT, "A", 105, 508, "", 10);
    send(&mut all, CLIENT, "R", 105, 0, "", 11);
    assert_eq!(
        told(&mut all),
        [
            "1 open Server start=true sent=501 received=101",
            "1 Received 101 3 ask @5",
            "1 Sent 501 5 reply @6",
            "1 ReceivedFin @8",
            "1 Sent 506 1 ! @9",
            "1 SentFin @9",
            "1 Closed @9",
        ]
    );
}

#[test]
fn the_beginning_of_the_capture_in_mid_stream() {
    let mut all = Connections::default();
    send(&mut all, CLIENT, "A", 99, 500, "", 1);
    send(&mut all, SERVER, "A", 500, 100, "rest", 2);
    send(&mut all, CLIENT, "A", 100, 504, "ask", 3);
    send(&mut all, SERVER, "RA", 504, 103, "", 4);
    assert_eq!(
        told(&mut all),
        [
            "1 open ? start=false sent=0 received=0",
            "1 Sent 500 4 rest @2",
            "1 Received 100 3 ask @3",
            "1 ResetBySelf @4"
        ]
    );
}

#[test]
fn who_is_local_does_not_depend_on_who_speaks_first() {
    for first in [CLIENT, SERVER] {
        let mut all = Connections::default();
        send(&mut all, first, "A", 1, 1, "x", 1);
        let Some(Owned::Open(open)) = all.pop() else { panic!() };
        assert_eq!(open.local, crate::event::Endpoint::Inet(SERVER.parse().unwrap()));
        assert_eq!(open.role, None);
    }
}

#[test]
fn silent_and_refused_connections() {
    let mut all = Connections::default();
    send(&mut all, CLIENT, "A", 1, 1, "", 1);
    send(&mut all, SERVER, "R", 1, 0, "", 2);
    assert!(told(&mut all).is_empty(), "nothing was said, and nothing is known");
    send(&mut all, CLIENT, "S", 100, 0, "", 3);
    send(&mut all, SERVER, "RA", 0, 101, "", 4);
    assert_eq!(told(&mut all), ["2 open Server start=true sent=0 received=101", "2 Failed 111 @4"]);
    // Not an answer to this SYN.
    send(&mut all, CLIENT, "S", 700, 0, "", 5);
    send(&mut all, SERVER, "RA", 0, 101, "", 6);
    assert_eq!(told(&mut all)[1], "3 ResetBySelf @6");
    // The client gives up.
    send(&mut all, CLIENT, "S", 900, 0, "", 7);
    send(&mut all, CLIENT, "R", 901, 0, "", 8);
    assert_eq!(told(&mut all)[1], "4 ResetByPeer @8");
}

#[test]
fn half_of_the_handshake_is_enough() {
    let mut all = Connections::default();
    send(&mut all, SERVER, "SA", 500, 101, "", 1);
    send(&mut all, CLIENT, "S", 100, 0, "", 2);
    send(&mut all, CLIENT, "A", 101, 501, "ask", 3);
    assert_eq!(told(&mut all), ["1 open Server start=true sent=501 received=101", "1 Received 101 3 ask @3"]);
    let mut all = Connections::default();
    send(&mut all, CLIENT, "S", 100, 0, "", 1);
    send(&mut all, CLIENT, "A", 101, 501, "", 2);
    assert_eq!(told(&mut all), ["1 open Server start=true sent=501 received=101"]);
}

#[test]
fn a_server_that_begins_anew_before_it_is_answered() {
    // The client answers the last SYN-ACK, the first one, or the first one with data.
    for (ack, payload) in [(901, ""), (501, ""), (501, "ask")] {
        let mut all = Connections::default();
        send(&mut all, CLIENT, "S", 100, 0, "", 1);
        send(&mut all, SERVER, "SA", 500, 101, "", 2);
        send(&mut all, SERVER, "SA", 900, 101, "", 3);
        send(&mut all, CLIENT, "A", 101, ack, payload, 4);
        let (open, asked) = (format!("1 open Server start=true sent={ack} received=101"), "1 Received 101 3 ask @4");
        let expected: Vec<&str> = [&*open].into_iter().chain((!payload.is_empty()).then_some(asked)).collect();
        assert_eq!(told(&mut all), expected, "{ack}");
        send(&mut all, SERVER, "A", ack, 104, "reply", 5);
        assert_eq!(told(&mut all).last().unwrap(), &format!("1 Sent {ack} 5 reply @5"));
        // Now it is another connection's.
        send(&mut all, SERVER, "SA", 7000, 101, "", 6);
        assert!(!told(&mut all).iter().any(|line| line.contains("Failed")));
    }
}

#[test]
fn data_on_the_syn() {
    for accepted in [true, false] {
        let mut all = Connections::default();
        send(&mut all, CLIENT, "S", 100, 0, "ask", 1);
        send(&mut all, SERVER, "SA", 500, if accepted { 104 } else { 101 }, "", 2);
        if !accepted {
            send(&mut all, CLIENT, "A", 101, 501, "ask", 3);
        }
        send(&mut all, SERVER, "A", 501, 104, "ok", 4);
        assert_eq!(
            told(&mut all),
            ["1 open Server start=true sent=501 received=101", "1 Received 101 3 ask @1", "1 Sent 501 2 ok @4"]
        );
    }
}

#[test]
fn the_same_addresses_again_are_another_connection() {
    let mut all = Connections::default();
    send(&mut all, CLIENT, "S", 100, 0, "", 1);
    send(&mut all, SERVER, "SA", 500, 101, "", 2);
    send(&mut all, CLIENT, "A", 101, 501, "", 2);
    told(&mut all);
    // The server's answer once more, and a straggler: nothing new.
    send(&mut all, SERVER, "SA", 500, 101, "", 3);
    assert!(told(&mut all).is_empty());
    send(&mut all, CLIENT, "S", 9000, 0, "", 4);
    send(&mut all, SERVER, "SA", 7000, 9001, "", 5);
    send(&mut all, CLIENT, "A", 9001, 7001, "x", 6);
    assert_eq!(
        told(&mut all),
        ["1 Unseen @4", "2 open Server start=true sent=7001 received=9001", "2 Received 9001 1 x @6"]
    );
    // The third one's SYN was missed.
    send(&mut all, SERVER, "SA", 1, 77, "", 7);
    send(&mut all, CLIENT, "A", 77, 2, "", 8);
    assert_eq!(told(&mut all), ["2 Unseen @7", "3 open Server start=true sent=2 received=77"]);
}

#[test]
fn stragglers_of_a_closed_connection_are_nothing() {
    let mut all = Connections::default();
    send(&mut all, CLIENT, "A", 1, 1, "x", 1);
    send(&mut all, SERVER, "R", 1, 0, "", 2);
    told(&mut all);
    send(&mut all, CLIENT, "A", 1, 1, "x", 3);
    assert!(told(&mut all).is_empty());
    let later = 3 + 200_000_000_000;
    send(&mut all, CLIENT, "A", 90, 1, "y", later);
    assert_eq!(
        told(&mut all)[1..],
        ["2 open ? start=false sent=0 received=0".to_owned(), format!("2 Received 90 1 y @{later}")]
    );
}

#[test]
fn lost_segments_show_as_a_jump_and_the_end_is_told_after_them() {
    let mut all = Connections::default();
    send(&mut all, CLIENT, "A", 1, 1, "a", 1);
    send(&mut all, CLIENT, "A", 12, 1, "b", 2);
    send(&mut all, CLIENT, "FA", 20, 1, "", 3);
    assert_eq!(told(&mut all).len(), 2);
    all.finish();
    assert_eq!(told(&mut all), ["1 Received 12 1 b @2", "1 Received 13 7  @3", "1 ReceivedFin @3"]);
    assert_eq!((all.held_bytes, all.waiting.len()), (0, 0));
}

/// A segment of another connection: only its time counts.
fn goes_on(all: &mut Connections, at: u64) {
    let (source, destination) = ("1.1.1.1:1".parse().unwrap(), "1.1.1.1:2".parse().unwrap());
    let other =
        Segment { source, destination, seq: 0, ack: None, syn: false, fin: false, rst: false, len: 0, payload: &[] };
    all.take(&other, at);
}

#[test]
fn a_hole_is_given_up_by_a_tick_when_its_connection_is_silent() {
    let mut all = Connections::default();
    send(&mut all, CLIENT, "A", 1, 1, "a", 0);
    send(&mut all, CLIENT, "A", 12, 1, "b", 1);
    told(&mut all);
    let later = 20_000_000_000;
    goes_on(&mut all, later);
    assert_eq!(told(&mut all), ["1 Received 12 1 b @1".to_owned(), format!("tick @{later}")]);
}

#[test]
fn connections_are_bounded() {
    let mut all = Connections::default();
    for index in 0..u32::try_from(MAX_CONNECTIONS).unwrap() + 10 {
        let source = SocketAddr::new(std::net::Ipv4Addr::from(index).into(), 1000);
        let (destination, payload) = (SERVER.parse().unwrap(), &b"x"[..]);
        let segment =
            Segment { source, destination, seq: 1, ack: None, syn: false, fin: false, rst: false, len: 1, payload };
        all.take(&segment, u64::from(index));
        while all.pop().is_some() {}
    }
    assert!(all.by_key.len() <= MAX_CONNECTIONS);
    assert_eq!(all.forgotten, MAX_CONNECTIONS as u64 / 4);
}

#[test]
fn local_is_the_server_of_the_handshake() {
    let mut all = Connections::default();
    send(&mut all, CLIENT, "S", 100, 0, "", 1);
    send(&mut all, SERVER, "SA", 500, 101, "", 2);
    send(&mut all, CLIENT, "A", 101, 501, "", 3);
    let Some(Owned::Open(open)) = all.pop() else { panic!() };
    let endpoint = |text: &str| crate::event::Endpoint::Inet(text.parse().unwrap());
    assert_eq!(
        (open.local.clone(), open.remote.clone(), open.role),
        (endpoint(SERVER), endpoint(CLIENT), Some(Role::Server))
    );
    send(&mut all, CLIENT, "A", 101, 501, "x", 3);
    assert!(matches!(all.pop(), Some(Owned::Data(1, Flow::Received, _))));
}

/// Beginning and end of the handshake, and segments that were sent again.
fn handshake(all: &mut Connections) -> (u64, Option<u64>, u32) {
    let Some(Owned::Open(open)) = all.pop() else { panic!() };
    (open.at_ns, open.established_ns, open.syn_retransmits)
}

#[test]
fn times_of_the_handshake() {
    const SECOND: u64 = 1_000_000_000;
    let mut all = Connections::default();
    send(&mut all, CLIENT, "S", 100, 0, "", SECOND);
    // Captured twice.
    send(&mut all, CLIENT, "S", 100, 0, "", SECOND + 1000);
    send(&mut all, CLIENT, "S", 100, 0, "", 2 * SECOND);
    send(&mut all, SERVER, "SA", 500, 101, "", 2 * SECOND + 1);
    send(&mut all, SERVER, "SA", 500, 101, "", 3 * SECOND);
    let tick = all.pop();
    assert!(matches!(tick, Some(Owned::Tick(_))));
    all.pop();
    send(&mut all, CLIENT, "A", 101, 501, "", 3 * SECOND + 50);
    assert_eq!(handshake(&mut all), (SECOND, Some(3 * SECOND + 50), 2));
    // A part of it was missed: the SYN, the end.
    let mut all = Connections::default();
    send(&mut all, SERVER, "SA", 500, 101, "", 2);
    send(&mut all, CLIENT, "A", 101, 501, "", 3);
    assert_eq!(handshake(&mut all), (2, None, 0));
    let mut all = Connections::default();
    send(&mut all, CLIENT, "S", 100, 0, "", 1);
    send(&mut all, SERVER, "SA", 500, 101, "", 2);
    send(&mut all, CLIENT, "A", 111, 501, "more", 3);
    assert_eq!(handshake(&mut all), (1, None, 0));
    // The end of it carries data.
    let mut all = Connections::default();
    send(&mut all, CLIENT, "S", 100, 0, "", 1);
    send(&mut all, SERVER, "SA", 500, 101, "", 2);
    send(&mut all, CLIENT, "A", 101, 501, "ask", 3);
    assert_eq!(handshake(&mut all), (1, Some(3), 0));
}

#[test]
fn a_connect_that_nobody_answers_has_failed_when_the_capture_went_on() {
    const SECOND: u64 = 1_000_000_000;
    let quiet = |until: u64| {
        let mut all = Connections::default();
        for at in [0, SECOND, 3 * SECOND] {
            send(&mut all, CLIENT, "S", 100, 0, "", at + 1);
        }
        goes_on(&mut all, until);
        all.finish();
        let events = told(&mut all);
        events.into_iter().filter(|event| !event.starts_with("tick")).collect::<Vec<_>>()
    };
    assert!(quiet(62 * SECOND).is_empty());
    let failed = format!("1 Failed 110 @{}", 63 * SECOND + 1);
    assert_eq!(quiet(64 * SECOND), ["1 open Server start=true sent=0 received=101".to_owned(), failed]);
}

#[test]
fn an_answer_comes_after_what_it_answers_even_if_the_capture_lost_a_part() {
    let mut all = Connections::default();
    send(&mut all, CLIENT, "A", 1, 1, "a", 1);
    send(&mut all, CLIENT, "A", 12, 1, "b", 2);
    send(&mut all, SERVER, "A", 1, 13, "", 3);
    assert_eq!(told(&mut all).len(), 2, "only acknowledged: a little grace");
    send(&mut all, SERVER, "A", 1, 13, "answer", 4);
    assert_eq!(told(&mut all), ["1 Received 12 1 b @2", "1 Sent 1 6 answer @4"]);
}
