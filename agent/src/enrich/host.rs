//! The host, as the resources of all its processes show it.

use std::fs;
use std::sync::Arc;

/// Longest machine id that is believed.
const MAX_ID: usize = 128;

/// What is known of the host; nothing by default (a replay knows nothing of the host that was recorded).
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// `host.name`.
    pub name: Option<Arc<str>>,
    /// `host.id`.
    pub id: Option<Arc<str>>,
    /// What tells this boot of this host from others where there is no [`Self::id`].
    pub boot_id: Option<Box<str>>,
}

impl Host {
    /// This host. `host.id` is the machine id (semantic conventions, "host.id, non-privileged lookup"). In a container both are
    /// the container's: those of the first process are the host's, where it may be looked at.
    #[must_use]
    pub fn read() -> Self {
        let of_first = |path: &str| line(&format!("/proc/1/root{path}")).filter(|_| in_container());
        let own_or_first = |path: &str| of_first(path).or_else(|| line(path));
        let name = of_first("/etc/hostname").or_else(|| line("/proc/sys/kernel/hostname"));
        Self {
            name: name.map(Into::into),
            id: own_or_first("/etc/machine-id").or_else(|| own_or_first("/var/lib/dbus/machine-id")).map(Into::into),
            boot_id: line("/proc/sys/kernel/random/boot_id").map(Into::into),
        }
    }
}

/// Whether this process has another host name than the first process of its PID namespace may have: a pod with `hostPID: true`.
fn in_container() -> bool {
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/uts")).ok();
    namespace("1").is_some_and(|first| namespace("self").is_some_and(|own| own != first))
}

/// A file of one line; `None` if there is nothing in it. (systemd writes `uninitialized` before the first boot.)
fn line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty() && text.len() <= MAX_ID && text != "uninitialized").then(|| text.to_owned())
}
