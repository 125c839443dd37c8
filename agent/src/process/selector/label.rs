//! The labels of a process.

use std::fmt;

use super::glob;
use super::kinds::{self, Form, KEYED, NAMED, NAMES};
use crate::process::environment::cut;
use crate::process::spelling;
use crate::process::{Process, Users, runtime};

/// A label of a process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Label {
    /// `exe`: path of the executable. A value without a slash is compared with its file name.
    Exe,
    /// `comm`: command name, at most 15 bytes.
    Comm,
    /// `cmdline`: the arguments, with spaces between them.
    CommandLine,
    /// `pid`: process id; of a process that was seen to fork, also those it was forked from until it executes a
    /// program: the workers of a selected master are selected.
    Pid,
    /// `port`: TCP ports that it listens on or is connected to.
    Port,
    /// `user`: name and number of its effective user.
    User,
    /// `language`: of its runtime.
    Language,
    /// `container`: exists in a container; its value is the container id.
    Container,
    /// `container.id`: the container's id, or at least 12 digits of its beginning.
    ContainerId,
    /// `container.name`: as the runtime calls it, or within its pod.
    ContainerName,
    /// `container.image`: as it was asked for; a value without a tag means all of them.
    ContainerImage,
    /// `container.label.KEY`.
    ContainerLabel(Box<str>),
    /// `cgroup`: path of its control group.
    Cgroup,
    /// `systemd.unit`: with its suffix; `.service` may be left out.
    Unit,
    /// `systemd.slice`: the innermost one; `.slice` may be left out.
    Slice,
    /// `env.NAME`: a variable of its environment.
    Environment(Box<str>),
    /// `k8s.namespace`: of its pod.
    Namespace,
    /// `k8s.pod.name`.
    PodName,
    /// `k8s.pod.uid`.
    PodUid,
    /// `k8s.node.name`.
    Node,
    /// `k8s.pod.label.KEY`.
    PodLabel(Box<str>),
    /// `k8s.pod.annotation.KEY`.
    PodAnnotation(Box<str>),
    /// `k8s.namespace.label.KEY`.
    NamespaceLabel(Box<str>),
    /// `k8s.node.label.KEY`.
    NodeLabel(Box<str>),
    /// `k8s.owner.kind`: kinds of those who own its pod, directly or not.
    OwnerKind,
    /// `k8s.owner.name`: their names.
    OwnerName,
    /// `k8s.deployment.name` and its like: the name of the owner of that kind.
    Owner(&'static str),
}

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
        if let Some((_, label)) = NAMED.iter().chain(&NAMES).find(|(candidate, _)| *candidate == name) {
            return Ok(label.clone());
        }
        let keyed = KEYED.iter().find_map(|keyed| Some((keyed, name.strip_prefix(keyed.prefix)?)));
        match keyed {
            Some((keyed, "")) => {
                Err(format!(", which names no {}: write {}{}", keyed.what, keyed.prefix, keyed.placeholder))
            }
            Some((keyed, key)) => Ok((keyed.label)(key.into())),
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
            _ if glob::is_pattern(value) => None,
            Self::Language if !kinds::LANGUAGES.contains(&value) => {
                let hint = spelling::suggestion(value, kinds::LANGUAGES);
                let known = format!("; write one of {}", kinds::LANGUAGES.join(", "));
                Some(("is not a language that is recognised", if hint.is_empty() { known } else { hint }))
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
            Self::Pid => wanted.parse().is_ok_and(|pid: u32| process.pid == pid || process.forked_from.contains(&pid)),
            Self::Port => wanted.parse().is_ok_and(|port| {
                process.listening.binary_search(&port).is_ok() || process.connected.binary_search(&port).is_ok()
            }),
            Self::User => process.user.is_some_and(|id| {
                wanted.parse() == Ok(id) || users.name(id).is_some_and(|name| glob::matches(wanted, &name))
            }),
            _ => self.any(process, &mut |text| self.is(text, wanted)),
        }
    }

    /// Whether a text that the label has is what a selector wants.
    fn is(&self, text: &str, wanted: &str) -> bool {
        if glob::matches(wanted, text) {
            return true;
        }
        match self {
            Self::Exe if !wanted.contains('/') => {
                text.rsplit('/').next().is_some_and(|name| glob::matches(wanted, name))
            }
            Self::Container | Self::ContainerId => wanted.len() >= SHORT_ID && text.starts_with(wanted),
            Self::ContainerImage => kinds::image_names(text).any(|name| glob::matches(wanted, name)),
            Self::Unit => text.strip_suffix(".service").is_some_and(|unit| glob::matches(wanted, unit)),
            Self::Slice => text.strip_suffix(".slice").is_some_and(|slice| glob::matches(wanted, slice)),
            _ => false,
        }
    }

    /// Whether the label has a value.
    #[must_use]
    pub fn exists(&self, process: &Process) -> bool {
        match self {
            Self::Pid => true,
            Self::Port => !process.listening.is_empty() || !process.connected.is_empty(),
            Self::User => process.user.is_some(),
            _ => self.any(process, &mut |_| true),
        }
    }

    /// Whether a value that is a text passes a test.
    pub(super) fn any(&self, process: &Process, test: &mut dyn FnMut(&str) -> bool) -> bool {
        let group = &process.group;
        let mut maybe = |text: Option<&str>| text.is_some_and(&mut *test);
        let container = process.container.as_deref();
        let pod = container.and_then(|container| container.pod.as_deref());
        match self {
            Self::Pid | Self::Port | Self::User => false,
            Self::Exe => maybe(process.exe.as_deref()),
            Self::Comm => maybe(Some(&process.comm)),
            Self::CommandLine => maybe(process.command_line.as_deref()),
            Self::Language => maybe(runtime::language(process)),
            Self::Container | Self::ContainerId => maybe(group.container_id.as_deref()),
            Self::ContainerName => maybe(container.and_then(|container| container.name.as_deref())),
            Self::ContainerImage => maybe(container.and_then(|container| container.image.as_deref())),
            Self::ContainerLabel(key) => maybe(container.and_then(|one| one.labels.get(key)).map(|value| &**value)),
            Self::Cgroup => maybe(Some(&*group.path).filter(|path| !path.is_empty())),
            Self::Unit => maybe(group.unit.as_deref()),
            Self::Slice => maybe(group.slice()),
            Self::Environment(name) => maybe(process.variable(name)),
            Self::Namespace => maybe(pod.map(|pod| &*pod.namespace)),
            Self::PodName => maybe(pod.map(|pod| &*pod.name)),
            Self::PodUid => maybe(pod.map(|pod| &*pod.uid).or(group.pod_uid.as_deref())),
            Self::Node => maybe(pod.and_then(|pod| pod.node.as_deref())),
            Self::PodLabel(key) => maybe(pod.and_then(|pod| pod.labels.get(key)).map(|value| &**value)),
            Self::PodAnnotation(key) => maybe(pod.and_then(|pod| pod.annotations.get(key)).map(|value| &**value)),
            Self::NamespaceLabel(key) => maybe(pod.and_then(|pod| pod.namespace_labels.get(key)).map(|value| &**value)),
            Self::NodeLabel(key) => maybe(pod.and_then(|pod| pod.node_labels.get(key)).map(|value| &**value)),
            Self::OwnerKind => pod.is_some_and(|pod| pod.owners.iter().any(|(kind, _)| test(kind))),
            Self::OwnerName => pod.is_some_and(|pod| pod.owners.iter().any(|(_, name)| test(name))),
            Self::Owner(kind) => maybe(pod.and_then(|pod| pod.owner(kind))),
        }
    }

    /// Whether it is what a container runtime or Kubernetes says, which comes later and may change.
    #[must_use]
    pub fn is_told(&self) -> bool {
        kinds::form(self) == Form::Told
    }
}

impl fmt::Display for Label {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, _)) = NAMED.iter().find(|(_, label)| label == self) {
            return formatter.write_str(name);
        }
        let key = kinds::key(self).unwrap_or_default();
        let prefix = KEYED.iter().find(|keyed| (keyed.label)(key.into()) == *self).map_or("", |keyed| keyed.prefix);
        write!(formatter, "{prefix}{key}")
    }
}
