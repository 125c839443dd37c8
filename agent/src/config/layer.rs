//! One source of settings, and how several become one configuration.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::setting::{Access, Setting};
use super::settings::{self, Config, OUTPUT, WEB_LISTEN};
use super::value::{Source, Wrong};
use super::words::Output;
use super::words::View;
use super::{Error, section::Reader, yaml::Node};
use crate::trace::sampler::Sampler;

/// What one source (flags, environment, file) says: the values of the settings that it gives, and what is more than a value.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    values: Config,
    given: Vec<&'static Setting>,
    /// Whether spans are exported over OTLP.
    pub otlp: Option<bool>,
    /// Whether metrics are.
    pub otlp_metrics: Option<bool>,
    /// Whether findings of the advisor are.
    pub otlp_logs: Option<bool>,
    /// Whether [`Output::OtlpJson`] writes metrics beside spans.
    pub metric_lines: Option<bool>,
    /// Which exchanges become spans.
    pub sampler: Option<Sampler>,
    /// `OTEL_EXPORTER_OTLP_*` variables.
    pub otlp_variables: BTreeMap<String, String>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// Where each value came from.
    pub(super) origins: Origins,
}

impl Layer {
    /// Where the settings of this layer are; only those that were given mean something.
    #[must_use]
    pub fn values(&self) -> &Config {
        &self.values
    }

    /// Sets the setting with this path by the program itself.
    pub(crate) fn give(&mut self, path: &str, set: impl FnOnce(&mut Config)) {
        set(&mut self.values);
        self.given.extend(settings::all().find(|setting| setting.path == path));
    }

    /// Shows spans there.
    pub(crate) fn show(&mut self, output: Output) {
        self.give(OUTPUT, |config| config.output = output);
    }

    /// Exports nothing.
    pub(crate) fn disable(&mut self) {
        self.show(Output::None);
        (self.otlp, self.otlp_metrics, self.otlp_logs) = (Some(false), Some(false), Some(false));
    }

    /// Whether a setting was given.
    pub(super) fn has(&self, path: &str) -> bool {
        self.given.iter().any(|setting| setting.path == path)
    }

    /// Sets a setting to what texts say: the items of a list, or one text. `origin`: the flag or variable.
    pub(crate) fn write(
        &mut self,
        setting: &'static Setting,
        source: Source,
        origin: &str,
        texts: &[OsString],
    ) -> Result<(), Wrong> {
        let known = self.known();
        match setting.access {
            Access::Field { of, .. } => {
                of(&mut self.values).parse(setting, source, texts)?;
                self.given.push(setting);
            }
            Access::Act(act) => texts.iter().try_for_each(|text| act(self, &text.to_string_lossy()))?,
            Access::Part(..) | Access::Section(_) | Access::Unused | Access::Listed(_) => {}
        }
        self.came_from(&known, origin);
        Ok(())
    }

    /// Sets a setting to what stands in the file.
    pub(super) fn read(
        &mut self,
        setting: &'static Setting,
        reader: &mut Reader<'_>,
        node: &Node,
    ) -> Result<(), Error> {
        let known = self.known();
        match setting.access {
            Access::Field { of, .. } => {
                of(&mut self.values).read(setting, reader, node)?;
                self.given.push(setting);
            }
            Access::Part(read, ..) => read(reader, node, self)?,
            Access::Section(_) | Access::Act(_) | Access::Unused | Access::Listed(_) => {}
        }
        self.came_from(&known, &format!("{}:{}", reader.file, node.place.line));
        Ok(())
    }

    /// What is known so far, for [`came_from`](Self::came_from).
    fn known(&self) -> Known {
        Known {
            given: self.given.len(),
            variables: self.otlp_variables.keys().cloned().collect(),
            sampler: self.sampler.is_some(),
        }
    }

    /// What was not known before came from there.
    fn came_from(&mut self, before: &Known, origin: &str) {
        let paths = self.given.iter().skip(before.given).map(|setting| setting.path.to_owned());
        let variables = self.otlp_variables.keys().filter(|name| !before.variables.contains(*name)).cloned();
        let sampler = (self.sampler.is_some() && !before.sampler).then(|| SAMPLER.to_owned());
        self.origins.extend(paths.chain(variables).chain(sampler).map(|what| (what, origin.to_owned())));
    }
}

/// Where values came from: a flag, a variable, or a place in a file, by the paths of settings, the names of the OTLP exporter's
/// variables, and [`SAMPLER`]. What is not there is a default.
pub type Origins = BTreeMap<String, String>;

