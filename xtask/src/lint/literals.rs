//! Names of attributes and metrics are written in the telemetry registry alone (`agent/semconv`); the agent uses its
//! constants. This looks for string literals that are shaped like such a name.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use wirespan_semconv::registry::attributes::ATTRIBUTES;

use crate::paths;

/// Where sources are.
const SOURCES: &[&str] = &["agent/src", "agent/protocols/src"];

/// Files and folders whose literals are something else, or are still to be replaced. Each has to be needed.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("agent/src/config/", "names of settings"),
    ("agent/src/process/selector/", "names of labels that selectors name"),
    ("agent/protocols/src/", "to be replaced"),
    ("agent/src/export/console/", "to be replaced"),
    ("agent/src/export/prometheus/", "to be replaced"),
    ("agent/src/metrics/record/", "to be replaced"),
    ("agent/src/trace/", "to be replaced"),
];

/// Sees that no source writes a name of telemetry.
pub fn check() -> Result<()> {
    let mut found = Vec::new();
    for folder in SOURCES {
        walk(&paths::root().join(folder), &mut found)?;
    }
    let excepted = |path: &str| EXCEPTIONS.iter().position(|(exception, _)| path.starts_with(exception));
    let needed: BTreeSet<usize> = found.iter().filter_map(|(path, ..)| excepted(path)).collect();
    let mut complaints: Vec<String> = found
        .iter()
        .filter(|(path, ..)| excepted(path).is_none())
        .map(|(path, line, name)| format!("{path}:{line}: {name:?} is a name of telemetry: use its constant"))
        .collect();
    for (index, (path, _)) in EXCEPTIONS.iter().enumerate() {
        if !needed.contains(&index) {
            complaints.push(format!("xtask/src/lint/literals.rs: the exception for {path} is not needed"));
        }
    }
    if !complaints.is_empty() {
        bail!("{}", complaints.join("\n"));
    }
    Ok(())
}

/// File, line, literal.
type Found = (String, usize, String);

fn walk(folder: &Path, found: &mut Vec<Found>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let is_test = matches!(name.as_str(), "tests" | "tests.rs" | "testing.rs") || name.ends_with("_tests.rs");
        if is_test {
            continue;
        }
        if path.is_dir() {
            walk(&path, found)?;
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let shown = path.strip_prefix(paths::root()).unwrap_or(&path).display().to_string();
            found.extend(literals(&text).into_iter().map(|(line, name)| (shown.clone(), line, name)));
        }
    }
    Ok(())
}

/// Literals that look like names of telemetry, with their lines. Comments and the tests at the end of a file are left out.
fn literals(text: &str) -> Vec<(usize, String)> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    let found = lines.flat_map(|(index, line)| {
        let inside = line.split('"').skip(1).step_by(2);
        inside.filter(|literal| is_name(literal)).map(move |literal| (index + 1, literal.to_owned()))
    });
    found.collect()
}

/// Lower-case words between dots, of which the first begins a name in the registry.
fn is_name(literal: &str) -> bool {
    let Some((first, rest)) = literal.split_once('.') else { return false };
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    is_word(first)
        && rest.split('.').all(is_word)
        && ATTRIBUTES.iter().any(|one| one.name.split_once('.').is_some_and(|(begin, _)| begin == first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_code_and_nowhere_else() {
        let text = "// \"http.route\"\nset(\"http.route\", \"a\", \"wirespan.new.name\");\nopen(\"nginx.conf\");\n\
                    #[cfg(test)]\nmod tests {\n\"http.route\"\n}\n";
        assert_eq!(literals(text), [(2, "http.route".to_owned()), (2, "wirespan.new.name".to_owned())]);
        assert!(!is_name("http") && !is_name("http.") && !is_name("http.Route") && !is_name("a http.route"));
    }

    #[test]
    fn the_agent_writes_none() {
        check().unwrap();
    }
}
