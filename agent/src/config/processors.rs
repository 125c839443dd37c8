//! A part of the host's processors: `10%`, `0.5`, `none`.

use std::ffi::OsString;
use std::fmt;

use serde_json::{Value as Json, json};

use super::Error;
use super::section::Reader;
use super::setting::Setting;
use super::shape::Shape;
use super::value::{Parse, Source, Wrong};
use super::yaml::Node;

/// How much of the host's processors may be used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Processors {
    /// As much as is needed.
    Unlimited,
    /// A share of all of them, more than 0 and at most 1.
    Share(f64),
    /// So many of them, more than 0.
    Number(f64),
}

/// What is wrong with a text that is none.
const EXPECTED: &str = "must be a share of the host's processors such as 10%, a number of them such as 0.5, or none";

impl Processors {
    fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        if text == "none" {
            return Some(Self::Unlimited);
        }
        let positive =
            |text: &str| text.trim().parse::<f64>().ok().filter(|number| *number > 0.0 && number.is_finite());
        match text.strip_suffix('%') {
            Some(percent) => {
                positive(percent).filter(|percent| *percent <= 100.0).map(|percent| Self::Share(percent / 100.0))
            }
            None => positive(text).map(Self::Number),
        }
    }
}

impl fmt::Display for Processors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlimited => formatter.write_str("none"),
            // Rounded to what a person wrote: 0.07 is not 7.000000000000001 %.
            Self::Share(share) => write!(formatter, "{}%", (share * 1e8).round() / 1e6),
            Self::Number(number) => write!(formatter, "{number}"),
        }
    }
}

impl Parse for Processors {
    fn read(setting: &Setting, reader: &Reader<'_>, node: &Node) -> Result<Self, Error> {
        let text = reader.text(setting.key(), node)?;
        Self::of(text).ok_or_else(|| reader.error(node.place, format!("`{}` {EXPECTED}", setting.key())))
    }

    fn parse(_: &Setting, _: Source, texts: &[OsString]) -> Result<Self, Wrong> {
        let text = texts.first().and_then(|text| text.to_str()).unwrap_or_default();
        Self::of(text).ok_or_else(|| EXPECTED.to_owned().into())
    }

    fn json(&self) -> Json {
        self.to_string().into()
    }

    fn shape() -> Shape {
        Shape::Own(|| json!({"type": ["string", "number", "null"]}))
    }
}

#[cfg(test)]
mod tests {
    use super::Processors::{self, Number, Share, Unlimited};

    #[test]
    fn shares_numbers_and_none() {
        for (text, value) in [("10%", Share(0.1)), ("0.5", Number(0.5)), ("2", Number(2.0)), ("none", Unlimited)] {
            assert_eq!(Processors::of(text), Some(value), "{text}");
            assert_eq!(value.to_string(), text);
        }
        assert_eq!(Share(0.07).to_string(), "7%");
        for wrong in ["", "0", "-1", "101%", "0%", "NaN", "inf", "a lot", "10 %%"] {
            assert_eq!(Processors::of(wrong), None, "{wrong}");
        }
    }
}
