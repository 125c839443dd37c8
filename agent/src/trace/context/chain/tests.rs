use std::net::SocketAddr;

use super::*;
use crate::event::{Endpoint, Role, Shed, Transport, Vantage};
use crate::trace::sampler::Decision;
use wirespan_common::context::OF_RECEIVE;
use wirespan_protocols::exchange::{Ending, Window};
use wirespan_protocols::stream::Actor;

const PID: u32 = 7;
const SERVER: u64 = 900;

/// A process whose receives are named by the time at which they were.
#[derive(Default)]
struct Node {
    chains: Chains,
}

fn context(at_ns: u64) -> u64 {
    OF_RECEIVE | at_ns
}

fn actor(callback_ns: u64) -> Actor {
    Actor { pid: PID, tid: PID, context: context(callback_ns) }
}

fn request(number: u64) -> Owner {
    let request = RequestKey { connection: SERVER + number, stream: 0, pos: 0 };
    Owner { request, trace_id: [1; 16], span_id: [2; 8], parent: None, decision: Decision::Sample }
}

fn open(connection: u64) -> Open {
    let end = |port| Endpoint::Inet(SocketAddr::from(([127, 0, 0, 1], port)));
    Open {
        connection,
        sock: connection,
        peer_sock: 0,
        pid: PID,
        role: Some(Role::Client),
        vantage: Vantage::Socket,
        from_start: true,
        at_ns: 1,
        established_ns: None,
        accepted_ns: None,
        syn_retransmits: 0,
        context: 0,
        tid: PID,
        transport: Transport::Tcp,
        first_sent: 0,
        first_received: 0,
        local: end(u16::try_from(connection).unwrap()),
        remote: end(5432),
        network_namespace: 0,
    }
}

impl Node {
    fn moved(&mut self, flow: Flow, connection: u64, at_ns: u64, callback_ns: u64) {
        self.chains.moved(&Data {
            connection,
            flow,
            position: 0,
            len: 1,
            head: b"x",
            tail: b"",
            first_ns: at_ns,
            last_ns: at_ns,
            arrived_ns: None,
            shed: Shed::default(),
            actor: actor(callback_ns),
        });
    }

    fn receives_request(&mut self, number: u64, at_ns: u64) {
        self.moved(Flow::Received, SERVER + number, at_ns, at_ns);
        self.chains.begin(PID, context(at_ns), Some(request(number)), (at_ns, at_ns));
    }

    /// A call in the callback of a receive that is answered at once; for whom it is.
    fn calls(&mut self, connection: u64, callback_ns: u64, (start_ns, end_ns): (u64, u64)) -> Option<u64> {
        self.moved(Flow::Sent, connection, start_ns, callback_ns);
        self.moved(Flow::Received, connection, end_ns, end_ns);
        self.is_answered(connection, callback_ns, (start_ns, end_ns))
    }

    fn is_answered(&mut self, connection: u64, callback_ns: u64, (start_ns, end_ns): (u64, u64)) -> Option<u64> {
        let call = Call { connection, actor: actor(callback_ns), start_ns, end_ns: None, is_said: false };
        let owner = self.chains.owner(&call);
        let window = |at_ns| Window { first_ns: at_ns, last_ns: at_ns, bytes: 1, ..Window::default() };
        let exchange = Exchange {
            stream: 0,
            request: window(start_ns),
            response: Some(window(end_ns)),
            actor: actor(callback_ns),
            ending: Ending::Answered,
            end_ns,
            detail: Box::<wirespan_protocols::http1::HttpExchange>::default(),
        };
        self.chains.answered(&open(connection), &exchange, context(callback_ns), owner);
        owner.map(|owner| owner.request.connection - SERVER)
    }
}

#[test]
fn from_call_to_call() {
    let mut node = Node::default();
    [1, 2].into_iter().for_each(|connection| node.chains.opened(&open(connection)));
    node.receives_request(1, 10);
    assert_eq!(node.calls(1, 10, (11, 20)), Some(1));
    assert_eq!(node.calls(1, 20, (21, 30)), None, "something after a timer may have waited");
    let later = |at_ns: u64| 2_000_000_000 + at_ns;
    node.receives_request(2, later(10));
    assert_eq!(node.calls(1, later(10), (later(11), later(20))), Some(2));
    assert_eq!(node.calls(1, later(20), (later(21), later(30))), Some(2), "nobody else was heard of");
    assert_eq!(node.calls(1, 0, (later(31), later(40))), None, "a timer");
    assert_eq!(node.calls(1, later(40), (later(41), later(50))), None, "what follows it");
}

