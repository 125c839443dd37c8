//! What to tell a user who sees nothing: why that may be.

use super::engine::Engine;
use std::time::{Duration, Instant};
use wirespan_common::counters::Counter;

/// Silence after which a user is told why.
const SILENCE: Duration = Duration::from_secs(10);
/// The longest time between two hints.
const MAX_SILENCE: Duration = Duration::from_secs(600);

/// Remembers when the last span was seen.
pub struct Hint {
    since: Instant,
    spans: u64,
    silence: Duration,
    /// What was told last, without its numbers.
    told: String,
}

impl Hint {
    /// Starts counting silence.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { since: now, spans: 0, silence: SILENCE, told: String::new() }
    }

    /// Whether nothing has been seen for long enough. Each hint doubles the time to the next.
    pub fn is_due(&mut self, now: Instant, spans: u64) -> bool {
        if spans != self.spans {
            self.spans = spans;
            self.since = now;
            self.silence = SILENCE;
            return false;
        }
        if now.duration_since(self.since) < self.silence {
            return false;
        }
        self.since = now;
        self.silence = (self.silence * 4).min(MAX_SILENCE);
        true
    }

    /// Whether a hint says something else than the last one did. Other numbers are nothing else.
    pub fn is_news(&mut self, text: &str) -> bool {
        let words = text.replace(|char: char| char.is_ascii_digit(), "");
        let is_news = words != self.told;
        self.told = words;
        is_news
    }

    /// Why nothing was seen, as far as the counters tell.
    #[must_use]
    pub fn text(&self, targets: usize, counters: &[u64; Counter::COUNT], engine: &Engine) -> String {
        let seen = counters[Counter::Seen as usize];
        let totals = engine.totals();
        let connections = engine.connection_counts();
        if targets == 0 {
            return "no span yet: no running process matches the selectors".to_owned();
        }
        let prefix = if self.spans == 0 { "no span yet" } else { "no span lately" };
        if seen == 0 {
            return format!(
                "{prefix}: the {targets} selected processes have not sent or received anything over TCP or unix sockets"
            );
        }
        if totals.not_selected > 0 && totals.spans == 0 {
            return format!(
                "{prefix}: {} requests were seen, all of processes that are not selected",
                totals.not_selected
            );
        }
        format!(
            "{prefix}: {seen} calls on {} connections of {targets} selected processes, {} of them neither HTTP/1, PostgreSQL nor Redis in plain text (TLS?)",
            connections.connections, connections.foreign
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_hint_is_told_once() {
        let now = Instant::now();
        let mut hint = Hint::new(now);
        assert!(!hint.is_due(now, 0) && hint.is_due(now + SILENCE, 0));
        assert!(hint.is_news("no span yet: 3 calls"));
        assert!(!hint.is_news("no span yet: 17 calls"));
        assert!(hint.is_news("no span yet: no running process matches"));
        assert!(hint.is_news("no span yet: 20 calls"));
    }
}
