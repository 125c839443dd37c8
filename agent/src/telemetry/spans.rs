//! Spans of the agent's own work, as it exports those of others.
//!
//! They are made by `tracing::info_span!`. A field with a value is an attribute; two have a meaning of their own:
//! [`NOTHING`] takes a span back, and `error.type` makes it a failure.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};

use crate::trace::ids::Ids;
use crate::trace::span::{Attribute, Kind, Resource, Span, SpanId, Status, TraceId, Value};
use wirespan_semconv::ERROR_TYPE;

/// A field that says that there was nothing to do: nobody is told of the span.
pub const NOTHING: &str = "nothing";
/// Most spans that are open at once: a few for each thread of the agent.
const MAX_OPEN: usize = 256;
/// Most finished spans that wait. The main loop takes them at least sixteen times a second.
const MAX_FINISHED: usize = 1024;

thread_local! {
    /// The spans that this thread is in, the innermost last.
    static INSIDE: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// A span that is not over.
#[derive(Debug)]
struct Open {
    name: &'static str,
    trace_id: TraceId,
    span_id: SpanId,
    parent: Option<SpanId>,
    begin: Instant,
    start_unix_ns: u64,
    found: Found,
    /// Handles to it; it is over when the last one is dropped.
    handles: usize,
}

#[derive(Debug)]
struct State {
    ids: Ids,
    next: u64,
    open: HashMap<u64, Open>,
    finished: Vec<Span>,
}

/// All of a process.
#[derive(Debug)]
pub struct Spans {
    resource: Arc<Resource>,
    state: Mutex<State>,
    lost: AtomicU64,
}

impl Spans {
    /// None yet. `resource`: what they belong to.
    #[must_use]
    pub fn new(resource: Arc<Resource>, ids: Ids) -> Self {
        let state = State { ids, next: 1, open: HashMap::new(), finished: Vec::new() };
        Self { resource, state: Mutex::new(state), lost: AtomicU64::new(0) }
    }

    /// Those that are over since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<Span> {
        std::mem::take(&mut self.lock().finished)
    }

    /// Those that found no room.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// A span begins, inside the one that this thread is in.
    pub(super) fn open(&self, attributes: &Attributes<'_>) -> Id {
        let begin = Instant::now();
        let start_unix_ns = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let outer = match attributes.parent() {
            Some(parent) => Some(parent.into_u64()),
            None if attributes.is_contextual() => INSIDE.with_borrow(|inside| inside.last().copied()),
            None => None,
        };
        let mut found = Found::default();
        attributes.record(&mut found);
        let mut state = self.lock();
        let id = state.next;
        state.next += 1;
        if state.open.len() >= MAX_OPEN {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return Id::from_u64(id);
        }
        let outer = outer.and_then(|outer| state.open.get(&outer)).map(|outer| (outer.trace_id, outer.span_id));
        let (trace_id, span_id) = (outer.map(|(trace, _)| trace), state.ids.span_id());
        let trace_id = trace_id.unwrap_or_else(|| state.ids.trace_id());
        let span = Open {
            name: attributes.metadata().name(),
            trace_id,
            span_id,
            parent: outer.map(|(_, span)| span),
            begin,
            start_unix_ns: u64::try_from(start_unix_ns).unwrap_or(u64::MAX),
            found,
            handles: 1,
        };
        state.open.insert(id, span);
        Id::from_u64(id)
    }

    /// More is known of a span.
    pub(super) fn record(&self, id: &Id, values: impl FnOnce(&mut dyn Visit)) {
        if let Some(span) = self.lock().open.get_mut(&id.into_u64()) {
            values(&mut span.found);
        }
    }

    /// There is one more handle.
    pub(super) fn keep(&self, id: &Id) {
        if let Some(span) = self.lock().open.get_mut(&id.into_u64()) {
            span.handles += 1;
        }
    }

    /// A handle is dropped. Whether it was the last one.
    pub(super) fn close(&self, id: &Id) -> bool {
        let mut state = self.lock();
        let Some(span) = state.open.get_mut(&id.into_u64()) else { return false };
        span.handles -= 1;
        if span.handles > 0 {
            return false;
        }
        let Some(span) = state.open.remove(&id.into_u64()) else { return false };
        if span.found.nothing {
            return true;
        }
        if state.finished.len() >= MAX_FINISHED {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        let took = u64::try_from(span.begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        state.finished.push(Span {
            trace_id: span.trace_id,
            span_id: span.span_id,
            parent: span.parent,
            trace_state: None,
            kind: Kind::Internal,
            name: span.name.into(),
            start_unix_ns: span.start_unix_ns,
            end_unix_ns: span.start_unix_ns.saturating_add(took),
            answered_unix_ns: None,
            thread: 0,
            attributes: span.found.attributes,
            status: if span.found.failed { Status::Error("".into()) } else { Status::Unset },
            links: Vec::new(),
            resource: Arc::clone(&self.resource),
        });
        true
    }

    /// This thread goes into a span.
    pub(super) fn enter(id: &Id) {
        INSIDE.with_borrow_mut(|inside| inside.push(id.into_u64()));
    }

    /// This thread leaves a span.
    pub(super) fn exit(id: &Id) {
        INSIDE.with_borrow_mut(|inside| {
            if let Some(at) = inside.iter().rposition(|other| *other == id.into_u64()) {
                inside.remove(at);
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the fields of a span say.
#[derive(Debug, Default)]
struct Found {
    attributes: Vec<Attribute>,
    nothing: bool,
    failed: bool,
}

impl Found {
    fn set(&mut self, field: &Field, value: Value) {
        let name = field.name();
        self.nothing |= name == NOTHING;
        self.failed |= name == ERROR_TYPE;
        match self.attributes.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.attributes.push((name, value)),
        }
    }
}

impl Visit for Found {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, Value::Int(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, Value::Int(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, Value::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, Value::text(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, Value::text(&format!("{value:?}")));
    }
}

#[cfg(test)]
mod tests;
