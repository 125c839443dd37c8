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
    /// Better backends that are not granted, and why.
    pub passed_over: Vec<String>,
    /// Every hook that was tried.
    pub hooks: Vec<HookReport>,
    /// Capabilities of this process.
    pub capabilities: Vec<Held>,
    /// Members that the kernel's BTF lacks.
    pub absent: Vec<&'static str>,
}

impl Report {
    /// What `run` says first: what was chosen and what it costs.
    #[must_use]
    pub fn line(&self) -> String {
        format!("capture backend {} on Linux {}: {}", self.backend, self.kernel, self.price)
    }

    /// What is missing, one line each: what that costs, and why.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let refused = self.hooks.iter().filter(|report| !self.is_replaced(&report.hook));
        let hooks = refused.filter_map(|HookReport { hook, granted }| {
            let why = granted.as_ref().err()?;
            Some(format!("without {}: {} ({why})", hook.name, hook.shows))
        });
        let held = self.capabilities.iter().filter(|held| !held.granted && !held.capability.optional);
        let passed_over = self.passed_over.iter().map(|why| format!("not the backend {why}"));
        passed_over
            .chain(hooks)
            .chain(held.map(|held| format!("without {}: {}", held.capability.name, held.capability.shows)))
            .collect()
    }

    /// Whether another hook that was granted shows the same.
    #[must_use]
    pub fn is_replaced(&self, hook: &Hook) -> bool {
        self.hooks.iter().any(|other| other.granted.is_ok() && other.hook.shows == hook.shows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_one_line_each_unless_another_hook_shows_it() {
        let report = |name, shows, granted: Result<(), &str>| HookReport {
            hook: Hook::tracepoint(name, "1.0", shows),
            granted: granted.map_err(str::to_owned),
        };
        let report = Report {
            hooks: vec![
                report("a", "sends", Err("none")),
                report("b", "sends", Ok(())),
                report("c", "waits", Err("refused")),
                report("d", "ends", Ok(())),
            ],
            ..Report::default()
        };
        assert_eq!(report.missing(), ["without c: waits (refused)"]);
    }
}
