//! `cargo xtask compare OLD [NEW]`: what two builds make of the same captures and recordings, byte for byte.
//!
//! A change of structure must not change what comes out. Every file is replayed with both: spans and metrics as OTLP JSON,
//! the console's lines, the account on stderr, and the advice.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{paths, sh};

/// Arguments of `cargo xtask compare`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The binary of before
    old: PathBuf,
    /// The binary of now [default: the release build]
    new: Option<PathBuf>,
    /// More recordings and captures than those of tests/replay
    #[arg(long = "file")]
    files: Vec<PathBuf>,
}

/// What is asked of each file.
const QUESTIONS: [&[&str]; 3] = [
    &["replay", "--output", "otlp-json", "--metrics"],
    &["replay", "--output", "console"],
    &["advise", "--output", "json"],
];

/// Differences that are shown; the others are counted.
const SHOWN: usize = 5;

/// Compares; fails if anything differs.
pub fn compare(args: &Args) -> Result<()> {
    let new = args.new.clone().unwrap_or_else(|| paths::target().join("release/wirespan"));
    let mut files = captures(&paths::root().join("tests/replay/captures"))?;
    files.extend(args.files.iter().cloned());
    let mut differing = 0;
    for file in &files {
        for question in QUESTIONS {
            let (before, after) = (answer(&args.old, question, file)?, answer(&new, question, file)?);
            if let Some(difference) = difference(&before, &after) {
                differing += 1;
                if differing <= SHOWN {
                    sh::step(format!("{} {}\n{difference}", question.join(" "), file.display()));
                }
            }
        }
    }
    if differing > 0 {
        bail!("{differing} of {} answers differ", files.len() * QUESTIONS.len());
    }
    sh::step(format!("the same {} answers about {} files", files.len() * QUESTIONS.len(), files.len()));
    Ok(())
}

/// Every capture below a folder, in the order of names.
fn captures(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(captures(&path)?);
        } else if path.extension().is_some_and(|ext| ["pcap", "pcapng", "rec"].iter().any(|known| ext == *known)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Standard output, then standard error and the status.
fn answer(binary: &Path, question: &[&str], file: &Path) -> Result<String> {
    let mut command = Command::new(binary);
    command.args(&question[..1]).arg(file).args(&question[1..]).stdin(Stdio::null());
    let output = command.output().with_context(|| format!("cannot run `{}`", sh::shown(&command)))?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let out: Vec<String> = out.lines().map(in_order).collect();
    Ok(format!("{}\n{err}{}", out.join("\n"), output.status))
}

/// A line of metrics with its lists in order: that of series and groups means nothing, and changes from run to run.
fn in_order(line: &str) -> String {
    match serde_json::from_str(line) {
        Ok(mut value) if line.starts_with("{\"resourceMetrics\"") => {
            sort(&mut value);
            value.to_string()
        }
        _ => line.to_owned(),
    }
}

fn sort(value: &mut Value) {
    match value {
        Value::Array(values) => {
            values.iter_mut().for_each(sort);
            // Buckets are in an order of their own.
            if values.iter().all(Value::is_object) {
                values.sort_by_cached_key(Value::to_string);
            }
        }
        Value::Object(members) => members.values_mut().for_each(sort),
        _ => {}
    }
}

/// The first line in which two texts differ.
fn difference(before: &str, after: &str) -> Option<String> {
    if before == after {
        return None;
    }
    let mut lines = (before.lines(), after.lines());
    loop {
        match (lines.0.next(), lines.1.next()) {
            (None, None) => return Some("they differ in the ends of lines".to_owned()),
            (before, after) if before == after => {}
            (before, after) => {
                let (before, after) = (before.unwrap_or("(nothing)"), after.unwrap_or("(nothing)"));
                let same = before.bytes().zip(after.bytes()).take_while(|(before, after)| before == after).count();
                let from = (0..=same.saturating_sub(60)).rev().find(|at| before.is_char_boundary(*at)).unwrap_or(0);
                let part = |line: &str| line.get(from..).unwrap_or(line).chars().take(200).collect::<String>();
                return Some(format!("  before …{}\n  after  …{}", part(before), part(after)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn the_first_difference_is_shown() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        let shown = difference("a\nbc\n", "a\nbd\n").unwrap_or_default();
        assert!(shown.contains("before …bc") && shown.contains("after  …bd"), "{shown}");
        assert!(difference("a\n", "a\nb\n").unwrap_or_default().contains("(nothing)"));
        assert!(difference("a\n", "a").is_some());
    }
}
