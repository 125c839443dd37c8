//! When a request is over: when it is answered, when its connection ends, and never because time passes.

use std::time::Duration;

use super::case;

/// Two requests never get an answer while others come and go for more than five minutes.
#[test]
fn a_request_that_hangs_is_counted_and_has_no_duration() {
    let told = case("timeout-duration--each-second");
    let spans = told.spans.count(330);
    for span in spans.iter() {
        span.failed(false);
        assert_eq!((span.text("url.path").as_str(), span.duration()), ("/tick", Duration::from_millis(10)));
    }
    assert_eq!(told.dropped, [("under_way".to_owned(), 2)].into());
}

#[test]
fn what_waits_at_the_end_of_the_input_is_counted() {
    let told = case("timeout-duration--end-after-10s");
    assert_eq!(told.spans.count(10).texts("url.path"), ["/tick"; 10]);
    assert_eq!(told.dropped, [("under_way".to_owned(), 2)].into());

    let told = case("end-of-input-not-counted--cut");
    assert_eq!(told.spans.len() as u64 + told.dropped["under_way"], 7);
}

#[test]
fn a_gap_of_a_day_is_nobodys_duration() {
    let told = case("timeout-duration--gap-of-a-day");
    let spans = told.spans.count(2);
    for span in spans.iter() {
        span.failed(false);
        assert_eq!((span.text("url.path").as_str(), span.duration()), ("/tick", Duration::from_millis(10)));
    }
    assert_eq!((spans[1].start - spans[0].start) / 1_000_000_000, 86_400);
    assert_eq!(told.dropped, [("under_way".to_owned(), 2)].into());
}

#[test]
fn a_connection_that_slept_for_hours_goes_on() {
    let told = case("replay-idle-over-2h--idle");
    assert_eq!(told.spans.count(4).texts("url.path"), ["/morning", "/evening0", "/evening1", "/evening2"]);
    assert!(told.dropped.is_empty(), "{:?}", told.dropped);
}
