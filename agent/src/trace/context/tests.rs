use super::thread::LATE_NS;
use super::*;
use crate::trace::sampler::Decision;
use crate::trace::span::Resource;

const THREAD: Binding = Binding::Thread;
const WAITING: Binding = Binding::Waiting;

fn actor(tid: u32) -> Actor {
    Actor { pid: 100, tid, context: 0 }
}

fn request(connection: u64, pos: u64) -> Owner {
    let id = u8::try_from(connection + pos).unwrap();
    let request = RequestKey { connection, stream: 0, pos };
    Owner { request, trace_id: [id; 16], span_id: [id; 8], parent: None, decision: Decision::Sample }
}

/// A request of a server whose threads say something.
fn begin(contexts: &mut Contexts, owner: Owner, actor: Actor, times: (u64, u64)) -> bool {
    contexts.begin(owner, actor, times, THREAD)
}

/// A call of a thread that begins at `at_ns`, and whose request it is.
fn owner(contexts: &mut Contexts, tid: u32, at_ns: u64, binding: Binding) -> Option<u64> {
    let context = if binding == WAITING { WAITS } else { 0 };
    let call =
        Call { connection: 0, is_said: false, actor: Actor { context, ..actor(tid) }, start_ns: at_ns, end_ns: None };
    contexts.owner(call, || binding).map(|owner| owner.request.connection)
}

#[test]
fn what_a_thread_does_while_it_handles_one_request_is_done_for_it() {
    let mut contexts = Contexts::default();
    begin(&mut contexts, request(1, 0), actor(5), (100, 100));
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
        begin(&mut contexts, Owner { request: key, ..request(connection, 0) }, actor(5), (begin_ns, begin_ns));
        assert!(contexts.end(key, begin_ns + 100).is_some());
    }
    for (at_ns, expected) in [(150, Some(1)), (350, Some(2)), (550, Some(1)), (250, None)] {
        assert_eq!(owner(&mut contexts, 5, at_ns, THREAD), expected, "{at_ns}");
    }
}

#[test]
fn an_event_loop_is_found_out_and_never_trusted_again() {
    let mut contexts = Contexts::default();
    begin(&mut contexts, request(1, 0), actor(5), (100, 100));
    assert_eq!(owner(&mut contexts, 5, 110, THREAD), Some(1));
    begin(&mut contexts, request(2, 0), actor(5), (120, 120));
    assert_eq!(owner(&mut contexts, 5, 130, THREAD), None);
    contexts.end(request(1, 0).request, 140);
    assert_eq!(owner(&mut contexts, 5, 150, THREAD), None, "it may still work for the first");
    contexts.end(request(2, 0).request, 160);
    begin(&mut contexts, request(3, 0), actor(5), (200, 200));
    assert_eq!(owner(&mut contexts, 5, 210, THREAD), None);
}

#[test]
fn work_without_a_request_shows_a_loop_for_as_long_as_the_process_lives() {
    let binding = THREAD;
    let mut contexts = Contexts::default();
    begin(&mut contexts, request(1, 0), actor(5), (100, 100));
    contexts.end(request(1, 0).request, 200);
    // A timer.
    assert_eq!(owner(&mut contexts, 5, 300, binding), None);
    begin(&mut contexts, request(2, 0), actor(5), (400, 400));
    assert_eq!(owner(&mut contexts, 5, 410, binding), None);
    contexts.end(request(2, 0).request, 500);
    contexts.sweep(10 * KEEP_THREAD_NS);
    begin(&mut contexts, request(3, 0), actor(5), (10 * KEEP_THREAD_NS + 100, 10 * KEEP_THREAD_NS + 100));
    assert_eq!(owner(&mut contexts, 5, 10 * KEEP_THREAD_NS + 110, binding), None, "silence changes nothing");
    contexts.end(request(3, 0).request, 10 * KEEP_THREAD_NS + 200);
    contexts.renew(100);
    begin(&mut contexts, request(4, 0), actor(5), (11 * KEEP_THREAD_NS, 11 * KEEP_THREAD_NS));
    assert_eq!(owner(&mut contexts, 5, 11 * KEEP_THREAD_NS + 10, binding), Some(4), "another program");
}

