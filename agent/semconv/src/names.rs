//! The list of names that is committed as `agent/semconv/names.txt`: dashboards and alerts are built on them, so a change
//! shows in a review, has a version, and a line in the changelog.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::SCHEMA_VERSION;
use crate::attribute::Attribute;
use crate::instrument::Instrument;
use crate::registry::{attributes::ATTRIBUTES, metrics::CATALOG, resources::EVENTS};

/// The list: the version, then one name a line.
#[must_use]
pub fn list() -> String {
    let (major, minor) = SCHEMA_VERSION;
    let mut text = format!("version {major}.{minor}\n");
    let mut lines: Vec<String> = ATTRIBUTES.iter().map(attribute).chain(CATALOG.iter().map(metric)).collect();
    lines.extend(EVENTS.iter().map(|event| format!("log {}", event.name)));
    lines.sort_unstable();
    for line in lines {
        let _ = writeln!(text, "{line}");
    }
    text
}

fn attribute(one: &Attribute) -> String {
    format!("attribute {} {}", one.name, one.kind)
}

fn metric(one: &Instrument) -> String {
    let number = if one.is_integer { "int" } else { "double" };
    format!("metric {} {} {} {number}", one.name, one.unit, one.kind.word())
}

/// Whether the registry's names may follow those of `committed`, an earlier [`list`].
///
/// # Errors
/// Says which lines differ and what to do, when the version is not raised as they ask for.
pub fn may_follow(committed: &str) -> Result<(), String> {
    let now = list();
    let (before, after) = (version(committed), SCHEMA_VERSION);
    let names = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<BTreeSet<_>>();
    let (old, new) = (names(committed), names(&now));
    let gone: Vec<_> = old.difference(&new).map(String::as_str).collect();
    let added: Vec<_> = new.difference(&old).map(String::as_str).collect();
    let (needed, what) = match (gone.is_empty(), added.is_empty()) {
        (true, true) => return Ok(()),
        (true, false) => ((before.0, before.1 + 1), "minor"),
        (false, _) => ((before.0 + 1, 0), "major"),
    };
    if after >= needed {
        return Ok(());
    }
    Err(format!(
        "names of telemetry changed.\ngone: {gone:#?}\nnew: {added:#?}\nUsers build dashboards on them. If this is meant: raise \
         the {what} version of SCHEMA_VERSION in agent/semconv/src/lib.rs, say so in CHANGELOG.md (\"telemetry names \
         {}.{}\"), and run `cargo xtask docs`, which writes agent/semconv/names.txt",
        needed.0, needed.1
    ))
}

/// The version in the first line of a list; 0.0 if there is none.
fn version(list: &str) -> (u32, u32) {
    let numbers = list.lines().next().and_then(|line| line.strip_prefix("version ")?.split_once('.'));
    numbers.and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_change_only_with_their_version_and_a_line_in_the_changelog() {
        let committed = include_str!("../names.txt");
        may_follow(committed).unwrap();
        assert_eq!(list(), committed, "agent/semconv/names.txt is old: run `cargo xtask docs`");
        let (major, minor) = SCHEMA_VERSION;
        let line = format!("telemetry names {major}.{minor}");
        assert!(include_str!("../../../CHANGELOG.md").contains(&line), "CHANGELOG.md does not say {line:?}");
    }

    #[test]
    fn a_new_name_asks_for_a_minor_version_and_a_lost_one_for_a_major_one() {
        let list = list();
        let (major, minor) = SCHEMA_VERSION;
        let line = list.lines().find(|line| line.starts_with("attribute http.route")).unwrap();
        let without = list.replace(&format!("{line}\n"), "");
        let more = list.replace(line, &format!("attribute http.other string\n{line}"));
        assert!(may_follow(&without).unwrap_err().contains(&format!("telemetry names {major}.{}", minor + 1)));
        assert!(may_follow(&more).unwrap_err().contains(&format!("telemetry names {}.0", major + 1)));
        let changed = list.replace(line, "attribute http.route int");
        assert!(may_follow(&changed).unwrap_err().contains("major version"));
        let older = format!("version 0.9\n{}", without.split_once('\n').unwrap().1);
        assert_eq!(may_follow(&older), Ok(()));
    }
}
