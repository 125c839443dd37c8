use std::sync::{Arc, Mutex};

use super::*;
use crate::config::View;
use crate::trace::span::{Kind, Link};
use crate::view::testing::{id, span};

/// Trees without a terminal, and the time that they are told.
fn trees(view: View) -> (Trees, Arc<Mutex<Instant>>) {
    let time = Arc::new(Mutex::new(Instant::now()));
    let asked = Arc::clone(&time);
    (Trees::timed(Lines::plain(view), Box::new(move || *asked.lock().unwrap())), time)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn pass(time: &Mutex<Instant>, ms: u64) {
    *time.lock().unwrap() += Duration::from_millis(ms);
}

#[test]
fn a_trace_stands_together_with_its_parents_first() {
    let (mut trees, time) = trees(View::default());
    let database = span("db", Kind::Server, "SELECT orders", 3, Some(2), (12, 18));
    let call = span("web", Kind::Client, "SELECT orders", 2, Some(1), (10, 20));
    let root = span("web", Kind::Server, "GET /checkout", 1, None, (0, 40));
    assert_eq!(text(trees.render(&[database])), "");
    assert_eq!(text(trees.render(&[call, root])), "");
    assert_eq!(trees.idle_after(), Some(QUIET_WHOLE));
    pass(&time, 250);
    let shown = text(trees.idle());
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 3, "{shown}");
    assert!(
        lines[0].contains("GET /checkout") && lines[1].contains("  SELECT orders") && lines[2].contains("    SELECT")
    );
    assert!(lines[0].contains("[##########]") && lines[2].contains("[   ##     ]"), "{shown}");
    assert_eq!((trees.idle_after(), text(trees.finish())), (None, String::new()));
}

#[test]
fn what_lacks_its_parent_waits_for_two_seconds_and_all_is_told_at_the_end() {
    let (mut trees, time) = trees(View::default());
    trees.render(&[span("db", Kind::Server, "SELECT", 3, Some(2), (12, 18))]);
    pass(&time, 1_999);
    assert_eq!(text(trees.idle()), "");
    pass(&time, 1);
    assert_eq!(text(trees.idle()).lines().count(), 1);
    trees.render(&[span("db", Kind::Server, "SELECT", 3, Some(2), (12, 18))]);
    assert_eq!(text(trees.finish()).lines().count(), 1);
}

#[test]
fn a_set_up_stands_below_its_request() {
    let (mut trees, time) = trees(View::default());
    let mut set_up = span("web", Kind::Internal, setup::NAME, 10, None, (0, 480));
    set_up.trace_id = [9; 16];
    let mut part = span("web", Kind::Internal, "TLS client handshake", 11, Some(10), (100, 480));
    part.trace_id = [9; 16];
    let mut request = span("web", Kind::Client, "SELECT orders", 2, None, (480, 500));
    request.links = vec![Link { trace_id: [9; 16], span_id: id(10) }];
    trees.render(&[set_up, part]);
    pass(&time, 300);
    assert_eq!(text(trees.idle()), "", "it waits for its request");
    trees.render(&[request]);
    pass(&time, 300);
    let shown = text(trees.idle());
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines.len() == 2 && lines[0].contains("SELECT orders") && lines[1].contains(setup::NAME), "{shown}");
}

#[test]
fn a_view_shows_the_whole_of_what_it_shows_a_part_of() {
    let (mut trees, _) = trees(View { slowest_ns: 30_000_000, ..View::default() });
    let call = span("web", Kind::Client, "SELECT orders", 2, Some(1), (10, 20));
    trees.render(&[call.clone(), span("web", Kind::Server, "GET /", 1, None, (0, 40))]);
    let mut quick = span("web", Kind::Server, "GET /", 5, None, (0, 4));
    quick.trace_id = [1; 16];
    trees.render(&[quick]);
    assert_eq!(text(trees.finish()).lines().count(), 2);
}

#[test]
fn a_flood_does_not_wait() {
    let (mut trees, _) = trees(View::default());
    let orphans: Vec<Span> = (0..MAX_WAITING as u64 + 1)
        .map(|number| {
            let mut one = span("web", Kind::Client, "GET", number + 1, Some(u64::MAX), (0, 1));
            one.trace_id = u128::from(number + 1).to_be_bytes();
            one
        })
        .collect();
    assert_eq!(text(trees.render(&orphans)).lines().count(), orphans.len());
    assert_eq!(trees.spans, 0);
}
