//! Spans by resource: OTLP has one `ResourceSpans` for each.

use std::collections::HashMap;
use std::sync::Arc;

use crate::trace::span::{Resource, Span};

pub use wirespan_semconv::SCHEMA_URL;

/// The instrumentation scope of every span.
pub const SCOPE_NAME: &str = "wirespan";
/// Its version: the agent's.
pub const SCOPE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The spans of one resource, in the order in which they came.
#[derive(Debug)]
pub struct Group<'a> {
    /// Theirs.
    pub resource: &'a Resource,
    /// Never empty.
    pub spans: Vec<&'a Span>,
}

/// Groups a batch by resource (compared by pointer), in the order of first appearance.
#[must_use]
pub fn by_resource(batch: &[Span]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut known: HashMap<*const Resource, usize> = HashMap::new();
    // Spans of one process mostly come in runs: the map is asked once a run.
    let mut last: Option<(*const Resource, usize)> = None;
    for span in batch {
        let key = Arc::as_ptr(&span.resource);
        let index = match last {
            Some((resource, index)) if resource == key => index,
            _ => *known.entry(key).or_insert(groups.len()),
        };
        last = Some((key, index));
        match groups.get_mut(index) {
            Some(group) => group.spans.push(span),
            None => groups.push(Group { resource: &span.resource, spans: vec![span] }),
        }
    }
    groups
}
