//! What is found comes when it likes: before its event, after it, or never.

use super::tests::{IGNORE, TRACE, changes, event, exec, fork, selectors};
use super::*;
use crate::process::{Program, Published};
use std::sync::Arc;

/// A table of which somebody is asked.
fn live(texts: &[&str]) -> ProcessTable {
    let mut table = ProcessTable::replay(selectors(texts));
    table.live = true;
    table
}

fn process(pid: u32, variables: &[(&str, &str)]) -> Process {
    let environment = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Process { pid, environment, exe: Some("/bin/a".into()), start_time: Some(7), found_ns: 3, ..Process::default() }
}

fn found(at_ns: u64, process: Process) -> Found {
    Found { pid: process.pid, at_ns, what: What::Process(Box::new(process)) }
}

fn gone(pid: u32, at_ns: u64) -> Found {
    Found { pid, at_ns, what: What::Gone { exe: None } }
}

#[test]
fn an_answer_waits_for_its_event() {
    let mut table = live(&["env.A=1"]);
    let ask = table.look_at(&exec(10, "/bin/a")).unwrap();
    assert_eq!((ask.pid, ask.at_ns), (10, 2));
    table.learn(found(2, process(10, &[("A", "1")])));
    assert!(table.get(10).is_none(), "what comes before the exec is about another program");
    table.apply(&exec(10, "/bin/link"));
    assert_eq!(changes(&mut table).get(&10), Some(&TRACE));
    let known = table.get(10).unwrap();
    assert_eq!((known.exe.as_deref(), known.generation, known.start_time), (Some("/bin/a"), 1, Some(7)));
    assert!(table.early.is_empty());
}

#[test]
fn until_it_was_looked_at_a_program_stays_undecided() {
    for (answer, expected) in [(found(2, process(10, &[("A", "1")])), TRACE), (gone(10, 2), IGNORE)] {
        let mut table = live(&["env.A=1"]);
        table.apply(&exec(10, "/bin/a"));
        assert_eq!(changes(&mut table).get(&10), None);
        table.learn(answer);
        assert_eq!(changes(&mut table).get(&10), Some(&expected));
    }
    let mut table = live(&["env.A=1"]);
    table.apply(&exec(10, "/bin/a"));
    table.advance(1_000_000_000);
    assert_eq!(changes(&mut table).get(&10), None);
    table.advance(3_000_000_000);
    assert_eq!(changes(&mut table).get(&10), Some(&IGNORE), "nobody answers");
}

#[test]
fn the_answer_to_an_older_exec_is_none() {
    let mut table = live(&["env.A=1"]);
    table.apply(&exec(10, "/bin/a"));
    table.apply(&event(10, 9, "b", ProcessChange::Exec { file: "/bin/b".into() }));
    table.learn(found(2, process(10, &[("A", "1")])));
    assert_eq!(changes(&mut table).get(&10), None);
    assert_eq!(table.get(10).unwrap().exe.as_deref(), Some("/bin/b"));
    table.learn(found(9, process(10, &[("A", "1")])));
    assert_eq!(changes(&mut table).get(&10), Some(&TRACE));
}

#[test]
fn a_forked_process_knows_its_start() {
    let mut table = live(&["exe=/bin/a"]);
    table.insert(process(10, &[]));
    assert_eq!(table.look_at(&fork(10, 11)).unwrap().look, Look::Start);
    table.insert(Process { exe: Some("/bin/other".into()), ..process(20, &[]) });
    assert_eq!(table.look_at(&fork(20, 21)), None, "nobody will ask");
    table.learn(Found { pid: 11, at_ns: 4, what: What::Start(99) });
    table.apply(&event(11, 4, "a", ProcessChange::Fork { parent: 10 }));
    table.apply(&event(12, 5, "a", ProcessChange::Fork { parent: 10 }));
    assert_eq!(table.get(12).unwrap().start_time, None);
    table.learn(Found { pid: 12, at_ns: 5, what: What::Start(100) });
    assert_eq!((table.get(11).unwrap().start_time, table.get(12).unwrap().start_time), (Some(99), Some(100)));
}

#[test]
fn a_scan_knows_nothing_of_what_came_after_it_began() {
    let mut table = live(&["env.A=1"]);
    table.insert(process(10, &[("A", "1")]));
    table.insert(process(13, &[("A", "1")]));
    table.apply(&event(11, 50, "a", ProcessChange::Fork { parent: 10 }));
    table.apply(&event(13, 50, "a", ProcessChange::Exit));
    changes(&mut table);
    // It has seen 10 as it was, 13 before its end, and not yet 11.
    let seen = [process(10, &[]), process(13, &[("A", "1")]), process(12, &[("A", "1")])];
    table.learn(Found { pid: 0, at_ns: 40, what: What::All(seen.to_vec()) });
    let told = changes(&mut table);
    assert_eq!((told.get(&11), told.get(&12), told.get(&13)), (None, Some(&TRACE), None));
    assert_eq!(told.get(&10), Some(&IGNORE), "nothing has happened to it since");
    table.learn(Found { pid: 0, at_ns: 60, what: What::All(vec![process(10, &[])]) });
    assert_eq!(changes(&mut table).get(&11), Some(&Change::Remove), "its end was lost");
}

