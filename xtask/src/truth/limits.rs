//! What must hold: what is to be reached (`tests/truth/limits.toml`), or what was reached (`tests/truth/floor.toml`).

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::count::{Counts, Tally};
use super::plan::{KINDS, Kind};

/// All limits.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    default: Limit,
    #[serde(default)]
    server: BTreeMap<String, Part>,
}

/// Percentages and numbers.
#[derive(Deserialize, Debug, Clone)]
#[serde(deny_unknown_fields)]
struct Limit {
    /// Of the calls expected, at least so many are seen, percent.
    seen: f64,
    /// Of the calls expected, at least so many have the right parent, percent.
    right: f64,
    /// Of the calls seen, at most so many have a wrong parent, percent.
    wrong: f64,
    /// Of the links expected, at least so many are right, percent.
    links: f64,
}

/// What is other for one server.
#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
struct Part {
    seen: Option<f64>,
    right: Option<f64>,
    links: Option<f64>,
    wrong: Option<f64>,
    /// Of the requests answered, at least so many have an exact tree, percent; not demanded everywhere.
    exact: Option<f64>,
    /// Right parents by kind, instead of `right`.
    #[serde(default)]
    kinds: BTreeMap<Kind, f64>,
}

/// A limit that does not hold.
#[derive(Debug)]
pub struct Breach {
    /// What, in words.
    pub what: String,
    /// Something is said that is not so. Too little may come of a busy machine, this does not.
    pub is_wrong: bool,
}

/// A share in percent; of nothing everything.
pub fn percent(part: u64, of: u64) -> f64 {
    if of == 0 { 100.0 } else { part as f64 * 100.0 / of as f64 }
}

impl Limits {
    /// Reads those of a file.
    pub fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file);
        text.map_err(Into::into).and_then(|text| Self::parse(&text)).with_context(|| file.display().to_string())
    }

    fn parse(text: &str) -> Result<Self> {
        Ok(toml::from_str(text)?)
    }

    /// What does not hold.
    pub fn broken(&self, server: &str, counts: &Counts) -> Vec<Breach> {
        let none = Part::default();
        let part = self.server.get(server).unwrap_or(&none);
        let limit = Limit {
            seen: part.seen.unwrap_or(self.default.seen),
            right: part.right.unwrap_or(self.default.right),
            wrong: part.wrong.unwrap_or(self.default.wrong),
            links: part.links.unwrap_or(self.default.links),
        };
        let mut broken = Vec::new();
        let mut least = |what: String, is: f64, least: f64| {
            if is < least {
                broken.push(Breach { what: format!("{what}: {is:.2} %, not {least} %"), is_wrong: false });
            }
        };
        let all = counts.all_calls();
        least("calls seen".into(), percent(all.seen, all.expected), limit.seen);
        let right = |tally: Tally| percent(tally.right, tally.expected.max(tally.seen));
        for kind in KINDS {
            let wanted = part.kinds.get(&kind).copied().unwrap_or(limit.right);
            least(format!("right parents of {} calls", kind.name()), right(counts.of(kind)), wanted);
        }
        least("right parents of the proxy's calls".into(), right(counts.proxy), limit.right);
        least("right links".into(), right(counts.links), limit.links);
        least("exact trees".into(), percent(counts.exact, counts.requests), part.exact.unwrap_or(0.0));
        broken.extend(never(counts, limit.wrong).into_iter().map(|what| Breach { what, is_wrong: true }));
        broken
    }
}

/// What is said that is not so; `wrong` percent of parents may be.
fn never(counts: &Counts, wrong: f64) -> Vec<String> {
    let mut broken = Vec::new();
    for (what, tally) in [("calls", counts.all_calls()), ("links", counts.links)] {
        if tally.seen > tally.expected {
            broken.push(format!("{what} told more than once: {}", tally.seen - tally.expected));
        }
        let share = percent(tally.wrong, tally.seen.max(1));
        if share > wrong {
            broken.push(format!("wrong parents of {what}: {share:.2} %, more than {wrong} %"));
        }
    }
    let never = [
        ("background calls with a parent", counts.background.1),
        ("dangling parents", counts.dangling),
        ("spans outside of their parents", counts.outside),
    ];
    broken.extend(never.iter().filter(|(_, n)| *n > 0).map(|(what, n)| format!("{what}: {n}")));
    broken
}

#[cfg(test)]
mod tests {
    use super::{Counts, Limits, Tally};

    const TEXT: &str =
        "[default]\nseen = 99\nright = 90\nwrong = 0.1\nlinks = 100\n[server.one]\nexact = 75\nkinds.fanout = 0\n";

    fn counts(right: u64, wrong: u64) -> Counts {
        let tally = Tally { expected: 100, seen: 100, right, wrong, missing: 100 - right - wrong };
        Counts { calls: [Tally::default(), tally, <_>::default(), <_>::default(), <_>::default()], ..Counts::default() }
    }

    #[test]
    fn a_limit_is_for_all_a_server_or_a_kind() {
        let limits = Limits::parse(TEXT).unwrap();
        assert!(limits.broken("two", &counts(90, 0)).is_empty());
        assert_eq!(limits.broken("two", &counts(89, 0)).len(), 1);
        let twice =
            Counts { links: Tally { expected: 9, seen: 10, right: 10, ..Tally::default() }, ..Counts::default() };
        assert_eq!(limits.broken("two", &twice).len(), 1);
        assert!(limits.broken("one", &counts(0, 0)).is_empty());
        assert_eq!(limits.broken("one", &counts(99, 1)).len(), 1);
        let whole = |exact| Counts { requests: 4, exact, ..Counts::default() };
        assert!(limits.broken("one", &whole(3)).is_empty());
        assert_eq!(limits.broken("one", &whole(2)).len(), 1);
    }

    #[test]
    fn what_must_never_be_is_said() {
        let limits = Limits::parse(TEXT).unwrap();
        let bad = Counts { background: (9, 1), dangling: 1, outside: 1, ..Counts::default() };
        let broken = limits.broken("one", &bad);
        assert!(broken.len() == 3 && broken.iter().all(|breach| breach.is_wrong));
        let few = limits.broken("two", &counts(89, 0));
        assert!(!few.is_empty() && few.iter().all(|breach| !breach.is_wrong));
    }

    #[test]
    fn the_limits_in_use_can_be_read() {
        for file in ["limits.toml", "floor.toml"] {
            Limits::read(&crate::paths::root().join("tests/truth").join(file)).unwrap();
        }
    }
}
