//! When the advisor is asked in a running agent, and where its findings go: log records over OTLP, a note for each new
//! one, sums for the metrics. On the main thread, which never waits for a receiver.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::FxHashSet;
use wirespan_semconv as semconv;
use wirespan_semconv::registry::resources::ADVICE;

use crate::advise::Advisor;
use crate::advise::report::{Example, Finding, Kind, Report};
use crate::export::counts::Snapshot as Counts;
use crate::export::log::{LogRecord, Severity};
use crate::export::worker::Exporter;
use crate::trace::clock::Clock;
use crate::trace::span::{Resource, SpanId, TraceId, Value};

/// Findings that were told as notes and are remembered.
const REMEMBERED: usize = 1024;

/// A window that is younger tells little.
const YOUNG: Duration = Duration::from_secs(20);

/// Everything above the [`Advisor`].
pub struct Advising {
    advisor: Rc<RefCell<Advisor>>,
    interval: Duration,
    due: Instant,
    exporter: Option<Exporter<LogRecord>>,
    /// What the log records belong to: the agent.
    resource: Arc<Resource>,
    told: FxHashSet<String>,
    /// The report of the last window, and when it ended.
    last: Option<(Report, Instant)>,
    /// Findings and their cost in the last window, by kind.
    standing: BTreeMap<Kind, Standing>,
}

/// What the last window held of one kind of findings.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    /// Findings.
    pub findings: u64,
    /// Time that callers waited because of them, s.
    pub cost_seconds: f64,
}

impl Advising {
    /// Asks every `interval`. The engine must tell [`observer`](Self::observer).
    #[must_use]
    pub fn new(interval: Duration, exporter: Option<Exporter<LogRecord>>, resource: Arc<Resource>) -> Self {
        Self {
            advisor: Rc::default(),
            interval,
            due: Instant::now() + interval,
            exporter,
            resource,
            told: FxHashSet::default(),
            last: None,
            standing: BTreeMap::new(),
        }
    }

    /// What the engine tells.
    #[must_use]
    pub fn observer(&self) -> Rc<RefCell<Advisor>> {
        Rc::clone(&self.advisor)
    }

    /// What the last window held, by kind.
    #[must_use]
    pub fn standing(&self) -> &BTreeMap<Kind, Standing> {
        &self.standing
    }

    /// What there is to advise now: of the window that goes on, or of the last one while that has hardly begun.
    pub fn now(&mut self) -> Report {
        match &self.last {
            Some((report, ended)) if ended.elapsed() < YOUNG => report.clone(),
            _ => self.advisor.borrow_mut().peek(),
        }
    }

    /// Asks if it is time to. New findings go to `note`, except at the end, where log records alone remain.
    pub fn turn(&mut self, clock: Clock, now_ns: u64, is_last: bool, note: &mut dyn FnMut(&str)) {
        let now = Instant::now();
        if now < self.due && !(is_last && self.exporter.is_some()) {
            return;
        }
        // Missed times are not made up for.
        self.due = now + self.interval;
        let report = self.advisor.borrow_mut().take();
        self.standing = standing(&report);
        if !is_last {
            self.note(&report, note);
        }
        if let Some(exporter) = &self.exporter {
            let time_unix_ns = clock.unix(now_ns);
            let records = report.findings.iter().map(|finding| record(finding, time_unix_ns, &self.resource)).collect();
            exporter.offer(records);
        }
        self.last = Some((report, now));
    }

    fn note(&mut self, report: &Report, note: &mut dyn FnMut(&str)) {
        for finding in &report.findings {
            if self.told.len() >= REMEMBERED {
                self.told.clear();
            }
            if self.told.insert(format!("{:?}", finding.identity())) {
                note(&format!("advice: {} {}", finding.text, finding.advice));
            }
        }
    }

    /// Name and counters of the exporter.
    #[must_use]
    pub fn counts(&self) -> Option<(&'static str, Counts)> {
        self.exporter.as_ref().map(|exporter| (exporter.name(), exporter.counts()))
    }

    /// Takes no more; what waits is delivered without delay.
    pub fn close(&self) {
        self.exporter.iter().for_each(Exporter::close);
    }

    /// Delivers what waits, until `deadline`, and tells the final counters.
    pub fn shutdown(self, deadline: Instant) -> Option<(&'static str, Counts)> {
        let mut exporter = self.exporter?;
        Some((exporter.name(), exporter.shutdown(deadline)))
    }
}

fn standing(report: &Report) -> BTreeMap<Kind, Standing> {
    let mut by_kind: BTreeMap<Kind, Standing> = BTreeMap::new();
    for finding in &report.findings {
        let one = by_kind.entry(finding.kind).or_default();
        one.findings += 1;
        one.cost_seconds += finding.cost_ms / 1e3;
    }
    by_kind
}

