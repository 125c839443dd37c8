//! The kernel: types, lockdown, compiler, filters of system calls.

use std::fs;

use super::check::{Area, Check};
use crate::capture::report::Report;

const BTF: &str = "/sys/kernel/btf/vmlinux";

/// What there is to say of it. `report`: of a capture, if one started.
pub(super) fn checks(report: Option<&Report>) -> Vec<Check> {
    let mut checks =
        vec![types(), lockdown(&read("/sys/kernel/security/lockdown")), compiler(), filter(&read("/proc/self/status"))];
    for member in report.into_iter().flat_map(|report| &report.absent) {
        let cure = "a newer kernel, or one that was built with the feature";
        checks.push(Check::no(Area::Kernel, *member, "in this kernel's BTF", "what depends on it is not known", cure));
    }
    checks
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

fn types() -> Check {
    match fs::metadata(BTF) {
        Ok(file) => Check::yes(Area::Kernel, "BTF", format!("{BTF}, {} KiB", file.len() / 1024)),
        Err(error) => Check::no(
            Area::Kernel,
            "BTF",
            format!("{BTF}: the types of the running kernel"),
            "nothing can be traced",
            "a kernel with CONFIG_DEBUG_INFO_BTF=y: 5.10 or newer of any large distribution; in a container, mount /sys",
        )
        .because(error.to_string()),
    }
    .required()
}

/// The file marks what holds: `none [integrity] confidentiality` (kernel_lockdown(7)).
fn lockdown(text: &Option<String>) -> Check {
    let mode = text.as_deref().and_then(|text| text.split_once('[')?.1.split_once(']')).map(|(mode, _)| mode);
    match mode {
        None => {
            Check::unused(Area::Kernel, "lockdown", "not told: /sys/kernel/security is not mounted, or there is none")
        }
        Some("confidentiality") => Check::no(
            Area::Kernel,
            "not locked down",
            "lockdown is `confidentiality`: kernel programs may not read kernel memory",
            "hooks are refused, see below",
            "lockdown=integrity on the kernel's command line, or Secure Boot off",
        ),
        Some(mode) => Check::yes(Area::Kernel, "not locked down", format!("lockdown is `{mode}`")),
    }
}

fn compiler() -> Check {
    const FILE: &str = "/proc/sys/net/core/bpf_jit_enable";
    match read(FILE).as_deref().map(str::trim) {
        Some("0") => Check::no(
            Area::Kernel,
            "BPF compiler",
            "kernel programs run as machine code",
            "every hook costs many times as much, and fentry and fexit do not exist",
            format!("echo 1 > {FILE}"),
        ),
        Some(_) => Check::yes(Area::Kernel, "BPF compiler", "kernel programs run as machine code"),
        None => Check::unused(
            Area::Kernel,
            "BPF compiler",
            "not told here; it is always on where the kernel has no interpreter",
        ),
    }
}

/// A filter of system calls explains refusals that capabilities do not.
fn filter(status: &Option<String>) -> Check {
    let mode = status.as_deref().and_then(|text| text.lines().find_map(|line| line.strip_prefix("Seccomp:")));
    match mode.map(str::trim) {
        Some("2") => Check::unused(
            Area::Kernel,
            "seccomp",
            "a filter of system calls is in force: it must allow bpf and perf_event_open (deploy/ has profiles that do)",
        ),
        _ => Check::yes(Area::Kernel, "no seccomp filter", "every system call is allowed"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Answer;
    use super::*;

    #[test]
    fn the_mode_of_lockdown_is_the_marked_one() {
        let of = |text: &str| lockdown(&Some(text.to_owned())).answer;
        assert_eq!(of("[none] integrity confidentiality\n"), Answer::Yes);
        assert_eq!(of("none [integrity] confidentiality\n"), Answer::Yes);
        assert_eq!(of("none integrity [confidentiality]\n"), Answer::No);
        assert_eq!(of("odd"), Answer::Unused);
        assert_eq!(lockdown(&None).answer, Answer::Unused);
    }

    #[test]
    fn a_filter_of_system_calls_is_told() {
        assert_eq!(filter(&Some("Name:\tx\nSeccomp:\t2\n".into())).answer, Answer::Unused);
        assert_eq!(filter(&Some("Name:\tx\nSeccomp:\t0\n".into())).answer, Answer::Yes);
    }
}