#[test]
fn what_has_exited_is_forgotten_after_its_last_requests() {
    let mut contexts = Contexts::default();
    begin(&mut contexts, request(1, 0), actor(5), (100, 100));
    contexts.exited(100, 200);
    assert_eq!(contexts.end(request(1, 0).request, 300), Some(request(1, 0)), "closed after it");
    assert_eq!(owner(&mut contexts, 5, 400, THREAD), None);
    contexts.sweep(KEEP_NS + 300);
    assert_eq!((contexts.threads.len(), contexts.processes.len()), (0, 0));
}

#[test]
fn another_thread_s_work_says_nothing_of_a_thread_that_waits() {
    let mut contexts = Contexts::default();
    begin(&mut contexts, request(1, 0), actor(5), (100, 100));
    contexts.end(request(1, 0).request, 200);
    assert_eq!(owner(&mut contexts, 6, 250, THREAD), None);
    begin(&mut contexts, request(2, 0), actor(5), (300, 300));
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
        begin(&mut contexts, request(1, 0), actor(5), (9 * SECOND, 9 * SECOND));
        assert_eq!(owner(&mut contexts, 5, 9 * SECOND + 1, THREAD), expected);
    }
}

#[test]
fn a_call_that_outlives_its_request_shows_a_loop() {
    for (binding, context) in [(THREAD, 0), (WAITING, WAITS)] {
        let mut contexts = Contexts::default();
        begin(&mut contexts, request(1, 0), actor(5), (100, 100));
        let call = Call {
            connection: 0,
            is_said: false,
            actor: Actor { context, ..actor(5) },
            start_ns: 110,
            end_ns: Some(150),
        };
        assert!(contexts.owner(call, || binding).is_some());
        contexts.end(request(1, 0).request, 200);
        begin(&mut contexts, request(2, 0), actor(5), (210, 210));
        // Told now: it began in the first one, and was answered in the second one.
        assert!(contexts.owner(Call { start_ns: 190, end_ns: Some(250), ..call }, || binding).is_none());
        assert!(contexts.owner(Call { start_ns: 260, end_ns: Some(270), ..call }, || binding).is_none());
    }
}

/// A call of a thread that waits in it.
fn waiting(contexts: &mut Contexts, at_ns: u64) -> Option<u64> {
    waiting_in(contexts, at_ns, WAITING)
}

/// The same in a runtime that binds its threads so.
fn waiting_in(contexts: &mut Contexts, at_ns: u64, binding: Binding) -> Option<u64> {
    let call = Call {
        connection: 0,
        is_said: false,
        actor: Actor { context: WAITS, ..actor(5) },
        start_ns: at_ns,
        end_ns: Some(at_ns + 5),
    };
    contexts.owner(call, || binding).map(|owner| owner.request.connection)
}

#[test]
fn after_the_answer_a_thread_may_be_at_work_for_what_another_has_received() {
    let mut contexts = Contexts::default();
    begin(&mut contexts, request(1, 0), actor(5), (100, 100));
    assert_eq!(waiting_in(&mut contexts, 150, Binding::Handed), Some(1));
    contexts.end(request(1, 0).request, 200);
    assert_eq!(waiting_in(&mut contexts, 250, Binding::Handed), None);
    begin(&mut contexts, request(2, 0), actor(5), (300, 300));
    assert_eq!(waiting_in(&mut contexts, 350, Binding::Handed), Some(2), "which shows no loop");
}

