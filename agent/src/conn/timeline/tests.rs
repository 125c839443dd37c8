use super::*;
use crate::event::Endpoint;
use wirespan_protocols::exchange::detail::Detail;
use wirespan_protocols::exchange::{Ending, Window};
use wirespan_protocols::http1::HttpExchange;
use wirespan_protocols::phase::Authentication;
use wirespan_protocols::postgres;
use wirespan_protocols::redis::RedisExchange;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

fn open(role: Role) -> Open {
    let address = |text: &str| Endpoint::Inet(text.parse().unwrap());
    let client = role == Role::Client;
    Open {
        connection: 1,
        sock: 1,
        peer_sock: 0,
        pid: 7,
        role: Some(role),
        vantage: Vantage::Socket,
        from_start: true,
        at_ns: 10 * MS,
        established_ns: Some(if client { 30 * MS } else { 10 * MS }),
        accepted_ns: (!client).then_some(12 * MS),
        syn_retransmits: 1,
        context: 0,
        tid: 8,
        transport: Transport::Tcp,
        first_sent: 0,
        first_received: 0,
        local: address("10.0.0.2:50000"),
        remote: address("10.0.0.1:443"),
        network_namespace: 0,
    }
}

/// Takes in a phase of a connection whose inside stays hidden.
fn phased(life: &mut Life, phase: Phase) -> Option<Box<SetUp>> {
    life.phase(phase, false)
}

fn phase(kind: PhaseKind, start_ms: u64, end_ms: u64) -> Phase {
    let actor = Actor { pid: 7, tid: 9, context: 0 };
    Phase { start_ns: start_ms * MS, end_ns: end_ms * MS, actor, error: None, spoken: None, goes_on: false, kind }
}

/// A request for encryption that was granted.
fn asked() -> Phase {
    let spoken = Some(postgres::PROTOCOL.spoken);
    Phase { spoken, goes_on: true, ..phase(PhaseKind::EncryptionRequest { accepted: true }, 31, 40) }
}

fn tls(start_ms: u64, end_ms: u64) -> Phase {
    phase(PhaseKind::Tls(Box::default()), start_ms, end_ms)
}

fn exchange(detail: Box<dyn Detail>, start_ms: u64, end_ms: u64) -> Exchange {
    let request = Window { first_ns: start_ms * MS, last_ns: start_ms * MS, ..Window::default() };
    Exchange {
        stream: 0,
        request,
        response: None,
        actor: Actor { pid: 77, ..Actor::default() },
        ending: Ending::Answered,
        end_ns: end_ms * MS,
        detail,
    }
}

fn http(start_ms: u64) -> Exchange {
    exchange(Box::<HttpExchange>::default(), start_ms, start_ms + 5)
}

fn redis(command: &str, start_ms: u64) -> Exchange {
    let redis = RedisExchange { command: command.into(), ..RedisExchange::default() };
    exchange(Box::new(redis), start_ms, start_ms + 1)
}

fn state(change: Change, error: u32, at_ms: u64) -> State {
    State { connection: 1, change, error, at_ns: at_ms * MS }
}

#[test]
fn plain_http_waits_for_tcp_alone() {
    let mut life = Life::new(&open(Role::Client));
    life.moved();
    let set_up = life.request(Actor::default()).unwrap();
    assert_eq!((set_up.start_ns, set_up.end_ns, set_up.error), (10 * MS, 30 * MS, None));
    assert_eq!(set_up.tcp, Some(TcpConnect { start_ns: 10 * MS, end_ns: 30 * MS, retransmits: 1, error: 0 }));
    assert_eq!(set_up.actor, Actor { pid: 7, tid: 8, context: 0 });
    assert_eq!(life.exchange(&http(31)), (None, Use::First));
    assert_eq!(life.request(Actor::default()), None);
    assert_eq!(life.exchange(&http(40)), (None, Use::Again));
    let (set_up, end) = life.change(&state(Change::Closed, 0, 50));
    assert_eq!((set_up, end.unwrap().exchanges), (None, 2));
}

