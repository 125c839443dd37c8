//! Samplers of the OpenTelemetry SDK specification, by their `OTEL_TRACES_SAMPLER` names.

use super::span::TraceId;

/// What to do with requests that name no parent, or (without `ParentBased`) with all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// `always_on`.
    On,
    /// `always_off`.
    Off,
    /// `traceidratio`: sampled when the low 63 bits of the trace id are below this bound. The same bits as other SDKs
    /// compare, so that services which see the same trace decide alike.
    Below(u64),
}

/// A sampler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampler {
    /// Follow the sampled flag of a parent, where there is one.
    pub parent_based: bool,
    /// The decision otherwise.
    pub root: Root,
}

impl Default for Sampler {
    /// `parentbased_always_on`.
    fn default() -> Self {
        Self { parent_based: true, root: Root::On }
    }
}

/// The verdict on one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Make a span.
    Sample,
    /// The parent was not sampled.
    ParentNotSampled,
    /// Not this one.
    Drop,
    /// The SDK of its process exports the span with these very ids, which its request carries.
    Exported,
    /// The SDK of its process exports a span for it, with ids that nothing shows.
    Told,
}

/// Why a sampler's name or argument was not understood. The caller warns and keeps the default.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SamplerError {
    /// No such sampler here.
    #[error(
        "unknown sampler `{0}`: use always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio"
    )]
    Name(String),
    /// The argument is no ratio.
    #[error("sampler argument `{0}` is not a number between 0 and 1")]
    Argument(String),
}

impl Sampler {
    /// Parses `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` (a ratio without an argument is 1).
    ///
    /// # Errors
    /// On an unknown name, and on a ratio that is not between 0 and 1.
    pub fn parse(name: &str, argument: Option<&str>) -> Result<Self, SamplerError> {
        let name = name.trim();
        let (parent_based, root) = match name.strip_prefix("parentbased_") {
            Some(root) => (true, root),
            None => (false, name),
        };
        let root = match root {
            "always_on" => Root::On,
            "always_off" => Root::Off,
            "traceidratio" => Root::Below(bound(argument)?),
            _ => return Err(SamplerError::Name(name.to_owned())),
        };
        Ok(Self { parent_based, root })
    }

    /// Decides on a trace; `parent_sampled` is the flag of the parent, if there is one.
    #[must_use]
    pub fn decide(&self, trace_id: &TraceId, parent_sampled: Option<bool>) -> Decision {
        if self.parent_based
            && let Some(sampled) = parent_sampled
        {
            return if sampled { Decision::Sample } else { Decision::ParentNotSampled };
        }
        let sampled = match self.root {
            Root::On => true,
            Root::Off => false,
            Root::Below(bound) => low_bits(trace_id) < bound,
        };
        if sampled { Decision::Sample } else { Decision::Drop }
    }
}

/// The last eight bytes of the id, without their lowest bit: 63 bits.
fn low_bits(trace_id: &TraceId) -> u64 {
    trace_id[8..].iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte)) >> 1
}

fn bound(argument: Option<&str>) -> Result<u64, SamplerError> {
    let Some(text) = argument.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(1 << 63) };
    let ratio: f64 = text.parse().map_err(|_| SamplerError::Argument(text.to_owned()))?;
    if !(0.0..=1.0).contains(&ratio) {
        return Err(SamplerError::Argument(text.to_owned()));
    }
    // Exact for 0 and 1, and a float cast saturates: 1.0 gives 2^63, above every 63-bit number.
    Ok((ratio * (1_u64 << 63) as f64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::ids::Ids;

    fn parse(name: &str, argument: Option<&str>) -> Sampler {
        Sampler::parse(name, argument).unwrap()
    }

    #[test]
    fn the_default_follows_the_parent() {
        let sampler = Sampler::default();
        assert_eq!(sampler, parse("parentbased_always_on", None));
        assert_eq!(sampler.decide(&[1; 16], None), Decision::Sample);
        assert_eq!(sampler.decide(&[1; 16], Some(true)), Decision::Sample);
        assert_eq!(sampler.decide(&[1; 16], Some(false)), Decision::ParentNotSampled);
    }

    #[test]
    fn without_parent_based_the_parent_does_not_matter() {
        assert_eq!(parse("always_on", None).decide(&[1; 16], Some(false)), Decision::Sample);
        assert_eq!(parse("always_off", None).decide(&[1; 16], Some(true)), Decision::Drop);
        assert_eq!(parse("parentbased_always_off", None).decide(&[1; 16], Some(true)), Decision::Sample);
        assert_eq!(parse("parentbased_always_off", None).decide(&[1; 16], None), Decision::Drop);
    }

    #[test]
    fn a_ratio_is_kept() {
        let mut ids = Ids::seeded(1);
        for (argument, least, most) in [("0", 0, 0), ("0.25", 2_300, 2_700), ("1", 10_000, 10_000)] {
            let sampler = parse("traceidratio", Some(argument));
            let kept = (0..10_000).filter(|_| sampler.decide(&ids.trace_id(), None) == Decision::Sample).count();
            assert!((least..=most).contains(&kept), "{argument}: {kept}");
        }
        assert_eq!(parse("traceidratio", None).decide(&[0xff; 16], None), Decision::Sample);
    }

    #[test]
    fn the_decision_is_made_on_the_low_bits() {
        let half = parse("traceidratio", Some("0.5"));
        let mut id = [0xff; 16];
        id[8] = 0x7f;
        assert_eq!(half.decide(&id, None), Decision::Sample);
        id[8] = 0x80;
        assert_eq!(half.decide(&id, None), Decision::Drop);
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(Sampler::parse("always", None), Err(SamplerError::Name("always".into())));
        for argument in ["1.5", "-1", "NaN", "ten"] {
            assert_eq!(Sampler::parse("traceidratio", Some(argument)), Err(SamplerError::Argument(argument.into())));
        }
    }
}
