//! What a setting can be: how each type of a field is read from the file, from flags and variables, and shown.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use serde_json::Value as Json;

use super::section::Reader;
use super::setting::Setting;
use super::shape::Shape;
use super::words::{Backend, Kubernetes, Lockdown, LogFormat, LogLevel, Output, Sdk, Uprobes};
use super::yaml::Node;
use super::{Error, address, choice, duration};

/// Where a text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The command line.
    Flag,
    /// A variable of wirespan.
    Own,
    /// A variable of OpenTelemetry.
    Standard,
}

/// What is wrong with a text, and with which of several.
pub(crate) struct Wrong {
    pub(crate) item: Option<String>,
    pub(crate) what: String,
}

impl From<String> for Wrong {
    fn from(what: String) -> Self {
        Self { item: None, what }
    }
}

/// A type of fields that are settings.
pub(crate) trait Parse: Sized {
    /// From the file.
    fn read(setting: &Setting, reader: &Reader<'_>, node: &Node) -> Result<Self, Error>;
    /// From flags or a variable: the items of a list, or one text.
    fn parse(setting: &Setting, source: Source, texts: &[OsString]) -> Result<Self, Wrong>;
    /// As the file may have it; null where there is nothing.
    fn json(&self) -> Json;
    /// How it is written.
    fn shape() -> Shape;
}

/// A field that is a setting, whatever its type.
pub(crate) trait Value {
    /// [`Parse::read`].
    fn read(&mut self, setting: &Setting, reader: &Reader<'_>, node: &Node) -> Result<(), Error>;
    /// [`Parse::parse`].
    fn parse(&mut self, setting: &Setting, source: Source, texts: &[OsString]) -> Result<(), Wrong>;
    /// [`Parse::json`].
    fn json(&self) -> Json;
    /// [`Parse::shape`].
    fn shape(&self) -> Shape;
}

impl<T: Parse> Value for T {
    fn read(&mut self, setting: &Setting, reader: &Reader<'_>, node: &Node) -> Result<(), Error> {
        *self = <T as Parse>::read(setting, reader, node)?;
        Ok(())
    }

    fn parse(&mut self, setting: &Setting, source: Source, texts: &[OsString]) -> Result<(), Wrong> {
        *self = <T as Parse>::parse(setting, source, texts)?;
        Ok(())
    }

    fn json(&self) -> Json {
        Parse::json(self)
    }

    fn shape(&self) -> Shape {
        <T as Parse>::shape()
    }
}

/// The only text; only paths may be something else than UTF-8.
fn first(texts: &[OsString]) -> &str {
    texts.first().and_then(|text| text.to_str()).unwrap_or_default()
}

impl<T: Parse> Parse for Option<T> {
    fn read(setting: &Setting, reader: &Reader<'_>, node: &Node) -> Result<Self, Error> {
        T::read(setting, reader, node).map(Some)
    }

    fn parse(setting: &Setting, source: Source, texts: &[OsString]) -> Result<Self, Wrong> {
        T::parse(setting, source, texts).map(Some)
    }

    fn json(&self) -> Json {
        self.as_ref().map_or(Json::Null, T::json)
    }

    fn shape() -> Shape {
        T::shape()
    }
}

impl Parse for bool {
    fn read(setting: &Setting, reader: &Reader<'_>, node: &Node) -> Result<Self, Error> {
        reader.truth(setting.key(), node)
    }

    fn parse(_: &Setting, _: Source, texts: &[OsString]) -> Result<Self, Wrong> {
        let text = first(texts);
        match text.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(format!("`{text}` is neither `true` nor `false`").into()),
        }
    }

    fn json(&self) -> Json {
        (*self).into()
    }

    fn shape() -> Shape {
        Shape::Truth
    }
}

impl Parse for u32 {
    fn read(setting: &Setting, reader: &Reader<'_>, node: &Node) -> Result<Self, Error> {
        let (least, most) = setting.bounds;
        let number = reader.within(setting.key(), node, least..=most)?;
        if setting.power_of_two && !number.is_power_of_two() {
            let message = format!("`{}` must be a power of two, such as 16777216", setting.key());
            return Err(reader.error(node.place, message));
        }
        u32::try_from(number).map_err(|_| reader.error(node.place, format!("`{}` is too large", setting.key())))
    }

    fn parse(setting: &Setting, source: Source, texts: &[OsString]) -> Result<Self, Wrong> {
        let text = first(texts);
        let number: u32 = text.parse().map_err(|_| format!("`{text}` is no whole number"))?;
        let (least, most) = setting.bounds;
        // The exporters that use numbers of OpenTelemetry's variables have bounds of their own.
        if source != Source::Standard && !(least..=most).contains(&number.into()) {
            return Err(format!("`{text}` must be between {least} and {most}").into());
        }
        if setting.power_of_two && !number.is_power_of_two() {
            return Err(format!("`{text}` must be a power of two, such as 16777216").into());
        }
        Ok(number)
    }

    fn json(&self) -> Json {
        (*self).into()
    }

    fn shape() -> Shape {
        Shape::Number
    }
}

impl Parse for usize {
    fn read(setting: &Setting, reader: &Reader<'_>, node: &Node) -> Result<Self, Error> {
        <u32 as Parse>::read(setting, reader, node).map(|number| number as usize)
    }

