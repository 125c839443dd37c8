//! Names of spans. They are few and come again and again, so that hardly any is an allocation: they are known at compile
//! time, short, or shared.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::value::Value;

/// A name: a [`Value`] that is a text.
#[derive(Clone, PartialEq)]
pub struct Name(Value);

impl Name {
    /// A name that others have, too.
    #[must_use]
    pub fn shared(name: &Arc<str>) -> Self {
        Self(Value::shared(name))
    }

    /// As it is kept.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.0
    }
}

impl From<&'static str> for Name {
    fn from(name: &'static str) -> Self {
        Self(Value::Static(name))
    }
}

impl From<Cow<'static, str>> for Name {
    fn from(name: Cow<'static, str>) -> Self {
        Self(Value::from(name))
    }
}

impl From<String> for Name {
    fn from(name: String) -> Self {
        Self::from(Cow::Owned(name))
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.as_str().unwrap_or_default()
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_it_is_kept_it_is_the_same_name() {
        for text in ["", "GET", "SELECT orders and many other tables"] {
            let shared = Name::shared(&Arc::from(text));
            assert_eq!(shared, text);
            assert_eq!(shared, Name::from(text.to_owned()));
            assert_eq!(shared.value().as_bytes(), Some(text.as_bytes()));
        }
        assert_eq!(Name::from("GET"), Name::from(Cow::Borrowed("GET")));
    }
}
