//! Spans as Chrome's JSON of traces, which ui.perfetto.dev and `chrome://tracing` open: a track for each process and thread, and flows
//! from clients to the servers that answered them.
//!
//! The format is the one of the "Trace Event Format" document: an array of objects, whose end may be missing, so that a file can be
//! opened while it is written. Times are µs. On one thread calls may overlap (event loops): those that do not nest stand on further
//! tracks of the thread.

use std::fmt::Write as _;

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Map, json};
use wirespan_semconv as semconv;

use super::output::Format;
use crate::shown;
use crate::trace::span::{Kind, Span, Value};
use crate::view::said::{self, hex};
use crate::view::told;

/// Intervals that are remembered of a track.
const MAX_INTERVALS: usize = 64;
/// Most tracks that are remembered.
const MAX_TRACKS: usize = 16 * 1024;
/// Tracks of a thread.
const MAX_LANES: u32 = 64;
/// Memory of the buffer that is kept from batch to batch.
const KEEP: usize = 1 << 20;

/// The format.
#[derive(Debug, Default)]
pub struct Perfetto {
    text: String,
    /// What stands on each track lately: beginnings and ends, ns.
    tracks: FxHashMap<(i64, u32, u32), Vec<(u64, u64)>>,
    /// Processes that have a name.
    named: FxHashSet<i64>,
    begun: bool,
}

/// The process of a span.
fn process(span: &Span) -> i64 {
    let pid = span.resource.attributes.iter().find(|(key, _)| key == semconv::PROCESS_PID);
    match pid {
        Some((_, Value::Int(pid))) => *pid,
        _ => 0,
    }
}

fn micros(ns: u64) -> f64 {
    ns as f64 / 1e3
}

impl Perfetto {
    fn event(&mut self, event: &serde_json::Value) {
        self.text.push_str(if std::mem::replace(&mut self.begun, true) { ",\n" } else { "[\n" });
        self.text.push_str(&shown::json(&event.to_string()));
    }

    /// A track of the thread where the span nests in what is there.
    fn lane(&mut self, pid: i64, thread: u32, span: &Span) -> u32 {
        if self.tracks.len() >= MAX_TRACKS {
            self.tracks.clear();
        }
        let (start, end) = (span.start_unix_ns, span.end_unix_ns);
        for lane in 0..MAX_LANES {
            let track = self.tracks.entry((pid, thread, lane)).or_default();
            let nests = |(from, until): &(u64, u64)| {
                end <= *from || *until <= start || start <= *from && *until <= end || *from <= start && end <= *until
            };
            if track.iter().all(nests) {
                // What it encloses needs no place any more.
                track.retain(|(from, until)| !(start <= *from && *until <= end));
                if track.len() >= MAX_INTERVALS {
                    track.remove(0);
                }
                track.push((start, end));
                return lane;
            }
        }
        MAX_LANES
    }