/// A finding as an event: the sentence, and the numbers as attributes.
fn record(finding: &Finding, time_unix_ns: u64, resource: &Arc<Resource>) -> LogRecord {
    let text = |text: &str| Value::Text(text.into());
    let mut attributes: Vec<(Cow<'static, str>, Value)> = vec![
        (semconv::WIRESPAN_ADVICE_KIND.into(), Value::Static(finding.kind.name())),
        (semconv::WIRESPAN_ADVICE_SERVICE.into(), text(&finding.service)),
        (semconv::WIRESPAN_ADVICE_COST.into(), Value::Double(finding.cost_ms / 1e3)),
        (semconv::WIRESPAN_ADVICE_REMEDY.into(), text(&finding.advice)),
    ];
    let mut add = |key: &'static str, value: Option<Value>| {
        attributes.extend(value.map(|value| (Cow::Borrowed(key), value)));
    };
    add(semconv::WIRESPAN_ADVICE_ROUTE, finding.route.as_deref().map(text));
    add(semconv::WIRESPAN_ADVICE_STATEMENT, finding.statement.as_deref().map(text));
    if let Some(peer) = &finding.peer {
        add(semconv::SERVER_ADDRESS, Some(text(&peer.address)));
        add(semconv::SERVER_PORT, peer.port.map(|port| Value::Int(port.into())));
        add(semconv::WIRESPAN_ADVICE_PROTOCOL, peer.protocol.as_deref().map(text));
        add(semconv::DB_NAMESPACE, peer.namespace.as_deref().map(text));
    }
    for (name, number) in &finding.numbers {
        attributes.push((semconv::WIRESPAN_ADVICE_NUMBER.replace("<number>", name).into(), Value::Double(*number)));
    }
    LogRecord {
        event_name: ADVICE.name,
        time_unix_ns,
        severity: if finding.kind.is_warning() { Severity::Warn } else { Severity::Info },
        body: finding.text.clone(),
        attributes,
        span: finding.examples.first().and_then(span),
        resource: Arc::clone(resource),
    }
}

/// The ids of an example.
fn span(example: &Example) -> Option<(TraceId, SpanId)> {
    let trace_id = u128::from_str_radix(&example.trace_id, 16).ok()?;
    let span_id = u64::from_str_radix(&example.span_id, 16).ok()?;
    Some((trace_id.to_be_bytes(), span_id.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::report::Peer;
    use crate::pipeline::emitted_tests::emitted;

    fn finding() -> Finding {
        Finding {
            kind: Kind::NoPool,
            service: "web".to_owned(),
            peer: Some(Peer {
                address: "10.0.0.7".to_owned(),
                port: Some(5432),
                protocol: Some("postgresql".to_owned()),
                namespace: Some("shop".to_owned()),
            }),
            route: Some("/checkout".to_owned()),
            statement: Some("SELECT orders".to_owned()),
            cost_ms: 58_200.0,
            concerned: crate::advise::report::Concerned::default(),
            text: "web opened 120 connections.".to_owned(),
            advice: "Use a pool.".to_owned(),
            numbers: [("setup_share".to_owned(), 0.97)].into(),
            parts: Vec::new(),
            evidence: Vec::new(),
            examples: vec![Example {
                trace_id: "000102030405060708090a0b0c0d0e0f".to_owned(),
                span_id: "f0e0d0c0b0a09080".to_owned(),
            }],
        }
    }

    #[test]
    fn a_finding_becomes_an_event_with_its_numbers_and_a_span() {
        let record = record(&finding(), 17, &Arc::default());
        let attributes: Vec<_> = record.attributes.iter().map(|(key, value)| emitted((key, value))).collect();
        semconv::check::event(record.event_name, &attributes).unwrap();
        let get = |key: &str| record.attributes.iter().find(|(known, _)| known == key).map(|(_, value)| value);
        assert_eq!((record.event_name, record.severity, record.time_unix_ns), ("wirespan.advice", Severity::Warn, 17));
        assert_eq!(get("wirespan.advice.cost"), Some(&Value::Double(58.2)));
        assert_eq!(get("wirespan.advice.setup_share"), Some(&Value::Double(0.97)));
        let listed = ADVICE.uses.iter().map(|one| one.name).filter(|name| *name != semconv::WIRESPAN_ADVICE_NUMBER);
        assert!(listed.into_iter().all(|name| get(name).is_some()), "each that the registry lists: {attributes:?}");
        let (trace_id, span_id) = record.span.unwrap();
        assert_eq!((trace_id[0], trace_id[15], span_id[0]), (0, 15, 0xf0));
    }

    #[test]
    fn a_finding_is_noted_once() {
        let mut advising = Advising::new(Duration::from_secs(60), None, Arc::default());
        let report = Report { findings: vec![finding()], ..Report::default() };
        let mut notes = Vec::new();
        advising.note(&report, &mut |text| notes.push(text.to_owned()));
        advising.note(&report, &mut |text| notes.push(text.to_owned()));
        assert_eq!(notes, ["advice: web opened 120 connections. Use a pool."]);
        assert_eq!(standing(&report)[&Kind::NoPool], Standing { findings: 1, cost_seconds: 58.2 });
    }
}
