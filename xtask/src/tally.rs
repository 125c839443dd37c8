//! What test programs report: numbers, names of what failed with what they printed, names of what skipped itself.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::sh;

/// Lines kept of what a failed test printed.
const KEPT_LINES: usize = 40;

/// What all test programs of a run reported.
#[derive(Default, Debug)]
pub struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
    /// Names and reasons.
    pub skipped: Vec<(String, String)>,
    /// In the order in which they failed, until somebody takes them.
    pub names_of_failed: Vec<String>,
    /// What each test printed when it failed for the first time.
    first_failures: BTreeMap<String, Vec<String>>,
    /// The test whose output is being read.
    printing: Option<String>,
    /// What failed first and passed at this try.
    late: Vec<(String, u32)>,
}

impl Tally {
    /// Runs a `cargo test`, shows its output, adds up its results. Did it succeed?
    pub fn run(&mut self, cmd: &mut Command) -> Result<bool> {
        let mut child = cmd
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run `{}`", sh::shown(cmd)))?;
        if let Some(out) = child.stdout.take() {
            for line in BufReader::new(out).lines() {
                let line = line?;
                println!("{line}");
                self.add(&line);
            }
        }
        self.printing = None;
        Ok(child.wait()?.success())
    }

    /// The names of what failed are going to run again: they are counted by their last try.
    pub fn again(&mut self) -> Vec<String> {
        let names = std::mem::take(&mut self.names_of_failed);
        self.failed = self.failed.saturating_sub(names.len() as u64);
        names
    }

    /// Which of these passed at a later try; those that failed again are in `names_of_failed`.
    pub fn passed_late(&mut self, names: &[String], at: u32) {
        let passed = names.iter().filter(|name| !self.names_of_failed.contains(name));
        self.late.extend(passed.map(|name| (name.clone(), at)));
    }

    /// `test result: ok. 12 passed; 0 failed; 1 ignored; …`, lines of tests that skipped themselves, and what failed ones printed.
    pub fn add(&mut self, line: &str) {
        if let Some((name, rest)) = line.strip_prefix("test ").and_then(|line| line.split_once(" ... ")) {
            if let Some(reason) = rest.strip_prefix("skipped") {
                let reason = reason.trim().trim_start_matches('(').trim_end_matches(')');
                self.skipped.push((name.to_owned(), reason.to_owned()));
            } else if rest == "FAILED" {
                self.names_of_failed.push(name.to_owned());
            }
        }
        if let Some(name) = line.strip_prefix("---- ").and_then(|line| line.strip_suffix(" stdout ----")) {
            self.printing = (!self.first_failures.contains_key(name)).then(|| name.to_owned());
        } else if line == "failures:" || line.starts_with("test result: ") {
            self.printing = None;
        } else if let Some(name) = &self.printing {
            let kept = self.first_failures.entry(name.clone()).or_default();
            if kept.len() < KEPT_LINES && !(kept.is_empty() && line.is_empty()) {
                kept.push(line.to_owned());
            }
        }
        let Some(rest) = line.strip_prefix("test result: ") else { return };
        for part in rest.split(['.', ';']) {
            let mut words = part.split_whitespace();
            let (Some(number), Some(what)) = (words.next().and_then(|n| n.parse::<u64>().ok()), words.next()) else {
                continue;
            };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }

    /// What a reader must not overlook: tests that passed only at a later try with how they failed first, and what was skipped.
    pub fn remarks(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, at) in &self.late {
            lines.push(format!("passed only at try {at}: {name}; its first failure:"));
            let failure = self.first_failures.get(name).map(Vec::as_slice).unwrap_or_default();
            let end = failure.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
            lines.extend(failure[..end].iter().map(|line| format!("    {line}")));
        }
        lines.extend(self.skipped.iter().map(|(name, reason)| format!("skipped: {name} ({reason})")));
        lines
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, ignored, skipped, late, .. } = self;
        write!(f, "{passed} passed")?;
        if !late.is_empty() {
            write!(f, " ({} of them only at a later try)", late.len())?;
        }
        write!(f, ", {failed} failed, {ignored} ignored, {} skipped", skipped.len())
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn results_of_several_programs_are_added_up() {
        let mut tally = Tally::default();
        tally.add("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s");
        tally.add("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 7 filtered out; finished in 0.01s");
        tally.add("test http::chunked ... ok");
        tally.add("test kernel_tls ... skipped (no tls)");
        tally.add("test http::order::pipelined ... FAILED");
        assert_eq!(tally.to_string(), "15 passed, 2 failed, 1 ignored, 1 skipped");
        assert_eq!(tally.names_of_failed, ["http::order::pipelined"]);
        assert_eq!(tally.remarks(), ["skipped: kernel_tls (no tls)"]);
    }

    #[test]
    fn what_passes_at_a_later_try_is_told_with_its_first_failure() {
        let mut tally = Tally::default();
        for line in [
            "test a::slow ... FAILED",
            "test a::broken ... FAILED",
            "failures:",
            "",
            "---- a::slow stdout ----",
            "",
            "thread 'a::slow' panicked at x.rs:1:1:",
            "took 9 ms",
            "",
            "---- a::broken stdout ----",
            "always",
            "",
            "failures:",
            "    a::broken",
            "    a::slow",
            "test result: FAILED. 5 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        ] {
            tally.add(line);
        }
        let again = tally.again();
        assert_eq!(again, ["a::slow", "a::broken"]);
        for line in [
            "test a::slow ... ok",
            "test a::broken ... FAILED",
            "---- a::broken stdout ----",
            "another failure",
            "failures:",
            "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        ] {
            tally.add(line);
        }
        tally.passed_late(&again, 2);
        assert_eq!(tally.to_string(), "6 passed (1 of them only at a later try), 1 failed, 0 ignored, 0 skipped");
        assert_eq!(
            tally.remarks(),
            [
                "passed only at try 2: a::slow; its first failure:",
                "    thread 'a::slow' panicked at x.rs:1:1:",
                "    took 9 ms"
            ]
        );
    }
}
