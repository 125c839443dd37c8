//! Small texts: clock time, duration; foreign text comes through [`crate::shown`].

use std::fmt::Write as _;

pub use crate::shown::{append, clean};

/// `HH:MM:SS.mmm` of a time since the Unix epoch, in UTC.
pub fn clock(out: &mut String, unix_ns: u64) {
    let millis = unix_ns / 1_000_000 % 86_400_000;
    let (hours, minutes, seconds) = (millis / 3_600_000, millis / 60_000 % 60, millis / 1000 % 60);
    let _ = write!(out, "{hours:02}:{minutes:02}:{seconds:02}.{:03}", millis % 1000);
}

/// A duration with three significant digits and its unit: `87 µs`, `12.4 ms`, `1.53 s`, `125 s`.
#[must_use]
pub fn duration(ns: u64) -> String {
    let (value, unit) = match ns {
        0..1_000 => return format!("{ns} ns"),
        // Limits are where rounding would print 1000 of the smaller unit.
        1_000..999_500 => (ns as f64 / 1e3, "µs"),
        999_500..999_500_000 => (ns as f64 / 1e6, "ms"),
        _ => (ns as f64 / 1e9, "s"),
    };
    let decimals = match value {
        value if value < 9.995 => 2,
        value if value < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_is_utc_with_milliseconds() {
        let mut out = String::new();
        clock(&mut out, 1_795_246_367_123_999_999);
        assert_eq!(out, "07:32:47.123");
    }

    #[test]
    fn durations_have_three_digits() {
        for (ns, expected) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (87_400, "87.4 µs"),
            (999_499, "999 µs"),
            (999_500, "1.00 ms"),
            (9_996_000, "10.0 ms"),
            (12_400_000, "12.4 ms"),
            (99_960_000, "100 ms"),
            (999_600_000, "1.00 s"),
            (125_000_000_000, "125 s"),
        ] {
            assert_eq!(duration(ns), expected, "{ns} ns");
        }
    }
}
