//! Times on the command line: `90`, `1.5s`, `100ms`, `5m`, `1h30m`.

use std::time::Duration;

/// What is wrong with a text that is none.
const EXPECTED: &str = "must be a time such as 100ms, 90s, 5m or 1h30m";

/// A time; a number without a unit counts seconds.
///
/// # Errors
/// What is expected, for a person.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || EXPECTED.to_owned();
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let unit = after.find(|char: char| !char.is_ascii_alphabetic() && char != 'µ').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let seconds = match unit {
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" | "sec" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            // `1h30` may be minutes or seconds: only a number by itself needs no unit.
            "" if after.is_empty() && sum.is_zero() => 1.0,
            _ => return Err(wrong()),
        };
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let part = Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())?;
        sum = sum.checked_add(part).ok_or_else(wrong)?;
        rest = after.trim_start();
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn people_write_times_in_many_ways() {
        for (text, millis) in [
            ("90", 90_000),
            ("1.5", 1_500),
            ("0.25s", 250),
            ("100ms", 100),
            ("500us", 0),
            ("5m", 300_000),
            ("5min", 300_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("2d", 172_800_000),
            ("0", 0),
        ] {
            assert_eq!(parse(text).map(|time| time.as_millis()), Ok(millis), "{text}");
        }
        assert_eq!(parse("500us"), Ok(Duration::from_micros(500)));
        for wrong in ["", " ", "soon", "5x", "m", "-5s", "1h30", "1..5s", "5 5", "inf", "1e3", "99999999999999999999d"]
        {
            assert_eq!(parse(wrong).unwrap_err(), EXPECTED, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in "[0-9.smhd µ-]{0,24}") {
            let _ = parse(&text);
        }
    }
}
