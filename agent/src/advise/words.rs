//! Numbers as a person reads them.

use std::borrow::Cow;

/// A duration with two or three digits: `480 ms`, `1.2 s`, `350 µs`.
#[must_use]
pub fn duration(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns >= 60e9 => return format!("{:.1} min", ns / 60e9),
        // What rounds to 1000 of a unit is 1 of the next.
        ns if ns >= 999.5e6 => (ns / 1e9, "s"),
        ns if ns >= 999.5e3 => (ns / 1e6, "ms"),
        ns => (ns / 1e3, "µs"),
    };
    let digits = if value >= 99.95 || unit == "µs" { 0 } else { 1 };
    let text = format!("{value:.digits$}");
    format!("{} {unit}", text.strip_suffix(".0").unwrap_or(&text))
}

/// A share of 1 in per cent: `97 %`, `0.4 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        percent if percent >= 99.95 => "100 %".to_owned(),
        percent if percent >= 99.0 => format!("{percent:.1} %"),
        percent if percent > 0.0 && percent < 0.95 => format!("{percent:.1} %"),
        percent => format!("{percent:.0} %"),
    }
}

/// A small number with at most one digit after the point: `3`, `2.5`.
#[must_use]
pub fn decimal(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

/// A number with its thousands apart: `12,400`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number and its noun: `1 connection`, `12 connections`.
#[must_use]
pub fn counted(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number))
}

/// `a, b and c`.
#[must_use]
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// A ratio; 0 of nothing.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "shares and means need no more than 52 bits")]
pub fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// At most `limit` characters; what was cut ends with `…`.
#[must_use]
pub fn cut(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        Some(_) => text.chars().take(limit.saturating_sub(1)).chain(['…']).collect::<String>().into(),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let cases = [
            (0.0, "0 µs"),
            (350_000.0, "350 µs"),
            (999_600.0, "1 ms"),
            (1_250_000.0, "1.2 ms"),
            (480_000_000.0, "480 ms"),
            (999_900_000.0, "1 s"),
            (1_230_000_000.0, "1.2 s"),
            (15_000_000_000.0, "15 s"),
            (90_000_000_000.0, "1.5 min"),
        ];
        for (ns, text) in cases {
            assert_eq!(duration(ns), text);
        }
    }

    #[test]
    fn shares_and_counts() {
        assert_eq!(
            [0.0, 0.004, 0.0096, 0.5, 0.97, 0.995, 1.0].map(percent).join("|"),
            "0 %|0.4 %|1 %|50 %|97 %|99.5 %|100 %"
        );
        assert_eq!([0, 999, 1000, 1_234_567].map(count).join("|"), "0|999|1,000|1,234,567");
        assert_eq!([counted(1, "request"), counted(2, "request")], ["1 request", "2 requests"]);
        assert_eq!(list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("abcd", 4), "abcd");
    }
}
