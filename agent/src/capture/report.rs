//! What the kernel granted and what will be used: for the first line of `run` and for `doctor`.

use super::capabilities::Held;
use super::hooks::Hook;

/// What became of one hook.
#[derive(Clone, Debug)]
pub struct HookReport {
    /// The hook.
    pub hook: Hook,
    /// Attached, or why not.
    pub granted: Result<(), String>,
}

/// What became of a start.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Kernel release.
    pub kernel: String,
    /// Name of the backend in use.
    pub backend: &'static str,
    /// What it costs or misses.
    pub price: &'static str,
    /// Every hook that was tried.
    pub hooks: Vec<HookReport>,
    /// Capabilities of this process.
    pub capabilities: Vec<Held>,
    /// Members that the kernel's BTF lacks.
    pub absent: Vec<&'static str>,
}

impl Report {
    /// The one line of `wirespan run`.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = format!("capture backend {} on Linux {}: {}", self.backend, self.kernel, self.price);
        let missing: Vec<_> = self.hooks.iter().filter(|report| report.granted.is_err()).collect();
        for report in missing.iter().filter(|report| !self.is_replaced(&report.hook)) {
            line.push_str(&format!("; without {}: {}", report.hook.name, report.hook.shows));
        }
        for held in self.capabilities.iter().filter(|held| !held.granted && !held.capability.optional) {
            line.push_str(&format!("; without {}: {}", held.capability.name, held.capability.shows));
        }
        line
    }

    /// Whether another hook that was granted shows the same.
    fn is_replaced(&self, hook: &Hook) -> bool {
        self.hooks.iter().any(|other| other.granted.is_ok() && other.hook.shows == hook.shows)
    }
}
