use super::*;
use crate::export::testing::{bare_span, resource, server_span};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn rendered(lines: &mut Lines, batch: &[Span]) -> String {
    String::from_utf8(lines.render(batch).to_vec()).unwrap()
}

#[test]
fn a_header_comes_first_and_again_after_the_window_was_resized() {
    let columns = Arc::new(AtomicUsize::new(120));
    let asked = Arc::clone(&columns);
    let mut lines = Lines::new(View::default(), false, Box::new(move || Some(asked.load(Ordering::Relaxed))));
    let batch = [bare_span(&resource("api"))];
    assert_eq!(rendered(&mut lines, &[]), "");
    let first = rendered(&mut lines, &batch);
    assert!(first.starts_with("START (UTC)   SERVICE ") && first.lines().count() == 2, "{first}");
    assert_eq!(rendered(&mut lines, &batch).lines().count(), 1);
    columns.store(80, Ordering::Relaxed);
    let narrow = rendered(&mut lines, &batch);
    assert!(narrow.starts_with("UTC      SERVICE ") && narrow.lines().count() == 2, "{narrow}");
    assert_eq!(rendered(&mut Lines::plain(View::default()), &batch).lines().count(), 1, "no header in a file");
}

#[test]
fn columns_are_told_by_the_variable() {
    let mut lines = Lines::for_stdout(View::default(), &|name| (name == "COLUMNS").then(|| "60".to_owned()));
    let mut span = server_span(&resource("api"));
    span.name = "x".repeat(500).into();
    for line in rendered(&mut lines, &[span]).lines() {
        assert!(fit::width(line) <= 60, "{line}");
    }
}

#[test]
fn errors_and_slow_ones_alone() {
    let shown = |view: View| {
        let fine = bare_span(&resource("fine"));
        let failed = server_span(&resource("failed"));
        let mut quick = bare_span(&resource("quick"));
        quick.end_unix_ns = quick.start_unix_ns + 1;
        let text = rendered(&mut Lines::plain(view), &[fine, failed, quick]);
        let services: Vec<String> =
            text.lines().filter_map(|line| line.split_whitespace().nth(1).map(str::to_owned)).collect();
        services
    };
    assert_eq!(shown(View::default()), ["fine", "failed", "quick"]);
    assert_eq!(shown(View { errors: true, ..View::default() }), ["failed"]);
    assert_eq!(shown(View { slowest_ns: 12_400_000, ..View::default() }), ["fine", "failed"]);
    assert_eq!(shown(View { slowest_ns: 12_400_001, ..View::default() }), [""; 0]);
}