    fn parse(setting: &Setting, source: Source, texts: &[OsString]) -> Result<Self, Wrong> {
        <u32 as Parse>::parse(setting, source, texts).map(|number| number as usize)
    }

    fn json(&self) -> Json {
        (*self).into()
    }

    fn shape() -> Shape {
        Shape::Number
    }
}

/// Milliseconds in the file and in variables; on the command line as people write times.
impl Parse for Duration {
    fn read(setting: &Setting, reader: &Reader<'_>, node: &Node) -> Result<Self, Error> {
        let (least, most) = setting.bounds;
        reader.within(setting.key(), node, least..=most).map(Duration::from_millis)
    }

    fn parse(setting: &Setting, source: Source, texts: &[OsString]) -> Result<Self, Wrong> {
        if source == Source::Flag {
            return Ok(duration::parse(first(texts))?);
        }
        <u32 as Parse>::parse(setting, source, texts).map(|number| Duration::from_millis(number.into()))
    }

    fn json(&self) -> Json {
        u64::try_from(self.as_millis()).unwrap_or(u64::MAX).into()
    }

    fn shape() -> Shape {
        Shape::Milliseconds
    }
}

impl Parse for String {
    fn read(setting: &Setting, reader: &Reader<'_>, node: &Node) -> Result<Self, Error> {
        reader.text(setting.key(), node).map(str::to_owned)
    }

    fn parse(_: &Setting, _: Source, texts: &[OsString]) -> Result<Self, Wrong> {
        Ok(first(texts).to_owned())
    }

    fn json(&self) -> Json {
        self.as_str().into()
    }

    fn shape() -> Shape {
        Shape::Text
    }
}

impl Parse for PathBuf {
    fn read(setting: &Setting, reader: &Reader<'_>, node: &Node) -> Result<Self, Error> {
        reader.text(setting.key(), node).map(PathBuf::from)
    }

    fn parse(_: &Setting, _: Source, texts: &[OsString]) -> Result<Self, Wrong> {
        Ok(texts.first().cloned().unwrap_or_default().into())
    }

    fn json(&self) -> Json {
        self.to_string_lossy().into()
    }

    fn shape() -> Shape {
        Shape::Path
    }
}

impl Parse for Box<str> {
    fn read(setting: &Setting, reader: &Reader<'_>, node: &Node) -> Result<Self, Error> {
        reader.text(setting.key(), node).map(Into::into)
    }

    fn parse(_: &Setting, _: Source, texts: &[OsString]) -> Result<Self, Wrong> {
        Ok(first(texts).into())
    }

    fn json(&self) -> Json {
        (**self).into()
    }

    fn shape() -> Shape {
        Shape::Text
    }
}

impl Parse for SocketAddr {
    fn read(setting: &Setting, reader: &Reader<'_>, node: &Node) -> Result<Self, Error> {
        address::parse(reader.text(setting.key(), node)?).map_err(|what| reader.error(node.place, what))
    }

    fn parse(_: &Setting, _: Source, texts: &[OsString]) -> Result<Self, Wrong> {
        Ok(address::parse(first(texts))?)
    }

    fn json(&self) -> Json {
        self.to_string().into()
    }

    fn shape() -> Shape {
        Shape::Text
    }
}

/// One of a set of words.
pub(crate) trait Word: ValueEnum {}
impl Word for Output {}
impl Word for Backend {}
impl Word for Uprobes {}
impl Word for Lockdown {}
impl Word for Sdk {}
impl Word for Kubernetes {}
impl Word for LogFormat {}

/// The words of an enumeration.
fn words<T: ValueEnum>() -> Vec<clap::builder::PossibleValue> {
    T::value_variants().iter().filter_map(ValueEnum::to_possible_value).collect()
}

fn name(word: &impl ValueEnum) -> Json {
    word.to_possible_value().map_or(Json::Null, |value| value.get_name().into())
}

impl<T: Word> Parse for T {
    fn read(setting: &Setting, reader: &Reader<'_>, node: &Node) -> Result<Self, Error> {
        reader.choice(setting.key(), node)
    }

    fn parse(_: &Setting, _: Source, texts: &[OsString]) -> Result<Self, Wrong> {
        Ok(choice(first(texts))?)
    }

    fn json(&self) -> Json {
        name(self)
    }

    fn shape() -> Shape {
        Shape::Words(words::<T>)
    }
}

/// OpenTelemetry's files know four numbered grades of each level, and `fatal`.
impl Parse for LogLevel {
    fn read(setting: &Setting, reader: &Reader<'_>, node: &Node) -> Result<Self, Error> {
        let key = setting.key();
        match reader.text(key, node)?.trim_end_matches(['2', '3', '4']) {
            "fatal" => Ok(Self::Error),
            word => choice(word).map_err(|message| reader.error(node.place, format!("`{key}`: {message}"))),
        }
    }

    fn parse(_: &Setting, _: Source, texts: &[OsString]) -> Result<Self, Wrong> {
        Ok(choice(first(texts))?)
    }

    fn json(&self) -> Json {
        name(self)
    }

    fn shape() -> Shape {
        Shape::Words(words::<Self>)
    }
}
