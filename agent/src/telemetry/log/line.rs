//! How a note looks.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::shown::shown;

/// How important a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Level {
    /// Something went wrong.
    Error = 1,
    /// Something may be wrong.
    Warn = 2,
    /// Part of normal running.
    Info = 3,
    /// Why it does what it does.
    Debug = 4,
    /// Every step.
    Trace = 5,
}

impl From<tracing::Level> for Level {
    fn from(level: tracing::Level) -> Self {
        match level {
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warn,
            tracing::Level::INFO => Self::Info,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::TRACE => Self::Trace,
        }
    }
}

/// How notes are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// `wirespan: text`, for commands that answer and end.
    #[default]
    Plain,
    /// With time and level.
    Log,
    /// One JSON object a line.
    Json,
}

/// Longest note, in characters.
const LONGEST: usize = 8 * 1024;

/// One line with its end, whatever is in the text.
pub(super) fn render(style: Style, level: Level, at: SystemTime, text: &str) -> String {
    let cut = text.char_indices().nth(LONGEST).and_then(|(end, _)| text.get(..end));
    let text = shown(cut.unwrap_or(text));
    let more = if cut.is_some() { "…" } else { "" };
    let (short, word) = match level {
        Level::Error => ("ERROR", "error"),
        Level::Warn => ("WARN ", "warn"),
        Level::Info => ("INFO ", "info"),
        Level::Debug => ("DEBUG", "debug"),
        Level::Trace => ("TRACE", "trace"),
    };
    match style {
        Style::Plain if level == Level::Warn => format!("wirespan: warning: {text}{more}\n"),
        Style::Plain => format!("wirespan: {text}{more}\n"),
        Style::Log => format!("{} {short} wirespan: {text}{more}\n", time(at)),
        Style::Json => {
            let message = format!("{text}{more}");
            format!("{}\n", serde_json::json!({ "time": time(at), "level": word, "message": message }))
        }
    }
}

/// RFC 3339, in UTC, with milliseconds.
fn time(at: SystemTime) -> String {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (seconds, millis) = (since.as_secs(), since.subsec_millis());
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days to a date: "chrono-Compatible Low-Level Date Algorithms" by Howard Hinnant, `civil_from_days`, for times
    // after 1970. A year of this count begins in March, so that the leap day is its last.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::shown::testing::{HOSTILE, is_harmless};

    fn at(seconds: u64, millis: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_millis(millis)
    }

    #[test]
    fn times_are_dates() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00.007Z"),
            (951_782_400, "2000-02-29T00:00:00.007Z"),
            (951_868_799, "2000-02-29T23:59:59.007Z"),
            (951_868_800, "2000-03-01T00:00:00.007Z"),
            (1_795_246_367, "2026-11-21T07:32:47.007Z"),
            (4_107_542_400, "2100-03-01T00:00:00.007Z"),
        ] {
            assert_eq!(time(at(seconds, 7)), expected);
        }
    }

    #[test]
    fn every_style_is_one_harmless_line() {
        for style in [Style::Plain, Style::Log, Style::Json] {
            for level in [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace] {
                let line = render(style, level, at(0, 0), HOSTILE);
                assert_eq!(line.matches('\n').count(), 1, "{line}");
                assert!(is_harmless(&line), "{line}");
            }
        }
        let line = render(Style::Log, Level::Warn, at(0, 0), "x");
        assert_eq!(line, "1970-01-01T00:00:00.000Z WARN  wirespan: x\n");
        let line = render(Style::Json, Level::Info, at(0, 0), "say \"x\"");
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!((read["level"].as_str(), read["message"].as_str()), (Some("info"), Some("say \"x\"")));
        assert!(render(Style::Plain, Level::Info, at(0, 0), &"ż".repeat(100_000)).len() < 3 * LONGEST);
    }
}
