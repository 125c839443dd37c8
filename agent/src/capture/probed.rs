//! Which probes running agents have put into programs, by what the kernel shows of their descriptors (`/proc/PID/fdinfo`): the
//! place of each since Linux 6.16, and how often its program ran while the kernel counted.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Most descriptors of an agent that are looked at.
const MAX_DESCRIPTORS: usize = 64 * 1024;

/// A place in a file: device, inode, offset.
pub type Place = (u64, u64, u64);

/// What is probed, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probed {
    /// The kernel program at each place, by its id.
    places: HashMap<Place, u32>,
    /// Runs of each program that the kernel has counted, by its id.
    runs: HashMap<u32, u64>,
    /// Probes whose place the kernel does not show.
    hidden: usize,
}

impl Probed {
    /// What an agent has probed; nothing of a process that may not be looked at.
    #[must_use]
    pub fn of(agents: &[u32]) -> Self {
        let mut probed = Self::default();
        for pid in agents {
            probed.look(Path::new("/proc"), *pid);
        }
        probed
    }

    fn look(&mut self, proc: &Path, pid: u32) {
        let folder = proc.join(pid.to_string());
        let entries = fs::read_dir(folder.join("fdinfo")).into_iter().flatten().flatten();
        for entry in entries.take(MAX_DESCRIPTORS) {
            let Ok(text) = fs::read_to_string(entry.path()) else { continue };
            let of = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(":").map(str::trim));
            let Some(program) = of("prog_id").and_then(|id| id.parse().ok()) else { continue };
            if let Some(runs) = of("run_cnt").and_then(|runs| runs.parse().ok()) {
                self.runs.insert(program, runs);
            }
            if of("link_type") != Some("perf") {
                continue;
            }
            let offset = of("offset").and_then(|text| u64::from_str_radix(text.strip_prefix("0x")?, 16).ok());
            let file = of("name").map(|name| in_process(&folder, name)).and_then(|path| fs::metadata(path).ok());
            match (offset, file) {
                (Some(offset), Some(file)) => _ = self.places.insert((file.dev(), file.ino(), offset), program),
                _ => self.hidden += 1,
            }
        }
    }

    /// Whether there is any probe.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty() && self.hidden == 0
    }

    /// Whether a place is probed; `None` where the kernel does not show it.
    #[must_use]
    pub fn has(&self, place: Place) -> Option<bool> {
        let has = self.places.contains_key(&place);
        (has || self.hidden == 0).then_some(has)
    }

    /// How often the program at a place ran between an earlier look and this one, at all of its places.
    #[must_use]
    pub fn runs_since(&self, earlier: &Self, place: Place) -> Option<u64> {
        let program = self.places.get(&place)?;
        Some(self.runs.get(program)?.saturating_sub(*earlier.runs.get(program)?))
    }
}

/// The file that an agent has named: it names the descriptor by which it holds it.
fn in_process(folder: &Path, name: &str) -> PathBuf {
    match name.strip_prefix("/proc/self/") {
        Some(rest) => folder.join(rest),
        None => folder.join("root").join(name.trim_start_matches('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_runs_are_those_that_descriptors_show() {
        let proc = std::env::temp_dir().join(format!("wirespan-probed-{}", std::process::id()));
        let (fdinfo, fd) = (proc.join("7/fdinfo"), proc.join("7/fd"));
        fs::create_dir_all(&fdinfo).unwrap();
        fs::create_dir_all(&fd).unwrap();
        fs::write(fd.join("56"), "").unwrap();
        let file = fs::metadata(fd.join("56")).unwrap();
        let link = "link_type:\tperf\nprog_id:\t9\nname:\t/proc/self/fd/56\noffset:\t0x1f\nevent_type:\tuprobe\n";
        fs::write(fdinfo.join("4"), link).unwrap();
        fs::write(fdinfo.join("5"), "prog_type:\t2\nprog_id:\t9\nrun_cnt:\t40\n").unwrap();
        fs::write(fdinfo.join("6"), "pos:\t0\n").unwrap();
        let look = || {
            let mut probed = Probed::default();
            probed.look(&proc, 7);
            probed
        };
        let place = (file.dev(), file.ino(), 0x1f);
        let earlier = look();
        assert_eq!((earlier.has(place), earlier.has((0, 0, 0x1f))), (Some(true), Some(false)));
        fs::write(fdinfo.join("5"), "prog_type:\t2\nprog_id:\t9\nrun_cnt:\t47\n").unwrap();
        assert_eq!(look().runs_since(&earlier, place), Some(7));
        // An older kernel shows a link, and not where.
        fs::write(fdinfo.join("4"), "link_type:\tperf\nprog_id:\t9\n").unwrap();
        assert_eq!((look().has(place), look().is_empty()), (None, false));
        fs::remove_dir_all(&proc).unwrap();
        assert!(look().is_empty());
    }
}