    fn span(&mut self, span: &Span) {
        let pid = process(span);
        if self.named.len() >= MAX_TRACKS {
            self.named.clear();
        }
        if self.named.insert(pid) {
            let name = &*span.resource.service_name;
            self.event(&json!({"ph": "M", "name": "process_name", "pid": pid, "args": {"name": name}}));
        }
        let lane = self.lane(pid, span.thread, span);
        // Thread ids have 22 bits at most (`PID_MAX_LIMIT`, include/linux/threads.h): tracks beside them have numbers above.
        let tid = u64::from(span.thread) | u64::from(lane) << 24;
        if lane > 0 {
            let name = format!("thread {} ({})", span.thread, lane + 1);
            self.event(&json!({"ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": {"name": name}}));
        }
        let mut arguments: Map<String, serde_json::Value> =
            span.attributes.iter().map(|(key, value)| ((*key).to_owned(), told::value(value))).collect();
        arguments.insert("trace_id".to_owned(), hex(&span.trace_id).into());
        arguments.insert("span_id".to_owned(), hex(&span.span_id).into());
        if let Some(parent) = &span.parent {
            arguments.insert("parent_span_id".to_owned(), hex(parent).into());
        }
        if said::is_failed(span) {
            arguments.insert("error".to_owned(), said::trouble(span, None).into());
        }
        let category = match span.kind {
            Kind::Server => "server",
            Kind::Client => "client",
            Kind::Internal => "internal",
        };
        let start = micros(span.start_unix_ns);
        self.event(&json!({
            "ph": "X", "cat": category, "name": &*span.name, "pid": pid, "tid": tid,
            "ts": start, "dur": micros(span.duration_ns()), "args": arguments,
        }));
        let flow = |mark: &str, id: &[u8]| json!({"ph": mark, "cat": "call", "name": "call", "id": hex(id), "pid": pid, "tid": tid, "ts": start, "bp": "e"});
        match (span.kind, &span.parent) {
            (Kind::Client, _) => self.event(&flow("s", &span.span_id)),
            (Kind::Server, Some(client)) => self.event(&flow("f", client)),
            _ => {}
        }
    }
}

impl Format for Perfetto {
    fn render(&mut self, batch: &[Span]) -> &[u8] {
        self.text.clear();
        self.text.shrink_to(KEEP);
        batch.iter().for_each(|span| self.span(span));
        self.text.as_bytes()
    }

    fn finish(&mut self) -> &[u8] {
        self.text.clear();
        let _ = writeln!(self.text, "{}", if self.begun { "\n]" } else { "[]" });
        self.text.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shown::testing::HOSTILE;
    use crate::view::testing::span;

    fn events(spans: &[Span]) -> Vec<serde_json::Value> {
        let mut format = Perfetto::default();
        let mut text = String::new();
        for batch in spans.chunks(2) {
            text.push_str(std::str::from_utf8(format.render(batch)).unwrap());
        }
        text.push_str(std::str::from_utf8(format.finish()).unwrap());
        serde_json::from_str::<Vec<serde_json::Value>>(&text).unwrap()
    }

    fn of<'a>(events: &'a [serde_json::Value], phase: &str) -> Vec<&'a serde_json::Value> {
        events.iter().filter(|event| event["ph"] == phase).collect()
    }

    #[test]
    fn a_call_is_a_flow_from_its_client_to_its_server() {
        let events = events(&[
            span("db", Kind::Server, "SELECT", 3, Some(2), (12, 18)),
            span("web", Kind::Client, "SELECT", 2, Some(1), (10, 20)),
            span("web", Kind::Server, "GET /", 1, None, (0, 40)),
        ]);
        assert_eq!(of(&events, "X").len(), 3);
        let (start, end) = (of(&events, "s"), of(&events, "f"));
        assert_eq!((start.len(), end.len()), (1, 1));
        assert_eq!(start[0]["id"], end[0]["id"]);
        assert_eq!(of(&events, "X")[2]["dur"], 40_000.0);
    }

    #[test]
    fn what_overlaps_on_a_thread_stands_on_a_track_of_its_own() {
        let events = events(&[
            span("web", Kind::Client, "a", 1, None, (0, 10)),
            span("web", Kind::Client, "b", 2, None, (5, 15)),
            span("web", Kind::Client, "c", 3, None, (15, 20)),
            span("web", Kind::Server, "d", 4, None, (0, 30)),
        ]);
        let tids: Vec<u64> = of(&events, "X").iter().map(|event| event["tid"].as_u64().unwrap() >> 24).collect();
        assert_eq!(tids, [0, 1, 0, 0]);
    }

    #[test]
    fn hostile_names_stay_texts() {
        let events = events(&[span("web", Kind::Client, HOSTILE, 1, None, (0, 10))]);
        assert_eq!(of(&events, "X")[0]["name"], HOSTILE);
        assert_eq!(self::events(&[]), Vec::<serde_json::Value>::new());
    }
}
