//! The table of kernels and hooks in docs/kernels.md, out of what `wirespan doctor --output json` says in each kernel.
//!
//! What each kernel said last is kept in the target folder: a kernel that is not booted this time keeps its column.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::docs::{self, table::Table};
use crate::{paths, sh};

/// The page, and the part of it.
const PAGE: &str = "docs/kernels.md";
const PART: &str = "hooks";
/// The column of the machine that this runs on.
const HOST: &str = "this host";

/// What a guest is to run.
pub fn command(binary: &str) -> Vec<String> {
    // What cannot be traced is in the answer, too.
    ["sh", "-c", "\"$0\" doctor --output json 2>/dev/null || true", binary].map(str::to_owned).into()
}

/// Keeps what a kernel said: the one JSON object in its output.
pub fn keep(version: &str, output: &str) -> Result<()> {
    let from = output.find('{').context("doctor said nothing")?;
    let answer = serde_json::Deserializer::from_str(&output[from..]).into_iter::<Value>().next();
    let answer = answer.context("doctor said nothing")?.context("doctor said something else")?;
    let path = file(version);
    fs::create_dir_all(folder())?;
    fs::write(&path, format!("{answer:#}\n")).with_context(|| format!("cannot write {}", path.display()))
}

/// Asks the kernel of this machine, as root.
pub fn keep_host(binary: &str) -> Result<()> {
    let mut doctor = sh::as_root(binary)?;
    let output = doctor.args(["doctor", "--output", "json"]).output().context("cannot run doctor")?;
    keep(HOST, &String::from_utf8_lossy(&output.stdout))
}

/// Writes the table, with a column for each of these versions that has said something, and for this machine.
pub fn write(versions: &[String]) -> Result<()> {
    let columns: Vec<(String, Value)> = versions
        .iter()
        .map(String::as_str)
        .chain([HOST])
        .filter_map(|version| {
            let text = fs::read_to_string(file(version)).ok()?;
            Some((version.to_owned(), serde_json::from_str(&text).ok()?))
        })
        .collect();
    let path = paths::root().join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
    let page = docs::replace(&page, PART, &text(&columns))?;
    sh::step(format!("writing {PAGE}: {} kernels", columns.len()));
    fs::write(&path, page).with_context(|| format!("cannot write {PAGE}"))
}

fn folder() -> PathBuf {
    paths::target().join("doctor")
}

fn file(version: &str) -> PathBuf {
    folder().join(format!("{}.json", version.replace(' ', "-")))
}

/// The table, and why programs were refused.
fn text(columns: &[(String, Value)]) -> String {
    let mut titles = vec!["hook", "kind", "since"];
    titles.extend(columns.iter().map(|(version, _)| version.as_str()));
    let mut table = Table::new(&titles);
    let of_all = |name: &str, of: &dyn Fn(&Value) -> String| {
        let head = [name.to_owned(), String::new(), String::new()];
        head.into_iter().chain(columns.iter().map(|(_, said)| of(said))).collect::<Vec<_>>()
    };
    let word = |said: &Value, key: &str| said[key].as_str().unwrap_or("none").to_owned();
    table.row(&of_all("*release*", &|said| word(said, "kernel")));
    table.row(&of_all("*backend*", &|said| word(said, "backend")));
    let mut refused = Refused::default();
    for (name, (kind, since)) in hooks(columns) {
        let mut row = vec![format!("`{name}`"), kind, since];
        for (version, said) in columns {
            let (cell, refusal) = cell(said, &name);
            row.push(cell.to_owned());
            refused.note(version, &name, refusal);
        }
        table.row(&row);
    }
    table.row(&of_all("*uprobes* (all programs)", &|said| probes(&said["probes"])));
    table.row(&of_all("*propagate* (`sk_msg`, `sock_ops`)", &|said| granted(&said["propagation"]).to_owned()));
    for (version, said) in columns {
        for one in said["probes"].as_array().into_iter().flatten() {
            refused.note(version, one["name"].as_str().unwrap_or_default(), one["reason"].as_str());
        }
        refused.note(version, "propagate", said["propagation"]["reason"].as_str());
    }
    table.finish() + &refused.text()
}

