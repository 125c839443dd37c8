//! Selectors: Kubernetes label-selector syntax over the labels of a process.
//!
//! `exe=/usr/sbin/nginx`, `comm in (python3,node)`, `port=8000,user!=root`, `!container`. A comma is "and"; several
//! selectors are alternatives. A label may have several values (ports, user name and id): `=` and `in` hold if any of
//! them is named, `!=` and `notin` if none is, so also when the label is absent (as in Kubernetes).

mod host;
mod label;
mod parse;
#[cfg(test)]
mod tests;
mod wanted;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

pub use host::Unfit;
pub use label::Label;
pub use parse::Error;
pub use wanted::Shown;

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
}

impl Requirement {
    fn matches(&self, process: &Process, users: &Users) -> bool {
        let any = |wanted: &[Box<str>]| wanted.iter().any(|value| self.label.has(process, users, value));
        match &self.test {
            Test::In(wanted) => any(wanted),
            Test::NotIn(wanted) => !any(wanted),
            Test::Exists => self.label.exists(process),
            Test::Absent => !self.label.exists(process),
        }
    }
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
}

impl FromStr for Selector {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse::selector(text)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Requirement { label, test }) in self.requirements.iter().enumerate() {
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

/// Alternatives. None at all selects every process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selectors {
    alternatives: Vec<Selector>,
}

impl Selectors {
    /// The alternatives, any of which is enough.
    #[must_use]
    pub fn new(alternatives: Vec<Selector>) -> Self {
        Self { alternatives }
    }

    /// Whether every process is selected, whatever its labels.
    #[must_use]
    pub fn select_all(&self) -> bool {
        self.alternatives.is_empty() || self.alternatives.iter().any(|selector| selector.requirements.is_empty())
    }

    /// The alternatives as written.
    pub fn iter(&self) -> impl Iterator<Item = &Selector> {
        self.alternatives.iter()
    }

    /// Whether a process is selected.
    #[must_use]
    pub fn matches(&self, process: &Process, users: &Users) -> bool {
        self.select_all() || self.alternatives.iter().any(|selector| selector.matches(process, users))
    }

    /// Whether a process is selected, or would be with other ports.
    #[must_use]
    pub fn could_match(&self, process: &Process, users: &Users) -> bool {
        let holds = |one: &Requirement| one.label == Label::Port || one.matches(process, users);
        self.select_all() || self.alternatives.iter().any(|selector| selector.requirements.iter().all(holds))
    }

    /// Whether a process is selected, or may be once its ports, and those that it was forked from, are known.
    #[must_use]
    pub fn may_match(&self, process: &Process, users: &Users) -> bool {
        let is_child = !process.forked_from.is_empty();
        let holds = |one: &Requirement| {
            one.label == Label::Port || (one.label == Label::Pid && is_child) || one.matches(process, users)
        };
        self.select_all() || self.alternatives.iter().any(|selector| selector.requirements.iter().all(holds))
    }

    /// Whether any requirement is about ports. The kernel must then look at connects and listens of everybody.
    #[must_use]
    pub fn uses_ports(&self) -> bool {
        !self.select_all() && self.requirements().any(|requirement| requirement.label == Label::Port)
    }

    /// Whether any requirement is about something that changes without an event: users (setuid), command names
    /// (prctl), ports that are not named. Only looking again tells then.
    #[must_use]
    pub fn drifts(&self) -> bool {
        !self.select_all()
            && self.requirements().any(|requirement| match requirement.label {
                Label::User | Label::Comm => true,
                Label::Port => matches!(requirement.test, Test::Exists | Test::Absent),
                _ => false,
            })
    }

    /// The ports that requirements name: those at which a process may become selected (`=`, `in`) or cease to be
    /// (`!=`, `notin`) as it listens or connects.
    #[must_use]
    pub fn ports(&self) -> BTreeSet<u16> {
        if self.select_all() {
            return BTreeSet::new();
        }
        self.requirements()
            .filter(|requirement| requirement.label == Label::Port)
            .flat_map(|requirement| match &requirement.test {
                Test::In(values) | Test::NotIn(values) => values.as_slice(),
                Test::Exists | Test::Absent => &[],
            })
            .filter_map(|value| value.parse().ok())
            .collect()
    }

    /// Whether a requirement names this port.
    #[must_use]
    pub fn names_port(&self, port: u16) -> bool {
        self.uses_ports()
            && self.requirements().filter(|requirement| requirement.label == Label::Port).any(|requirement| {
                match &requirement.test {
                    Test::In(values) | Test::NotIn(values) => values.iter().any(|value| value.parse() == Ok(port)),
                    Test::Exists | Test::Absent => false,
                }
            })
    }

    /// The environment variables that requirements name.
    #[must_use]
    pub fn variables(&self) -> BTreeSet<&str> {
        self.requirements()
            .filter_map(|requirement| match &requirement.label {
                Label::Environment(name) => Some(&**name),
                _ => None,
            })
            .collect()
    }

    fn requirements(&self) -> impl Iterator<Item = &Requirement> {
        self.alternatives.iter().flat_map(|selector| &selector.requirements)
    }
}

impl FromIterator<Selector> for Selectors {
    fn from_iter<I: IntoIterator<Item = Selector>>(selectors: I) -> Self {
        Self::new(selectors.into_iter().collect())
    }
}
