use super::*;

const THREAD: Binding = Binding::Thread;
const UNKNOWN: Binding = Binding::Process;

fn actor(tid: u32) -> Actor {
    Actor { pid: 100, tid, context: 0 }
}

fn request(connection: u64, pos: u64) -> Owner {
    let id = u8::try_from(connection + pos).unwrap();
    let request = RequestKey { connection, stream: 0, pos };
    Owner { request, trace_id: [id; 16], span_id: [id; 8], parent: None, decision: Decision::Sample }
}

/// A call of a thread that begins at `at_ns`, and whose request it is.
fn owner(contexts: &mut Contexts, tid: u32, at_ns: u64, binding: Binding) -> Option<u64> {
    let call = Call { connection: 0, actor: actor(tid), start_ns: at_ns, end_ns: None };
    contexts.owner(call, || binding).map(|owner| owner.request.connection)
}

#[test]
fn what_a_thread_does_while_it_handles_one_request_is_done_for_it() {
    let mut contexts = Contexts::default();
    contexts.begin(request(1, 0), actor(5), (100, 100));
    assert_eq!(owner(&mut contexts, 5, 99, THREAD), None, "before it");
    assert_eq!(owner(&mut contexts, 5, 150, THREAD), Some(1));
    assert_eq!(owner(&mut contexts, 6, 150, THREAD), None, "another thread");
    assert_eq!(contexts.end(request(1, 0).request, 200), Some(request(1, 0)));
    assert_eq!(owner(&mut contexts, 5, 150, THREAD), Some(1), "told late");
    assert_eq!(owner(&mut contexts, 5, 200, THREAD), None, "after its response");
    assert_eq!(contexts.end(request(1, 0).request, 300), None, "only once");
}

#[test]
fn one_after_the_other_on_one_thread() {
    let mut contexts = Contexts::default();
    for (connection, begin_ns) in [(1, 100), (2, 300), (1, 500)] {
        let key = RequestKey { connection, stream: 0, pos: begin_ns };
        contexts.begin(Owner { request: key, ..request(connection, 0) }, actor(5), (begin_ns, begin_ns));
        assert!(contexts.end(key, begin_ns + 100).is_some());
    }
    for (at_ns, expected) in [(150, Some(1)), (350, Some(2)), (550, Some(1)), (250, None)] {
        assert_eq!(owner(&mut contexts, 5, at_ns, UNKNOWN), expected, "{at_ns}");
    }
}

#[test]
fn an_event_loop_is_found_out_and_never_trusted_again() {
    let mut contexts = Contexts::default();
    contexts.begin(request(1, 0), actor(5), (100, 100));
    assert_eq!(owner(&mut contexts, 5, 110, THREAD), Some(1));
    contexts.begin(request(2, 0), actor(5), (120, 120));
    assert_eq!(owner(&mut contexts, 5, 130, THREAD), None);
    contexts.end(request(1, 0).request, 140);
    assert_eq!(owner(&mut contexts, 5, 150, THREAD), None, "it may still work for the first");
    contexts.end(request(2, 0).request, 160);
    contexts.begin(request(3, 0), actor(5), (200, 200));
    assert_eq!(owner(&mut contexts, 5, 210, THREAD), None);
}

#[test]
fn work_without_a_request_shows_a_loop_for_as_long_as_the_process_lives() {
    for (binding, tid) in [(THREAD, 5), (UNKNOWN, 5), (UNKNOWN, 6)] {
        let mut contexts = Contexts::default();
        contexts.begin(request(1, 0), actor(5), (100, 100));
        contexts.end(request(1, 0).request, 200);
        // A timer, on the loop's thread or, where threads say nothing, on any of the process.
        assert_eq!(owner(&mut contexts, tid, 300, binding), None);
        contexts.begin(request(2, 0), actor(5), (400, 400));
        assert_eq!(owner(&mut contexts, 5, 410, binding), None);
        contexts.end(request(2, 0).request, 500);
        contexts.sweep(10 * KEEP_THREAD_NS);
        contexts.begin(request(3, 0), actor(5), (10 * KEEP_THREAD_NS + 100, 10 * KEEP_THREAD_NS + 100));
        assert_eq!(owner(&mut contexts, 5, 10 * KEEP_THREAD_NS + 110, binding), None, "silence changes nothing");
        contexts.end(request(3, 0).request, 10 * KEEP_THREAD_NS + 200);
        contexts.renew(100);
        contexts.begin(request(4, 0), actor(5), (11 * KEEP_THREAD_NS, 11 * KEEP_THREAD_NS));
        assert_eq!(owner(&mut contexts, 5, 11 * KEEP_THREAD_NS + 10, binding), Some(4), "another program");
    }
}

