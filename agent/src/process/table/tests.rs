use super::*;
use crate::process::Selectors;
use std::collections::BTreeMap;

pub(super) fn selectors(texts: &[&str]) -> Selectors {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

pub(super) fn event(pid: u32, at_ns: u64, comm: &str, change: ProcessChange) -> event::Process {
    event::Process { pid, change, comm: comm.into(), user: 0, at_ns }
}

pub(super) fn fork(parent: u32, pid: u32) -> event::Process {
    event(pid, 1, "parent", ProcessChange::Fork { parent })
}

pub(super) fn exec(pid: u32, file: &str) -> event::Process {
    event(pid, 2, file.rsplit('/').next().unwrap(), ProcessChange::Exec { file: file.into() })
}

pub(super) fn changes(table: &mut ProcessTable) -> BTreeMap<u32, Change> {
    table.changes().map(|order| (order.pid, order.change)).collect()
}

/// All processes of this host, now.
fn scan(table: &mut ProcessTable) -> usize {
    let processes = crate::process::discovery::Proc::new([], Default::default()).processes();
    let count = processes.len();
    table.learn(Found { pid: 0, at_ns: u64::MAX, what: What::All(processes) });
    count
}

pub(super) const TRACE: Change = Change::Set(Decision::Trace);
pub(super) const IGNORE: Change = Change::Set(Decision::Ignore);

#[test]
fn a_short_lived_program_is_known_by_its_events() {
    let mut table = ProcessTable::replay(selectors(&["exe=/usr/bin/curl"]));
    table.insert(Process { pid: 10, exe: Some("/bin/bash".into()), ..Process::default() });
    assert_eq!(changes(&mut table), BTreeMap::new());
    table.apply(&fork(10, 11));
    assert_eq!(table.decision(11), Decision::Ignore);
    table.apply(&exec(11, "/usr/bin/curl"));
    table.apply(&event(11, 3, "curl", ProcessChange::Exit));
    assert_eq!(changes(&mut table), BTreeMap::from([(11, Change::Remove)]));
    assert_eq!(table.decision(11), Decision::Trace);
    let curl = table.get(11).unwrap();
    assert_eq!((curl.exe.as_deref(), &*curl.comm, curl.parent), (Some("/usr/bin/curl"), "curl", 10));
}

#[test]
fn exec_decides_and_is_always_answered() {
    let mut table = ProcessTable::replay(selectors(&["comm=curl"]));
    table.insert(Process { pid: 10, ..Process::default() });
    table.apply(&fork(10, 11));
    table.apply(&exec(11, "/usr/bin/curl"));
    table.apply(&fork(10, 12));
    table.apply(&exec(12, "/usr/bin/wget"));
    assert_eq!(changes(&mut table), BTreeMap::from([(11, TRACE), (12, IGNORE)]));
    table.apply(&exec(11, "/usr/bin/wget"));
    assert_eq!(changes(&mut table), BTreeMap::from([(11, IGNORE)]));
    assert_eq!(table.get(11).unwrap().generation, 2);
}

#[test]
fn workers_of_a_selected_master_are_selected_until_they_exec() {
    let mut table = ProcessTable::replay(selectors(&["pid=10"]));
    table.insert(Process { pid: 10, exe: Some("/usr/sbin/nginx".into()), ..Process::default() });
    table.apply(&fork(10, 11));
    table.apply(&fork(11, 12));
    assert_eq!(changes(&mut table), BTreeMap::from([(10, TRACE), (11, TRACE), (12, TRACE)]));
    assert_eq!(table.get(12).unwrap().exe.as_deref(), Some("/usr/sbin/nginx"));
    table.apply(&exec(12, "/bin/sh"));
    assert_eq!(changes(&mut table), BTreeMap::from([(12, IGNORE)]));
    assert_eq!(table.targets().count(), 2);
}

#[test]
fn ports_select_as_they_come() {
    let mut table = ProcessTable::replay(selectors(&["port=8000", "comm=other,port!=9000"]));
    table.insert(Process { pid: 1, ..Process::default() });
    table.insert(Process { pid: 2, comm: "other".into(), ..Process::default() });
    assert_eq!(changes(&mut table), BTreeMap::from([(2, TRACE)]));
    table.listen(1, 80);
    table.connected(1, 8000);
    table.listen(2, 9000);
    assert_eq!(changes(&mut table), BTreeMap::from([(1, TRACE), (2, IGNORE)]));
    table.apply(&fork(1, 3));
    assert_eq!(table.decision(3), Decision::Trace);
    table.apply(&exec(3, "/bin/sh"));
    assert_eq!(table.decision(3), Decision::Ignore);
}

#[test]
fn who_cannot_be_selected_is_refused_at_each_port() {
    let mut table = ProcessTable::replay(selectors(&["comm=nginx,port=80", "user=7,port!=81"]));
    table.insert(Process { pid: 1, comm: "wrk".into(), ..Process::default() });
    table.insert(Process { pid: 2, comm: "nginx".into(), ..Process::default() });
    table.insert(Process { pid: 3, comm: "other".into(), user: Some(7), ..Process::default() });
    changes(&mut table);
    table.connected(1, 80);
    table.connected(2, 8080);
    // Not selected because of this port, but not for good: it may execute or be looked at again.
    table.connected(3, 81);
    assert_eq!(changes(&mut table), BTreeMap::from([(1, Change::Refuse), (3, IGNORE)]));
    table.connected(1, 80);
    table.listen(2, 80);
    assert_eq!(changes(&mut table), BTreeMap::from([(1, Change::Refuse), (2, TRACE)]));
    table.apply(&event(1, 9, "wrk", ProcessChange::Exit));
    table.connected(1, 80);
    assert_eq!(changes(&mut table), BTreeMap::from([(1, Change::Remove)]));
}

#[test]
fn without_selectors_all_but_the_agent_are_traced() {
    let mut table = ProcessTable::live(Selectors::default());
    let own = std::process::id();
    assert_eq!(table.default_decision(), Decision::Trace);
    assert!(scan(&mut table) > 0);
    assert_eq!(table.decision(own), Decision::Ignore);
    assert_eq!(table.decision(u32::MAX), Decision::Trace);
    assert_eq!(table.decision(u32::MAX), Decision::Trace);
    let asks: Vec<Ask> = table.asked().collect();
    assert_eq!(asks.iter().map(|ask| ask.pid).collect::<Vec<_>>(), [u32::MAX], "asked for once");
    table.learn(Found { pid: u32::MAX, at_ns: 0, what: What::Gone { exe: None } });
    assert_eq!(table.counters().unknown, 1);
    assert_eq!(changes(&mut table), BTreeMap::from([(own, IGNORE)]));
    let mut table = ProcessTable::live(selectors(&[&format!("pid={own}")]));
    scan(&mut table);
    assert_eq!(table.decision(own), Decision::Ignore);
    assert_eq!(table.targets().count(), 0);
}

#[test]
fn the_exited_are_kept_for_a_while() {
    let mut table = ProcessTable::replay(Selectors::default());
    table.insert(Process { pid: 1, ..Process::default() });
    table.insert(Process { pid: 2, ..Process::default() });
    table.apply(&event(1, 1000, "a", ProcessChange::Exit));
    table.apply(&event(2, 2000, "b", ProcessChange::Exit));
    table.advance(999 + GRACE_NS);
    assert!(table.get(1).is_some());
    table.apply(&event(2, 3000, "c", ProcessChange::Fork { parent: 1 }));
    table.advance(2000 + GRACE_NS);
    assert!(table.get(1).is_none());
    assert_eq!(&*table.get(2).unwrap().comm, "c", "the id was taken by another process");
}

#[test]
fn a_full_table_lets_go_of_the_exited_and_then_refuses() {
    let mut table = ProcessTable::replay(Selectors::default()).with_limit(3);
    (1..=3).for_each(|pid| table.insert(Process { pid, ..Process::default() }));
    table.apply(&event(2, 5, "x", ProcessChange::Exit));
    table.insert(Process { pid: 4, ..Process::default() });
    assert!(table.get(2).is_none() && table.get(4).is_some());
    table.insert(Process { pid: 5, ..Process::default() });
    assert_eq!((table.len(), table.counters().refused), (3, 1));
}

#[test]
fn a_second_scan_keeps_what_events_told() {
    let mut table = ProcessTable::replay(selectors(&["port=8000,user=0"]));
    let found = Process { pid: 1, start_time: Some(5), user: Some(7), exe: Some("/x".into()), ..Process::default() };
    table.insert(found.clone());
    table.listen(1, 8000);
    assert_eq!(table.decision(1), Decision::Ignore);
    table.insert(Process { user: Some(0), ..found.clone() });
    assert_eq!(changes(&mut table), BTreeMap::from([(1, TRACE)]));
    table.insert(Process { start_time: Some(6), user: Some(0), ..found });
    assert_eq!(changes(&mut table), BTreeMap::from([(1, IGNORE)]), "another process of the same id");
}
