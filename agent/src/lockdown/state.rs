//! Which of the means there are, for people.

use super::land;

/// One of the means, and what this kernel has of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// What it forbids.
    pub forbids: &'static str,
    /// What there is of it, or why there is nothing.
    pub granted: Result<String, String>,
    /// What is not possible with it that would be without, or nothing.
    pub costs: &'static str,
}

/// All of them.
#[must_use]
pub fn parts() -> [Part; 3] {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let has = |field: &str| status.lines().any(|line| line.starts_with(field));
    let or = |is_there: bool, why: &str| if is_there { Ok("yes".to_owned()) } else { Err(why.to_owned()) };
    [
        Part {
            name: "capabilities",
            forbids: "what root may do and wirespan need not; new privileges",
            granted: or(has("NoNewPrivs:") && has("CapEff:"), "/proc does not tell of them"),
            costs: "settings that take another capability begin to count at a restart, not at a reload",
        },
        Part {
            name: "seccomp",
            forbids: "system calls that wirespan does not make: programs are not executed, processes not traced or written to",
            granted: or(has("Seccomp:"), "is not in this kernel (CONFIG_SECCOMP_FILTER)"),
            costs: "",
        },
        Part {
            name: "landlock",
            forbids: "files but the output file are not written, TCP ports but those of the end points not asked",
            granted: land::version().map(|version| match version {
                ..4 => format!("version {version}: files, not ports (Linux 6.7)"),
                version => format!("version {version}"),
            }),
            costs: "an output file in a folder that was not known at the start takes a restart",
        },
    ]
}