/// Which programs were refused, by kernel and reason.
#[derive(Default)]
struct Refused(BTreeMap<(String, String), Vec<String>>);

impl Refused {
    fn note(&mut self, version: &str, name: &str, why: Option<&str>) {
        if let Some(why) = why {
            self.0.entry((version.to_owned(), why.to_owned())).or_default().push(format!("`{name}`"));
        }
    }

    fn text(&self) -> String {
        let line = |((version, why), names): (&(String, String), &Vec<String>)| {
            format!("- {version}: {} ({why})\n", names.join(", "))
        };
        let lines: String = self.0.iter().map(line).collect();
        if lines.is_empty() { lines } else { format!("\nRefused:\n\n{lines}") }
    }
}

/// All that any kernel was asked for: kind, and since when it is there.
fn hooks(columns: &[(String, Value)]) -> BTreeMap<String, (String, String)> {
    let all = columns.iter().flat_map(|(_, said)| entries(said));
    all.filter_map(|hook| {
        let word = |key: &str| Some(hook[key].as_str()?.to_owned());
        Some((word("name")?, (word("kind")?, word("since")?)))
    })
    .collect()
}

fn entries(said: &Value) -> impl Iterator<Item = &Value> {
    ["hooks", "other_hooks"].into_iter().flat_map(|key| said[key].as_array().into_iter().flatten())
}

/// What became of a hook, and the reason of a refusal.
fn cell<'a>(said: &'a Value, name: &str) -> (&'static str, Option<&'a str>) {
    let is_used = said["hooks"].as_array().is_some_and(|used| used.iter().any(|hook| hook["name"] == name));
    let Some(hook) = entries(said).find(|hook| hook["name"] == name) else { return ("?", None) };
    let reason = hook["reason"].as_str();
    match (hook["granted"].as_bool(), is_used) {
        (Some(true), true) => ("used", None),
        (Some(true), false) => ("yes", None),
        _ if reason.is_some_and(|why| why.contains("does not have it")) => ("–", None),
        _ => ("refused", reason),
    }
}

fn probes(said: &Value) -> String {
    let all = said.as_array().map(Vec::as_slice).unwrap_or_default();
    let granted = all.iter().filter(|one| one["granted"] == true).count();
    format!("{granted} of {}", all.len())
}

fn granted(said: &Value) -> &'static str {
    if said["granted"] == true { "yes" } else { "refused" }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_has_a_column_for_each_kernel_and_says_why_programs_are_refused() {
        let hook = |name: &str, granted: bool, reason: Option<&str>| json!({ "name": name, "kind": "tp_btf", "since": "6.3", "granted": granted, "reason": reason });
        let old = json!({
            "kernel": "5.10.0-30", "backend": "syscalls",
            "hooks": [hook("sys_enter", true, None)],
            "other_hooks": [hook("sock_send_length", false, Some("this kernel does not have it"))],
            "probes": [{ "name": "a", "granted": true }, { "name": "b", "granted": false, "reason": "too long" }],
            "propagation": { "granted": false, "reason": "no map" },
        });
        let new = json!({
            "kernel": "6.12.1", "backend": "sockets",
            "hooks": [hook("sock_send_length", true, None)],
            "other_hooks": [hook("sys_enter", false, Some("not permitted"))],
            "probes": [], "propagation": { "granted": true },
        });
        let text = text(&[("5.10".into(), old), ("6.12".into(), new)]);
        for line in [
            "| hook | kind | since | 5.10 | 6.12 |",
            "| *release* | | | 5.10.0-30 | 6.12.1 |",
            "| `sock_send_length` | tp_btf | 6.3 | – | used |",
            "| `sys_enter` | tp_btf | 6.3 | used | refused |",
            "| *uprobes* (all programs) | | | 1 of 2 | 0 of 0 |",
            "| *propagate* (`sk_msg`, `sock_ops`) | | | refused | yes |",
            "- 5.10: `b` (too long)",
            "- 5.10: `propagate` (no map)",
            "- 6.12: `sys_enter` (not permitted)",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        assert!(keep("x", "no object here").is_err());
        assert!(keep("x", "{ broken").is_err());
    }
}
