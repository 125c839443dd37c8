//! What a setting is: where it can be given, how it is written, and where its value is. [`super::settings`] is the table of all.

use super::layer::Layer;
use super::section::Reader;
use super::settings::Config;
use super::value::Value;
use super::yaml::Node;
use super::{Error, shape::Shape};

/// Commands that have flags for settings; several together are a sum of bits.
pub(crate) type Commands = u8;
/// `wirespan run`.
pub(crate) const RUN: Commands = 1;
/// `wirespan record`.
pub(crate) const RECORD: Commands = 2;
/// `wirespan replay`.
pub(crate) const REPLAY: Commands = 4;
/// `wirespan advise`.
pub(crate) const ADVISE: Commands = 8;
/// `wirespan config print`.
pub(crate) const PRINT: Commands = 16;

/// `wirespan targets`.
pub(crate) const TARGETS: Commands = 32;
/// `wirespan doctor`.
pub(crate) const DOCTOR: Commands = 64;
/// Those that show what happens: `wirespan top`, `wirespan report`, `wirespan mcp`.
pub(crate) const LOOK: Commands = 128;

/// A setting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// What it is, a sentence: for the help, the documentation, the schema and rustdoc.
    pub(crate) doc: &'static str,
    /// Its keys in the file with dots between them, `[]` behind those of lists: `wirespan.limits.connections`. Empty if it is
    /// not in the file.
    pub(crate) path: &'static str,
    /// Its flags.
    pub(crate) flags: &'static [Flag],
    /// Its environment variables; of a key of an OTLP exporter what follows the name of the signal.
    pub(crate) variables: &'static [Variable],
    /// Bounds of a number, or of milliseconds.
    pub(crate) bounds: (u64, u64),
    /// The number must be a power of two.
    pub(crate) power_of_two: bool,
    /// Words that only the file may have besides those of its type.
    pub(crate) also: &'static [&'static str],
    /// What the documentation says of the default, where the value does not say it.
    pub(crate) default: &'static str,
    /// Where the documentation says more: a link.
    pub(crate) see: &'static str,
    /// The value is hidden by `config print`.
    pub(crate) secret: bool,
    /// The value may stand in place of its section.
    pub(crate) shorthand: bool,
    /// Another way to say what a setting before it says: `config print` leaves it out.
    pub(crate) alias: bool,
    /// It takes effect when the configuration is read again.
    pub(crate) live: bool,
    /// Where its value is.
    pub(crate) access: Access,
}

/// A flag of a setting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flag {
    /// `--long`.
    pub(crate) long: &'static str,
    /// `-s`.
    pub(crate) short: Option<char>,
    /// What stands for its value in the help.
    pub(crate) value: &'static str,
    /// What the help says, where it is not what the setting says.
    pub(crate) help: &'static str,
    /// The commands that have it.
    pub(crate) of: Commands,
    /// Its place among the flags of a command: small ones come first.
    pub(crate) rank: u8,
    /// What it gives to the setting.
    pub(crate) means: Means,
}

/// A flag that has nothing but what every one has.
pub(crate) const FLAG: Flag = Flag {
    long: "",
    short: None,
    value: "VALUE",
    help: "",
    of: RUN | RECORD | ADVISE | PRINT | LOOK,
    rank: u8::MAX,
    means: Means::Value,
};

/// What a flag gives to its setting.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Means {
    /// Its value.
    Value,
    /// A selector of the process that it names.
    Process,
    /// This; the flag has no value, and none with a value may stand beside it.
    Word(&'static str),
}

/// An environment variable of a setting. A mistake in one of wirespan's own is an error; in one of OpenTelemetry's it is a
/// warning, as its specification asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: &'static str,
    /// What stands between the items of a list.
    pub(crate) between: &'static [char],
    /// Zero is as good as unset.
    pub(crate) positive: bool,
}

impl Variable {
    /// Whether it is wirespan's own.
    pub(crate) fn is_own(&self) -> bool {
        self.name.starts_with("WIRESPAN_")
    }
}

/// A variable of one value.
pub(crate) const fn variable(name: &'static str) -> Variable {
    Variable { name, between: &[], positive: false }
}

/// A variable of several values.
pub(crate) const fn list(name: &'static str, between: &'static [char]) -> Variable {
    Variable { name, between, positive: false }
}

/// A variable of a number for which zero makes no sense.
pub(crate) const fn positive(name: &'static str) -> Variable {
    Variable { name, between: &[], positive: true }
}

