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
    /// This host. `host.id` is the machine id (semantic conventions, "host.id, non-privileged lookup").
    #[must_use]
    pub fn read() -> Self {
        Self {
            name: line("/proc/sys/kernel/hostname").map(Into::into),
            id: line("/etc/machine-id").or_else(|| line("/var/lib/dbus/machine-id")).map(Into::into),
            boot_id: line("/proc/sys/kernel/random/boot_id").map(Into::into),
        }
    }
}

/// A file of one line; `None` if there is nothing in it. (systemd writes `uninitialized` before the first boot.)
fn line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty() && text.len() <= MAX_ID && text != "uninitialized").then(|| text.to_owned())
}