/// The sampler among the [`Origins`].
pub(super) const SAMPLER: &str = "tracer_provider.sampler";

/// What a layer knew before something was read.
struct Known {
    given: usize,
    variables: Vec<String>,
    sampler: bool,
}

/// Prefix of the variables of the OTLP exporter.
pub(super) const OTLP: &str = "OTEL_EXPORTER_OTLP_";
pub(super) const SIGNALS: [&str; 3] = ["TRACES_", "METRICS_", "LOGS_"];

/// One configuration of several layers, the strongest first, and where its values come from.
pub(super) fn settle(layers: Vec<Layer>) -> Result<(Config, Origins), Error> {
    let mut config = Config::default();
    let mut origins = Origins::new();
    // From the weakest on, so that each layer overwrites those below.
    let mut has_output = false;
    for layer in layers.into_iter().rev() {
        has_output |= layer.has(OUTPUT);
        for setting in &layer.given {
            if let Access::Field { copy, .. } = setting.access {
                copy(&mut config, &layer.values);
            }
        }
        set(&mut config.otlp, layer.otlp);
        set(&mut config.metrics.otlp, layer.otlp_metrics);
        set(&mut config.otlp_logs, layer.otlp_logs);
        set(&mut config.metrics.lines, layer.metric_lines);
        set(&mut config.sampler, layer.sampler);
        overlay(&mut config.otlp_variables, layer.otlp_variables);
        origins.extend(layer.origins);
        config.warnings.splice(0..0, layer.warnings);
    }
    if !has_output && config.otlp {
        config.output = Output::None;
    }
    if config.output != Output::Console && config.console.view() != View::default() {
        let warning = "--trace-id, --errors and --slower-than are for the console, and the output is another one";
        config.warnings.push(warning.to_owned());
    }
    if let Some(address) =
        config.web_listen.filter(|one| !one.ip().to_canonical().is_loopback() && config.view.token.is_empty())
    {
        let place = origins.get(WEB_LISTEN).map_or(WEB_LISTEN, String::as_str);
        let what = format!(
            "the page would be served to other hosts at {address} without a token: set WIRESPAN_VIEW_TOKEN, or an address of the loopback \
             interface"
        );
        return Err(Error::new(place, what));
    }
    metric_variables(&mut config);
    if config.batch.size > config.batch.queue {
        config.warnings.push(format!(
            "a batch of {} spans cannot be larger than the queue: {} it is",
            config.batch.size, config.batch.queue
        ));
        config.batch.size = config.batch.queue;
    }
    Ok((config, origins))
}
/// What the variables of the OTLP metrics exporter say of the metrics themselves. An unknown word is a warning.
fn metric_variables(config: &mut Config) {
    const TEMPORALITY: &str = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    const AGGREGATION: &str = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";
    if let Some(word) = config.otlp_variable(TEMPORALITY) {
        match super::choice(&word.replace('_', "")) {
            Ok(reading) => config.metrics.reading = reading,
            Err(what) => config.warnings.push(format!("{TEMPORALITY}: {what}; ignored")),
        }
    }
    if let Some(word) = config.otlp_variable(AGGREGATION) {
        match word.to_ascii_lowercase().as_str() {
            "explicit_bucket_histogram" => config.metrics.settings.exponential = false,
            "base2_exponential_bucket_histogram" => config.metrics.settings.exponential = true,
            _ => config.warnings.push(format!(
                "{AGGREGATION}: unknown value `{word}`; write explicit_bucket_histogram or \
                 base2_exponential_bucket_histogram; ignored"
            )),
        }
    }
    // A value must have been told before it is forgotten.
    let shortest = config.metric_interval * 2;
    if config.metrics.settings.expiry < shortest {
        config.warnings.push(format!(
            "series cannot expire before two export intervals have passed: {} ms it is",
            shortest.as_millis()
        ));
        config.metrics.settings.expiry = shortest;
    }
}

fn set<T>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}

/// Puts stronger variables over weaker ones. A stronger one for all signals counts more than a weaker one for a single
/// signal.
fn overlay(variables: &mut BTreeMap<String, String>, stronger: BTreeMap<String, String>) {
    for name in stronger.keys() {
        if let Some(rest) = name.strip_prefix(OTLP) {
            for signal in SIGNALS {
                variables.remove(&format!("{OTLP}{signal}{rest}"));
            }
        }
    }
    variables.extend(stronger);
}