#[test]
fn a_thread_that_waits_works_on_for_its_request_after_the_answer() {
    let mut contexts = Contexts::default();
    begin(&mut contexts, request(1, 0), actor(5), (100, 100));
    contexts.end(request(1, 0).request, 200);
    assert_eq!((waiting(&mut contexts, 250), waiting(&mut contexts, LATE_NS + 199)), (Some(1), Some(1)));
    begin(&mut contexts, request(2, 0), actor(5), (LATE_NS + 300, LATE_NS + 300));
    assert_eq!(waiting(&mut contexts, LATE_NS + 310), Some(2), "which shows no loop");
    contexts.end(request(2, 0).request, LATE_NS + 400);
    assert_eq!(waiting(&mut contexts, 3 * LATE_NS), None, "work of its own");
    begin(&mut contexts, request(3, 0), actor(5), (4 * LATE_NS, 4 * LATE_NS));
    assert_eq!(waiting(&mut contexts, 4 * LATE_NS + 10), Some(3));
    contexts.end(request(3, 0).request, 4 * LATE_NS + 20);
    assert_eq!(waiting(&mut contexts, 4 * LATE_NS + 30), None, "it may be that again");
}

#[test]
fn a_client_that_hangs_up_shows_nothing_of_the_thread() {
    for (binding, context) in [(THREAD, 0), (WAITING, WAITS)] {
        let mut contexts = Contexts::default();
        begin(&mut contexts, request(1, 0), actor(5), (100, 100));
        contexts.end_connection(1, 200);
        let call = Call {
            connection: 0,
            is_said: false,
            actor: Actor { context, ..actor(5) },
            start_ns: 150,
            end_ns: Some(250),
        };
        assert!(contexts.owner(call, || binding).is_some());
        begin(&mut contexts, request(2, 0), actor(5), (300, 300));
        assert_eq!(owner(&mut contexts, 5, 310, binding), Some(2));
    }
}

#[test]
fn what_a_thread_of_a_jvm_does_not_wait_for_says_nothing_of_it() {
    let mut contexts = Contexts::default();
    begin(&mut contexts, request(1, 0), actor(5), (100, 100));
    contexts.end(request(1, 0).request, 200);
    assert_eq!(owner(&mut contexts, 5, 210, Binding::Told), None);
    begin(&mut contexts, request(2, 0), actor(5), (300, 300));
    assert_eq!(waiting(&mut contexts, 310), Some(2));
}

#[test]
fn what_threads_do_not_show_is_not_guessed() {
    let mut contexts = Contexts::default();
    begin(&mut contexts, request(1, 0), actor(5), (100, 100));
    let of = |contexts: &mut Contexts, context, binding| {
        let call =
            Call { connection: 0, is_said: false, actor: Actor { context, ..actor(5) }, start_ns: 110, end_ns: None };
        contexts.owner(call, || binding).map(|owner| owner.request.connection)
    };
    assert_eq!((of(&mut contexts, 0, Binding::Nothing), of(&mut contexts, WAITS, Binding::Nothing)), (None, None));
    assert_eq!((of(&mut contexts, 0, WAITING), of(&mut contexts, WAITS, WAITING)), (None, Some(1)));
    assert_eq!((of(&mut contexts, 0, THREAD), of(&mut contexts, WAITS, THREAD)), (Some(1), Some(1)));
    assert_eq!((of(&mut contexts, OF_NOBODY, THREAD), of(&mut contexts, 77, THREAD)), (None, None));
}

#[test]
fn threads_beside_each_other_count() {
    let mut contexts = Contexts::default();
    begin(&mut contexts, request(1, 0), actor(5), (100, 100));
    begin(&mut contexts, request(2, 0), actor(6), (110, 110));
    assert_eq!((owner(&mut contexts, 5, 120, THREAD), owner(&mut contexts, 6, 120, THREAD)), (Some(1), Some(2)));
}

