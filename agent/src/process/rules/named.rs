//! What selectors and rules name: ports, variables, executables.

use std::collections::BTreeSet;

use super::Rules;
use crate::process::Users;
use crate::process::discovery::Facts;
use crate::process::selector::{Label, Requirement, Selector, Selectors, Test, Unfit};

impl Rules {
    /// Whether any requirement is about ports. The kernel must then look at connects and listens of everybody.
    #[must_use]
    pub fn uses_ports(&self) -> bool {
        self.of_ports().next().is_some()
    }

    /// Whether any requirement is about something that changes without an event: users (setuid), command names
    /// (prctl), command lines, ports that are not named. Only looking again tells then.
    #[must_use]
    pub fn drifts(&self) -> bool {
        self.requirements().any(|requirement| match requirement.label {
            Label::User | Label::Comm | Label::CommandLine => true,
            Label::Port => matches!(requirement.test, Test::Exists | Test::Absent),
            _ => false,
        })
    }

    /// The ports that requirements name: those at which a process may become selected (`=`, `in`) or cease to be
    /// (`!=`, `notin`) as it listens or connects.
    #[must_use]
    pub fn ports(&self) -> BTreeSet<u16> {
        self.of_ports().flat_map(Requirement::values).filter_map(|value| value.parse().ok()).collect()
    }

    /// Whether a requirement names this port.
    #[must_use]
    pub fn names_port(&self, port: u16) -> bool {
        self.of_ports().flat_map(Requirement::values).any(|value| value.parse() == Ok(port))
    }

    fn of_ports(&self) -> impl Iterator<Item = &Requirement> {
        self.requirements().filter(|requirement| requirement.label == Label::Port)
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

    /// What must be read of each process because requirements are about it.
    #[must_use]
    pub fn wanted(&self) -> Facts {
        let command_line = self.requirements().any(|requirement| requirement.label == Label::CommandLine);
        Facts { ports: self.uses_ports(), command_line }
    }

    /// Adds the real path of each executable that is named by a symbolic link on this host (`/usr/bin/python3`,
    /// `java`): what the kernel shows of a process is the real path.
    #[must_use]
    pub fn with_real_paths(mut self) -> Self {
        let of_rules = self.rules.iter_mut().flat_map(|rule| rule.selectors.iter_mut());
        self.selectors.iter_mut().chain(of_rules).for_each(Selector::add_real_paths);
        self
    }
}

impl Selectors {
    /// Sees what is wrong with the selectors on this host. Returns what the user should know about them.
    ///
    /// # Errors
    /// The first one that selects nothing.
    pub fn check(&self, users: &Users) -> Result<Vec<String>, Unfit> {
        let mut notes = Vec::new();
        for selector in self.iter() {
            notes.extend(selector.check(users)?);
        }
        Ok(notes)
    }
}
