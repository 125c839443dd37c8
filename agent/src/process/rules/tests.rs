use std::sync::Arc;

use super::*;
use crate::process::Group;
use crate::process::Selector;
use crate::process::container::{Container, Labels, Pod};

fn selectors(texts: &[&str]) -> Selectors {
    texts.iter().map(|text| text.parse::<Selector>().unwrap()).collect()
}

fn rule(text: &str) -> Rule {
    let (excludes, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let texts: Vec<&str> = text.split('|').filter(|text| !text.is_empty()).collect();
    Rule { name: text.into(), excludes, selectors: selectors(&texts) }
}

fn rules(texts: &[&str], ordered: &[&str]) -> Rules {
    Rules::new(selectors(texts), ordered.iter().map(|text| rule(text)).collect(), None)
}

fn process(comm: &str) -> Process {
    Process { pid: 42, comm: comm.into(), exe: Some(format!("/usr/bin/{comm}").into()), ..Process::default() }
}

fn judged(rules: &Rules, process: &Process) -> (bool, Reason) {
    let Verdict { traced, reason } = rules.judge(process, &Users::default());
    (traced, reason)
}

#[test]
fn the_first_rule_that_chooses_decides() {
    let rules = rules(&[], &["-comm=curl", "comm=node|comm=python3", "comm in (curl,node)", "-comm=x"]);
    assert_eq!(judged(&rules, &process("curl")), (false, Reason::Rule(0)));
    assert_eq!(judged(&rules, &process("node")), (true, Reason::Rule(1)));
    assert_eq!(judged(&rules, &process("python3")), (true, Reason::Rule(1)));
    assert_eq!(judged(&rules, &process("sleep")), (false, Reason::NoRule));
    assert!(!rules.select_all());
}

#[test]
fn rules_that_only_take_out_leave_the_rest_in() {
    let rules = rules(&[], &["-comm=curl"]);
    assert_eq!(judged(&rules, &process("curl")), (false, Reason::Rule(0)));
    assert_eq!(judged(&rules, &process("node")), (true, Reason::Default));
    assert!(!rules.select_all());
}

#[test]
fn a_rule_without_a_selector_is_for_the_rest() {
    let all = rules(&[], &["comm=node", ""]);
    assert_eq!(judged(&all, &process("sh")), (true, Reason::Rule(1)));
    assert!(all.select_all() && all.shown(&Users::default()).is_none());
    assert!(!rules(&[], &["-comm=node", ""]).select_all());
    assert!(rules(&[], &["", "-comm=node"]).select_all(), "the second one is never asked");
}

#[test]
fn selectors_limit_rules() {
    let rules = rules(&["comm=node", "comm=curl"], &["-comm=curl", "comm=python3"]);
    assert_eq!(judged(&rules, &process("node")), (true, Reason::Selector(0)));
    assert_eq!(judged(&rules, &process("curl")), (false, Reason::Rule(0)));
    assert_eq!(judged(&rules, &process("python3")), (false, Reason::NoSelector));
}

fn contained(container: Option<Container>) -> Process {
    let group = Group { container_id: Some("8be5".into()), ..Group::default() };
    Process { group: Arc::new(group), container: container.map(Arc::new), ..process("node") }
}

fn labelled(value: &str) -> Labels {
    [("wirespan.io/enabled".into(), value.into())].into()
}

#[test]
fn containers_opt_in_and_out() {
    let opting =
        |texts: &[&str], ordered: &[&str]| Rules { opt_in: OptIn::by("wirespan.io/enabled"), ..rules(texts, ordered) };
    let pod = |pod: Pod, labels: Labels| {
        contained(Some(Container { labels, pod: Some(Arc::new(pod)), ..Container::default() }))
    };
    let is_in = pod(Pod { labels: labelled("true"), ..Pod::default() }, Labels::new());
    let is_out = pod(Pod { annotations: labelled("false"), ..Pod::default() }, labelled("true"));
    let by_namespace = pod(Pod { namespace_labels: Arc::new(labelled("true")), ..Pod::default() }, labelled("maybe"));
    for (rules, plain) in [
        (opting(&[], &[]), (true, Reason::Default)),
        (opting(&["comm=x"], &[]), (false, Reason::NoSelector)),
        (opting(&[], &["comm=x"]), (false, Reason::NoRule)),
    ] {
        assert_eq!(judged(&rules, &process("node")), plain);
        assert_eq!(judged(&rules, &contained(None)), plain);
        assert_eq!(judged(&rules, &is_in), (true, Reason::Opted));
        assert_eq!(judged(&rules, &by_namespace), (true, Reason::Opted));
        assert_eq!(judged(&rules, &is_out), (false, Reason::Opted));
        assert!(rules.could_match(&contained(None), &Users::default()), "it may opt in");
        assert!(!rules.select_all() && rules.shown(&Users::default()).is_none());
    }
    let rules = opting(&[], &["-comm=node", "comm=x"]);
    assert_eq!(judged(&rules, &is_in), (false, Reason::Rule(0)), "whoever runs the agent has the last word");
    assert_eq!(judged(&opting(&[], &["comm=node"]), &is_out), (false, Reason::Opted));
}

#[test]
fn what_may_change_is_kept_in_mind() {
    let users = Users::default();
    let could = |rules: &Rules, process: &Process| rules.could_match(process, &users);
    assert!(could(&rules(&["port=80"], &[]), &process("node")));
    assert!(!could(&rules(&["port=80,comm=x"], &[]), &process("node")));
    let named = rules(&[], &["k8s.namespace=shop"]);
    assert!(could(&named, &contained(None)) && !could(&named, &process("node")));
    // What takes it out for certain, and what may.
    assert!(!could(&rules(&[], &["-comm=node", "port=80"]), &process("node")));
    assert!(could(&rules(&[], &["-port=90", "comm=node"]), &process("node")));
    let by_language = rules(&[], &["language=go"]);
    assert!(by_language.may_match(&process("shop"), &users) && !could(&by_language, &process("shop")));
}

#[test]
fn what_they_name() {
    let none = Rules::default();
    assert!(none.select_all() && !none.uses_ports());
    let some = rules(&["port in (8000,80),exe=/x"], &["-comm=a,port!=9,env.A=1", "env.B,cmdline=*x*"]);
    assert!(some.uses_ports() && some.names_port(9) && some.wanted().command_line);
    assert_eq!(some.ports().into_iter().collect::<Vec<_>>(), [9, 80, 8000]);
    assert_eq!(some.variables().into_iter().collect::<Vec<_>>(), ["A", "B"]);
}

#[test]
fn reasons_are_told() {
    let rules = rules(&[], &["-comm=curl", "comm=node|comm=x", "port=80,user=7"]);
    let explain = |process: Process| {
        let verdict = rules.judge(&process, &Users::default());
        rules.explain(&Process { verdict, ..process }, &Users::default())
    };
    assert_eq!(explain(process("curl")), "rule comm=curl (`comm=curl`) takes it out");
    assert_eq!(explain(process("node")), "rule comm=node|comm=x (`comm=node`, `comm=x`) takes it in");
    assert_eq!(explain(process("sh")), "no rule takes it in");
    assert_eq!(
        explain(Process { user: Some(7), ..process("sh") }),
        "`port=80,user=7` would choose it if it used the port"
    );
}
