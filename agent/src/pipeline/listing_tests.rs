use super::*;
use crate::conn::Limits;
use crate::enrich::Host;
use crate::pipeline::engine::Engine;
use crate::process::container::{Described, Pod};
use crate::process::{Container, Group, Selectors};
use crate::recording;
use crate::trace::ids::Ids;
use crate::trace::{Config, Tracer};

fn report() -> Report {
    Report { kernel: "6.18".into(), backend: "sockets", ..Report::default() }
}

#[test]
fn processes_are_told_with_labels_selectors_and_reasons() {
    let selectors: Selectors = ["comm=web".parse().unwrap()].into_iter().collect();
    let mut table = ProcessTable::replay(selectors);
    let pod = Pod {
        namespace: "shop".into(),
        name: "web-1".into(),
        owners: vec![("Deployment".into(), "web".into())],
        ..Pod::default()
    };
    let container = Container {
        name: Some("app".into()),
        labels: [("tier".into(), "front".into())].into(),
        pod: Some(Arc::new(pod)),
        ..Container::default()
    };
    let group = Group { container_id: Some("c1".into()), ..Group::default() };
    table.insert(Process { pid: 7, comm: "web".into(), group: Arc::new(group), ..Process::default() });
    table.described(Described { id: "c1".into(), container: Some(Arc::new(container)) });
    table.insert(Process { pid: 9, comm: "cron".into(), ..Process::default() });
    let told = Seen::default().json(&report(), &table, &mut Resources::new(Host::default()));
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((told["backend"].as_str(), told["selectors"][0].as_str()), (Some("sockets"), Some("comm=web")));
    let target = &told["targets"][0];
    assert_eq!((target["pid"].as_u64(), target["why"].as_str()), (Some(7), Some("selector `comm=web`")));
    for (label, value) in [
        ("comm", "web"),
        ("container.name", "app"),
        ("container.label.tier", "front"),
        ("k8s.namespace", "shop"),
        ("k8s.deployment.name", "web"),
    ] {
        assert_eq!(target["labels"][label][0], value, "{label}");
    }
    let other = &told["others"][0];
    assert_eq!((other["pid"].as_u64(), other["why"].as_str()), (Some(9), Some("no selector chooses it")));
}

#[test]
fn protocols_are_those_that_were_seen_and_go_with_their_process() {
    let capture = std::path::Path::new("../tests/replay/captures/cases/redis-inline--inline.pcap");
    let tracer = Tracer::new(Config::default(), Ids::seeded(1));
    let seen = Rc::new(RefCell::new(Seen::default()));
    let processes = ProcessTable::replay(Selectors::default());
    let engine = Engine::new(Limits::default(), tracer, processes, Resources::new(Host::default()));
    let mut engine = engine.with_observer(Rc::clone(&seen));
    let mut source = recording::open(capture).unwrap();
    while let Some(event) = source.next().unwrap() {
        engine.handle(&event);
    }
    engine.finish();
    // On the wire no process is known: all of it is told of number 0.
    let mut seen = seen.borrow_mut();
    let spoken = seen.protocols(0);
    assert!(spoken["redis"]["served"].as_u64() > Some(0) || spoken["redis"]["asked"].as_u64() > Some(0), "{spoken}");
    let _ = engine.list(&mut seen, &report());
    assert!(seen.0.is_empty(), "nobody has that number now");
}