#[test]
fn tls_ends_a_set_up_and_postgresql_inside_it_goes_on() {
    let mut life = Life::new(&open(Role::Client));
    assert_eq!(phased(&mut life, tls(31, 60)).unwrap().end_ns, 60 * MS);
    assert!(life.is_encrypted());

    let mut life = Life::new(&open(Role::Client));
    let spoken = Some(postgres::PROTOCOL.spoken);
    assert_eq!(phased(&mut life, asked()), None);
    assert_eq!(phased(&mut life, Phase { goes_on: true, ..tls(41, 60) }), None);
    let inner = Authentication { encrypted: true, ..Authentication::default() };
    let signed_in = phase(PhaseKind::Authentication(Box::new(inner)), 61, 90);
    let set_up = phased(&mut life, Phase { spoken, ..signed_in }).unwrap();
    assert_eq!((set_up.phases.len(), set_up.end_ns), (3, 90 * MS));
    assert_eq!(life.protocol(), spoken);
}

#[test]
fn a_driver_s_preamble_is_part_of_it() {
    let mut life = Life::new(&open(Role::Server));
    for (index, command) in ["HELLO", "CLIENT SETINFO", "SELECT"].into_iter().enumerate() {
        assert_eq!(life.exchange(&redis(command, 20 + index as u64)), (None, Use::Preamble));
    }
    let (set_up, usage) = life.exchange(&redis("GET", 30));
    let set_up = set_up.unwrap();
    assert_eq!(usage, Use::First);
    assert_eq!(
        set_up.preamble.iter().map(|step| &*step.what).collect::<Vec<_>>(),
        ["HELLO", "CLIENT SETINFO", "SELECT"]
    );
    assert_eq!(set_up.actor, Actor { pid: 77, ..Actor::default() }, "who serves it, not who accepted it");
    assert_eq!((set_up.end_ns, set_up.accept_wait_ns, set_up.tcp), (23 * MS, Some(2 * MS), None));
    assert_eq!(life.exchange(&redis("SELECT", 40)), (None, Use::Again), "later it is work");
}

#[test]
fn a_preamble_without_end_is_work() {
    let mut life = Life::new(&open(Role::Client));
    for at in 0..MAX_PREAMBLE as u64 {
        assert_eq!(life.exchange(&redis("PING", 40 + at)), (None, Use::Preamble));
    }
    assert_eq!(life.exchange(&redis("PING", 90)).1, Use::First);
}

#[test]
fn silence_ends_it_and_what_comes_later_did_not_wait() {
    let mut life = Life::new(&open(Role::Client));
    assert_eq!(life.tick(10 * SECOND, 30 * MS, false), None);
    assert_eq!(life.tick(10 * SECOND + 31 * MS, 40 * MS, false), None, "something is under way");
    assert!(life.tick(10 * SECOND + 31 * MS, 30 * MS, false).is_some());
    assert_eq!(life.exchange(&http(1_100)).1, Use::Ready);
    assert_eq!(life.exchange(&http(1_200)).1, Use::Again);

    let mut early = Life::new(&open(Role::Client));
    let (set_up, usage) = early.exchange(&redis("PING", 1_100));
    assert_eq!((set_up.unwrap().end_ns, usage), (30 * MS, Use::Ready), "told or not, it did not wait");

    let mut foreign = Life::new(&open(Role::Client));
    assert!(foreign.tick(SECOND + 41 * MS, 40 * MS, true).is_some());
}

fn sign_in(start_ms: u64, end_ms: u64) -> Phase {
    phase(PhaseKind::Authentication(Box::default()), start_ms, end_ms)
}

#[test]
fn a_handshake_after_silence_is_a_part_of_it() {
    let mut life = Life::new(&open(Role::Client));
    assert_eq!(life.tick(4 * SECOND, 30 * MS, false), None);
    let set_up = phased(&mut life, tls(4_000, 4_100)).unwrap();
    assert_eq!((set_up.start_ns, set_up.end_ns, set_up.phases.len()), (10 * MS, 4_100 * MS, 1));

    let mut refused = Life::new(&open(Role::Server));
    assert_eq!(refused.tick(2 * SECOND, 30 * MS, false), None);
    let refusal = Phase { error: Some("28P01".into()), ..sign_in(1_500, 1_700) };
    assert_eq!(refused.phase(refusal, false).unwrap().error.as_deref(), Some("28P01"));
}