#[test]
fn what_has_exited_is_forgotten_after_its_last_requests() {
    let mut contexts = Contexts::default();
    contexts.begin(request(1, 0), actor(5), (100, 100));
    contexts.exited(100, 200);
    assert_eq!(contexts.end(request(1, 0).request, 300), Some(request(1, 0)), "closed after it");
    assert_eq!(owner(&mut contexts, 5, 400, THREAD), None);
    contexts.sweep(KEEP_NS + 300);
    assert_eq!((contexts.threads.len(), contexts.processes.len()), (0, 0));
}

#[test]
fn another_thread_s_work_says_nothing_of_a_thread_that_waits() {
    let mut contexts = Contexts::default();
    contexts.begin(request(1, 0), actor(5), (100, 100));
    contexts.end(request(1, 0).request, 200);
    assert_eq!(owner(&mut contexts, 6, 250, THREAD), None);
    contexts.begin(request(2, 0), actor(5), (300, 300));
    assert_eq!((owner(&mut contexts, 5, 310, THREAD), owner(&mut contexts, 6, 320, THREAD)), (Some(2), None));
}

#[test]
fn what_a_process_does_when_it_starts_shows_nothing_and_a_poller_does() {
    const SECOND: u64 = 1_000_000_000;
    for (until, expected) in [(SECOND / 2, Some(1)), (3 * SECOND, None)] {
        let mut contexts = Contexts::default();
        for at in (0..until).step_by(50_000_000) {
            assert_eq!(owner(&mut contexts, 5, SECOND + at, THREAD), None);
        }
        contexts.begin(request(1, 0), actor(5), (9 * SECOND, 9 * SECOND));
        assert_eq!(owner(&mut contexts, 5, 9 * SECOND + 1, THREAD), expected);
    }
}

#[test]
fn a_call_that_outlives_its_request_shows_a_loop() {
    for binding in [THREAD, UNKNOWN] {
        let mut contexts = Contexts::default();
        contexts.begin(request(1, 0), actor(5), (100, 100));
        let call = Call { connection: 0, actor: actor(5), start_ns: 110, end_ns: Some(150) };
        assert!(contexts.owner(call, || binding).is_some());
        contexts.end(request(1, 0).request, 200);
        contexts.begin(request(2, 0), actor(5), (210, 210));
        // Told now: it began in the first one, and was answered in the second one.
        assert!(contexts.owner(Call { start_ns: 190, end_ns: Some(250), ..call }, || binding).is_none());
        assert!(contexts.owner(Call { start_ns: 260, end_ns: Some(270), ..call }, || binding).is_none());
    }
}

#[test]
fn a_jvm_s_threads_say_nothing() {
    let mut contexts = Contexts::default();
    contexts.begin(request(1, 0), actor(5), (100, 100));
    assert_eq!(owner(&mut contexts, 5, 110, Binding::Nothing), None);
}

#[test]
fn threads_beside_each_other_count_where_requests_stay_on_their_thread() {
    let mut contexts = Contexts::default();
    contexts.begin(request(1, 0), actor(5), (100, 100));
    contexts.begin(request(2, 0), actor(6), (110, 110));
    assert_eq!((owner(&mut contexts, 5, 120, THREAD), owner(&mut contexts, 6, 120, THREAD)), (Some(1), Some(2)));
    assert_eq!(
        (owner(&mut contexts, 5, 120, UNKNOWN), owner(&mut contexts, 6, 120, UNKNOWN)),
        (None, None),
        "a goroutine moves"
    );
    contexts.end(request(2, 0).request, 130);
    assert_eq!(owner(&mut contexts, 5, 140, UNKNOWN), None, "it was not alone");
    contexts.end(request(1, 0).request, 150);
    contexts.begin(request(3, 0), actor(5), (200, 200));
    assert_eq!(owner(&mut contexts, 5, 210, UNKNOWN), Some(3));
}

