//! Takes events and spans from the macros of `tracing`: events become notes, spans are kept if somebody wants them.
//!
//! Only what this program says is taken: libraries (h2, hyper) use the same macros.

use std::fmt::{self, Write as _};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Instant;

use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};

use super::log;
use super::spans::Spans;
use crate::trace::ids::Ids;
use crate::trace::span::{Resource, Span};

/// What each place in the code may still say.
static LIMITS: LazyLock<log::Limits<Identifier>> = LazyLock::new(log::Limits::default);
static GLOBAL: LazyLock<Telemetry> = LazyLock::new(Telemetry::default);

/// The agent's own telemetry. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Telemetry(Arc<OnceLock<Spans>>);

impl Telemetry {
    /// That of this process.
    #[must_use]
    pub fn global() -> Self {
        GLOBAL.clone()
    }

    /// Takes what all threads say from now on, panics included.
    pub fn begin(&self) {
        // A second time it is there already.
        let _ = tracing::subscriber::set_global_default(self.clone());
        log::of_panics();
    }

    /// Keeps spans of the agent's own work from now on. `resource`: what they belong to.
    ///
    /// # Errors
    /// When the operating system has no random source to offer.
    pub fn keep_spans(&self, resource: Arc<Resource>) -> anyhow::Result<()> {
        let ids = Ids::from_os()?;
        self.0.get_or_init(|| Spans::new(resource, ids));
        tracing::callsite::rebuild_interest_cache();
        Ok(())
    }

    /// The spans that are over since the last call.
    #[must_use]
    pub fn take_spans(&self) -> Vec<Span> {
        self.0.get().map(Spans::take).unwrap_or_default()
    }

    /// Spans that found no room.
    #[must_use]
    pub fn lost_spans(&self) -> u64 {
        self.0.get().map_or(0, Spans::lost)
    }
}

/// Whether it is this program that speaks.
fn is_own(metadata: &Metadata<'_>) -> bool {
    metadata.target().split("::").next() == Some(env!("CARGO_CRATE_NAME"))
}

impl Subscriber for Telemetry {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_own(metadata)
            && if metadata.is_span() {
                self.0.get().is_some()
            } else {
                log::Level::from(*metadata.level()) as u8 <= log::least()
            }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let spans = if self.0.get().is_some() { log::Level::Info as u8 } else { 0 };
        Some(match log::least().max(spans) {
            0 => LevelFilter::OFF,
            1 => LevelFilter::ERROR,
            2 => LevelFilter::WARN,
            3 => LevelFilter::INFO,
            4 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        })
    }

    fn event(&self, event: &Event<'_>) {
        let level = (*event.metadata().level()).into();
        let Some(left_out) = LIMITS.pass(event.metadata().callsite(), level, Instant::now()) else { return };
        let mut line = Line::default();
        event.record(&mut line);
        if left_out > 0 {
            // Writing into a `String` cannot fail.
            let _ = write!(line.fields, " ({left_out} more of this kind were left out)");
        }
        log::write(level, &line.text());
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        self.0.get().map_or(Id::from_u64(u64::MAX), |spans| spans.open(attributes))
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        if let Some(spans) = self.0.get() {
            spans.record(id, |visitor| values.record(visitor));
        }
    }

    /// Nothing here follows from anything.
    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, id: &Id) {
        Spans::enter(id);
    }

    fn exit(&self, id: &Id) {
        Spans::exit(id);
    }

    fn clone_span(&self, id: &Id) -> Id {
        if let Some(spans) = self.0.get() {
            spans.keep(id);
        }
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        self.0.get().is_some_and(|spans| spans.close(&id))
    }
}

/// The text of an event: its message, then its fields.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Line {
    fn text(mut self) -> String {
        self.message.push_str(&self.fields);
        self.message
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing into a `String` cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Told(std::sync::Mutex<Vec<String>>);

    impl Subscriber for Told {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            is_own(metadata)
        }
        fn event(&self, event: &Event<'_>) {
            let mut line = Line::default();
            event.record(&mut line);
            self.0.lock().unwrap().push(line.text());
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn a_message_is_told_as_it_is_and_fields_follow() {
        let told = Arc::new(Told(std::sync::Mutex::default()));
        tracing::subscriber::with_default(Arc::clone(&told), || {
            let text = "100 % {of} \"it\"";
            tracing::info!("{text}");
            tracing::warn!(count = 3, name = "x", "lost");
            tracing::error!(target: "h2::client", "not ours");
            tracing::error!(target: "wirespanish", "not ours");
        });
        assert_eq!(*told.0.lock().unwrap(), ["100 % {of} \"it\"", "lost count=3 name=\"x\""]);
    }

    #[test]
    fn without_wish_there_are_no_spans() {
        let telemetry = Telemetry::default();
        tracing::subscriber::with_default(telemetry.clone(), || {
            assert!(tracing::info_span!("quiet").is_disabled());
        });
        assert!(telemetry.take_spans().is_empty());
    }
}
