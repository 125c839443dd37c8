use super::*;
use crate::shown::testing::HOSTILE;
use crate::trace::clock::Clock;
use crate::trace::observation::Observer as _;
use crate::trace::span::{Kind, Status, Value};
use crate::view::Store;
use crate::view::ask::Recorded;
use crate::view::calls::{Call, Opened};
use crate::view::operations::{Operation, Side};
use crate::view::rows::Numbers;
use crate::view::testing::{span, trace};

fn taken(name: &str, p95_ns: u64) -> Taken {
    let mut store = Store::new(1 << 20, Default::default());
    let mut failed = span("shop", Kind::Client, name, 9, None, (0, 5));
    failed.trace_id = [9; 16];
    failed.status = Status::Error(name.to_owned().into());
    failed.attributes.push(("db.query.text", Value::text(name)));
    store.emitted(&failed);
    trace(3).spans.iter().for_each(|span| store.emitted(span));
    store.finish();
    let mut host = Recorded(Default::default());
    let mut taken =
        Taken::from(&mut Source { store: &store, clock: Clock::default(), host: &mut host }, "a.wsp".to_owned());
    let numbers = Numbers { count: 10, p95_ns: Some(p95_ns), set_up_share: 0.96, failed: 1, ..Numbers::default() };
    let operation = Operation { service: name.into(), side: Side::Server, name: name.into(), peer: "".into() };
    taken.operations = vec![OperationRow { operation, numbers: numbers.clone() }];
    let call = |client: &str, server: &str| CallRow {
        call: Call { client: client.into(), server: server.into(), protocol: "http" },
        numbers: numbers.clone(),
        opened: Opened::default(),
    };
    taken.calls = vec![call("shop", "db"), call("db", "shop"), call("front", name), call("shop", "shop")];
    taken
}

#[test]
fn a_page_needs_nothing_else_and_has_every_part() {
    let page = page(&taken("GET /checkout", 480_000_000));
    for part in [
        "id=\"advice\"",
        "id=\"map\"",
        "id=\"operations\"",
        "id=\"traces\"",
        "id=\"account\"",
        "GET /checkout",
        "480 ms",
    ] {
        assert!(page.contains(part), "{part}");
    }
    for foreign in ["<script", "http://", "https://", " src=", "url(", "@import"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(page.contains("class=\"name bad") && page.contains("96.0 %"), "{page}");
}

#[test]
fn hostile_text_stays_text() {
    let name = format!("<img src=x onerror=alert(1)>\"'&{HOSTILE}{}", "x".repeat(1 << 20));
    let page = page(&taken(&name, 1));
    assert!(!page.contains("<img") && page.contains("&lt;img"), "it is shown, and does nothing");
    assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'));
    assert!(page.len() < 200 * 1024, "{}", page.len());
}

#[test]
fn two_pages_side_by_side_say_what_changed() {
    let (before, after) = (taken("GET /", 100_000_000), taken("GET /", 50_000_000));
    let page = difference::page(&before, &after);
    assert!(page.contains("-50 %") && page.contains("100 ms") && page.contains("50.0 ms"), "{page}");
    let gone = difference::page(&before, &taken("POST /", 1));
    assert!(gone.contains("new") && gone.contains("gone"));
}

#[test]
fn nothing_seen_is_said() {
    let store = Store::new(1 << 20, Default::default());
    let mut host = Recorded(Default::default());
    let taken = Taken::from(&mut Source { store: &store, clock: Clock::default(), host: &mut host }, "x".to_owned());
    let page = page(&taken);
    assert!(page.contains("No request was seen.") && page.contains("No trace was kept."));
}
