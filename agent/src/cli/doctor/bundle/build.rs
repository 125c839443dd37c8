//! Versions, and how the kernel was built.

use std::fs;
use std::io::Read as _;

use flate2::read::GzDecoder;

/// Options of the kernel without which something is refused or missing.
const OPTIONS: &[&str] = &[
    "CONFIG_BPF",
    "CONFIG_BPF_EVENTS",
    "CONFIG_BPF_JIT",
    "CONFIG_BPF_JIT_ALWAYS_ON",
    "CONFIG_BPF_LSM",
    "CONFIG_BPF_STREAM_PARSER",
    "CONFIG_BPF_SYSCALL",
    "CONFIG_CGROUP_BPF",
    "CONFIG_DEBUG_INFO_BTF",
    "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS",
    "CONFIG_FPROBE",
    "CONFIG_FTRACE_SYSCALLS",
    "CONFIG_FUNCTION_TRACER",
    "CONFIG_INET_DIAG",
    "CONFIG_KPROBES",
    "CONFIG_LOCKDOWN_LSM",
    "CONFIG_NET_SOCK_MSG",
    "CONFIG_PERF_EVENTS",
    "CONFIG_PREEMPT",
    "CONFIG_PREEMPT_DYNAMIC",
    "CONFIG_PREEMPT_RT",
    "CONFIG_SECURITY_LOCKDOWN_LSM",
    "CONFIG_TRACEPOINTS",
    "CONFIG_UPROBES",
    "CONFIG_UPROBE_EVENTS",
];
/// Most bytes of a configuration that are read.
const MAX_CONFIG: u64 = 4 << 20;

/// A line each. The name of the host is not among them.
pub(super) fn versions() -> String {
    let system = rustix::system::uname();
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or("unknown");
    format!(
        "wirespan {}\nkernel {} {}\nmachine {}\nsystem {}\nprocessors {}\n",
        env!("WIRESPAN_VERSION"),
        system.release().to_string_lossy(),
        system.version().to_string_lossy(),
        system.machine().to_string_lossy(),
        name.trim_matches('"'),
        std::thread::available_parallelism().map_or(0, usize::from),
    )
}

/// The options that matter, or that nobody says what they are.
pub(super) fn options() -> String {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let files = [format!("/boot/config-{release}"), format!("/lib/modules/{release}/config")];
    let plain = files.iter().find_map(|path| Some((path.as_str(), fs::read_to_string(path).ok()?)));
    let found = plain.or_else(|| Some(("/proc/config.gz", packed("/proc/config.gz")?)));
    match found {
        Some((path, text)) => format!("# {path}\n{}", chosen(&text)),
        None => format!("# neither /proc/config.gz nor {}\n", files.join(" nor ")),
    }
}

fn packed(path: &str) -> Option<String> {
    let mut text = String::new();
    GzDecoder::new(fs::File::open(path).ok()?).take(MAX_CONFIG).read_to_string(&mut text).ok()?;
    Some(text)
}

/// What a configuration says of [`OPTIONS`].
fn chosen(text: &str) -> String {
    let of = |option: &&str| {
        let value = text.lines().find_map(|line| line.strip_prefix(*option)?.strip_prefix('='));
        format!("{option}={}\n", value.unwrap_or("n"))
    };
    OPTIONS.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_found_by_their_whole_name() {
        let told = chosen("CONFIG_BPF=y\n# CONFIG_UPROBES is not set\nCONFIG_BPF_JIT_ALWAYS_ON=y\n");
        assert!(told.contains("CONFIG_BPF=y\n") && told.contains("CONFIG_BPF_JIT=n\n"), "{told}");
        assert!(told.contains("CONFIG_UPROBES=n\n") && told.contains("CONFIG_BPF_JIT_ALWAYS_ON=y\n"), "{told}");
    }

    #[test]
    fn versions_do_not_name_the_host() {
        let told = versions();
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        assert!(told.starts_with("wirespan ") && told.contains("\nkernel "), "{told}");
        assert!(host.is_empty() || host.len() < 4 || !told.contains(&host), "{told}");
    }
}
