//! How many exchanges a span stands for, in the words of OpenTelemetry's sampling: `ot=th:…;rv:…` in its trace state.
//!
//! The *threshold* says how many of 2⁵⁶ equal chances were refused, the *randomness* is a chance that was not: at least the
//! threshold. Both are hexadecimal; zeroes at the end of a threshold are left out (OpenTelemetry specification, "TraceState:
//! Probability Sampling"). A backend counts the span as 2⁵⁶ / (2⁵⁶ − threshold) of them.

use super::span::TraceId;

/// Chances in all.
const ALL: u64 = 1 << 56;

/// A trace state that says that of 256 exchanges like this one `rejected` were left out unseen. What stands in it already
/// stays, but for what OpenTelemetry's entry says of an earlier sampling: the chances multiply.
pub(super) fn note(state: Option<&str>, rejected: u8, trace_id: &TraceId) -> Box<str> {
    let members = || state.into_iter().flat_map(|state| state.split(',')).map(str::trim).filter(|one| !one.is_empty());
    let own = members().find_map(|member| member.strip_prefix("ot="));
    let fields = || own.into_iter().flat_map(|own| own.split(';'));
    let earlier = fields().find_map(|field| field.strip_prefix("th:")).and_then(parse).unwrap_or(0);
    // What is left of what was left.
    let kept = (u128::from(ALL - earlier) * u128::from(256 - u16::from(rejected))) >> 8;
    let threshold = ALL - u64::try_from(kept).unwrap_or(ALL);
    let mut noted = format!("ot=th:{};rv:{:014x}", digits(threshold), randomness(trace_id, threshold));
    for field in fields().filter(|field| !field.starts_with("th:") && !field.starts_with("rv:")) {
        noted.push(';');
        noted.push_str(field);
    }
    for member in members().filter(|member| !member.starts_with("ot=")) {
        noted.push(',');
        noted.push_str(member);
    }
    noted.into()
}

/// A threshold of 1 to 14 digits.
fn parse(text: &str) -> Option<u64> {
    let is_sound = (1..=14).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digits = u64::from_str_radix(text, 16).ok().filter(|_| is_sound)?;
    Some(digits << (4 * (14 - text.len())))
}

fn digits(threshold: u64) -> String {
    let all = format!("{threshold:014x}");
    let short = all.trim_end_matches('0');
    if short.is_empty() { "0".to_owned() } else { short.to_owned() }
}

/// A chance that was not refused, the same for all spans of a trace.
fn randomness(trace_id: &TraceId, threshold: u64) -> u64 {
    let low = trace_id[9..].iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    let share = (u128::from(low) * u128::from(ALL - threshold)) >> 56;
    threshold + u64::try_from(share).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: TraceId = [0x11; 16];

    #[test]
    fn half_and_three_quarters() {
        let half = note(None, 128, &TRACE);
        assert!(half.starts_with("ot=th:8;rv:"), "{half}");
        assert!(note(None, 192, &TRACE).starts_with("ot=th:c;rv:"));
        assert!(note(None, 1, &TRACE).starts_with("ot=th:01;rv:"));
    }

    #[test]
    fn the_randomness_is_not_below_the_threshold() {
        for rejected in 1..=255 {
            for trace in [[0; 16], TRACE, [0xff; 16]] {
                let state = note(None, rejected, &trace);
                let (threshold, randomness) = state["ot=th:".len()..].split_once(";rv:").unwrap();
                let randomness_value = u64::from_str_radix(randomness, 16).unwrap();
                assert!(randomness_value >= parse(threshold).unwrap() && randomness.len() == 14, "{state}");
            }
        }
    }

    #[test]
    fn what_others_say_stays_and_chances_multiply() {
        let state = note(Some("vendor=1, ot=th:8;rv:ffffffffffffff;k:x , b=2"), 128, &TRACE);
        assert!(state.starts_with("ot=th:c;rv:") && state.ends_with(";k:x,vendor=1,b=2"), "{state}");
        assert!(note(Some("ot=th:nonsense"), 128, &TRACE).starts_with("ot=th:8;"));
        assert!(note(Some("ot=th:800000000000001"), 128, &TRACE).starts_with("ot=th:8;"), "too long");
    }
}
