//! Processor time: of processes with their children through `/proc`, of this process and of the children that it waited for.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

/// What `/proc/PID/stat` says of one process.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    pid: u32,
    parent: u32,
    /// User and system time, its own.
    own: u64,
    /// The same of children that have ended and that it waited for.
    ended: u64,
}

impl Stat {
    /// proc(5). The name in parentheses may hold anything; behind it stand the state, the parent's number and the rest.
    fn parse(text: &str) -> Option<Self> {
        let (pid, rest) = text.split_once(" (")?;
        let fields: Vec<&str> = rest.rsplit_once(") ")?.1.split_whitespace().collect();
        // The third field of the manual is the first here.
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        Some(Self {
            pid: pid.parse().ok()?,
            parent: u32::try_from(number(4)?).ok()?,
            own: number(14)? + number(15)?,
            ended: number(16)? + number(17)?,
        })
    }
}

/// User and system time of one process so far, its children left out.
pub fn of(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    Ok(ticks(Stat::parse(&text).with_context(|| format!("{path} is odd"))?.own))
}

/// The same of a process and of everything below it, whether it lives or has ended.
pub fn of_tree(root: u32) -> Result<Duration> {
    let mut stats = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        // Processes end meanwhile, and what is no process has no such file.
        let Ok(text) = std::fs::read_to_string(entry?.path().join("stat")) else { continue };
        stats.extend(Stat::parse(&text));
    }
    ensure!(stats.iter().any(|stat| stat.pid == root), "process {root} has ended");
    Ok(ticks(sum(&stats, root)))
}

/// Ticks of a process and of what stems from it.
fn sum(stats: &[Stat], root: u32) -> u64 {
    let mut tree = BTreeSet::from([root]);
    loop {
        let below = stats.iter().filter(|s| tree.contains(&s.parent) && !tree.contains(&s.pid)).map(|s| s.pid);
        let below: Vec<u32> = below.collect();
        if below.is_empty() {
            break;
        }
        tree.extend(below);
    }
    stats.iter().filter(|s| tree.contains(&s.pid)).map(|s| s.own + s.ended).sum()
}

/// User and system time of this process, all its threads.
pub fn of_ourselves() -> Duration {
    usage(libc::RUSAGE_SELF)
}

/// User and system time of the children that this process has waited for.
pub fn of_waited() -> Duration {
    usage(libc::RUSAGE_CHILDREN)
}

fn usage(who: libc::c_int) -> Duration {
    // SAFETY: plain numbers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: it writes one `rusage` to where there is room for one; for these two it cannot fail.
    unsafe { libc::getrusage(who, &raw mut usage) };
    let time = |time: libc::timeval| {
        let (seconds, micros) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_usec));
        Duration::from_secs(seconds.unwrap_or(0)) + Duration::from_micros(micros.unwrap_or(0))
    };
    time(usage.ru_utime) + time(usage.ru_stime)
}

fn ticks(ticks: u64) -> Duration {
    // SAFETY: no pointers.
    let hertz = u64::try_from(unsafe { libc::sysconf(libc::_SC_CLK_TCK) }).unwrap_or(100).max(1);
    Duration::from_nanos(ticks * (1_000_000_000 / hertz))
}

#[cfg(test)]
mod tests {
    use super::{Stat, of_ourselves, of_tree, sum};

    #[test]
    fn a_name_may_hold_anything() {
        let text = "71 (a) S (b) S 7 71 71 0 -1 4194560 1 2 3 4 50 60 700 800 20 0 1 0 99";
        assert_eq!(Stat::parse(text), Some(Stat { pid: 71, parent: 7, own: 110, ended: 1500 }));
        assert_eq!(Stat::parse("71 (cut off) S 7 71"), None);
        assert_eq!(Stat::parse(""), None);
    }

    #[test]
    fn a_tree_is_what_stems_from_its_root() {
        let stat = |pid, parent, own| Stat { pid, parent, own, ended: 1 };
        // A child before its parent, a neighbour, and the root's own parent.
        let stats = [stat(4, 3, 1000), stat(3, 2, 100), stat(2, 1, 10), stat(9, 1, 10_000), stat(1, 0, 100_000)];
        assert_eq!(sum(&stats, 2), 1110 + 3);
        assert_eq!(sum(&stats, 8), 0);
    }

    #[test]
    fn this_process_is_there() {
        assert!(of_tree(std::process::id()).is_ok());
        assert!(of_tree(u32::MAX).is_err());
        assert!(of_ourselves().as_nanos() > 0);
    }
}