#[test]
fn a_pipeline_is_no_event_loop() {
    let mut contexts = Contexts::default();
    contexts.begin(request(1, 0), actor(5), (100, 100));
    contexts.begin(request(1, 50), actor(5), (100, 100));
    assert_eq!(owner(&mut contexts, 5, 110, THREAD), None);
    contexts.end(request(1, 0).request, 120);
    assert_eq!(owner(&mut contexts, 5, 130, THREAD), Some(1));
}

#[test]
fn what_was_lost_is_closed_by_what_follows_it_and_by_the_end() {
    let mut contexts = Contexts::default();
    contexts.begin(request(1, 10), actor(5), (100, 100));
    contexts.begin(request(1, 20), actor(5), (200, 200));
    assert_eq!(contexts.end(request(1, 20).request, 300), Some(request(1, 20)), "and the first, which was lost");
    contexts.begin(request(2, 0), actor(5), (400, 400));
    contexts.end_connection(2, 450);
    contexts.begin(request(3, 0), actor(5), (500, 500));
    assert_eq!(owner(&mut contexts, 5, 510, UNKNOWN), Some(3));
    let busy = contexts.in_flight.values().filter(|flight| !flight.is_empty()).count();
    assert_eq!((busy, contexts.processes.len()), (1, 1));
}

#[test]
fn a_thread_that_serves_what_nobody_can_read_owns_nothing() {
    let mut contexts = Contexts::default();
    contexts.unreadable(actor(5), 50);
    contexts.begin(request(1, 0), actor(5), (100, 100));
    assert_eq!(owner(&mut contexts, 5, 150, THREAD), None);
}

#[test]
fn everything_is_bounded_and_forgotten() {
    let mut contexts = Contexts::default();
    for at in 0..1000_u64 {
        let key = RequestKey { connection: 1, stream: 0, pos: at };
        contexts.begin(Owner { request: key, ..request(1, 0) }, actor(5), (at * 10, at * 10));
        contexts.end(key, at * 10 + 5);
    }
    assert_eq!((contexts.requests, contexts.threads[&(100, 5)].requests.len()), (MAX_OVER, MAX_OVER));
    for connection in 0..MAX_REQUESTS as u64 + 10 {
        let key = RequestKey { connection: connection + 10, stream: 0, pos: 0 };
        contexts.begin(
            Owner { request: key, ..request(1, 0) },
            actor(6 + u32::try_from(connection).unwrap()),
            (20_000, 20_000),
        );
    }
    assert!(contexts.requests <= MAX_REQUESTS && contexts.threads.len() <= MAX_REQUESTS);
    assert!(contexts.refused() > 0);
    for connection in 0..MAX_REQUESTS as u64 + 10 {
        contexts.end_connection(connection + 10, 30_000);
    }
    contexts.exited(100, 30_000);
    contexts.sweep(30_000 + KEEP_THREAD_NS);
    assert_eq!((contexts.requests, contexts.threads.len(), contexts.processes.len()), (0, 0, 0));
}

#[test]
fn only_some_runtimes_bind_a_request_to_its_thread() {
    let resource = |name: &'static str| Resource {
        service_name: "x".into(),
        attributes: vec![("process.runtime.name".into(), crate::trace::span::Value::Static(name))],
    };
    assert_eq!(Binding::of(&resource("cpython")), THREAD);
    assert_eq!(Binding::of(&resource("go")), UNKNOWN);
    assert_eq!(Binding::of(&resource("java")), Binding::Nothing);
    assert_eq!(Binding::of(&Resource::default()), UNKNOWN);
}
