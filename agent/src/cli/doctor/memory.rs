//! Memory: what the kernel's maps take, and what this process may have.

use std::fs;
use std::path::{Path, PathBuf};

use super::check::{Area, Check};
use rustix::process::{Resource, getrlimit};

/// What the agent takes on a quiet host beside the maps, bytes.
const OWN: u64 = 48 << 20;

/// Bytes of kernel memory of all maps and programs that this process has open (`memlock` in `/proc/self/fdinfo`).
pub(super) fn of_maps() -> u64 {
    let entries = fs::read_dir("/proc/self/fdinfo").into_iter().flatten().flatten();
    entries.filter_map(|entry| memlock(&fs::read_to_string(entry.path()).ok()?)).sum()
}

fn memlock(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("memlock:"))?.trim().parse().ok()
}

/// What may be had. `maps`: what they took, if they were made.
pub(super) fn checks(maps: Option<u64>, kernel: &str) -> Vec<Check> {
    let limit = getrlimit(Resource::Memlock).current;
    let mut checks = vec![locked(limit, maps, kernel)];
    let text = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    checks.push(group(least(&text, Path::new("/sys/fs/cgroup")), maps));
    checks
}

/// Since Linux 5.11 maps are charged to the control group, before to locked memory.
fn locked(limit: Option<u64>, maps: Option<u64>, kernel: &str) -> Check {
    let (area, name) = (Area::Memory, "RLIMIT_MEMLOCK");
    let mut version = kernel.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let version = (version.next().unwrap_or_default(), version.next().unwrap_or_default());
    match limit {
        _ if version >= (5, 11) => Check::yes(area, name, "does not limit kernel programs since Linux 5.11"),
        None => Check::yes(area, name, "unlimited, or raised"),
        Some(limit) if maps.is_some_and(|maps| maps <= limit) => {
            Check::yes(area, name, format!("{}, enough", mib(limit)))
        }
        Some(limit) => Check::no(
            area,
            name,
            format!("{} for the kernel's maps", mib(limit)),
            "the kernel's maps are refused (`Operation not permitted`)",
            "systemd: LimitMEMLOCK=infinity; ulimit -l unlimited; docker run --ulimit memlock=-1; or CAP_SYS_RESOURCE, with which wirespan raises it",
        ),
    }
}

/// The least limit of the control groups of this process, by `/proc/self/cgroup`, and where it is set.
fn least(groups: &str, mount: &Path) -> Option<(u64, PathBuf)> {
    let of = |line: &str| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let (root, file) = match controllers {
            "" => (mount.to_owned(), "memory.max"),
            _ if controllers.split(',').any(|one| one == "memory") => (mount.join("memory"), "memory.limit_in_bytes"),
            _ => return None,
        };
        // Every group above it limits, too.
        let folders =
            Path::new(path).ancestors().map(move |folder| root.join(folder.strip_prefix("/").unwrap_or(folder)));
        Some(folders.map(move |folder| folder.join(file)).collect::<Vec<_>>())
    };
    let files = groups.lines().filter_map(of).flatten();
    let limits = files.filter_map(|file| Some((fs::read_to_string(&file).ok()?.trim().parse().ok()?, file)));
    // Version 1 says "unlimited" as a huge number.
    limits.filter(|(limit, _)| *limit < 1 << 60).min()
}

fn group(limit: Option<(u64, PathBuf)>, maps: Option<u64>) -> Check {
    let (area, name) = (Area::Memory, "memory limit");
    let needed = maps.map(|maps| maps + OWN);
    let told = needed.map_or_else(String::new, |needed| format!("; the agent takes {} on a quiet host", mib(needed)));
    match (limit, needed) {
        (Some((limit, file)), Some(needed)) if limit < needed => Check::no(
            area,
            name,
            format!("{} by {}{told}", mib(limit), file.display()),
            "the kernel ends the agent (OOM)",
            format!(
                "a limit of {} or more (systemd: MemoryMax, Kubernetes: resources.limits.memory), or a smaller wirespan.capture.ring_bytes",
                mib((2 * needed).next_multiple_of(64 << 20))
            ),
        ),
        (Some((limit, file)), _) => Check::yes(area, name, format!("{} by {}{told}", mib(limit), file.display())),
        (None, _) => Check::yes(area, name, format!("no control group limits it{told}")),
    }
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::super::check::Answer;
    use super::*;

    #[test]
    fn locked_memory_limits_old_kernels() {
        let of = |limit, maps, kernel: &str| locked(limit, maps, kernel).answer;
        assert_eq!(of(Some(65536), Some(1 << 24), "5.10.0-30-amd64"), Answer::No);
        assert_eq!(of(Some(65536), None, "5.10.0-30-amd64"), Answer::No);
        assert_eq!(of(Some(1 << 26), Some(1 << 24), "5.10.0-30-amd64"), Answer::Yes);
        assert_eq!(of(None, Some(1 << 24), "5.4.0"), Answer::Yes);
        assert_eq!(of(Some(65536), Some(1 << 24), "5.11.1"), Answer::Yes);
        assert_eq!(of(Some(65536), Some(1 << 24), "6.1.0-56-amd64"), Answer::Yes);
    }

    #[test]
    fn the_least_limit_of_all_groups_counts() {
        let mount = std::env::temp_dir().join(format!("wirespan-groups-{}", std::process::id()));
        let folder = mount.join("kube/pod");
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(mount.join("memory")).unwrap();
        fs::write(folder.join("memory.max"), "max\n").unwrap();
        assert_eq!(least("0::/kube/pod\n", &mount), None);
        fs::write(mount.join("kube/memory.max"), "67108864\n").unwrap();
        assert_eq!(least("0::/kube/pod\n", &mount).unwrap(), (64 << 20, mount.join("kube/memory.max")));
        fs::write(mount.join("memory/memory.limit_in_bytes"), "9223372036854771712\n").unwrap();
        assert_eq!(least("4:cpu,memory:/\nodd\n", &mount), None);
        let limit = Some((64 << 20, mount.clone()));
        assert_eq!(group(limit.clone(), Some(40 << 20)).answer, Answer::No);
        assert_eq!(group(limit, Some(8 << 20)).answer, Answer::Yes);
        assert_eq!(group(None, None).answer, Answer::Yes);
        fs::remove_dir_all(&mount).unwrap();
    }

    #[test]
    fn what_maps_take_is_in_their_descriptors() {
        assert_eq!(memlock("pos:\t0\nmap_type:\t1\nmemlock:\t8409088\n"), Some(8_409_088));
        assert_eq!(memlock("pos:\t0\n"), None);
    }
}
