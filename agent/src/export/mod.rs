//! Where spans go: console, OTLP JSON lines, Perfetto, OTLP over HTTP and gRPC.
//!
//! ```text
//! pipeline → Exporters::offer → queue (bounded, counts what it drops) → worker (a thread) → a Sink
//!                                                                         console, otlp_json: output
//!                                                                         otlp: encode → http | grpc, retries
//! ```
//!
//! A new exporter is a [`Sink`](worker::Sink), or only a [`Format`](output::Format) if it writes lines.

pub mod console;
pub mod counts;
pub mod groups;
pub mod log;
pub mod notice;
pub mod otlp;
pub mod otlp_json;
pub mod output;
pub mod perfetto;
pub mod prometheus;
pub mod queue;
pub mod worker;

use std::time::Instant;

use crate::trace::span::Span;
use counts::Snapshot;
use worker::Exporter;

/// All exporters of a run.
#[derive(Debug, Default)]
pub struct Exporters {
    all: Vec<Exporter>,
}

impl Exporters {
    /// Adds a running exporter.
    pub fn add(&mut self, exporter: Exporter) {
        self.all.push(exporter);
    }

    /// Hands spans to each. Never blocks.
    pub fn offer(&self, spans: Vec<Span>) {
        if let Some((last, others)) = self.all.split_last() {
            for exporter in others {
                exporter.offer(spans.clone());
            }
            last.offer(spans);
        }
    }

    /// Whether an exporter has ended (the reader of standard output went away): the caller should end, cleanly.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.all.iter().any(Exporter::ended)
    }

    /// Name and counters of each.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, Snapshot)> {
        self.all.iter().map(|exporter| (exporter.name(), exporter.counts()))
    }

    /// Takes no more spans; what waits is delivered without delay.
    pub fn close(&self) {
        self.all.iter().for_each(Exporter::close);
    }

    /// Delivers what waits, until `deadline`, and tells the final counters.
    pub fn shutdown(mut self, deadline: Instant) -> Vec<(&'static str, Snapshot)> {
        self.close();
        self.all.iter_mut().map(|exporter| (exporter.name(), exporter.shutdown(deadline))).collect()
    }
}

#[cfg(test)]
pub(crate) mod testing;
