//! Every mistake of a file, and not only the first one.
//!
//! Reading stops at a mistake. So what is wrong is taken out of the tree, and the rest is read again, until nothing is wrong any more.

use super::layer::OTLP;
use super::otlp::{self, Invalid, Signal};
use super::yaml::{self, Content, Node};
use super::{Error, Place, file, layer, standard};

/// Most mistakes that are told.
const MOST: usize = 50;

/// Warnings about a file.
///
/// # Errors
/// Every mistake, in the order of their places.
pub(super) fn validate(
    name: &str,
    text: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<String>, Vec<Error>> {
    let (mut root, mut mistakes) = yaml::parse_all(name, text, variable);
    // The nodes that hold something that was taken out.
    let mut damaged = Vec::new();
    let mut warnings = Vec::new();
    while mistakes.len() < MOST {
        let error = match check(name, &root) {
            Ok(found) => {
                warnings = found;
                break;
            }
            Err(error) => error,
        };
        let at = error.at;
        let follows = error.lacks && at.is_some_and(|place| damaged.contains(&place));
        // What is given under an alias is wrong in each place where it is used.
        if !follows && !mistakes.contains(&error) {
            mistakes.push(error);
        }
        if !at.is_some_and(|place| remove(&mut root, place, &mut damaged)) {
            break;
        }
    }
    if mistakes.is_empty() {
        return Ok(warnings);
    }
    mistakes.sort_by_key(|error| error.at.map(|place| (place.line, place.column)));
    Err(mistakes)
}

/// Warnings about a tree, or the first mistake in it; the settings of exporters included, which are looked at only when one is made.
pub(super) fn check(name: &str, root: &Node) -> Result<Vec<String>, Error> {
    let (mut config, _) = layer::settle(vec![file::layer(name, root)?])?;
    let signals =
        [(config.otlp, Signal::Traces), (config.metrics.otlp, Signal::Metrics), (config.otlp_logs, Signal::Logs)];
    for (_, signal) in signals.into_iter().filter(|(wanted, _)| *wanted) {
        let (_, warnings) = otlp::of_signal(&|name| config.otlp_variable(name), signal, true)
            .map_err(|invalid| located(name, root, signal, invalid))?;
        config.warnings.extend(warnings);
    }
    Ok(config.warnings)
}

/// The exporter is made of variables: the key of the file that a wrong one came from.
fn located(name: &str, root: &Node, signal: Signal, invalid: Invalid) -> Error {
    let provider = match signal {
        Signal::Traces => "tracer_provider",
        Signal::Metrics => "meter_provider",
        Signal::Logs => "logger_provider",
    };
    // A variable of one signal, as a file becomes.
    let variable = invalid.name.strip_prefix(OTLP).and_then(|name| name.split_once('_')).map(|(_, name)| name);
    let mut keys = standard::OTLP
        .iter()
        .chain(standard::OTLP_METRICS)
        .filter(|setting| setting.variables.iter().any(|of| Some(of.name) == variable))
        .flat_map(|setting| match setting.key() {
            // Both become the same variable.
            "headers_list" => vec!["headers", "headers_list"],
            key => vec![key],
        });
    let found = below(root, provider).and_then(|node| keys.find_map(|key| Some((key, below(node, key)?))));
    match found {
        Some((key, node)) => Error::at(name, node.place, format!("`{key}`: {}", invalid.problem)),
        None => Error::new(invalid.name, invalid.problem),
    }
}

/// The value of the first key of that name in a tree.
fn below<'n>(node: &'n Node, wanted: &str) -> Option<&'n Node> {
    match &node.value {
        Content::Null | Content::Scalar { .. } => None,
        Content::Sequence(items) => items.iter().find_map(|item| below(item, wanted)),
        Content::Mapping(entries) => {
            let own = entries.iter().find(|(key, _)| key.name == wanted).map(|(_, value)| value);
            own.or_else(|| entries.iter().find_map(|(_, value)| below(value, wanted)))
        }
    }
}

/// Takes out the entry or item at a place; `above` gets the places of all that it was a part of. Whether there was one.
pub(super) fn remove(node: &mut Node, place: Place, above: &mut Vec<Place>) -> bool {
    let depth = above.len();
    above.push(node.place);
    // A mapping begins where its first key does: the innermost of those that are there is meant.
    let found = match &mut node.value {
        Content::Null | Content::Scalar { .. } => false,
        Content::Sequence(items) => {
            items.iter_mut().any(|item| remove(item, place, above)) || take(items, |item| item.place == place)
        }
        Content::Mapping(entries) => {
            entries.iter_mut().any(|(_, value)| remove(value, place, above))
                || take(entries, |(key, _)| key.place == place)
                || take(entries, |(_, value)| value.place == place)
        }
    };
    if !found {
        above.truncate(depth);
    }
    found
}

fn take<T>(parts: &mut Vec<T>, is_it: impl FnMut(&T) -> bool) -> bool {
    let at = parts.iter().position(is_it);
    at.map(|at| parts.remove(at)).is_some()
}

#[cfg(test)]
#[path = "validation_tests.rs"]
mod tests;