#[test]
fn a_context_has_what_it_received_however_many_are_on_its_thread() {
    let mut contexts = Contexts::default();
    let running = |context| Actor { context, ..actor(5) };
    for connection in 1..200 {
        let key = RequestKey { connection, stream: 0, pos: 0 };
        assert!(begin(&mut contexts, Owner { request: key, ..request(1, 0) }, running(connection), (100, 100)));
    }
    for connection in 1..200 {
        let call = Call { connection: 0, is_said: false, actor: running(connection), start_ns: 110, end_ns: None };
        assert_eq!(contexts.owner(call, || Binding::Nothing).map(|owner| owner.request.connection), Some(connection));
        let key = RequestKey { connection, stream: 0, pos: 0 };
        assert_eq!(contexts.end(key, 120).map(|owner| owner.request), Some(key));
    }
    contexts.exited(100, 200);
    contexts.sweep(KEEP_NS + 300);
    let call = Call { connection: 0, is_said: false, actor: running(7), start_ns: 110, end_ns: None };
    assert_eq!((contexts.owner(call, || Binding::Nothing), contexts.processes.len()), (None, 0));
}

#[test]
fn a_pipeline_is_no_event_loop() {
    let mut contexts = Contexts::default();
    begin(&mut contexts, request(1, 0), actor(5), (100, 100));
    begin(&mut contexts, request(1, 50), actor(5), (100, 100));
    assert_eq!(owner(&mut contexts, 5, 110, THREAD), None);
    contexts.end(request(1, 0).request, 120);
    assert_eq!(owner(&mut contexts, 5, 130, THREAD), Some(1));
}

#[test]
fn what_was_lost_is_closed_by_what_follows_it_and_by_the_end() {
    let mut contexts = Contexts::default();
    begin(&mut contexts, request(1, 10), actor(5), (100, 100));
    begin(&mut contexts, request(1, 20), actor(5), (200, 200));
    assert_eq!(contexts.end(request(1, 20).request, 300), Some(request(1, 20)), "and the first, which was lost");
    begin(&mut contexts, request(2, 0), actor(5), (400, 400));
    contexts.end_connection(2, 450);
    begin(&mut contexts, request(3, 0), actor(5), (500, 500));
    assert_eq!(owner(&mut contexts, 5, 510, THREAD), Some(3));
    let busy = contexts.in_flight.values().filter(|flight| !flight.is_empty()).count();
    assert_eq!((busy, contexts.processes.len()), (1, 1));
}

#[test]
fn a_thread_that_serves_what_nobody_can_read_owns_nothing() {
    let mut contexts = Contexts::default();
    contexts.unreadable(actor(5), 50);
    begin(&mut contexts, request(1, 0), actor(5), (100, 100));
    assert_eq!(owner(&mut contexts, 5, 150, THREAD), None);
}

#[test]
fn everything_is_bounded_and_forgotten() {
    let mut contexts = Contexts::default();
    for at in 0..1000_u64 {
        let key = RequestKey { connection: 1, stream: 0, pos: at };
        begin(&mut contexts, Owner { request: key, ..request(1, 0) }, actor(5), (at * 10, at * 10));
        contexts.end(key, at * 10 + 5);
    }
    assert_eq!((contexts.requests, contexts.threads[&(100, 5)].requests.len()), (MAX_OVER, MAX_OVER));
    for connection in 0..MAX_REQUESTS as u64 + 10 {
        let key = RequestKey { connection: connection + 10, stream: 0, pos: 0 };
        begin(
            &mut contexts,
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
        ..Resource::default()
    };
    assert_eq!((Binding::of(&resource("cpython")), Binding::of(&resource("ruby"))), (THREAD, Binding::Handed));
    for runtime in ["go", "nodejs", "dotnet"] {
        assert_eq!(Binding::of(&resource(runtime)), Binding::Nothing, "{runtime}");
    }
    assert_eq!((Binding::of(&Resource::default()), Binding::of(&resource("java"))), (WAITING, Binding::Told));
    let one = |runtime, context| Binding::of(&resource(runtime)).acting(Actor { context, ..actor(5) }).context;
    assert_eq!((one("fpm-fcgi", 0), one("fpm-fcgi", WAITS), one("cpython", 0), one("go", 9)), (1, 1, 0, 9));
}
