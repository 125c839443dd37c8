//! The keys of the file: the table of settings says which there are, and who reads what stands there.

use super::layer::Layer;
use super::section::{Reader, Section};
use super::setting::{Access, Setting};
use super::tree::{Branch, Inner, branches};
use super::yaml::{self, Content, Node};
use super::{Error, settings};

/// Sections that mistakes name without the path to them.
const SHORT: [&str; 2] = ["tls", "cardinality_limits"];

/// What is done with a setting and what stands at its key.
pub(super) type Visit<'v> = &'v mut dyn FnMut(&mut Reader<'_>, &'static Setting, &Node) -> Result<(), Error>;

pub(super) fn parse(name: &str, text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Layer, Error> {
    layer(name, &yaml::parse(name, text, variable)?)
}

/// What a tree says.
///
/// # Errors
/// The first mistake in it.
pub(super) fn layer(name: &str, root: &Node) -> Result<Layer, Error> {
    let mut reader = Reader { file: name, warnings: Vec::new() };
    let mut layer = Layer::default();
    let mut section = reader.section("", root)?;
    let is_version = |(key, _, node): &(&str, _, &Node)| *key == "file_format" && !matches!(node.value, Content::Null);
    if !root.entries().unwrap_or_default().iter().any(is_version) {
        reader.warn(root.place, "`file_format` is missing: write file_format: \"1.0\"");
    }
    let all: Vec<&'static Setting> = settings::all().collect();
    walk(&mut reader, &mut section, &all, 0, &mut |reader, setting, node| layer.read(setting, reader, node))?;
    section.finish(&reader)?;
    layer.warnings = reader.warnings;
    Ok(layer)
}

/// Reads what `settings` are of a section; their keys begin `at` this byte of their paths.
///
/// # Errors
/// The first mistake.
pub(super) fn walk(
    reader: &mut Reader<'_>,
    section: &mut Section<'_>,
    settings: &[&'static Setting],
    at: usize,
    visit: Visit<'_>,
) -> Result<(), Error> {
    for branch in branches(settings, at) {
        match branch {
            Branch::Leaf(setting) => leaf(reader, section, setting, &setting.path[at..], visit)?,
            Branch::Section(inner) => {
                let Some(node) = section.get(inner.key) else { continue };
                if inner.is_list {
                    for item in reader.items(inner.key, node)? {
                        open(reader, item, &inner, visit)?;
                    }
                } else {
                    open(reader, node, &inner, visit)?;
                }
            }
        }
    }
    Ok(())
}

fn leaf(
    reader: &mut Reader<'_>,
    section: &mut Section<'_>,
    setting: &'static Setting,
    key: &'static str,
    visit: Visit<'_>,
) -> Result<(), Error> {
    let node = match setting.access {
        Access::Unused => {
            section.unused(&[key], reader);
            return Ok(());
        }
        Access::Part(.., true) => section.present(key),
        _ => section.get(key),
    };
    let Some(node) = node else { return Ok(()) };
    let Access::Section(table) = setting.access else { return visit(reader, setting, node) };
    let path = if SHORT.contains(&key) { key.to_owned() } else { setting.path.replace("[]", "") };
    let mut section = reader.section(&path, node)?;
    walk(reader, &mut section, &table.iter().collect::<Vec<_>>(), 0, visit)?;
    section.finish(reader)
}

fn open(reader: &mut Reader<'_>, node: &Node, inner: &Inner, visit: Visit<'_>) -> Result<(), Error> {
    if let Some(setting) = inner.shorthand()
        && node.entries().is_none()
    {
        return visit(reader, setting, node);
    }
    let path = if SHORT.contains(&inner.key) { inner.key } else { &inner.path };
    let mut section = reader.section(path, node)?;
    walk(reader, &mut section, &inner.settings, inner.at, visit)?;
    section.finish(reader)
}

/// `file_format`.
pub(super) fn file_format(reader: &mut Reader<'_>, node: &Node, _: &mut Layer) -> Result<(), Error> {
    let version = reader.text("file_format", node)?;
    if version != "1.0" && !version.starts_with("1.0-") {
        return Err(reader.error(node.place, format!("file_format `{version}` is not known: write \"1.0\"")));
    }
    Ok(())
}

/// `disabled`.
pub(super) fn disabled(reader: &mut Reader<'_>, node: &Node, layer: &mut Layer) -> Result<(), Error> {
    if reader.truth("disabled", node)? {
        layer.disable();
    }
    Ok(())
}
