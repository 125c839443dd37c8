//! What to tell a user who sees nothing: why that may be.

use super::engine::Engine;
use std::time::{Duration, Instant};
use wirespan_common::counters::Counter;

/// Silence after which a user is told why.
const SILENCE: Duration = Duration::from_secs(10);
/// The longest time between two hints.
const MAX_SILENCE: Duration = Duration::from_secs(600);

/// Remembers when the last request was seen. A set-up of a connection is none: it is all that is seen of TLS.
pub struct Hint {
    since: Instant,
    requests: u64,
    silence: Duration,
    /// What was told last, without its numbers.
    told: String,
}

impl Hint {
    /// Starts counting silence.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { since: now, requests: 0, silence: SILENCE, told: String::new() }
    }

    /// Whether no request has been seen for long enough. Each hint makes the time to the next longer.
    pub fn is_due(&mut self, now: Instant, requests: u64) -> bool {
        if requests != self.requests {
            self.requests = requests;
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
            return "no request yet: no running process matches the selectors".to_owned();
        }
        let prefix = if self.requests == 0 { "no request yet" } else { "no request lately" };
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
        let what = unread(connections.connections, connections.tls, connections.foreign);
        format!("{prefix}: {seen} calls of {targets} selected processes on {what}")
    }
}

/// What the connections were on which no request was understood; `tls`: all that speak it, and PostgreSQL's among them.
fn unread(connections: u64, [tls, postgres]: [u64; 2], foreign: u64) -> String {
    let foreign = match foreign {
        0 if tls > 0 => String::new(),
        other => format!("; {other} are neither HTTP/1, PostgreSQL nor Redis in plain text"),
    };
    if tls == 0 {
        return format!("{connections} connections{foreign}");
    }
    let first =
        if postgres > 0 { "for a try, `sslmode=disable` in PostgreSQL clients" } else { "for a try, plain text" };
    let of_postgres = if postgres > 0 { format!(", {postgres} of them PostgreSQL's") } else { String::new() };
    format!(
        "{connections} connections, of which {tls} are encrypted (TLS{of_postgres}): their set-up is shown, their requests \
         cannot be read ({first}, or trace behind the proxy that ends TLS){foreign}"
    )
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

    #[test]
    fn tls_is_named_first() {
        let all = unread(12, [12, 12], 0);
        assert!(all.starts_with("12 connections, of which 12 are encrypted (TLS, 12 of them PostgreSQL's)"), "{all}");
        assert!(all.contains("`sslmode=disable`") && !all.contains("neither"), "{all}");
        let some = unread(12, [3, 0], 2);
        assert!(some.contains("3 are encrypted (TLS): ") && !some.contains("sslmode"), "{some}");
        assert!(some.ends_with("; 2 are neither HTTP/1, PostgreSQL nor Redis in plain text"), "{some}");
        assert_eq!(unread(2, [0, 0], 2), "2 connections; 2 are neither HTTP/1, PostgreSQL nor Redis in plain text");
    }
}
