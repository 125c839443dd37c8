//! What fails is counted, and said once.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What was said, and how much failed.
#[derive(Debug)]
pub(in crate::enrich) struct Said {
    said: RefCell<HashSet<Box<str>>>,
    failures: Arc<AtomicU64>,
}

impl Said {
    pub(super) fn new(failures: Arc<AtomicU64>) -> Self {
        Self { said: RefCell::default(), failures }
    }

    /// Says something, unless something of the kind was said.
    pub(in crate::enrich) fn once(&self, kind: &str, text: &str) {
        if self.said.borrow_mut().insert(kind.into()) {
            tracing::warn!("{text}");
        }
    }

    /// Something failed.
    pub(in crate::enrich) fn failed(&self, kind: &str, text: &str) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.once(kind, text);
    }
}
