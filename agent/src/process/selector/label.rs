//! The labels of a process.

use std::fmt;

use crate::process::environment::cut;
use crate::process::spelling;
use crate::process::{Process, Users};

/// A label of a process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Label {
    /// `exe`: path of the executable. A value without a slash is compared with its file name.
    Exe,
    /// `comm`: command name, at most 15 bytes.
    Comm,
    /// `pid`: process id; of a process that was seen to fork, also those it was forked from until it executes a
    /// program: the workers of a selected master are selected.
    Pid,
    /// `port`: TCP ports that it listens on or is connected to.
    Port,
    /// `user`: name and number of its effective user.
    User,
    /// `container`: exists in a container; its value is the container id.
    Container,
    /// `container.id`: the container's id, or at least 12 digits of its beginning.
    ContainerId,
    /// `container.name`: as the runtime, or the pod, calls it.
    ContainerName,
    /// `systemd.unit`: with its suffix; `.service` may be left out.
    Unit,
    /// `env.NAME`: a variable of its environment.
    Environment(Box<str>),
}

/// Labels with fixed names.
const NAMED: [(&str, Label); 9] = [
    ("exe", Label::Exe),
    ("comm", Label::Comm),
    ("pid", Label::Pid),
    ("port", Label::Port),
    ("user", Label::User),
    ("container", Label::Container),
    ("container.id", Label::ContainerId),
    ("container.name", Label::ContainerName),
    ("systemd.unit", Label::Unit),
];
const ENVIRONMENT: &str = "env.";
/// The shortest abbreviation of a container id that tools show.
const SHORT_ID: usize = 12;

/// Longest command name that the kernel keeps, bytes.
const MAX_COMM: usize = 15;

/// What is wrong with a value, and what to write instead.
pub type Objection = (&'static str, String);

impl Label {
    /// The label of that name.
    ///
    /// # Errors
    /// What to say after "unknown label", a suggestion or nothing.
    pub fn named(name: &str) -> Result<Self, String> {
        if let Some((_, label)) = NAMED.iter().find(|(candidate, _)| *candidate == name) {
            return Ok(label.clone());
        }
        match name.strip_prefix(ENVIRONMENT) {
            Some("") => Err(", which names no variable: write env.NAME".to_owned()),
            Some(variable) => Ok(Self::Environment(variable.into())),
            None => Err(spelling::suggestion(name, NAMED.iter().map(|(candidate, _)| *candidate))),
        }
    }

    /// What is wrong with a value for this label, if anything: it could never match.
    #[must_use]
    pub fn objection(&self, value: &str) -> Option<Objection> {
        match self {
            Self::Pid if value.parse::<u32>().is_err() => Some(("is not a process id", String::new())),
            Self::Port if !value.parse::<u16>().is_ok_and(|port| port > 0) => {
                Some(("is not a port (1 to 65535)", String::new()))
            }
            Self::Environment(_) | Self::Pid | Self::Port => None,
            _ if value.contains(['*', '?']) => {
                Some(("holds a wildcard, which selectors do not have", "; name each one: `label in (a,b)`".to_owned()))
            }
            Self::Comm if value.len() > MAX_COMM => {
                let kept = cut(value, MAX_COMM);
                let hint = format!("; write `comm={kept}`, or select by `exe`");
                Some(("is longer than the 15 bytes that the kernel keeps of a command name", hint))
            }
            _ => None,
        }
    }

    /// Whether one of the label's values is `wanted`.
    #[must_use]
    pub fn has(&self, process: &Process, users: &Users, wanted: &str) -> bool {
        match self {
            Self::Exe if wanted.contains('/') => process.exe.as_deref() == Some(wanted),
            Self::Exe => process.executable_name() == Some(wanted),
            Self::Comm => &*process.comm == wanted,
            Self::Pid => wanted.parse().is_ok_and(|pid: u32| process.pid == pid || process.forked_from.contains(&pid)),
            Self::Port => wanted.parse().is_ok_and(|port| {
                process.listening.binary_search(&port).is_ok() || process.connected.binary_search(&port).is_ok()
            }),
            Self::User => {
                process.user.is_some_and(|id| wanted.parse() == Ok(id) || users.name(id).as_deref() == Some(wanted))
            }
            Self::Container | Self::ContainerId => process
                .group
                .container_id
                .as_deref()
                .is_some_and(|id| id == wanted || (wanted.len() >= SHORT_ID && id.starts_with(wanted))),
            Self::ContainerName => container_name(process) == Some(wanted),
            Self::Unit => process
                .group
                .unit
                .as_deref()
                .is_some_and(|unit| unit == wanted || unit.strip_suffix(".service") == Some(wanted)),
            Self::Environment(name) => process.variable(name) == Some(wanted),
        }
    }

    /// Whether the label has a value.
    #[must_use]
    pub fn exists(&self, process: &Process) -> bool {
        match self {
            Self::Exe => process.exe.is_some(),
            Self::Comm | Self::Pid => true,
            Self::Port => !process.listening.is_empty() || !process.connected.is_empty(),
            Self::User => process.user.is_some(),
            Self::Container | Self::ContainerId => process.group.container_id.is_some(),
            Self::ContainerName => container_name(process).is_some(),
            Self::Unit => process.group.unit.is_some(),
            Self::Environment(name) => process.variable(name).is_some(),
        }
    }
}

fn container_name(process: &Process) -> Option<&str> {
    process.container.as_ref()?.name.as_deref()
}

impl fmt::Display for Label {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Environment(name) = self {
            return write!(formatter, "{ENVIRONMENT}{name}");
        }
        let name = NAMED.iter().find(|(_, label)| label == self).map_or("", |(name, _)| name);
        formatter.write_str(name)
    }
}
