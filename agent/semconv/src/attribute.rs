//! What is said of an attribute wherever it stands.

use std::fmt;

/// Type of an attribute's value, as OTLP has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Type {
    /// Text.
    String,
    /// A signed 64-bit integer.
    Int,
    /// A number that may have a fraction.
    Double,
    /// A truth value.
    Bool,
    /// An array of texts.
    StringList,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Double => "double",
            Self::Bool => "boolean",
            Self::StringList => "string[]",
        })
    }
}

/// How firm a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stability {
    /// Stable in the OpenTelemetry conventions.
    Stable,
    /// In the OpenTelemetry conventions, which may still change it.
    Development,
    /// Not in them: wirespan's, or that of the tool that `source` names.
    Own,
}

impl fmt::Display for Stability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stable => "stable",
            Self::Development => "development",
            Self::Own => "own",
        })
    }
}

/// An attribute. When it is set is said by what carries it: [`group::Use`](crate::group::Use).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Name. One that ends in `<…>` stands for any last part.
    pub name: &'static str,
    /// Type of its values.
    pub kind: Type,
    /// How firm the name is.
    pub stability: Stability,
    /// Where the name comes from: a page below <https://opentelemetry.io/docs/specs/>, `wirespan`, or the name of a tool.
    pub source: &'static str,
    /// What values there are, or what bounds their number.
    pub values: &'static str,
    /// A value.
    pub example: &'static str,
    /// What it is: one sentence.
    pub brief: &'static str,
}

impl Attribute {
    /// Whether an emitted name is this one.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        match self.name.split_once('<') {
            Some((prefix, _)) => name.len() > prefix.len() && name.starts_with(prefix),
            None => self.name == name,
        }
    }
}

/// The entry of a name. Exact names come before those that stand for many.
#[must_use]
pub fn find(name: &str) -> Option<&'static Attribute> {
    let all = crate::registry::attributes::ATTRIBUTES;
    all.iter().find(|one| one.name == name).or_else(|| all.iter().find(|one| one.is(name)))
}
