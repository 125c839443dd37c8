//! Clocks: spans of several hosts stand in order only if theirs are right.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::check::{Area, Check};

/// No clock that is set shows a time before this one (2026-01-01).
const BUILT: Duration = Duration::from_secs(1_767_225_600);

/// What there is to say.
pub(super) fn checks() -> Vec<Check> {
    let source =
        fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource").unwrap_or_default();
    let offsets = fs::read_to_string("/proc/self/timens_offsets").unwrap_or_default();
    vec![set(SystemTime::now(), source.trim()), namespace(&offsets)]
}

fn set(now: SystemTime, source: &str) -> Check {
    let (area, name) = (Area::Time, "clock");
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let source = if source.is_empty() { "a source that is not told" } else { source };
    if since < BUILT {
        let cure = "a service that sets it (chrony, systemd-timesyncd)";
        return Check::no(area, name, "it is set", "spans are of another time, receivers refuse them", cure);
    }
    Check::yes(area, name, format!("it is set; kept by {source}"))
}

/// Kernel times are those of the host; a time namespace would shift ours (time_namespaces(7)).
fn namespace(offsets: &str) -> Check {
    let (area, name, what) = (Area::Time, "time namespace", "monotonic time is the host's");
    let is_shifted = |line: &str| {
        let mut fields = line.split_whitespace();
        fields.next() == Some("monotonic") && fields.any(|field| field != "0")
    };
    if offsets.lines().any(is_shifted) {
        let cure = "the host's time namespace";
        return Check::no(area, name, what, "all times are shifted", cure);
    }
    Check::yes(area, name, what)
}

#[cfg(test)]
mod tests {
    use super::super::check::Answer;
    use super::*;

    #[test]
    fn a_clock_that_is_not_set_is_told() {
        assert_eq!(set(UNIX_EPOCH + Duration::from_secs(100), "tsc").answer, Answer::No);
        assert_eq!(set(SystemTime::now(), "").answer, Answer::Yes);
    }

    #[test]
    fn a_shifted_namespace_is_told() {
        assert_eq!(namespace("monotonic           0         0\nboottime            0         0\n").answer, Answer::Yes);
        assert_eq!(namespace("monotonic      86400         0\nboottime            0         0\n").answer, Answer::No);
        assert_eq!(namespace("").answer, Answer::Yes);
    }
}
