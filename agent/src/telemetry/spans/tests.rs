use std::time::Duration;

use tracing::field::Empty;
use tracing::{info_span, subscriber};

use super::*;
use crate::telemetry::Telemetry;

/// The spans that `work` makes.
fn made(work: impl FnOnce(&Telemetry)) -> Vec<Span> {
    let telemetry = Telemetry::default();
    let resource = Resource { service_name: "wirespan".into(), attributes: Vec::new(), ..Resource::default() };
    telemetry.keep_spans(Arc::new(resource)).unwrap();
    subscriber::with_default(telemetry.clone(), || work(&telemetry));
    telemetry.take_spans()
}

#[test]
fn a_span_inside_another_is_its_child_and_ends_before() {
    let spans = made(|_| {
        let _outer = info_span!("start").entered();
        info_span!("load").in_scope(|| std::thread::sleep(Duration::from_millis(2)));
        let _second = info_span!("attach");
    });
    let [load, attach, start] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!((&*load.name, &*attach.name, &*start.name), ("load", "attach", "start"));
    assert_eq!((load.parent, attach.parent, start.parent), (Some(start.span_id), Some(start.span_id), None));
    assert!(spans.iter().all(|span| span.trace_id == start.trace_id && span.kind == Kind::Internal));
    assert!(load.end_unix_ns - load.start_unix_ns >= 2_000_000 && load.start_unix_ns >= start.start_unix_ns);
    assert_eq!(&*start.resource.service_name, "wirespan");
}

#[test]
fn a_span_may_end_on_another_thread() {
    let spans = made(|_| {
        let outer = info_span!("start").entered();
        let inner = info_span!("scan", "wirespan.scan.processes" = Empty);
        let again = inner.clone();
        drop(outer);
        let work = move || {
            again.record("wirespan.scan.processes", 7_u64);
        };
        std::thread::spawn(work).join().unwrap();
        info_span!("drain").in_scope(|| {});
        drop(inner);
    });
    let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["start", "drain", "scan"]);
    assert_eq!((spans[2].parent, spans[1].parent), (Some(spans[0].span_id), None));
    assert_ne!(spans[1].trace_id, spans[0].trace_id);
    assert_eq!(spans[2].attribute("wirespan.scan.processes"), Some(&Value::Int(7)));
}

#[test]
fn nothing_is_not_told_and_failures_are() {
    let spans = made(|_| {
        let idle = info_span!("drain", nothing = Empty);
        idle.record(NOTHING, true);
        let failed = info_span!("export", "wirespan.exporter" = "otlp", "error.type" = Empty);
        failed.record("error.type", "export_failed");
    });
    let [export] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!(export.status, Status::Error("".into()));
    assert_eq!(export.attributes.len(), 2);
}

#[test]
fn rooms_are_bounded_and_what_finds_none_is_counted() {
    let telemetry = Telemetry::default();
    telemetry.keep_spans(Arc::default()).unwrap();
    subscriber::with_default(telemetry.clone(), || {
        let open: Vec<_> = (0..MAX_OPEN + 5).map(|_| info_span!("export")).collect();
        assert_eq!(telemetry.lost_spans(), 5);
        drop(open);
        assert_eq!(telemetry.take_spans().len(), MAX_OPEN);
        (0..MAX_FINISHED + 7).for_each(|_| drop(info_span!("export")));
    });
    assert_eq!((telemetry.take_spans().len(), telemetry.lost_spans()), (MAX_FINISHED, 12));
    assert!(telemetry.take_spans().is_empty());
}
