//! The flags of settings, made from their table.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches, value_parser};

use crate::config::{self, Commands, Error, Flag, Layer, Means, Setting, Shape, Source, Wrong};

/// The flags of settings that a command has, and what was given with them.
#[derive(Clone, Debug, Default)]
pub struct Flags<const COMMAND: Commands> {
    given: Vec<Given>,
}

/// A text that was given with a flag.
#[derive(Clone, Debug)]
struct Given {
    setting: &'static Setting,
    text: OsString,
    /// The flag, and how a mistake names it with its text.
    flag: &'static str,
    place: String,
}

/// What the value of a flag is.
enum Kind {
    /// There is none.
    Switch,
    Path,
    Process,
    Words,
    Time,
    Text,
}

fn kind(setting: &Setting, flag: &Flag) -> Kind {
    match (flag.means, setting.shape()) {
        (Means::Word(_), _) | (Means::Value, Shape::Truth) => Kind::Switch,
        (Means::Process, _) => Kind::Process,
        (Means::Value, Shape::Path) => Kind::Path,
        (Means::Value, Shape::Milliseconds) => Kind::Time,
        (Means::Value, Shape::Words(_) | Shape::OneOf(_)) => Kind::Words,
        (Means::Value, _) => Kind::Text,
    }
}

/// The flags of a command, in the order of its help.
fn flags(command: Commands) -> Vec<(&'static Setting, &'static Flag)> {
    let all = config::settings().flat_map(|setting| setting.flags.iter().map(move |flag| (setting, flag)));
    let mut flags: Vec<_> = all.filter(|(_, flag)| flag.of & command != 0).collect();
    flags.sort_by_key(|(_, flag)| flag.rank);
    flags
}

/// What the help says of a flag.
pub(super) fn help(setting: &Setting, flag: &Flag) -> &'static str {
    if flag.help.is_empty() { setting.doc.trim().trim_end_matches('.') } else { flag.help }
}

fn argument(setting: &'static Setting, flag: &'static Flag) -> Arg {
    let argument = Arg::new(flag.long).long(flag.long).short(flag.short).help(help(setting, flag));
    let is_list = matches!(setting.shape(), Shape::Texts | Shape::TextOrTexts);
    let kind = kind(setting, flag);
    if matches!(kind, Kind::Switch) {
        let others = setting.flags.iter().map(|other| other.long).filter(|long| *long != flag.long);
        return argument.action(ArgAction::SetTrue).conflicts_with_all(others);
    }
    let argument = argument.value_name(flag.value).action(if is_list { ArgAction::Append } else { ArgAction::Set });
    match kind {
        Kind::Path => argument.value_parser(value_parser!(PathBuf)),
        Kind::Process => argument.value_parser(value_parser!(u32)).value_delimiter(','),
        Kind::Words => argument.value_parser(PossibleValuesParser::new(setting.shape().words())),
        Kind::Time => argument.value_parser(|text: &str| config::duration(text).map(|_| text.to_owned())),
        Kind::Text | Kind::Switch => argument.value_parser(value_parser!(String)),
    }
}

impl<const COMMAND: Commands> clap::Args for Flags<COMMAND> {
    fn augment_args(command: Command) -> Command {
        command.args(flags(COMMAND).into_iter().map(|(setting, flag)| argument(setting, flag)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<const COMMAND: Commands> FromArgMatches for Flags<COMMAND> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = Vec::new();
        for (setting, flag) in flags(COMMAND) {
            let long = flag.long;
            let mut add = |text: OsString, place: String| given.push(Given { setting, text, flag: long, place });
            let texts = || matches.get_many::<String>(long).into_iter().flatten();
            match kind(setting, flag) {
                Kind::Switch if !matches.get_flag(long) => {}
                Kind::Switch => match flag.means {
                    Means::Word(word) => add(word.into(), format!("--{long}")),
                    Means::Value | Means::Process => add("true".into(), format!("--{long}")),
                },
                Kind::Path => {
                    let paths = matches.get_many::<PathBuf>(long).into_iter().flatten();
                    paths.for_each(|path| add(path.into(), format!("--{long}")));
                }
                Kind::Process => {
                    let ids = matches.get_many::<u32>(long).into_iter().flatten();
                    ids.for_each(|pid| add(format!("pid={pid}").into(), format!("--{long} {pid}")));
                }
                Kind::Words | Kind::Time | Kind::Text => {
                    texts().for_each(|text| add(text.into(), format!("--{long} `{text}`")));
                }
            }
        }
        Ok(Self { given })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<const COMMAND: Commands> Flags<COMMAND> {
    /// What the flags say.
    ///
    /// # Errors
    /// A text that is not what its setting takes, such as a selector or an address that is none.
    pub fn layer(&self) -> Result<Layer, Error> {
        let mut layer = Layer::default();
        for setting in config::settings() {
            let given: Vec<&Given> = self.given.iter().filter(|given| std::ptr::eq(given.setting, setting)).collect();
            let Some(first) = given.first() else { continue };
            let texts: Vec<OsString> = given.iter().map(|given| given.text.clone()).collect();
            layer.write(setting, Source::Flag, &format!("--{}", first.flag), &texts).map_err(
                |Wrong { item, what }| {
                    let named = given.iter().find(|given| item.as_deref().is_some_and(|item| given.text == item));
                    let place = named.map_or_else(|| format!("--{}", first.flag), |given| given.place.clone());
                    Error::new(place, what)
                },
            )?;
        }
        Ok(layer)
    }
}

#[cfg(test)]
#[path = "flags_tests.rs"]
mod tests;
