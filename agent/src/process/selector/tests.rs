use super::*;
use crate::process::container::{Container, Pod};
use crate::process::{Group, Rules};
use proptest::prelude::*;
use std::sync::Arc;

fn parse(text: &str) -> Selector {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn error(text: &str) -> String {
    text.parse::<Selector>().unwrap_err().to_string()
}

fn nginx() -> Process {
    Process {
        pid: 42,
        comm: "nginx".into(),
        exe: Some("/usr/sbin/nginx".into()),
        user: Some(0),
        listening: vec![80, 443],
        connected: vec![5432],
        environment: Arc::from([("TIER".into(), "web".into()), ("OPTIONS".into(), "a=b".into())]),
        ..Process::default()
    }
}

fn holds(text: &str) -> bool {
    parse(text).matches(&nginx(), &Users::read())
}

#[test]
fn requirements_hold_as_in_kubernetes() {
    for yes in [
        "exe=/usr/sbin/nginx",
        "exe == /usr/sbin/nginx",
        "exe=nginx",
        "exe!=/usr/bin/curl",
        "comm in (python3, nginx)",
        "comm notin (python3,node)",
        "pid=42",
        "port=443",
        "port=5432",
        "port in (8000,80)",
        "port!=8000",
        "port notin (8000, 8001)",
        "port",
        "user=root",
        "user=0",
        "!container",
        "!systemd.unit",
        "systemd.unit!=nginx.service",
        "env.TIER=web",
        "env.OPTIONS=a=b",
        "env.NONE!=x",
        "!env.NONE",
        " exe = /usr/sbin/nginx , port = 80 ",
    ] {
        assert!(holds(yes), "{yes}");
    }
    for no in [
        "exe=/usr/sbin/ngin",
        "exe=sbin/nginx",
        "port=8000",
        "port!=80",
        "port notin (8000,80)",
        "!port",
        "user=daemon",
        "container",
        "container=abc",
        "env.TIER!=web",
        "env.NONE",
        "exe=/usr/sbin/nginx,port=81",
    ] {
        assert!(!holds(no), "{no}");
    }
}

#[test]
fn containers_and_units_have_short_forms() {
    let id = "0123456789abcdef".repeat(4);
    let group =
        Group { container_id: Some(id.as_str().into()), unit: Some("web@1.service".into()), ..Default::default() };
    let process = Process { group: Arc::new(group), ..Process::default() };
    for yes in ["container", "container.id", &format!("container.id={id}"), "container.id=0123456789ab"] {
        assert!(parse(yes).matches(&process, &Users::default()), "{yes}");
    }
    for yes in ["systemd.unit=web@1.service", "systemd.unit=web@1"] {
        assert!(parse(yes).matches(&process, &Users::default()), "{yes}");
    }
    for no in ["!container", "container.id=0123", "systemd.unit=web"] {
        assert!(!parse(no).matches(&process, &Users::default()), "{no}");
    }
}

#[test]
fn what_could_never_match_is_refused() {
    assert_eq!(
        error("comm=systemd-resolved"),
        "`systemd-resolved` is longer than the 15 bytes that the kernel keeps of a command name at column 6; write \
         `comm=systemd-resolve`, or select by `exe`"
    );
    parse("comm=systemd-resolve");
    parse("comm=systemd-resolve*");
    assert_eq!(
        error("language=pyton"),
        "`pyton` is not a language that is recognised at column 10; did you mean `python`?"
    );
    assert!(error("language=cobol").ends_with("; write one of go, java, nodejs, php, python, ruby, dotnet"));
}

#[test]
fn wildcards_stand_for_anything() {
    for yes in ["exe=/usr/*/nginx", "exe=ngin?", "comm=*", "env.OPTIONS=a*", "user=ro*t", "comm notin (python*,node)"] {
        assert!(holds(yes), "{yes}");
    }
    for no in ["exe=/usr/*/ngin", "exe!=ng*", "env.NONE=*", "comm in (p*,n?)"] {
        assert!(!holds(no), "{no}");
    }
}

#[test]
fn what_others_say_of_its_container() {
    let pod = Pod {
        namespace: "shop".into(),
        name: "web-5d8f-x2".into(),
        uid: "0b9e".into(),
        node: Some("node-1".into()),
        labels: [("app.kubernetes.io/name".into(), "web".into())].into(),
        annotations: [("team".into(), "a b".into())].into(),
        namespace_labels: Arc::new([("stage".into(), "prod".into())].into()),
        node_labels: Arc::new([("zone".into(), "eu-1".into())].into()),
        owners: vec![("ReplicaSet".into(), "web-5d8f".into()), ("Deployment".into(), "web".into())],
        ..Pod::default()
    };
    let container = Container {
        name: Some("nginx".into()),
        image: Some("docker.io/library/nginx:1.27@sha256:abc".into()),
        labels: [("role".into(), "front".into())].into(),
        pod: Some(Arc::new(pod)),
        ..Container::default()
    };
    let process = Process { container: Some(Arc::new(container)), ..nginx() };
    let holds = |text: &str| parse(text).matches(&process, &Users::default());
    for yes in [
        "container.name=nginx",
        "container.image=nginx",
        "container.image=nginx:1.27",
        "container.image=docker.io/library/nginx",
        "container.image=docker.io/*/nginx:1.*",
        "container.label.role=front",
        "k8s.namespace=shop",
        "k8s.namespace.name in (shop,till)",
        "k8s.pod.name=web-*",
        "k8s.pod.uid=0b9e",
        "k8s.node.name=node-1",
        "k8s.pod.label.app.kubernetes.io/name=web",
        "k8s.pod.annotation.team",
        "k8s.namespace.label.stage=prod",
        "k8s.node.label.zone notin (us-1)",
        "k8s.deployment=web",
        "k8s.deployment.name=web",
        "k8s.owner.kind=Deployment",
        "k8s.owner.name=web-5d8f",
        "!k8s.statefulset.name",
    ] {
        assert!(holds(yes), "{yes}");
        let without = parse(yes).matches(&nginx(), &Users::default());
        assert_eq!(without, yes.contains('!') || yes.contains("notin"), "{yes}");
    }
    for no in ["container.image=nginx:1.26", "k8s.pod.label.app=web", "k8s.namespace!=shop", "k8s.job.name"] {
        assert!(!holds(no), "{no}");
    }
    let labels = labels(&process, &Users::default());
    assert_eq!(labels["k8s.pod.label.app.kubernetes.io/name"], ["web"]);
    assert_eq!(labels["k8s.deployment.name"], ["web"]);
    assert_eq!(labels["port"], ["80", "443", "5432"]);
    assert!(labels.keys().all(|name| Label::named(name).is_ok()));
}

#[test]
fn errors_say_what_where_and_what_instead() {
    assert_eq!(error("prot=8000"), "unknown label `prot` at column 1; did you mean `port`?");
    assert_eq!(error("exe=/bin/a, prot in (1)"), "unknown label `prot` at column 13; did you mean `port`?");
    assert_eq!(error("größe=1"), "unknown label `größe` at column 1");
    assert_eq!(error("systemd.units=x"), "unknown label `systemd.units` at column 1; did you mean `systemd.unit`?");
    assert_eq!(error("port=http"), "`http` is not a port (1 to 65535) at column 6");
    assert_eq!(error("port in (80,70000)"), "`70000` is not a port (1 to 65535) at column 13");
    assert_eq!(error("comm im (a)"), "unknown operator `im` at column 6; write =, !=, in (…) or notin (…)");
    assert_eq!(error("comm in a"), "expected `(`, found 'a', at column 9");
    assert_eq!(error("comm in (a"), "expected `,` or `)`, found the end, at column 11");
    assert_eq!(error("comm in (a,)"), "expected a value for `comm`, found ')', at column 12");
    assert_eq!(error("comm="), "expected a value for `comm`, found the end, at column 6");
    assert_eq!(error("comm=a,"), "expected a label, found the end, at column 8");
    assert_eq!(error("comm=a b"), "expected `,` or the end, found 'b', at column 8");
    assert_eq!(error("!comm=a"), "a label after `!` takes no value: expected `,` or the end, found '=', at column 6");
    assert_eq!(error(" "), "empty selector (leave it out to select everything) at column 1");
    assert_eq!(error("env.=a"), "unknown label `env.` at column 1, which names no variable: write env.NAME");
}

#[test]
fn a_symbolic_link_names_what_it_leads_to() {
    let directory = std::env::temp_dir().join(format!("wirespan-link-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let directory = directory.canonicalize().unwrap();
    std::fs::write(directory.join("real"), "").unwrap();
    std::os::unix::fs::symlink("real", directory.join("link")).unwrap();
    let selectors: Selectors = [parse(&format!("exe={}", directory.join("link").display()))].into_iter().collect();
    let real = directory.join("real").to_str().unwrap().into();
    let process = Process { exe: Some(real), ..Process::default() };
    assert!(!selectors.matches(&process, &Users::default()));
    assert!(Rules::from(selectors).with_real_paths().matches(&process, &Users::default()));
    std::fs::remove_dir_all(directory).unwrap();
}

fn value() -> impl Strategy<Value = Box<str>> {
    "[a-zA-Z0-9/._:@~+-][a-zA-Z0-9/._:@=!~+-]{0,12}".prop_map(Into::into)
}

fn requirement() -> impl Strategy<Value = Requirement> {
    let label = prop_oneof![
        Just(Label::Exe),
        Just(Label::Comm),
        Just(Label::User),
        Just(Label::Container),
        Just(Label::ContainerId),
        Just(Label::Unit),
        Just(Label::Owner("DaemonSet")),
        "[A-Z_]{1,8}".prop_map(|name| Label::Environment(name.into())),
        "[a-z./]{1,12}".prop_map(|name| Label::PodLabel(name.into())),
    ];
    let test = prop_oneof![
        prop::collection::vec(value(), 1..4).prop_map(Test::In),
        prop::collection::vec(value(), 1..4).prop_map(Test::NotIn),
        Just(Test::Exists),
        Just(Test::Absent),
    ];
    (label, test).prop_map(|(label, test)| Requirement { label, test, also: Vec::new() })
}

proptest! {
    #[test]
    fn what_is_printed_is_what_was_parsed(requirements in prop::collection::vec(requirement(), 1..5)) {
        let selector = Selector { requirements };
        prop_assert_eq!(selector.to_string().parse::<Selector>().unwrap(), selector);
    }

    #[test]
    fn no_text_is_a_panic_and_places_are_within_it(text in "\\PC{0,60}") {
        if let Err(error) = text.parse::<Selector>() {
            prop_assert!(error.column >= 1 && error.column <= text.chars().count() + 1);
        }
    }

    #[test]
    fn text_of_its_own_alphabet_is_no_panic(text in "[a-z.!=,() ]{0,40}") {
        if let Ok(selector) = text.parse::<Selector>() {
            prop_assert_eq!(selector.to_string().parse::<Selector>().unwrap(), selector);
        }
    }
}
