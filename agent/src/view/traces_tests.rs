use super::*;
use crate::trace::span::{Link, Status};
use crate::view::testing::{BEGIN, MS, id, span};

const SECOND: u64 = 1_000_000_000;

fn numbered(number: u64, name: &str, took_ms: u64) -> Span {
    let mut span = span("web", Kind::Server, name, number + 1, None, (0, took_ms));
    span.trace_id = u128::from(number + 1).to_be_bytes();
    span
}

fn failed(span: Span) -> Span {
    Span { status: Status::Error("no".into()), ..span }
}

#[test]
fn a_trace_is_complete_when_nothing_came_for_two_seconds_and_what_is_late_joins_it() {
    let mut traces = Traces::new(1 << 20);
    traces.add(&span("web", Kind::Client, "SELECT", 2, Some(1), (1, 2)), SECOND);
    traces.add(&span("web", Kind::Server, "GET /", 1, None, (0, 3)), 2 * SECOND);
    traces.tick(3 * SECOND + 1);
    assert_eq!((traces.iter().count(), traces.pending().count()), (0, 1), "heard of again");
    traces.tick(4 * SECOND);
    assert_eq!((traces.iter().count(), traces.pending().count()), (1, 0));
    traces.add(&failed(span("web", Kind::Client, "SET", 3, Some(1), (1, 2))), 60 * SECOND);
    let trace = traces.get(&[7; 16]).unwrap();
    assert_eq!((trace.spans.len(), trace.class), (3, Class::Failed));
    assert_eq!(&*trace.root().unwrap().name, "GET /");
    assert_eq!(trace.interval(), (BEGIN, BEGIN + 3 * MS));
}

#[test]
fn failures_and_the_slowest_are_kept_first_and_every_operation_keeps_some() {
    let mut traces = Traces::new(400 << 10);
    for number in 0..20_000 {
        let name = if number % 100 == 7 { "GET /rare" } else { "GET /often" };
        let mut one = numbered(number, name, 1 + number % 3);
        if number == 500 {
            one = failed(one);
        }
        if number == 600 {
            one.end_unix_ns += 5_000 * MS;
        }
        traces.add(&one, number * MS);
        traces.tick(number * MS);
    }
    traces.finish();
    let kept: Vec<&Trace> = traces.iter().collect();
    assert!(traces.bytes() <= 400 << 10, "{}", traces.bytes());
    assert!(kept.iter().any(|trace| trace.class == Class::Failed));
    assert!(kept.iter().any(|trace| trace.spans[0].duration_ns() > 5_000 * MS));
    let of = |name: &str| kept.iter().filter(|trace| trace.spans[0].name == name).count();
    assert!(of("GET /rare") > 20 && of("GET /often") > 20, "{} {}", of("GET /rare"), of("GET /often"));
    let counts = traces.counts();
    assert_eq!(counts.kept + counts.let_go, 20_000, "{counts:?}");
    assert_eq!(counts.spans, 20_000);
}

#[test]
fn a_flood_of_failures_leaves_room_for_what_went_well() {
    let mut traces = Traces::new(200 << 10);
    for number in 0..5_000 {
        let one = numbered(number, "GET /", 1);
        traces.add(&if number % 2 == 0 { failed(one) } else { one }, number * MS);
    }
    traces.finish();
    let good = traces.iter().filter(|trace| trace.class != Class::Failed).count();
    assert!(good > 10, "{good}");
}

#[test]
fn memory_is_flat_after_a_million_traces() {
    let mut traces = Traces::new(1 << 20);
    let mut most = 0;
    for number in 0..1_000_000_u64 {
        traces.add(&numbered(number, "GET /", 1), number * MS / 10);
        if number % 64 == 0 {
            traces.tick(number * MS / 10);
        }
        most = most.max(traces.bytes());
    }
    assert!(most <= (1 << 20) + 4096, "{most}");
    assert!(traces.pending.len() + traces.kept.len() < 4_000);
    assert!(traces.waiting.len() < 50_000 && traces.gone.len() <= MAX_GONE + 1 && traces.gone_order.len() <= MAX_GONE);
    let queued: usize = traces.queues.iter().map(Fair::len).sum();
    assert!(queued < 8_000, "{queued}");
}

#[test]
fn the_set_up_of_a_connection_moves_to_the_request_that_it_was_for() {
    let mut set_up = span("web", Kind::Internal, setup::NAME, 10, None, (0, 5));
    set_up.trace_id = [9; 16];
    let mut part = span("web", Kind::Internal, "TLS client handshake", 11, Some(10), (1, 5));
    part.trace_id = [9; 16];
    let mut request = span("web", Kind::Client, "SELECT", 2, None, (5, 6));
    request.links = vec![Link { trace_id: [9; 16], span_id: id(10) }];
    for wait in [false, true] {
        let mut traces = Traces::new(1 << 20);
        traces.add(&set_up, SECOND);
        traces.add(&part, SECOND);
        if wait {
            traces.tick(10 * SECOND);
        }
        traces.add(&request, 10 * SECOND);
        traces.tick(20 * SECOND);
        assert_eq!(traces.iter().count(), 1);
        assert_eq!(traces.get(&[7; 16]).unwrap().spans.len(), 3);
        assert!(traces.bytes() < 8 << 10);
    }
}

#[test]
fn what_comes_after_its_trace_is_gone_is_no_trace() {
    let mut traces = Traces::new(64 << 10);
    for number in 0..1_000 {
        traces.add(&numbered(number, "GET /", 1), number * SECOND);
        traces.tick(number * SECOND);
    }
    let gone = (0..1_000_u64).find(|number| traces.get(&u128::from(number + 1).to_be_bytes()).is_none()).unwrap();
    let before = traces.bytes();
    traces.add(&numbered(gone, "GET /", 1), 2_000 * SECOND);
    assert_eq!((traces.bytes(), traces.counts().late), (before, 1));
}

#[test]
fn a_trace_has_an_end() {
    let mut traces = Traces::new(64 << 20);
    for number in 0..MAX_SPANS as u64 + 10 {
        traces.add(&span("web", Kind::Client, "SELECT", number + 1, None, (0, 1)), SECOND);
    }
    let trace = traces.get(&[7; 16]).unwrap();
    assert_eq!((trace.spans.len(), trace.cut), (MAX_SPANS, 10));
}
