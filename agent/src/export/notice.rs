//! What an exporter has to tell a person: that it fails and why, and that it works again. Changes only, not every failure.

use std::time::{Duration, Instant};

use crate::shown::clean;

/// Something that a person should read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Spans do not get out; the text says why, in one line.
    Trouble(String),
    /// They do again.
    Recovered(String),
}

/// Receives notices, on the exporter's thread. The caller decides where they go (standard error, the log).
pub type Reporter = Box<dyn Fn(Notice) + Send>;

/// The same trouble is told again after this time, another one at once, but see [`Notices::fails`].
const REMIND: Duration = Duration::from_secs(60);
/// Different troubles in a row are told at most this often.
const AT_MOST: Duration = Duration::from_secs(5);
/// Longest text: receivers can answer anything.
const MAX_TEXT: usize = 500;

/// Passes on what is new.
pub struct Notices {
    what: &'static str,
    reporter: Reporter,
    trouble: Option<(String, Instant)>,
    since: Option<Instant>,
}

impl std::fmt::Debug for Notices {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Notices").field("trouble", &self.trouble).finish_non_exhaustive()
    }
}

impl Notices {
    /// Tells `reporter` of spans.
    #[must_use]
    pub fn new(reporter: Reporter) -> Self {
        Self::of("spans", reporter)
    }

    /// Tells `reporter` of what else is exported.
    #[must_use]
    pub fn of(what: &'static str, reporter: Reporter) -> Self {
        Self { what, reporter, trouble: None, since: None }
    }

    /// An export failed. The `text` may quote a receiver.
    pub fn fails(&mut self, text: &str) {
        let now = Instant::now();
        self.since.get_or_insert(now);
        let text = clean(text, MAX_TEXT);
        let tell = match &self.trouble {
            None => true,
            Some((known, at)) if *known == text => now.duration_since(*at) >= REMIND,
            Some((_, at)) => now.duration_since(*at) >= AT_MOST,
        };
        if tell {
            (self.reporter)(Notice::Trouble(text.clone()));
            self.trouble = Some((text, now));
        }
    }

    /// An export worked.
    pub fn works(&mut self) {
        if let Some(since) = self.since.take() {
            self.trouble = None;
            let seconds = since.elapsed().as_secs();
            (self.reporter)(Notice::Recovered(format!(
                "{} are delivered again, after {seconds} s of trouble",
                self.what
            )));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn only_changes_are_told() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let mut notices = Notices::new({
            let told = Arc::clone(&told);
            Box::new(move |notice| told.lock().unwrap().push(notice))
        });
        notices.works();
        for _ in 0..1000 {
            notices.fails("connection\nrefused");
        }
        notices.works();
        notices.works();
        let told = told.lock().unwrap();
        assert_eq!(told.first(), Some(&Notice::Trouble("connection refused".into())));
        assert!(matches!(told.get(1), Some(Notice::Recovered(_))));
        assert_eq!(told.len(), 2);
    }
}
