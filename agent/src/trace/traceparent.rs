//! The `traceparent` and `tracestate` headers (W3C Trace Context, level 2, sections 3.2 and 3.3).

use super::context::Owner;
use super::sampler::Decision;
use super::span::{SpanId, TraceId};

/// Longest `tracestate` that is passed on. Level 2 asks for at least 512 characters.
const MAX_STATE: usize = 2048;
/// `00-<32>-<16>-<2>`.
const VERSION_00_LEN: usize = 55;

/// A valid `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace.
    pub trace_id: TraceId,
    /// The caller's span.
    pub span_id: SpanId,
    /// Bit 0 of the flags.
    pub sampled: bool,
}

impl TraceParent {
    /// What is done for a request names this as its parent: its span. Where nobody knows the ids that its span has, the parent of
    /// that, which is the nearest that is known.
    #[must_use]
    pub fn of(owner: Owner) -> Option<Self> {
        let Owner { trace_id, span_id, parent, decision, .. } = owner;
        let sampled = matches!(decision, Decision::Sample | Decision::Exported | Decision::Told);
        let span_id = if decision == Decision::Told { parent? } else { span_id };
        Some(Self { trace_id, span_id, sampled })
    }

    /// Of ids and flags as they are in such a header; none of ids of zeros.
    #[must_use]
    pub fn of_ids(trace_id: TraceId, span_id: SpanId, flags: u8) -> Option<Self> {
        let is_valid = trace_id != [0; 16] && span_id != [0; 8];
        is_valid.then_some(Self { trace_id, span_id, sampled: flags & 1 == 1 })
    }

    /// Parses a header value. Strict: lower-case hexadecimal only, no ids of zeros, version `ff` is invalid, version
    /// `00` has exactly four fields, and a later version may only add after another dash.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let bytes = value.as_bytes();
        let (fields, rest) = bytes.split_at_checked(VERSION_00_LEN)?;
        let version: [u8; 1] = hex(fields.get(..2)?)?;
        match version[0] {
            0xff => return None,
            0 if !rest.is_empty() => return None,
            _ if rest.first().is_some_and(|next| *next != b'-') => return None,
            _ => {}
        }
        if fields[2] != b'-' || fields[35] != b'-' || fields[52] != b'-' {
            return None;
        }
        let trace_id: TraceId = hex(&fields[3..35])?;
        let span_id: SpanId = hex(&fields[36..52])?;
        let flags: [u8; 1] = hex(&fields[53..55])?;
        Self::of_ids(trace_id, span_id, flags[0])
    }
}

/// `tracestate` if it is fit to be passed on as it is: visible ASCII with at least one member, and not too long.
#[must_use]
pub fn usable_state(value: &str) -> Option<&str> {
    let value = value.trim_matches([' ', '\t']);
    let sound = value.len() <= MAX_STATE
        && value.contains('=')
        && value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    sound.then_some(value)
}

fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    let mut odd = 0;
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let (high, low) = (DIGITS[usize::from(pair[0])], DIGITS[usize::from(pair[1])]);
        odd |= high | low;
        *byte = high << 4 | low & 15;
    }
    (odd & NO_DIGIT == 0).then_some(bytes)
}

const NO_DIGIT: u8 = 0x80;

/// What a character is as a digit: asked for 50 of them each time.
const DIGITS: [u8; 256] = {
    let mut table = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < 16 {
        table[b"0123456789abcdef"[digit] as usize] = digit as u8;
        digit += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_good_one() {
        let parent = TraceParent::parse(GOOD).unwrap();
        assert_eq!(parent.trace_id[..3], [0x0a, 0xf7, 0x65]);
        assert_eq!(parent.span_id, [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]);
        assert!(parent.sampled);
    }

    #[test]
    fn only_bit_0_of_the_flags_means_sampled() {
        for (flags, sampled) in [("00", false), ("02", false), ("03", true), ("fe", false), ("ff", true)] {
            let value = format!("{}{flags}", &GOOD[..53]);
            assert_eq!(TraceParent::parse(&value).unwrap().sampled, sampled, "{flags}");
        }
    }

    #[test]
    fn later_versions_may_add_fields_after_a_dash() {
        assert!(TraceParent::parse(&format!("cc{}", &GOOD[2..])).is_some());
        assert!(TraceParent::parse(&format!("cc{}-what-the-future-brings", &GOOD[2..])).is_some());
        assert!(TraceParent::parse(&format!("cc{}.what", &GOOD[2..])).is_none());
    }

    #[test]
    fn bad_ones() {
        let bad = [
            "",
            "00",
            &GOOD[..54],
            &format!("{GOOD}-00"),
            &format!("{GOOD} "),
            &format!(" {GOOD}"),
            &GOOD.to_uppercase(),
            &format!("ff{}", &GOOD[2..]),
            &format!("0g{}", &GOOD[2..]),
            &GOOD.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            &GOOD.replace("b7ad6b7169203331", &"0".repeat(16)),
            &GOOD.replacen('-', "_", 1),
            &GOOD.replace("-01", "_01"),
            &GOOD.replace("-01", "-0x"),
            &"é".repeat(28),
        ];
        for value in bad {
            assert_eq!(TraceParent::parse(value), None, "{value}");
        }
    }

    #[test]
    fn states() {
        assert_eq!(usable_state(" rojo=00f0,congo=t61 "), Some("rojo=00f0,congo=t61"));
        assert_eq!(usable_state(""), None);
        assert_eq!(usable_state("a=\u{7f}"), None);
        assert_eq!(usable_state(&format!("a={}", "b".repeat(MAX_STATE))), None);
    }
}
