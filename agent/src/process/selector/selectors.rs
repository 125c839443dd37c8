//! Alternatives.

use super::{Label, Selector, Truth};
use crate::process::{Process, Users};

/// Selectors, any of which is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selectors(Vec<Selector>);

impl Selectors {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a process has all that one of them requires.
    #[must_use]
    pub fn matches(&self, process: &Process, users: &Users) -> bool {
        self.0.iter().any(|selector| selector.matches(process, users))
    }

    /// Whether one of them holds when the values of some labels are not known.
    #[must_use]
    pub fn holds(&self, process: &Process, users: &Users, is_open: &dyn Fn(&Label) -> bool) -> Truth {
        self.0.iter().map(|selector| selector.holds(process, users, is_open)).max().unwrap_or(Truth::No)
    }

    /// Each of them, as written.
    pub fn iter(&self) -> impl Iterator<Item = &Selector> {
        self.0.iter()
    }

    pub(in crate::process) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Selector> {
        self.0.iter_mut()
    }
}

impl FromIterator<Selector> for Selectors {
    fn from_iter<I: IntoIterator<Item = Selector>>(selectors: I) -> Self {
        Self(selectors.into_iter().collect())
    }
}
