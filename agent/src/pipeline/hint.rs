//! What to tell a user who sees nothing: why that may be.

use super::engine::Engine;
use crate::conn::Counts;
use std::time::{Duration, Instant};
use wirespan_common::counters::Counter;
use wirespan_protocols::protocol::Registry;

/// Silence after which a user is told why.
const SILENCE: Duration = Duration::from_secs(10);
/// The longest time between two hints.
const MAX_SILENCE: Duration = Duration::from_secs(600);

/// Remembers when the last request was seen. A set-up of a connection is none: it is all that is seen of encrypted ones.
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
        why(self.requests, targets, counters, engine)
    }
}

/// Why nothing is seen after so many `requests`, as far as the counters tell.
#[must_use]
pub fn why(requests: u64, targets: usize, counters: &[u64; Counter::COUNT], engine: &Engine) -> String {
    let seen = counters[Counter::Seen as usize];
    let totals = engine.totals();
    let connections = engine.connection_counts();
    if targets == 0 {
        return "no request yet: no running process matches the selectors".to_owned();
    }
    let prefix = if requests == 0 { "no request yet" } else { "no request lately" };
    if seen == 0 {
        return format!(
            "{prefix}: the {targets} selected processes have not sent or received anything over TCP or unix sockets"
        );
    }
    if totals.not_selected > 0 && totals.spans == 0 {
        return format!("{prefix}: {} requests were seen, all of processes that are not selected", totals.not_selected);
    }
    let what = unread(connections, engine.protocols());
    format!("{prefix}: {seen} calls of {targets} selected processes on {what}")
}

/// What the connections were on which no request was understood.
fn unread(counts: &Counts, registry: Registry) -> String {
    let (connections, encrypted) = (counts.connections, counts.encrypted);
    let foreign = match counts.foreign {
        0 if encrypted > 0 => String::new(),
        other => format!("; {other} are {} in plain text", neither(registry)),
    };
    if encrypted == 0 {
        return format!("{connections} connections{foreign}");
    }
    let inside = registry.iter().zip(&counts.encrypted_inside).filter(|(_, count)| **count > 0);
    let of_them: String =
        inside.clone().map(|(protocol, count)| format!(", {count} of them {}'s", protocol.title)).collect();
    let in_clear = inside.filter_map(|(protocol, _)| protocol.hidden.in_clear).next().unwrap_or("plain text");
    let by = registry.encryption().map_or("", |protocol| protocol.title);
    format!(
        "{connections} connections, of which {encrypted} are encrypted ({by}{of_them}): their set-up is shown, their \
         requests cannot be read (for a try, {in_clear}, or trace behind the proxy that ends {by}){foreign}"
    )
}

/// `neither A, B nor C`: the protocols that have requests.
fn neither(registry: Registry) -> String {
    let titles = registry.titles();
    match titles.split_last() {
        Some((last, others @ [_, ..])) => format!("neither {} nor {last}", others.join(", ")),
        _ => format!("not {}", titles.concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirespan_protocols::registry::PROTOCOLS;

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
    fn encryption_is_named_first() {
        let unread = |connections, encrypted: u64, inside: Option<&str>, foreign| {
            let count = |name| if inside == Some(name) { encrypted } else { 0 };
            let encrypted_inside = PROTOCOLS.iter().map(|protocol| count(protocol.spoken.name)).collect();
            let counts = Counts { connections, encrypted, encrypted_inside, foreign, ..Counts::default() };
            super::unread(&counts, PROTOCOLS)
        };
        let all = unread(12, 12, Some("postgresql"), 0);
        assert!(all.starts_with("12 connections, of which 12 are encrypted (TLS, 12 of them PostgreSQL's)"), "{all}");
        assert!(
            all.contains("for a try, `sslmode=disable` in PostgreSQL clients, or") && !all.contains("neither"),
            "{all}"
        );
        let some = unread(12, 3, None, 2);
        assert!(some.contains("3 are encrypted (TLS): ") && !some.contains("sslmode"), "{some}");
        assert!(
            some.ends_with("; 2 are neither HTTP/1, HTTP/2, PostgreSQL, Redis nor FastCGI in plain text"),
            "{some}"
        );
        assert_eq!(
            unread(2, 0, None, 2),
            "2 connections; 2 are neither HTTP/1, HTTP/2, PostgreSQL, Redis nor FastCGI in plain text"
        );
    }
}
