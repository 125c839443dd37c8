//! From a configuration to exporters and tracing options.

use super::looking;
use super::telling::Telling;
use crate::config::otlp::Signal;
use crate::config::{Config, Output, otlp};
use crate::enrich::{self, Host};
use crate::export::Exporters;
use crate::export::console::{Lines, Trees};
use crate::export::otlp::OtlpSink;
use crate::export::otlp::logs::{self, LogsSink};
use crate::export::otlp::metrics::{self, MetricsSink};
use crate::export::otlp_json::{JsonLines, MetricLines};
use crate::export::output::{Format, Output as Lined};
use crate::export::perfetto::Perfetto;
use crate::export::prometheus::Board;
use crate::export::queue::Batching;
use crate::export::worker::Exporter;
use crate::files;
use crate::metrics::record::Metrics;
use crate::metrics::snapshot::Snapshot;
use crate::pipeline::advising::Advising;
use crate::pipeline::metering::Metering;
use crate::pipeline::viewing::Viewing;
use crate::serve::{Page, Served, Server};
use crate::telemetry::Telemetry;
use crate::trace::span::Span;
use crate::trace::spare::Spare;
use anyhow::Context as _;
use std::cell::RefCell;
use std::io::{BufWriter, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Spans are shown this soon after their exchange is over, at the latest.
const PROMPT: Duration = Duration::from_millis(50);
/// Spans that may wait for the console or a file.
const LOCAL_QUEUE: usize = 64 * 1024;
/// Memory that they may hold.
const LOCAL_BYTES: usize = 32 << 20;

/// Starts the exporters that a configuration asks for. `spare`: where buffers of spans go that are sent.
///
/// # Errors
/// Settings that cannot be used, files that cannot be opened.
pub fn exporters(config: &Config, spare: &Spare, telling: &Telling) -> anyhow::Result<Exporters> {
    let mut exporters = Exporters::default();
    let batching = Batching { max_queue: LOCAL_QUEUE, max_bytes: LOCAL_BYTES, max_batch: 1024, delay: PROMPT };
    match config.output {
        Output::Console => {
            let trees = Trees::new(console(config));
            exporters.add(Exporter::spawn("console", lined(trees, config, telling)?, batching)?)
        }
        Output::Lines => exporters.add(Exporter::spawn("lines", lined(console(config), config, telling)?, batching)?),
        Output::Perfetto => {
            exporters.add(Exporter::spawn("perfetto", lined(Perfetto::default(), config, telling)?, batching)?)
        }
        Output::OtlpJson => {
            exporters.add(Exporter::spawn("otlp-json", lined(JsonLines::default(), config, telling)?, batching)?)
        }
        Output::None => {}
    }
    if config.otlp {
        let settings = otlp::settings(&|name| otlp_variable(config, name), None)?;
        for warning in &settings.warnings {
            telling.warn(warning);
        }
        if let Some(otlp) = &settings.otlp {
            let sink = OtlpSink::new(otlp, settings.batch, telling.reporter())?.with_spare(spare.clone());
            exporters.add(Exporter::spawn("otlp", sink, settings.batch.into())?);
        }
    }
    Ok(exporters)
}

/// The agent's own telemetry, with spans if they are wanted.
///
/// # Errors
/// When the operating system has no random source to offer.
pub fn telemetry(config: &Config) -> anyhow::Result<Telemetry> {
    let telemetry = Telemetry::global();
    if config.telemetry_spans {
        telemetry.keep_spans(Arc::new(enrich::agent(&Host::read(), &super::variable)))?;
    }
    Ok(telemetry)
}

/// What is served over HTTP, if it is wanted: `served`, the same at each address.
///
/// # Errors
/// An address that is taken.
pub fn servers(config: &Config, served: &Served) -> anyhow::Result<Vec<Server>> {
    let scraped = [config.listen, config.prometheus_listen];
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in scraped.into_iter().chain([config.web_listen]).flatten() {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    let start = |address: SocketAddr| {
        let page = served.page.clone().filter(|_| config.web_listen == Some(address));
        let only_page = !scraped.contains(&Some(address));
        Server::start(address, Served { page, only_page, ..served.clone() })
    };
    addresses.into_iter().map(start).collect()
}

/// What was seen lately, if somebody looks.
#[must_use]
pub fn viewing(config: &Config) -> Option<Viewing> {
    config.web_listen.map(|_| looking::viewing(config))
}

/// The page of what was seen.
#[must_use]
pub fn page(config: &Config, viewing: &Viewing) -> Page {
    Page { asker: viewing.asker(), token: config.view.token.secret().into(), memory: config.view.memory.into() }
}

/// What measures, if anybody wants to know: exporters, or scrapes at `board`.
///
/// # Errors
/// Settings that cannot be used, files that cannot be opened.
pub fn metering(
    config: &Config,
    trace: &crate::trace::Config,
    telling: &Telling,
    board: Option<Arc<Board>>,
) -> anyhow::Result<Option<Metering>> {
    let mut exporters = Vec::new();
    if config.output == Output::OtlpJson && config.metrics.lines {
        exporters.push(Exporter::spawn(
            "otlp-json-metrics",
            lined(MetricLines::default(), config, telling)?,
            metrics::WAITING,
        )?);
    }
    if config.metrics.otlp {
        let (otlp, warnings) = otlp::of_signal(&|name| config.otlp_variable(name), Signal::Metrics, true)?;
        for warning in warnings {
            telling.warn(&warning);
        }
        if let Some(otlp) = &otlp {
            let sink = MetricsSink::new(otlp, config.batch.timeout, telling.reporter())?;
            exporters.push(Exporter::spawn("otlp-metrics", sink, metrics::WAITING)?);
        }
    }
    if exporters.is_empty() && board.is_none() {
        return Ok(None);
    }
    let own = Arc::new(enrich::agent(&Host::read(), &super::variable));
    let recorder = Metrics::new(config.metrics.settings.clone(), trace.clone(), own);
    let (recorder, reading) = (Rc::new(RefCell::new(recorder)), config.metrics.reading);
    Ok(Some(Metering::new(recorder, reading, config.metric_interval, exporters, board)))
}

/// What gives advice, unless it is switched off.
///
/// # Errors
/// Settings that cannot be used.
pub fn advising(config: &Config, telling: &Telling) -> anyhow::Result<Option<Advising>> {
    if config.advisor_interval.is_zero() {
        return Ok(None);
    }
    let mut exporter = None;
    if config.otlp_logs {
        let (otlp, warnings) = otlp::of_signal(&|name| config.otlp_variable(name), Signal::Logs, true)?;
        for warning in warnings {
            telling.warn(&warning);
        }
        if let Some(otlp) = &otlp {
            let sink = LogsSink::new(otlp, config.batch.timeout, telling.reporter())?;
            exporter = Some(Exporter::spawn("otlp-logs", sink, logs::WAITING)?);
        }
    }
    let own = Arc::new(enrich::agent(&Host::read(), &super::variable));
    Ok(Some(Advising::new(config.advisor_interval, exporter, own)))
}

/// What the OTLP exporter reads of its variables; batching comes from the configuration.
fn otlp_variable(config: &Config, name: &str) -> Option<String> {
    let batch = &config.batch;
    match name {
        "OTEL_TRACES_EXPORTER" => Some("otlp".to_owned()),
        "OTEL_BSP_MAX_QUEUE_SIZE" => Some(batch.queue.to_string()),
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE" => Some(batch.size.to_string()),
        "OTEL_BSP_SCHEDULE_DELAY" => Some(batch.delay.as_millis().to_string()),
        "OTEL_BSP_EXPORT_TIMEOUT" => Some(batch.timeout.as_millis().to_string()),
        _ => config.otlp_variable(name),
    }
}

fn lined<F>(format: F, config: &Config, telling: &Telling) -> anyhow::Result<Lined<F>> {
    match &config.output_file {
        Some(path) => Lined::file(format, path, telling.reporter()),
        None => Ok(Lined::stdout(format, telling.reporter())),
    }
}

fn console(config: &Config) -> Lines {
    match config.output_file {
        Some(_) => Lines::plain(config.console.view()),
        None => Lines::for_stdout(config.console.view(), &super::variable),
    }
}

/// Writes spans at once, on the caller's thread: nothing is dropped, however fast they come (replay).
pub struct Direct {
    format: Option<Box<dyn Format>>,
    target: Box<dyn Write>,
}

impl Direct {
    /// Writes where a configuration says.
    ///
    /// # Errors
    /// When the output file cannot be created.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let target: Box<dyn Write> = match &config.output_file {
            Some(path) => Box::new(BufWriter::new(
                files::create(path).with_context(|| format!("cannot create {}", path.display()))?,
            )),
            None => Box::new(std::io::stdout()),
        };
        let format: Option<Box<dyn Format>> = match config.output {
            Output::Console => Some(Box::new(Trees::new(console(config)))),
            Output::Lines => Some(Box::new(console(config))),
            Output::Perfetto => Some(Box::new(Perfetto::default())),
            Output::OtlpJson => Some(Box::new(JsonLines::default())),
            Output::None => None,
        };
        Ok(Self { format, target })
    }

    /// Writes spans.
    ///
    /// # Errors
    /// When that fails; a reader that went away is such a failure too.
    pub fn write(&mut self, spans: &[Span]) -> std::io::Result<()> {
        match &mut self.format {
            Some(format) if !spans.is_empty() => self.target.write_all(format.render(spans)),
            _ => Ok(()),
        }
    }

    /// Writes metrics, as a line of OTLP JSON.
    ///
    /// # Errors
    /// When that fails; a reader that went away is such a failure too.
    pub fn write_metrics(&mut self, snapshot: Snapshot) -> std::io::Result<()> {
        if snapshot.is_empty() {
            return Ok(());
        }
        self.target.write_all(MetricLines::default().render(&[Arc::new(snapshot)]))
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// When that fails.
    pub fn finish(mut self) -> std::io::Result<()> {
        if let Some(format) = &mut self.format {
            self.target.write_all(format.finish())?;
        }
        self.target.flush()
    }
}
