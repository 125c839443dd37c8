//! Selectors: Kubernetes label-selector syntax over the labels of a process.
//!
//! `exe=/usr/sbin/nginx`, `comm in (python3,node)`, `port=8000,user!=root`, `!container`. A comma is "and"; several
//! selectors are alternatives, or make [rules](super::rules). `*` and `?` in values are wildcards ([`glob`]). A label may have several values (ports, user name and id): `=` and `in` hold if any of
//! them is named, `!=` and `notin` if none is, so also when the label is absent (as in Kubernetes).

pub mod glob;
mod host;
mod kinds;
mod label;
mod parse;
mod selectors;
#[cfg(test)]
mod tests;
mod told;

use std::fmt;
use std::str::FromStr;

pub(super) use glob::is_pattern;
pub use host::Unfit;
pub use label::Label;
pub use parse::Error;
pub use selectors::Selectors;
pub use told::labels;

use super::{Process, Users};

/// How a requirement compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// `label=value`, `label in (…)`: one of the label's values is among these.
    In(Vec<Box<str>>),
    /// `label!=value`, `label notin (…)`: none is.
    NotIn(Vec<Box<str>>),
    /// `label`: it has a value.
    Exists,
    /// `!label`: it has none.
    Absent,
}

/// One requirement of a selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Which label.
    pub label: Label,
    /// What must hold for it.
    pub test: Test,
    /// Values that are as good as those of the test: what links among them lead to on this host.
    pub also: Vec<Box<str>>,
}

impl Requirement {
    fn matches(&self, process: &Process, users: &Users) -> bool {
        let any = |wanted: &[Box<str>]| wanted.iter().any(|value| self.label.has(process, users, value));
        match &self.test {
            Test::In(wanted) => any(wanted) || any(&self.also),
            Test::NotIn(wanted) => !any(wanted) && !any(&self.also),
            Test::Exists => self.label.exists(process),
            Test::Absent => !self.label.exists(process),
        }
    }

    /// The values that it names.
    #[must_use]
    pub fn values(&self) -> &[Box<str>] {
        match &self.test {
            Test::In(values) | Test::NotIn(values) => values,
            Test::Exists | Test::Absent => &[],
        }
    }
}

/// Whether something holds, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It does not.
    No,
    /// It depends on what is not known, or may change.
    Maybe,
    /// It does.
    Yes,
}

/// One selector: all of its requirements must hold. An empty one selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// The requirements, as written.
    pub requirements: Vec<Requirement>,
}

impl Selector {
    /// Whether a process has all that is required.
    #[must_use]
    pub fn matches(&self, process: &Process, users: &Users) -> bool {
        self.requirements.iter().all(|requirement| requirement.matches(process, users))
    }

    /// Whether it holds when the values of some labels are not known.
    #[must_use]
    pub fn holds(&self, process: &Process, users: &Users, is_open: &dyn Fn(&Label) -> bool) -> Truth {
        let truth = |requirement: &Requirement| match requirement.matches(process, users) {
            _ if is_open(&requirement.label) => Truth::Maybe,
            true => Truth::Yes,
            false => Truth::No,
        };
        self.requirements.iter().map(truth).min().unwrap_or(Truth::Yes)
    }
}

impl FromStr for Selector {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse::selector(text)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Requirement { label, test, .. }) in self.requirements.iter().enumerate() {
            if index > 0 {
                formatter.write_str(",")?;
            }
            match test {
                Test::In(values) | Test::NotIn(values) => {
                    let negated = matches!(test, Test::NotIn(_));
                    match (&**values, negated) {
                        ([value], false) => write!(formatter, "{label}={value}")?,
                        ([value], true) => write!(formatter, "{label}!={value}")?,
                        (_, false) => write!(formatter, "{label} in ({})", values.join(","))?,
                        (_, true) => write!(formatter, "{label} notin ({})", values.join(","))?,
                    }
                }
                Test::Exists => write!(formatter, "{label}")?,
                Test::Absent => write!(formatter, "!{label}")?,
            }
        }
        Ok(())
    }
}
