//! Who is traced: ordered rules, the selectors that say which processes come into question at all, and the label by which
//! pods and containers opt in and out themselves.
//!
//! The first of these that says something about a process decides:
//! 1. a container, pod or namespace that opts out;
//! 2. selectors, where there are any: a process that none of them chooses is not traced, unless it opts in;
//! 3. the rules, in their order: the first one whose selector chooses the process takes it in or out;
//! 4. opting in;
//! 5. without a word about it, a process is traced if selectors choose it, or if there are neither selectors nor rules that take
//!    processes in.

mod explained;
mod named;
mod opt_in;
mod shown;
#[cfg(test)]
mod tests;

pub use opt_in::OptIn;
pub use shown::Shown;

use super::selector::{Label, Requirement, Selectors, Truth};
use super::{Process, Users};

/// One rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// What it is called, in notes and reports.
    pub name: Box<str>,
    /// Whether the processes that it chooses are not traced.
    pub excludes: bool,
    /// Which processes it chooses: alternatives; none: all of them.
    pub selectors: Selectors,
}

impl Rule {
    fn matches(&self, process: &Process, users: &Users) -> bool {
        self.selectors.is_empty() || self.selectors.matches(process, users)
    }

    fn holds(&self, process: &Process, users: &Users, is_open: &dyn Fn(&Label) -> bool) -> Truth {
        if self.selectors.is_empty() { Truth::Yes } else { self.selectors.holds(process, users, is_open) }
    }
}

/// Why a process is traced, or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reason {
    /// Nothing is said about it: every process is.
    #[default]
    Default,
    /// A selector chooses it: its place among them.
    Selector(usize),
    /// A rule takes it in or out: its place among them.
    Rule(usize),
    /// Its container, its pod or its namespace says so.
    Opted,
    /// No selector chooses it.
    NoSelector,
    /// No rule chooses it.
    NoRule,
    /// It is the agent.
    Own,
}

/// What is decided about a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is traced.
    pub traced: bool,
    /// Why.
    pub reason: Reason,
}

/// All that is said about who is traced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    selectors: Selectors,
    rules: Vec<Rule>,
    opt_in: Option<OptIn>,
    /// What some of those processes encrypt with TLS is to be read.
    reads_secrets: bool,
}

impl From<Selectors> for Rules {
    fn from(selectors: Selectors) -> Self {
        Self { selectors, ..Self::default() }
    }
}

impl Rules {
    /// Rules in their order, and the selectors that limit them. `opt_in`: the label by which containers opt in and out, where
    /// somebody tells of labels.
    #[must_use]
    pub fn new(selectors: Selectors, rules: Vec<Rule>, opt_in: Option<OptIn>) -> Self {
        Self { selectors, rules, opt_in, reads_secrets: false }
    }

    /// The same, for processes of which what they encrypt with TLS may be read.
    #[must_use]
    pub fn reading_secrets(mut self, reads: bool) -> Self {
        self.reads_secrets = reads;
        self
    }

    /// Whether what some of those processes encrypt with TLS is to be read.
    #[must_use]
    pub fn reads_secrets(&self) -> bool {
        self.reads_secrets
    }

    /// The selectors.
    #[must_use]
    pub fn selectors(&self) -> &Selectors {
        &self.selectors
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether every process is traced, whatever its labels.
    #[must_use]
    pub fn select_all(&self) -> bool {
        let take_all = |rule: &Rule| rule.selectors.is_empty();
        let end = self.rules.iter().position(take_all).map_or(self.rules.len(), |last| last + 1);
        let rules = &self.rules[..end];
        let falls_through = rules.is_empty() || rules.last().is_some_and(take_all);
        self.opt_in.is_none() && self.selectors.is_empty() && falls_through && rules.iter().all(|rule| !rule.excludes)
    }

    /// Decides about a process.
    #[must_use]
    pub fn judge(&self, process: &Process, users: &Users) -> Verdict {
        let verdict = |traced, reason| Verdict { traced, reason };
        let opted = self.opt_in.as_ref().and_then(|label| label.of(process));
        if opted == Some(false) {
            return verdict(false, Reason::Opted);
        }
        let chosen = self.selectors.iter().position(|selector| selector.matches(process, users));
        if !self.selectors.is_empty() && chosen.is_none() && opted.is_none() {
            return verdict(false, Reason::NoSelector);
        }
        if let Some(place) = self.rules.iter().position(|rule| rule.matches(process, users)) {
            return verdict(!self.rules[place].excludes, Reason::Rule(place));
        }
        match chosen {
            _ if opted.is_some() => verdict(true, Reason::Opted),
            Some(place) => verdict(true, Reason::Selector(place)),
            None if self.takes_in() => verdict(false, Reason::NoRule),
            None => verdict(true, Reason::Default),
        }
    }

    /// Whether a process is traced.
    #[must_use]
    pub fn matches(&self, process: &Process, users: &Users) -> bool {
        self.judge(process, users).traced
    }

    /// Whether a process is traced, or would be with other ports, or if others said something else of its container.
    #[must_use]
    pub fn could_match(&self, process: &Process, users: &Users) -> bool {
        let in_container = process.group.container_id.is_some();
        self.may(process, users, &|label| *label == Label::Port || (in_container && label.is_told()))
    }

    /// Whether a process is traced, or may be once its ports, those that it was forked from, and its program are known.
    #[must_use]
    pub fn may_match(&self, process: &Process, users: &Users) -> bool {
        let in_container = process.group.container_id.is_some();
        let is_child = !process.forked_from.is_empty();
        self.may(process, users, &|label| match label {
            Label::Port | Label::Language => true,
            Label::Pid => is_child,
            label => in_container && label.is_told(),
        })
    }

    fn may(&self, process: &Process, users: &Users, is_open: &dyn Fn(&Label) -> bool) -> bool {
        if self.opt_in.is_some() && process.group.container_id.is_some() {
            return true;
        }
        if !self.selectors.is_empty() && self.selectors.holds(process, users, is_open) == Truth::No {
            return false;
        }
        for rule in &self.rules {
            match (rule.holds(process, users, is_open), rule.excludes) {
                (Truth::No, _) | (Truth::Maybe, true) => {}
                (Truth::Yes, true) => return false,
                (Truth::Yes | Truth::Maybe, false) => return true,
            }
        }
        !self.selectors.is_empty() || !self.takes_in()
    }

    /// Whether some rule takes processes in, so that others are left out.
    fn takes_in(&self) -> bool {
        self.rules.iter().any(|rule| !rule.excludes)
    }

    fn requirements(&self) -> impl Iterator<Item = &Requirement> {
        let of_rules = self.rules.iter().flat_map(|rule| rule.selectors.iter());
        self.selectors.iter().chain(of_rules).flat_map(|selector| &selector.requirements)
    }
}
