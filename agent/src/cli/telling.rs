//! What exporters have to tell: each thing once, though several signals have the same trouble with the same receiver.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::export::notice::{Notice, Reporter};

/// The same trouble is told again after this time.
const AGAIN: Duration = Duration::from_secs(55);
/// Most troubles that are remembered.
const REMEMBERED: usize = 16;

/// Shared by the exporters of a run.
#[derive(Debug, Default)]
pub struct Telling {
    warned: RefCell<BTreeSet<String>>,
    troubles: Arc<Troubles>,
}

impl Telling {
    /// A warning about settings, once.
    pub fn warn(&self, text: &str) {
        if self.warned.borrow_mut().insert(text.to_owned()) {
            tracing::warn!("{text}");
        }
    }

    /// For an exporter of its own.
    #[must_use]
    pub fn reporter(&self) -> Reporter {
        report(Arc::clone(&self.troubles), |notice| match notice {
            Notice::Trouble(text) => tracing::error!("{text}"),
            Notice::Recovered(text) => tracing::info!("{text}"),
        })
    }
}

#[derive(Debug, Default)]
struct Troubles(Mutex<Vec<(String, Instant)>>);

impl Troubles {
    /// Whether a trouble is new, or old enough to be told again.
    fn is_news(&self, text: &str, now: Instant) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(_, at)| now.duration_since(*at) < AGAIN);
        let is_news = !known.iter().any(|(other, _)| other == text);
        if is_news && known.len() < REMEMBERED {
            known.push((text.to_owned(), now));
        }
        is_news
    }

    /// What was told is over.
    fn forget(&self, text: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(other, _)| other != text);
    }
}

/// Passes on to `tell` what no other exporter has told. That it works again is told by the one that told the trouble.
fn report(troubles: Arc<Troubles>, tell: impl Fn(Notice) + Send + 'static) -> Reporter {
    let told = Cell::new(None::<String>);
    Box::new(move |notice| match notice {
        Notice::Trouble(text) => {
            if troubles.is_news(&text, Instant::now()) {
                told.set(Some(text.clone()));
                tell(Notice::Trouble(text));
            }
        }
        Notice::Recovered(text) => {
            if let Some(trouble) = told.take() {
                troubles.forget(&trouble);
                tell(Notice::Recovered(text));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_trouble_of_three_signals_is_told_once() {
        let (troubles, told) = (Arc::<Troubles>::default(), Arc::<Mutex<Vec<String>>>::default());
        let reporters: Vec<Reporter> = (0..3)
            .map(|_| {
                let told = Arc::clone(&told);
                report(Arc::clone(&troubles), move |notice| match notice {
                    Notice::Trouble(text) | Notice::Recovered(text) => told.lock().unwrap().push(text),
                })
            })
            .collect();
        for reporter in &reporters {
            reporter(Notice::Trouble("refused".into()));
        }
        reporters[2](Notice::Trouble("no metrics there".into()));
        for reporter in &reporters {
            reporter(Notice::Recovered("again".into()));
        }
        reporters[1](Notice::Trouble("refused".into()));
        assert_eq!(*told.lock().unwrap(), ["refused", "no metrics there", "again", "again", "refused"]);
    }

    #[test]
    fn an_old_trouble_is_told_again() {
        let (troubles, now) = (Troubles::default(), Instant::now());
        assert!(troubles.is_news("x", now) && !troubles.is_news("x", now) && troubles.is_news("x", now + AGAIN));
    }
}
