//! Attributes of a measurement, borrowed: a measurement that belongs to a known series allocates nothing.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::trace::span::{Attribute, Value};

/// A value of a [`Label`].
#[derive(Clone, Copy, Debug)]
pub enum Text<'a> {
    /// Known at compile time.
    Static(&'static str),
    /// Borrowed from what was measured.
    Str(&'a str),
    /// Shared: kept without a copy.
    Shared(&'a Arc<str>),
    /// A number.
    Int(i64),
    /// A truth value.
    Bool(bool),
}

/// A key and its value. A recorder gives its keys always in the same order.
pub type Label<'a> = (&'static str, Text<'a>);

impl Text<'_> {
    fn as_str(&self) -> Option<&str> {
        match self {
            Self::Static(text) => Some(text),
            Self::Str(text) => Some(text),
            Self::Shared(text) => Some(text),
            Self::Int(_) | Self::Bool(_) => None,
        }
    }

    fn equals(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Int(own), Value::Int(other)) => own == other,
            (Self::Bool(own), Value::Bool(other)) => own == other,
            (Self::Shared(own), Value::Shared(other)) if Arc::ptr_eq(own, other) => true,
            _ => self.as_str().is_some_and(|text| value.as_str().is_some_and(|value| same(text, value))),
        }
    }

    fn to_value(self) -> Value {
        match self {
            Self::Static(text) => Value::Static(text),
            Self::Str(text) => Value::Text(text.into()),
            Self::Shared(text) => Value::Shared(Arc::clone(text)),
            Self::Int(number) => Value::Int(number),
            Self::Bool(truth) => Value::Bool(truth),
        }
    }
}

/// Puts labels into a hasher. The keys follow from the recorder nearly always, so that their lengths are enough.
pub(super) fn hash(labels: &[Label<'_>], hasher: &mut impl Hasher) {
    for (key, text) in labels {
        hasher.write_usize(key.len());
        match text {
            Text::Int(number) => number.hash(hasher),
            Text::Bool(truth) => truth.hash(hasher),
            _ => text.as_str().unwrap_or_default().hash(hasher),
        }
    }
}

/// Whether texts are equal; those known at compile time mostly are the same one.
pub(super) fn same(one: &str, other: &str) -> bool {
    std::ptr::eq(one, other) || one == other
}

/// Whether labels are these attributes.
pub(super) fn equal(labels: &[Label<'_>], attributes: &[Attribute]) -> bool {
    labels.len() == attributes.len()
        && labels.iter().zip(attributes).all(|((key, text), (name, value))| same(key, name) && text.equals(value))
}

/// The attributes to keep.
pub(super) fn keep(labels: &[Label<'_>]) -> Arc<[Attribute]> {
    labels.iter().map(|(key, text)| (*key, text.to_value())).collect()
}