#[test]
fn texts_have_a_limit_together_and_the_exited_go_first() {
    let long = "x".repeat(400);
    let mut table = live(&["env.A"]);
    table.max_texts = 1000;
    table.insert(process(1, &[("A", &long)]));
    table.insert(process(2, &[("A", &long)]));
    table.insert(process(3, &[("A", &long)]));
    assert_eq!(table.counters().texts_refused, 1);
    assert!(table.get(3).unwrap().environment.is_empty());
    table.apply(&event(1, 5, "a", ProcessChange::Exit));
    table.insert(process(4, &[("A", &long)]));
    assert_eq!(table.dropped().collect::<Vec<_>>(), [1]);
    assert_eq!(table.get(4).unwrap().environment.len(), 1);
    // Of who can never be selected nothing is kept.
    table.insert(process(5, &[("B", &long)]));
    assert!(table.get(5).unwrap().environment.is_empty());
    for pid in 2..=5 {
        table.apply(&event(pid, 6, "a", ProcessChange::Exit));
    }
    table.advance(6 + GRACE_NS);
    assert_eq!((table.len(), table.texts), (0, 0));
}

#[test]
fn what_is_found_after_the_end_still_counts() {
    let mut table = live(&["env.A=1"]);
    table.apply(&exec(10, "/bin/a"));
    table.apply(&event(10, 3, "a", ProcessChange::Exit));
    table.learn(found(2, process(10, &[("A", "1")])));
    assert_eq!(table.decision(10), Decision::Trace);
    assert_eq!(changes(&mut table).get(&10), Some(&Change::Remove));
    table.advance(3 + GRACE_NS);
    assert_eq!((table.len(), table.texts), (0, 0));
}

#[test]
fn one_that_is_exiting_has_lost_what_it_was() {
    let mut table = live(&["env.A=1"]);
    let whole = process(10, &[("A", "1")]);
    table.learn(found(0, whole.clone()));
    let left = Process { exe: None, environment: Vec::new().into(), found_ns: 9, ..whole };
    table.learn(found(0, left.clone()));
    assert_eq!((table.decision(10), table.get(10).unwrap().environment.len()), (Decision::Trace, 1));
    table.apply(&event(10, 10, "a", ProcessChange::Exit));
    table.learn(found(0, Process { found_ns: 11, ..left }));
    assert_eq!(table.get(10).unwrap().environment.len(), 1);
}

/// What tells a runtime is mapped after the exec: who begins to serve is looked at once more.
#[test]
fn the_first_port_is_a_reason_to_look_again() {
    let mut table = live(&["env.A=1"]);
    let known = process(10, &[("A", "1")]);
    table.insert(known.clone());
    table.insert(process(11, &[]));
    table.listen(11, 80);
    assert_eq!(table.asked().count(), 0, "nobody's target");
    table.listen(10, 80);
    assert_eq!(table.asked().map(|ask| (ask.pid, ask.at_ns)).collect::<Vec<_>>(), [(10, 0)]);
    let contexts = Some(wirespan_common::context::Runtime { kind: 3, places: [8; 7], ..Default::default() });
    let program = Program { contexts, ..Program::default() };
    table.programs().for_each(drop);
    table.learn(found(0, Process { program: Arc::new(program), ..known }));
    assert_eq!(
        table.programs().map(|process| (process.pid, process.program.contexts)).collect::<Vec<_>>(),
        [(10, contexts)]
    );
    assert_eq!(table.get(10).unwrap().listening, [80]);
    table.listen(10, 81);
    assert_eq!(table.asked().count(), 0, "known by now");
}

#[test]
fn what_a_process_publishes_is_its_own() {
    let mut table = live(&["exe=/bin/a"]);
    table.insert(process(10, &[]));
    let says = |pid, start_time, found_ns, version: &str| {
        let published = Some(Arc::new(Published::new(found_ns, [("service.version", version)])));
        Found { pid, at_ns: 0, what: What::Published(Some(Said { start_time, found_ns, published })) }
    };
    let known = |table: &ProcessTable, pid| {
        let process = table.get(pid).unwrap();
        let version = process.published.as_ref().map(|published| published.attributes[0].1.to_string());
        (version, process.revision)
    };
    table.learn(says(10, 7, 4, "1"));
    assert_eq!(known(&table, 10), (Some("1".into()), 1));
    table.learn(says(10, 7, 4, "1"));
    assert_eq!(known(&table, 10).1, 1, "nothing is new");
    table.learn(says(10, 8, 5, "2"));
    assert_eq!(known(&table, 10).0.as_deref(), Some("1"), "another process had that id");
    table.apply(&event(11, 6, "a", ProcessChange::Fork { parent: 10 }));
    assert_eq!(known(&table, 11).0, None, "a child does not have the mapping");
    table.apply(&event(10, 9, "a", ProcessChange::Exec { file: "/bin/a".into() }));
    table.learn(says(10, 7, 8, "1"));
    assert_eq!(table.get(10).unwrap().published, None, "that was the program before");
    table.learn(Found { pid: 12, at_ns: 0, what: What::Published(None) });
    assert_eq!(table.counters(), Counters::default());
}
