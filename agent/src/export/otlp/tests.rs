//! Both clients against receivers that run in the test: retries, refusals, compression, headers, TLS, receivers that are away.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::config::otlp::settings;
use crate::export::counts::Snapshot;
use crate::export::notice::Notice;
use crate::export::otlp::OtlpSink;
use crate::export::testing::{bare_span, resource};
use crate::export::worker::Exporter;

mod grpc;
mod http;

/// An exporter made from variables, and what it reports.
struct Running {
    exporter: Exporter,
    notices: mpsc::Receiver<Notice>,
}

/// A folder for certificates, away when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wirespan-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn start(variables: &[(&str, &str)]) -> Running {
    let variables: HashMap<_, _> = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let settings = settings(&|name| variables.get(name).cloned(), None).unwrap();
    let (sender, notices) = mpsc::channel();
    let reporter = Box::new(move |notice| drop(sender.send(notice)));
    let sink = OtlpSink::new(&settings.otlp.unwrap(), settings.batch, reporter).unwrap();
    Running { exporter: Exporter::spawn("otlp", sink, settings.batch.into()).unwrap(), notices }
}

impl Running {
    fn offer(&self, spans: usize) {
        let resource = resource("api");
        self.exporter.offer((0..spans).map(|_| bare_span(&resource)).collect());
    }

    fn finish(mut self) -> Snapshot {
        self.exporter.shutdown(std::time::Instant::now() + Duration::from_secs(10))
    }

    fn send(self, spans: usize) -> Snapshot {
        self.offer(spans);
        self.finish()
    }
}

#[test]
fn an_absent_receiver_costs_the_queue_and_no_more() {
    let running = start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10"),
    ]);
    let started = Instant::now();
    for _ in 0..100 {
        running.offer(50);
    }
    assert!(started.elapsed() < Duration::from_secs(1), "offering never waits");
    let trouble = running.notices.recv_timeout(Duration::from_secs(5)).unwrap();
    assert!(matches!(&trouble, Notice::Trouble(text) if text.contains("refused")), "{trouble:?}");
    let Running { mut exporter, .. } = running;
    let counts = exporter.shutdown(std::time::Instant::now() + Duration::from_millis(300));
    assert!(started.elapsed() < Duration::from_secs(3), "shutting down keeps its time");
    assert_eq!(counts.exported, 0);
    assert!(counts.queue_full >= 5000 - 120 && counts.shutdown > 0, "{counts:?}");
    assert_eq!(
        counts.lost().iter().map(|(_, lost)| lost).sum::<u64>(),
        5000,
        "every span is accounted for: {counts:?}"
    );
}