/// Reads a part of the file that is more than a value.
pub(crate) type ReadPart = fn(&mut Reader<'_>, &Node, &mut Layer) -> Result<(), Error>;

/// Where a setting's value is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Access {
    /// A field of the configuration.
    Field {
        /// The field.
        of: fn(&mut Config) -> &mut dyn Value,
        /// Puts the field of the second configuration into the first.
        copy: fn(&mut Config, &Config),
    },
    /// Nowhere by itself: a text of a flag or variable that changes several things.
    Act(fn(&mut Layer, &str) -> Result<(), String>),
    /// A part of the file with a reader of its own, and what may stand there. With `true` it means something even if it is empty.
    Part(ReadPart, Shape, bool),
    /// A section of the file whose keys are in a table of their own.
    Section(&'static [Setting]),
    /// A key that others understand: it is no mistake, and has no effect.
    Unused,
    /// Read along with another one.
    Listed(Shape),
}

impl Setting {
    /// A setting that is given nowhere yet.
    const NOWHERE: Self = Self {
        doc: "",
        path: "",
        flags: &[],
        variables: &[],
        bounds: (0, u32::MAX as u64),
        power_of_two: false,
        also: &[],
        default: "",
        see: "",
        secret: false,
        shorthand: false,
        alias: false,
        live: false,
        access: Access::Listed(Shape::Text),
    };

    /// Its key: the last part of its path.
    pub(crate) fn key(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }

    /// How its value is written.
    pub(crate) fn shape(&self) -> Shape {
        match self.access {
            Access::Field { of, .. } => of(&mut Config::default()).shape(),
            Access::Part(_, shape, _) | Access::Listed(shape) => shape,
            Access::Act(_) | Access::Section(_) | Access::Unused => Shape::Text,
        }
    }

    pub(crate) const fn flags(mut self, flags: &'static [Flag]) -> Self {
        self.flags = flags;
        self
    }

    pub(crate) const fn variables(mut self, variables: &'static [Variable]) -> Self {
        self.variables = variables;
        self
    }

    pub(crate) const fn within(mut self, least: u64, most: u64) -> Self {
        self.bounds = (least, most);
        self
    }

    pub(crate) const fn power_of_two(mut self) -> Self {
        self.power_of_two = true;
        self
    }

    pub(crate) const fn also(mut self, words: &'static [&'static str]) -> Self {
        self.also = words;
        self
    }

    pub(crate) const fn default(mut self, text: &'static str) -> Self {
        self.default = text;
        self
    }

    pub(crate) const fn see(mut self, link: &'static str) -> Self {
        self.see = link;
        self
    }

    pub(crate) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    pub(crate) const fn shorthand(mut self) -> Self {
        self.shorthand = true;
        self
    }

    pub(crate) const fn alias(mut self) -> Self {
        self.alias = true;
        self
    }

    pub(crate) const fn live(mut self) -> Self {
        self.live = true;
        self
    }

    pub(crate) const fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    pub(crate) const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }
}

/// A setting of the file.
pub(crate) const fn file(path: &'static str) -> Setting {
    Setting { path, ..Setting::NOWHERE }
}

/// A setting that is not in the file.
pub(crate) const fn outside() -> Setting {
    Setting::NOWHERE
}

/// A key of the file that has no effect.
pub(crate) const fn unused(path: &'static str) -> Setting {
    Setting { path, doc: "No effect in wirespan.", access: Access::Unused, ..Setting::NOWHERE }
}

/// [`Access::Field`] of a field: `place!([.capture] turn_budget)` is `config.capture.turn_budget`.
macro_rules! place {
    ([$($outer:tt)*] $field:ident) => {
        Access::Field {
            of: |config| &mut config $($outer)* . $field,
            copy: |to, from| to $($outer)* . $field.clone_from(&from $($outer)* . $field),
        }
    };
}
pub(super) use place;

/// A struct whose fields are settings, and the tables of them. A field has its documentation, its type and its default, and
/// behind them where it can be given. `with`: fields that are no settings.
macro_rules! settings {
    (
        $(#[$meta:meta])*
        pub struct $name:ident $outer:tt $(with { $( $(#[doc = $part_doc:literal])+ $part:ident: $part_type:ty, )* })? {
            $( $table:ident { $( $(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr, $setting:expr; )* } )*
        }
    ) => {
        $(#[$meta])*
        pub struct $name {
            $( $( $(#[doc = $part_doc])+ pub $part: $part_type, )* )?
            $( $( $(#[doc = $doc])+ pub $field: $type, )* )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $( $( $part: Default::default(), )* )?
                    $( $( $field: $default, )* )*
                }
            }
        }

        $(
            pub(super) const $table: &[Setting] = &[ $( $setting.doc(concat!($($doc),+)).access(place!($outer $field)), )* ];
        )*
    };
}
pub(super) use settings;
