//! What the agent never does by itself: it executes no program, and starts no thread without a duty.
//!
//! Part of `cargo xtask lint`. The running agent could not execute one anyway (docs/security.md, "Lock-in"); what does not try is
//! not surprised.

use anyhow::{Context as _, Result, bail};

use super::floors;
use crate::paths;

/// What must not stand in a source, and where it may.
const REFUSED: [(&str, &[&str]); 6] = [
    ("process::Command", &[]),
    ("libc::system", &[]),
    ("libc::exec", &[]),
    ("libc::fork", &[]),
    // Notes have a thread before it is known whether the agent locks itself in; Landlock is tried on one.
    ("thread::Builder", &["threads.rs", "telemetry/log/writer.rs"]),
    ("thread::spawn(", &[]),
];

/// Refuses sources of the agent that execute programs, or start threads in another way than all others.
pub fn check() -> Result<()> {
    let source = paths::root().join("agent/src");
    let mut wrong = Vec::new();
    for file in floors::files(&source)? {
        let relative = file.strip_prefix(&source).unwrap_or(&file).display().to_string();
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        wrong.extend(complaints(&relative, &text));
    }
    if wrong.is_empty() { Ok(()) } else { bail!("what the agent must not do:\n{}", wrong.join("\n")) }
}

fn complaints(file: &str, text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut wrong = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let line = line.split("//").next().unwrap_or_default();
        let found = REFUSED.iter().filter(|(what, may)| line.contains(what) && !may.contains(&file));
        wrong.extend(found.map(|(what, _)| format!("{file}:{}: `{what}`", number + 1)));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::complaints;

    #[test]
    fn programs_and_threads_are_found() {
        assert_eq!(complaints("a.rs", "use std::process::Command;\n"), ["a.rs:1: `process::Command`"]);
        assert_eq!(complaints("a.rs", "\nstd::thread::spawn(|| {});\n"), ["a.rs:2: `thread::spawn(`"]);
        assert!(complaints("threads.rs", "std::thread::Builder::new()").is_empty());
        assert!(
            complaints("a.rs", "// process::Command\n#[cfg(test)]\nmod tests {\nuse std::process::Command;\n}")
                .is_empty()
        );
    }
}