#[test]
fn work_that_waited_for_a_connection_is_not_whose_answer_freed_it() {
    let mut node = Node::default();
    node.receives_request(1, 10);
    assert_eq!(node.calls(1, 10, (11, 20)), Some(1));
    node.receives_request(2, 21);
    node.moved(Flow::Sent, 2, 22, 21);
    node.receives_request(3, 25);
    node.moved(Flow::Received, 2, 30, 30);
    assert_eq!(node.is_answered(2, 21, (22, 30)), Some(2));
    assert_eq!(node.calls(2, 30, (31, 40)), None, "the third one's may have waited");
    assert_eq!(node.calls(1, 20, (41, 50)), None);
}

#[test]
fn answers_to_several_in_one_read_are_nobodys() {
    let mut node = Node::default();
    node.receives_request(1, 10);
    node.moved(Flow::Sent, 1, 11, 10);
    node.receives_request(2, 12);
    node.moved(Flow::Sent, 1, 13, 12);
    node.moved(Flow::Received, 1, 20, 20);
    assert_eq!(node.is_answered(1, 10, (11, 20)), Some(1));
    assert_eq!(node.is_answered(1, 12, (13, 20)), Some(2));
    assert_eq!(node.calls(3, 20, (21, 30)), None);
}

#[test]
fn a_pipeline_is_two_requests_in_one_callback() {
    let mut node = Node::default();
    node.receives_request(1, 10);
    node.chains.begin(PID, context(10), Some(request(2)), (10, 10));
    assert_eq!(node.calls(1, 10, (11, 20)), None);
}

/// What the callbacks of a stream ask over another connection, at that time: for whom it is, by the number of its connection.
fn asked(node: &Node, of: RequestKey, at_ns: u64, is_said: bool) -> Option<u64> {
    let actor = Actor { pid: PID, tid: PID, context: stream(of) };
    let call = Call { connection: 3, actor, start_ns: at_ns, end_ns: None, is_said };
    node.chains.owner(&call).map(|owner| owner.request.stream)
}

#[test]
fn requests_in_one_read_are_told_by_their_streams() {
    let mut node = Node::default();
    let of = |stream| Owner { request: RequestKey { connection: SERVER, stream, pos: stream }, ..request(0) };
    node.moved(Flow::Received, SERVER, 10, 10);
    for stream in [1, 3, 5] {
        node.chains.begin(PID, context(10), Some(of(stream)), (10, 10));
    }
    for number in [3, 1, 5] {
        assert_eq!(asked(&node, of(number).request, 20, true), Some(number));
    }
    assert_eq!(asked(&node, of(7).request, 20, true), None, "never seen");
    assert_eq!(asked(&node, of(3).request, 20, false), None, "over a connection of which nothing is known");
    // What was asked on a stream of its own is done for the same; of two answers in one read, each for its own.
    let calls = [RequestKey { connection: 3, stream: 1, pos: 0 }, RequestKey { connection: 3, stream: 3, pos: 9 }];
    for (call, number) in calls.into_iter().zip([5, 1]) {
        node.chains.asks(call, stream(of(number).request), Some(of(number)), 21);
    }
    for (call, number) in calls.into_iter().zip([5, 1]) {
        assert_eq!(asked(&node, call, 30, true), Some(number));
    }
    let nobodys = RequestKey { connection: 3, stream: 7, pos: 20 };
    node.chains.asks(nobodys, OF_RECEIVE, None, 22);
    assert_eq!(asked(&node, nobodys, 30, true), None);
    // Its span has other ids than those that were promised: nothing may name them, in none of its callbacks.
    node.chains.disown(context(10), of(3).request);
    assert_eq!((asked(&node, of(3).request, 40, true), asked(&node, of(1).request, 40, true)), (None, Some(1)));
}

#[test]
fn what_is_kept_is_bounded() {
    let mut node = Node::default();
    for at_ns in 1..20_000 {
        node.chains.begin(PID, context(at_ns), Some(request(at_ns)), (at_ns, at_ns));
    }
    assert_eq!(node.chains.receives.len(), MAX_RECEIVES);
    node.chains.sweep(20_000 + KEEP_NS);
    assert_eq!((node.chains.receives.len(), node.chains.order.len()), (0, 0));
}
