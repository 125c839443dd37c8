//! How busy the host's processors are. While one is idle, what the agent uses is taken from nobody; when none is, it is taken
//! from the applications, together with their warm caches and the work that others then wait for.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// Idle share of the processors above which they have room for the agent, and below which they have none.
const ROOM: (f64, f64) = (0.30, 0.15);

/// Bytes of `/proc/stat` that hold its first line: ten numbers of at most 20 digits.
const FIRST_LINE: usize = 256;

/// Weight of the newest reading: the kernel counts by ticks, a few dozen a step.
const NEWEST: f64 = 0.5;

/// Ticks since the start of the host: of all processors, and of those idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ticks {
    all: u64,
    idle: u64,
}

impl Ticks {
    /// From the first line of `/proc/stat` (proc_stat(5)): user, nice, system, idle, iowait, irq, softirq, steal; guest times
    /// are parts of the first two.
    fn parse(text: &str) -> Option<Self> {
        let numbers = text.lines().next()?.strip_prefix("cpu ")?.split_ascii_whitespace();
        let times: Vec<u64> = numbers.take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
        let idle = times.get(3)?.saturating_add(*times.get(4)?);
        Some(Self { all: times.iter().fold(0, |sum, time| sum.saturating_add(*time)), idle })
    }
}

/// Watches the host's processors.
#[derive(Debug)]
pub struct Processors {
    /// `None` where `/proc` does not show it.
    file: Option<File>,
    last: Option<Ticks>,
    crowding: f64,
}

impl Processors {
    /// Those of this host.
    #[must_use]
    pub fn of_host() -> Self {
        Self { file: File::open("/proc/stat").ok(), last: None, crowding: 0.0 }
    }

    /// How crowded the processors have been lately: 0 with room for the agent, 1 with none. 0 where nothing is known.
    pub fn crowding(&mut self) -> f64 {
        let now = self.read();
        self.since(now)
    }

    fn read(&self) -> Option<Ticks> {
        let mut line = [0; FIRST_LINE];
        let len = self.file.as_ref()?.read_at(&mut line, 0).ok()?;
        Ticks::parse(std::str::from_utf8(line.get(..len)?).ok()?)
    }

    fn since(&mut self, now: Option<Ticks>) -> f64 {
        let last = std::mem::replace(&mut self.last, now);
        if let (Some(last), Some(now)) = (last, now)
            && now.all > last.all
        {
            let idle = now.idle.saturating_sub(last.idle) as f64 / (now.all - last.all) as f64;
            let newest = ((ROOM.0 - idle) / (ROOM.0 - ROOM.1)).clamp(0.0, 1.0);
            self.crowding += (newest - self.crowding) * NEWEST;
        }
        self.crowding
    }

    /// Nobody looks for a while: what was seen is not taken for the time until then.
    pub const fn rest(&mut self) {
        self.last = None;
        self.crowding = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn processors() -> Processors {
        Processors { file: None, last: None, crowding: 0.0 }
    }

    #[test]
    fn the_first_line_is_read() {
        let text = "cpu  100 1 50 800 20 3 4 5 7 0\ncpu0 1 2";
        assert_eq!(Ticks::parse(text), Some(Ticks { all: 983, idle: 820 }));
        assert_eq!(Ticks::parse("cpu  1 2 3"), None);
        assert_eq!(Ticks::parse("cpu0 1 2 3 4 5 6 7 8"), None);
        assert_eq!(Ticks::parse(""), None);
        let full = format!("cpu {}", format!(" {}", u64::MAX).repeat(10));
        assert_eq!(Ticks::parse(&full), Some(Ticks { all: u64::MAX, idle: u64::MAX }));
    }

    #[test]
    fn this_host_is_read() {
        let processors = Processors::of_host();
        assert!(processors.read().is_some_and(|ticks| ticks.all > ticks.idle));
    }

    #[test]
    fn full_processors_are_crowded_and_idle_ones_are_not() {
        for (idle, crowding) in [(0, 1.0), (10, 1.0), (40, 0.0), (100, 0.0)] {
            let mut processors = processors();
            for step in 0..40 {
                processors.since(Some(Ticks { all: step * 100, idle: step * idle }));
            }
            assert!((processors.crowding - crowding).abs() < 0.01, "{idle}: {}", processors.crowding);
        }
    }

    #[test]
    fn after_a_rest_nothing_is_known() {
        let mut processors = processors();
        processors.since(Some(Ticks { all: 0, idle: 0 }));
        assert!(processors.since(Some(Ticks { all: 100, idle: 0 })) > 0.0);
        processors.rest();
        assert!(processors.since(Some(Ticks { all: 900, idle: 0 })).abs() < f64::EPSILON);
        assert!(processors.since(None).abs() < f64::EPSILON);
    }
}
