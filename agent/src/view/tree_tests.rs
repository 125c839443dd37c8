use super::*;
use crate::trace::span::{Kind, Link};
use crate::view::testing::{id, span, trace};

fn shown(trace: &Trace) -> Vec<(u64, usize, bool)> {
    let number = |row: &Row| u64::from_be_bytes(trace.spans[row.span].span_id);
    rows(trace).iter().map(|row| (number(row), row.depth, row.is_critical)).collect()
}

#[test]
fn calls_one_after_another_are_all_waited_for() {
    assert_eq!(shown(&trace(2)), [(1, 0, true), (2, 1, true), (3, 1, true)]);
}

#[test]
fn of_calls_at_once_the_last_to_end_is_waited_for() {
    let spans = vec![
        span("web", Kind::Server, "GET", 1, None, (0, 100)),
        span("web", Kind::Client, "a", 2, Some(1), (10, 40)),
        span("web", Kind::Client, "b", 3, Some(1), (10, 80)),
        span("db", Kind::Server, "b", 4, Some(3), (20, 70)),
        span("web", Kind::Client, "c", 5, Some(1), (82, 95)),
    ];
    assert_eq!(
        shown(&Trace::of([7; 16], spans)),
        [(1, 0, true), (3, 1, true), (4, 2, true), (2, 1, false), (5, 1, true)]
    );
}

#[test]
fn a_set_up_stands_below_its_request() {
    let mut request = span("web", Kind::Client, "SELECT", 2, Some(1), (50, 60));
    request.links = vec![Link { trace_id: [9; 16], span_id: id(10) }];
    let spans = vec![
        span("web", Kind::Internal, setup::NAME, 10, None, (10, 50)),
        span("web", Kind::Internal, "TLS client handshake", 11, Some(10), (20, 50)),
        span("web", Kind::Server, "GET", 1, None, (0, 70)),
        request,
    ];
    assert_eq!(shown(&Trace::of([7; 16], spans)), [(1, 0, true), (2, 1, true), (10, 2, true), (11, 3, true)]);
}

#[test]
fn orphans_and_circles_are_told_once() {
    let spans = vec![
        span("web", Kind::Client, "orphan", 1, Some(99), (0, 1)),
        span("web", Kind::Client, "a", 2, Some(3), (0, 1)),
        span("web", Kind::Client, "b", 3, Some(2), (0, 1)),
        span("web", Kind::Client, "itself", 4, Some(4), (0, 1)),
    ];
    let mut told: Vec<u64> = shown(&Trace::of([7; 16], spans)).iter().map(|(number, ..)| *number).collect();
    told.sort_unstable();
    assert_eq!(told, [1, 2, 3, 4]);
    assert_eq!(rows(&Trace::of([7; 16], Vec::new())), []);
}

#[test]
fn deep_and_wide_traces_are_no_trouble() {
    let deep = (0..300).map(|depth| {
        let parent = (depth > 0).then_some(depth);
        span("web", Kind::Client, "call", depth + 1, parent, (depth, 1_000 - depth))
    });
    let rows_of = rows(&Trace::of([7; 16], deep.collect()));
    assert_eq!((rows_of.len(), rows_of[299].depth), (300, 299));
    let wide = (0..5_000)
        .map(|number| span("web", Kind::Client, "call", number + 1, (number > 0).then_some(1), (number, number + 1)));
    assert_eq!(rows(&Trace::of([7; 16], wide.collect())).len(), 5_000);
}
