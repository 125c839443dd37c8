//! A secret by which readers of the page are known. It is shown nowhere: not by `config print`, and not to whoever debugs.

use std::ffi::OsString;
use std::fmt;

use serde_json::Value as Json;

use super::Error;
use super::section::Reader;
use super::setting::Setting;
use super::shape::Shape;
use super::value::{Parse, Source, Wrong};
use super::yaml::Node;

/// Fewest characters: nobody shall guess it.
const SHORTEST: usize = 16;

/// See the module's text. Empty if there is none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Token(Box<str>);

impl Token {
    /// # Errors
    /// What is wrong with a text as a token; the text is not told.
    pub fn new(text: &str) -> Result<Self, String> {
        if !text.is_empty() && (text.len() < SHORTEST || !text.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(format!("a token has at least {SHORTEST} characters of ASCII, and no blanks"));
        }
        Ok(Self(text.into()))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The secret itself.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.is_empty() { "none" } else { "REDACTED" })
    }
}

impl Parse for Token {
    fn read(setting: &Setting, reader: &Reader<'_>, node: &Node) -> Result<Self, Error> {
        let text = reader.text(setting.key(), node)?;
        Self::new(text).map_err(|what| reader.error(node.place, format!("`{}`: {what}", setting.key())))
    }

    fn parse(_: &Setting, _: Source, texts: &[OsString]) -> Result<Self, Wrong> {
        let text = texts.first().and_then(|text| text.to_str()).unwrap_or_default();
        Ok(Self::new(text)?)
    }

    fn json(&self) -> Json {
        if self.is_empty() { Json::Null } else { self.secret().into() }
    }

    fn shape() -> Shape {
        Shape::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layer, RUN, load_with_origins, settings};

    fn loaded(variables: &[(&str, &str)]) -> Result<crate::config::Config, Error> {
        let found = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        load_with_origins(Layer::default(), &found).map(|(config, _)| config)
    }

    #[test]
    fn it_is_long_and_never_told() {
        for text in ["short", "has a blank, and more", "żółw-żółw-żółw-żółw"] {
            let error = Token::new(text).unwrap_err();
            assert!(!error.contains(text), "{error}");
        }
        let config = loaded(&[("WIRESPAN_VIEW_TOKEN", "0123456789abcdef")]).unwrap();
        assert_eq!(config.view.token.secret(), "0123456789abcdef");
        assert!(!format!("{config:?}").contains("0123456789abcdef"));
        let printed = config.to_yaml();
        assert!(!printed.contains("0123456789abcdef") && printed.contains("token: \"REDACTED\""), "{printed}");
        assert!(!loaded(&[]).unwrap().to_yaml().contains("token"));
    }

    #[test]
    fn others_are_served_only_with_it() {
        let open = [("WIRESPAN_WEB_LISTEN", "0.0.0.0:9470")];
        let error = loaded(&open).unwrap_err().to_string();
        assert!(error.starts_with("WIRESPAN_WEB_LISTEN: ") && error.contains("without a token"), "{error}");
        assert!(loaded(&[open[0], ("WIRESPAN_VIEW_TOKEN", "0123456789abcdef")]).is_ok());
        for own in ["9470", "127.0.0.1:9470", "[::1]:9470", "localhost:9470"] {
            assert!(loaded(&[("WIRESPAN_WEB_LISTEN", own)]).is_ok(), "{own}");
        }
        assert!(
            settings().any(|setting| setting.flags.iter().any(|flag| flag.long == "web-listen" && flag.of & RUN != 0))
        );
    }
}
