//! The floors of the agent: a module may import only from the floors below its own (ARCHITECTURE.md, "Crates and floors").
//!
//! Part of `cargo xtask lint`. What stands on one floor knows nothing of its neighbours, so there can be no circle.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::paths;

/// Modules of `agent/src`, the lowest floor first.
const FLOORS: [&[&str]; 15] = [
    &["shown", "lockdown", "files", "object", "terminal"],
    &["threads"],
    &["event"],
    &["process"],
    &["capture", "conn", "recording", "runtime"],
    &["trace"],
    &["enrich"],
    &["metrics", "advise", "resolve"],
    &["view"],
    &["config"],
    &["export"],
    &["serve", "telemetry", "top", "report", "mcp"],
    &["pipeline"],
    &["cli"],
    &["main", "lib"],
];

/// Refuses imports of the same floor or of one above.
pub fn check() -> Result<()> {
    let source = paths::root().join("agent/src");
    let mut wrong = Vec::new();
    for file in files(&source)? {
        let relative = file.strip_prefix(&source).unwrap_or(&file);
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        wrong.extend(complaints(&module(relative), &text).iter().map(|what| format!("{}: {what}", relative.display())));
    }
    if wrong.is_empty() { Ok(()) } else { bail!("imports that do not go downward:\n{}", wrong.join("\n")) }
}

/// Sources that are no tests: those may look at anything.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            found.extend(files(&path)?);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") && name != "testing.rs" {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The first part of a path below `agent/src`.
fn module(relative: &Path) -> String {
    let first = relative.iter().next().unwrap_or_default().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|modules| modules.contains(&module))
}

/// What is wrong with the imports of a file of `module`.
fn complaints(module: &str, text: &str) -> Vec<String> {
    let Some(own) = floor(module) else {
        return vec![format!("`{module}` stands on no floor: give it one in xtask/src/lint/floors.rs")];
    };
    let mut wrong = Vec::new();
    for imported in imports(text) {
        match floor(&imported) {
            _ if imported == module => {}
            Some(other) if other < own => {}
            Some(_) => wrong.push(format!("`{module}` imports `{imported}`")),
            // Items of the crate itself.
            None => {}
        }
    }
    wrong.sort();
    wrong.dedup();
    wrong
}

/// Modules that a source names as `crate::…`, comments and unit tests left out.
fn imports(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().map(|line| line.split("//").next().unwrap_or_default());
    let code = lines.collect::<Vec<_>>().join(" ");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => {
                let list = &list[..end_of_list(list)];
                found.extend(parts(list).filter_map(|part| word(part.trim())));
            }
            None => found.extend(word(rest)),
        }
    }
    found
}

/// Where a list in braces ends that began before `text`.
fn end_of_list(text: &str) -> usize {
    let mut depth = 1;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// The members of a list, those of lists within it left out.
fn parts(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    list.split(move |letter| {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        letter == ',' && depth == 0
    })
}

/// The module name that a text begins with.
fn word(text: &str) -> Option<String> {
    let end = text.find(|letter: char| !letter.is_ascii_lowercase() && letter != '_').unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::{complaints, imports};

    #[test]
    fn imports_of_all_shapes_are_found() {
        let text = "use crate::event::Event;\nuse crate::{trace::{span, ids}, conn, Thing};\n// crate::cli\nfn f() { crate::notes::info(); }\n#[cfg(test)]\nmod tests { use crate::pipeline; }";
        assert_eq!(imports(text), ["event", "trace", "conn", "notes"]);
    }

    #[test]
    fn only_downward() {
        assert!(complaints("trace", "use crate::conn::fact::Use;").is_empty());
        assert!(complaints("trace", "use crate::trace::span::Span;").is_empty());
        assert_eq!(complaints("conn", "use crate::trace::span::Span;"), ["`conn` imports `trace`"]);
        assert_eq!(complaints("metrics", "use crate::advise::Advice;"), ["`metrics` imports `advise`"]);
        assert_eq!(complaints("attic", "").len(), 1);
    }
}