#[test]
fn a_handshake_after_it_was_told_is_told_too() {
    let mut life = Life::new(&open(Role::Client));
    assert!(life.tick(11 * SECOND, 30 * MS, false).is_some());
    let late = phased(&mut life, tls(60_000, 60_100)).unwrap();
    assert_eq!((late.start_ns, late.end_ns, late.tcp), (60_000 * MS, 60_100 * MS, None));
    assert_eq!(late.actor, Actor { pid: 7, tid: 9, context: 0 });
    assert_eq!(life.exchange(&http(60_200)), (None, Use::First));

    let mut life = Life::new(&open(Role::Client));
    assert!(life.tick(11 * SECOND, 30 * MS, false).is_some());
    assert_eq!(phased(&mut life, sign_in(60_000, 60_100)), None, "a preamble may follow");
    let (set_up, usage) = life.exchange(&http(60_200));
    assert_eq!((set_up.unwrap().phases.len(), usage), (1, Use::First));
    assert_eq!(phased(&mut life, sign_in(61_000, 61_100)), None, "what was used is set up");
    assert_eq!(life.change(&state(Change::Closed, 0, 70_000)).0, None);
}

#[test]
fn what_has_to_go_on_is_waited_for() {
    let mut life = Life::new(&open(Role::Client));
    assert_eq!(phased(&mut life, asked()), None);
    assert_eq!(life.tick(30 * SECOND, 40 * MS, false), None);
    assert_eq!(phased(&mut life, Phase { goes_on: true, ..tls(31_000, 31_500) }), None);
    assert_eq!(life.tick(70 * SECOND, 31_500 * MS, false), None);
    let inner = Authentication { encrypted: true, ..Authentication::default() };
    let set_up = phased(&mut life, phase(PhaseKind::Authentication(Box::new(inner)), 71_000, 71_100)).unwrap();
    assert_eq!((set_up.phases.len(), set_up.start_ns), (3, 10 * MS));
}

#[test]
fn a_connect_that_fails_says_why() {
    let cases = [
        (Change::Failed, 111, "connection_refused"),
        (Change::Failed, 110, "timeout"),
        (Change::Failed, 113, "host_unreachable"),
        (Change::Failed, 101, "network_unreachable"),
        (Change::ResetByPeer, 104, "connection_reset"),
        (Change::ResetByPeer, 0, "connection_reset"),
        (Change::Closed, 0, "aborted"),
        (Change::Failed, 71, "errno_71"),
    ];
    for (change, errno, name) in cases {
        let mut life = Life::new(&Open { established_ns: None, ..open(Role::Client) });
        let (set_up, end) = life.change(&state(change, errno, 200));
        let set_up = set_up.unwrap();
        assert_eq!(set_up.error.as_deref(), Some(name));
        let tcp = TcpConnect { start_ns: 10 * MS, end_ns: 200 * MS, retransmits: 1, error: errno };
        assert_eq!((set_up.tcp, set_up.end_ns), (Some(tcp), 200 * MS));
        assert_eq!(end.unwrap().exchanges, 0);
    }
}

#[test]
fn a_connection_that_carried_bytes_did_not_fail_to_connect() {
    let mut life = Life::new(&Open { established_ns: None, ..open(Role::Client) });
    life.moved();
    let (set_up, _) = life.change(&state(Change::ResetByPeer, 104, 200));
    let set_up = set_up.unwrap();
    assert_eq!((set_up.error, set_up.tcp), (None, None), "when it was established is not known");
}

#[test]
fn a_failed_phase_ends_it() {
    let mut life = Life::new(&open(Role::Server));
    let failed = Phase { error: Some("unknown_ca".into()), ..tls(31, 60) };
    assert_eq!(phased(&mut life, failed).unwrap().error.as_deref(), Some("unknown_ca"));
    assert!(!life.is_encrypted());
    let (set_up, end) = life.change(&state(Change::ReceivedFin, 0, 61));
    assert_eq!((set_up, end), (None, None));
    let (set_up, end) = life.change(&state(Change::Closed, 0, 62));
    assert_eq!((set_up, end.unwrap().peer_first), (None, true));
}

#[test]
fn what_was_joined_midway_has_none() {
    let mut life = Life::new(&Open { from_start: false, ..open(Role::Client) });
    assert_eq!(life.exchange(&redis("AUTH", 50)), (None, Use::Unknown));
    assert_eq!(life.exchange(&redis("GET", 60)), (None, Use::Again));
    assert_eq!(life.tick(9 * SECOND, 60 * MS, false), None);
    let (set_up, end) = life.forget(9 * SECOND);
    assert!(set_up.is_none() && end.forgotten);
}

#[test]
fn a_connection_that_is_set_up_is_small() {
    assert!(size_of::<Life>() <= 64, "{}", size_of::<Life>());
}
