//! Opting in and out: pods and containers say themselves whether they want to be traced.

use crate::process::Process;

/// The key of a label or an annotation, whose value is `true` or `false`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptIn(Box<str>);

impl OptIn {
    /// By this key. `None` for an empty one.
    #[must_use]
    pub fn by(key: &str) -> Option<Self> {
        (!key.is_empty()).then(|| Self(key.into()))
    }

    /// What the container of a process says: its pod, by an annotation or a label, else the container, else its namespace.
    #[must_use]
    pub(super) fn of(&self, process: &Process) -> Option<bool> {
        let container = process.container.as_deref()?;
        let pod = container.pod.as_deref();
        let places = [
            pod.map(|pod| &pod.annotations),
            pod.map(|pod| &pod.labels),
            Some(&container.labels),
            pod.map(|pod| &*pod.namespace_labels),
        ];
        places.into_iter().flatten().find_map(|labels| match &**labels.get(&*self.0)? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        })
    }
}
