//! The processes that the running agent knows, as JSON: `/debug/targets`. The main loop answers, as it answers a scrape.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde_json::{Map, Value, json};
use wirespan_semconv as semconv;

use crate::capture::report::Report;
use crate::conn::fact::Fact;
use crate::enrich::Resources;
use crate::event::Role;
use crate::export::prometheus::Board;
use crate::process::Process;
use crate::process::table::ProcessTable;
use crate::shown;
use crate::trace::observation::{Observation, Observer};
use crate::trace::span::Resource;

/// Most processes of each kind that are told, and whose protocols are kept.
const MAX_PROCESSES: usize = 4096;
/// Longest value of a label that is told, characters.
const MAX_VALUE: usize = 256;

/// Exchanges that a process answered and asked, by protocol.
type Spoken = BTreeMap<&'static str, [u64; 2]>;

/// Which protocols each process was seen to speak.
#[derive(Debug, Default)]
pub struct Seen(FxHashMap<u32, (Arc<str>, Spoken)>);

impl Observer for Seen {
    fn observe(&mut self, observation: &Observation<'_>) {
        let (Fact::Exchange(..), Some(protocol)) = (observation.fact, observation.protocol) else { return };
        let service = &observation.resource.service_name;
        if self.0.len() >= MAX_PROCESSES && !self.0.contains_key(&observation.pid) {
            return;
        }
        let (known, spoken) = self.0.entry(observation.pid).or_insert_with(|| (Arc::clone(service), Spoken::new()));
        // The number was given to another process.
        if known != service {
            (*known, *spoken) = (Arc::clone(service), Spoken::new());
        }
        let is_client = observation.connection.role == Some(Role::Client);
        spoken.entry(protocol.name).or_default()[usize::from(is_client)] += 1;
    }
}

/// Who asks, and what was seen.
#[derive(Debug)]
pub struct Listing {
    board: Arc<Board<String>>,
    seen: Rc<RefCell<Seen>>,
}

impl Listing {
    /// Answers at this board. The engine must tell [`Listing::observer`].
    #[must_use]
    pub fn new(board: Arc<Board<String>>) -> Self {
        Self { board, seen: Rc::default() }
    }

    /// What the engine tells.
    #[must_use]
    pub fn observer(&self) -> Rc<RefCell<Seen>> {
        Rc::clone(&self.seen)
    }

    /// Answers if somebody asks.
    pub fn answer(&self, list: impl FnOnce(&mut Seen) -> String) {
        if self.board.is_wanted() {
            self.board.publish(list(&mut self.seen.borrow_mut()));
        }
    }
}

impl Seen {
    /// What is known now; those that are gone are forgotten.
    pub fn json(&mut self, report: &Report, table: &ProcessTable, resources: &mut Resources) -> String {
        let mut all: Vec<_> = table.all().collect();
        all.sort_by_key(|process| process.pid);
        self.0.retain(|pid, _| all.binary_search_by_key(pid, |process| process.pid).is_ok());
        let of = |traced: bool| all.iter().copied().filter(move |process| process.verdict.traced == traced);
        let targets: Vec<Value> = of(true)
            .take(MAX_PROCESSES)
            .map(|process| {
                let mut told = told(process, &resources.of(process));
                told["why"] = table.why(process).into();
                told["labels"] = told_labels(table.labels(process)).into();
                told["protocols"] = self.protocols(process.pid);
                told
            })
            .collect();
        let other = |process: &Process| json!({ "pid": process.pid, "comm": process.comm, "exe": process.exe.as_deref(), "labels": told_labels(table.labels(process)), "why": table.why(process) });
        let answer = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "kernel": report.kernel,
            "backend": report.backend,
            "selectors": table.rules().selectors().iter().map(ToString::to_string).collect::<Vec<_>>(),
            "rules": table.rules().rules().iter().map(|rule| &*rule.name).collect::<Vec<_>>(),
            "agents": [std::process::id()],
            "left_out": all.len().saturating_sub(of(true).count().min(MAX_PROCESSES) + of(false).count().min(MAX_PROCESSES)),
            "targets": targets,
            "others": of(false).take(MAX_PROCESSES).map(other).collect::<Vec<_>>(),
        });
        format!("{}\n", shown::json(&answer.to_string()))
    }

    fn protocols(&self, pid: u32) -> Value {
        let of = |(name, [served, asked]): (&&str, &[u64; 2])| {
            ((*name).to_owned(), json!({ "served": served, "asked": asked }))
        };
        self.0.get(&pid).map(|(_, spoken)| spoken.iter().map(of).collect::<Map<_, _>>()).unwrap_or_default().into()
    }
}

/// What is known of a process that is traced, for programs. What chose it is for the caller to add.
#[must_use]
pub fn told(process: &Process, resource: &Resource) -> Value {
    let attribute = |key: &str| {
        let found = resource.attributes.iter().find(|(name, _)| name == key);
        found.and_then(|(_, value)| value.as_str())
    };
    json!({
        "pid": process.pid,
        "service": &*resource.service_name,
        "comm": process.comm,
        "exe": process.exe.as_deref(),
        "user": process.user,
        "unit": process.group.unit,
        "container": process.group.container_id.as_deref(),
        "listening": process.listening,
        "runtime": {
            "name": attribute(semconv::PROCESS_RUNTIME_NAME),
            "version": attribute(semconv::PROCESS_RUNTIME_VERSION),
        },
    })
}

/// Labels without those that others can fill at will: variables and annotations.
fn told_labels(labels: BTreeMap<String, Vec<String>>) -> Map<String, Value> {
    let is_told =
        |name: &str| !name.starts_with("env.") && !name.starts_with("k8s.pod.annotation.") && name != "cmdline";
    let value = |value: &String| Value::from(shown::clean(value, MAX_VALUE));
    labels
        .into_iter()
        .filter(|(name, _)| is_told(name))
        .map(|(name, values)| (name, values.iter().map(value).collect::<Vec<_>>().into()))
        .collect()
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
