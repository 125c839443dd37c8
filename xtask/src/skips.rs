//! `tests/may-skip.toml`: the tests that may skip themselves, and why. CI fails when another one does.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// The whole list.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct MaySkip {
    skip: Vec<Skip>,
}

/// Tests that may be skipped for one reason.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Skip {
    /// As the test says it.
    reason: String,
    /// Names; `*` at the end stands for the rest.
    tests: Vec<String>,
    /// Why that is no loss, for whoever reads the list.
    why: String,
}

impl MaySkip {
    /// Reads the list.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| path.display().to_string())
    }

    /// Whether this test may be skipped for this reason.
    pub fn allows(&self, test: &str, reason: &str) -> bool {
        self.skip.iter().any(|skip| {
            let named = |name: &String| match name.strip_suffix('*') {
                Some(start) => test.starts_with(start),
                None => test == name,
            };
            !skip.why.is_empty() && skip.reason == reason && skip.tests.iter().any(named)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_may_be_skipped_for_its_own_reason_only() {
        let list = "[[skip]]\nreason = \"go is missing\"\ntests = [\"dns::go\", \"tls::go*\"]\nwhy = \"x\"\n";
        let list: MaySkip = toml::from_str(list).unwrap();
        assert!(list.allows("dns::go", "go is missing") && list.allows("tls::go_old", "go is missing"));
        assert!(!list.allows("dns::go", "no eBPF") && !list.allows("dns::go_old", "go is missing"));
    }

    #[test]
    fn the_list_is_readable() {
        let list = MaySkip::read(&crate::paths::root().join("tests/may-skip.toml")).unwrap();
        assert!(!list.skip.is_empty() && list.skip.iter().all(|skip| !skip.why.is_empty()));
    }
}
