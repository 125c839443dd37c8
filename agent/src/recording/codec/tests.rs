use super::*;
use crate::event::{
    Asks, Change, Data, Endpoint, Event, Flow, Listener, Open, Process, ProcessChange, Role, Spoken, State, Stats,
    Transport, Vantage,
};
use proptest::prelude::*;
use wirespan_protocols::stream::Actor;

/// One of each, with extreme values.
fn events() -> Vec<Event<'static>> {
    let open = |local: Endpoint, remote: Endpoint, role, vantage| {
        Event::Open(Open {
            connection: u64::MAX,
            sock: 1 << 63,
            peer_sock: 1 << 62,
            pid: u32::MAX,
            role,
            vantage,
            from_start: role.is_some(),
            at_ns: 127,
            established_ns: role.map(|_| 0),
            accepted_ns: None,
            syn_retransmits: 3,
            context: 7,
            tid: 9,
            transport: Transport::Udp,
            first_sent: 128,
            first_received: 0,
            local,
            remote,
            network_namespace: 4_026_531_840,
        })
    };
    let inet = |text: &str| Endpoint::Inet(text.parse().unwrap());
    let process = |change| Event::Process(Process { pid: 1, change, comm: "nginx".into(), user: 33, at_ns: 5 });
    let actor = Actor { pid: 7, tid: 8, context: u64::MAX };
    let data = |flow, head: &'static [u8], tail: &'static [u8], last_ns| {
        Event::Data(Data {
            shed: Default::default(),
            connection: 3,
            flow,
            position: 1 << 40,
            len: 9,
            head,
            tail,
            first_ns: 50,
            last_ns,
            arrived_ns: None,
            actor,
        })
    };
    let state = |change| Event::State(State { connection: 1, change, error: 111, at_ns: 2 });
    vec![
        open(inet("1.2.3.4:80"), inet("[2001:db8::1]:65535"), Some(Role::Server), Vantage::Wire),
        open(Endpoint::Unix("@abstract".into()), Endpoint::Unix("".into()), Some(Role::Client), Vantage::Socket),
        open(inet("[::ffff:1.2.3.4]:1"), inet("0.0.0.0:0"), None, Vantage::Socket),
        data(Flow::Sent, b"head", b"tail", 60),
        data(Flow::Received, b"", b"", 40),
        state(Change::SentFin),
        state(Change::ReceivedFin),
        state(Change::Closed),
        state(Change::ResetByPeer),
        state(Change::ResetBySelf),
        state(Change::Failed),
        Event::Spoken(Spoken {
            connection: 1 << 63,
            position: u64::MAX,
            at_ns: 9,
            pid: u32::MAX,
            trace_id: [0xab; 16],
            span_id: [0xcd; 8],
            flags: 0xff,
        }),
        Event::Asks(Asks {
            connection: 1 << 63,
            stream: 1 << 31,
            at_ns: 9,
            actor: Actor { pid: u32::MAX, tid: 0, context: u64::MAX },
        }),
        Event::Stats(Stats {
            connection: 1,
            rtt_us: Some(0),
            bytes_sent: Some(1 << 50),
            last: true,
            ..Stats::default()
        }),
        Event::Listener(Listener { port: 80, network_namespace: 1, at_ns: 2, queued: 3, limit: 128, drops: u64::MAX }),
        process(ProcessChange::Fork { parent: 9 }),
        process(ProcessChange::Exec { file: "/usr/sbin/nginx".into() }),
        process(ProcessChange::Exit),
        Event::Listen { pid: 4, port: 65535 },
        Event::Clock { offset_ns: i64::MIN },
        Event::Clock { offset_ns: i64::MAX },
        Event::Tick { at_ns: u64::MAX },
    ]
}

#[test]
fn events_come_back_as_they_were() {
    for event in events() {
        let mut bytes = Vec::new();
        encode(&event, &mut bytes);
        assert_eq!(decode(&bytes), Some(event));
    }
}

#[test]
fn a_cut_event_is_none_and_so_is_one_with_something_behind_it() {
    for event in events() {
        let mut bytes = Vec::new();
        encode(&event, &mut bytes);
        for len in 0..bytes.len() {
            assert_eq!(decode(&bytes[..len]), None, "{event:?} at {len}");
        }
        bytes.push(0);
        assert_eq!(decode(&bytes), None, "{event:?}");
    }
}

#[test]
fn what_is_too_long_is_cut_at_a_character() {
    let file: Box<str> = "é".repeat(MAX_STRING).into();
    let event =
        Event::Process(Process { pid: 1, change: ProcessChange::Exec { file }, comm: "".into(), user: 0, at_ns: 0 });
    let mut bytes = Vec::new();
    encode(&event, &mut bytes);
    let Some(Event::Process(Process { change: ProcessChange::Exec { file }, .. })) = decode(&bytes) else { panic!() };
    assert_eq!(file.len(), MAX_STRING);
}

proptest! {
    #[test]
    fn anything_decodes_or_not_but_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..80), kind in 0u8..9) {
        let _ = decode(&bytes);
        let mut tagged = vec![kind];
        tagged.extend(bytes);
        if let Some(event) = decode(&tagged) {
            // Numbers may have been written with needless zeros: the event counts, not its bytes.
            let mut again = Vec::new();
            encode(&event, &mut again);
            prop_assert_eq!(decode(&again), Some(event));
        }
    }
}
