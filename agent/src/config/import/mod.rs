//! The configuration of Grafana Beyla and of OpenTelemetry eBPF Instrumentation as one of wirespan: their file in its first shape
//! and in its second (`extensions.obi`), or their variables.
//!
//! Each key that means something here is in [`keys`]; selectors of processes become rules ([`rules`]); variables become the keys
//! that they stand for ([`variables`]). What has no equivalent is told with its place, unless it is switched off anyway.

mod keys;
mod out;
mod rules;
#[cfg(test)]
mod tests;
mod variables;

use super::yaml::{self, Content, Node};
use super::{Error, Place, validation};
use out::Out;

/// What came of it.
#[derive(Debug)]
pub struct Imported {
    /// The file of wirespan, with what was lost as comments.
    pub yaml: String,
    /// What has no equivalent: place, key, and what to do.
    pub lost: Vec<String>,
}

/// Reads a file; `name` stands in front of each place. `${NAME}` is replaced by what `variable` says.
///
/// # Errors
/// When it is no YAML.
pub fn file(name: &str, text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Imported, Error> {
    let root = yaml::parse(name, text, variable)?;
    Ok(import(name, &root))
}

/// Reads variables (`BEYLA_*`, `OTEL_EBPF_*`). Those of OpenTelemetry itself mean the same here and stay variables.
#[must_use]
pub fn environment(variables: impl Iterator<Item = (String, String)>) -> Imported {
    let mut lost = Vec::new();
    let root = variables::tree(variables, &mut lost);
    let mut imported = import("", &root);
    imported.lost.splice(0..0, lost.iter().cloned());
    for line in lost.iter().rev() {
        imported.yaml.insert_str(0, &format!("# {line}\n"));
    }
    imported
}

fn import(name: &str, root: &Node) -> Imported {
    let mut import = Import { name, out: Out::default(), lost: Vec::new() };
    import.walk("", root);
    import.out.finish();
    import.prune();
    // After that: whether a selector is sound depends on the host.
    let rules = import.out.rules();
    if !rules.is_empty() {
        import.out.set("wirespan.rules", rules.into());
    }
    let mut yaml = String::new();
    for line in &import.lost {
        yaml.push_str(&format!("# no equivalent: {}\n", crate::shown::shown(line)));
    }
    yaml.push_str(&import.out.yaml());
    Imported { yaml, lost: import.lost }
}

struct Import<'a> {
    name: &'a str,
    out: Out,
    lost: Vec<String>,
}

impl Import<'_> {
    /// A key, or what is below it.
    fn walk(&mut self, path: &str, node: &Node) {
        if let Some((_, key)) = keys::KEYS.iter().find(|(known, _)| *known == path) {
            key(self, path, node);
            return;
        }
        match &node.value {
            Content::Mapping(_) => {
                for (key, _, value) in node.entries().unwrap_or_default() {
                    let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                    self.walk(&path, value);
                }
            }
            Content::Null => {}
            _ if is_off(node) => {}
            _ => self.lose(path, node.place, keys::reason(path)),
        }
    }

    /// Takes out what wirespan would refuse, such as values out of its bounds.
    fn prune(&mut self) {
        let text = self.out.yaml();
        let Ok(mut root) = yaml::parse("", &text, &|_| None) else { return };
        while let Err(error) = validation::check("", &root) {
            let is_gone = error.at.is_some_and(|place| validation::remove(&mut root, place, &mut Vec::new()));
            self.lost.push(error.message);
            if !is_gone {
                return;
            }
        }
        self.out.replace(keys::json(&root));
    }

    /// Tells that a key has no equivalent.
    fn lose(&mut self, path: &str, place: Place, why: &str) {
        let place = if self.name.is_empty() { String::new() } else { format!("{}:{}: ", self.name, place.line) };
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        self.lost.push(format!("{place}{path}{why}"));
    }
}

/// The text of a scalar.
fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Content::Scalar { text, .. } => Some(text),
        _ => None,
    }
}

/// The texts of a list, or the one that stands for it; `between` separates several in one text.
fn texts(node: &Node, between: char) -> Vec<String> {
    let split = |text: &str| {
        let parts = text.split(between).map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect::<Vec<_>>()
    };
    match &node.value {
        Content::Sequence(items) => items.iter().filter_map(text).map(str::to_owned).collect(),
        _ => text(node).map(split).unwrap_or_default(),
    }
}

/// Whether nothing is lost with it: what it says is that something is not to be.
fn is_off(node: &Node) -> bool {
    match &node.value {
        Content::Null => true,
        Content::Scalar { text, .. } => {
            matches!(text.as_str(), "" | "false" | "0" | "0s" | "disabled" | "none" | "disable" | "unset")
        }
        Content::Sequence(items) => items.is_empty(),
        Content::Mapping(entries) => entries.iter().all(|(_, node)| is_off(node)),
    }
}
