//! Colours and marks. Without colours everything that they say is said by a mark or a word, too.

use ratatui::style::{Color, Modifier, Style as Look};

use crate::view::phases::Phase;

/// Whether colours are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// With colours.
    pub colour: bool,
}

/// Slower than this is worth a look, ns.
const SLOW_NS: u64 = 1_000_000_000;

impl Style {
    /// As the environment wants it: `NO_COLOR` (no-color.org), `TERM=dumb`.
    #[must_use]
    pub fn of(env: &dyn Fn(&str) -> Option<String>) -> Self {
        let is_set = env("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colour: !is_set && env("TERM").is_none_or(|terminal| terminal != "dumb") }
    }

    fn of_colour(self, colour: Color) -> Look {
        if self.colour { Look::new().fg(colour) } else { Look::new() }
    }

    /// What is less important.
    #[must_use]
    pub fn dim(self) -> Look {
        Look::new().add_modifier(Modifier::DIM)
    }

    /// Titles of columns.
    #[must_use]
    pub fn title(self) -> Look {
        Look::new().add_modifier(Modifier::BOLD)
    }

    /// The row where the cursor is.
    #[must_use]
    pub fn cursor(self) -> Look {
        Look::new().add_modifier(Modifier::REVERSED)
    }

    /// What failed.
    #[must_use]
    pub fn bad(self) -> Look {
        self.of_colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// What is worth a look.
    #[must_use]
    pub fn warn(self) -> Look {
        self.of_colour(Color::Yellow)
    }

    /// What is well.
    #[must_use]
    pub fn good(self) -> Look {
        self.of_colour(Color::Green)
    }

    /// Names of services.
    #[must_use]
    pub fn service(self) -> Look {
        self.of_colour(Color::Cyan)
    }

    /// A duration.
    #[must_use]
    pub fn duration(self, ns: u64) -> Look {
        if ns >= SLOW_NS { self.warn() } else { Look::new() }
    }

    /// A share of failures, 0 to 1.
    #[must_use]
    pub fn failed(self, share: f64) -> Look {
        match share {
            share if share >= 0.01 => self.bad(),
            share if share > 0.0 => self.warn(),
            _ => self.dim(),
        }
    }

    /// A share of waiting, 0 to 1.
    #[must_use]
    pub fn waiting(self, share: f64) -> Look {
        match share {
            share if share >= 0.5 => self.bad(),
            share if share >= 0.1 => self.warn(),
            _ => self.dim(),
        }
    }

    /// The bar of a phase.
    #[must_use]
    pub fn phase(self, phase: Phase) -> (char, Look) {
        let (mark, colour) = match phase {
            Phase::Lookup => ('░', Color::Magenta),
            Phase::Connect => ('▒', Color::Yellow),
            Phase::Tls => ('▓', Color::LightRed),
            Phase::Authentication => ('▚', Color::LightMagenta),
            Phase::Queue => ('┄', Color::DarkGray),
            Phase::FirstByte => ('█', Color::Blue),
            Phase::Body => ('▆', Color::Cyan),
            Phase::Whole => ('█', Color::Green),
        };
        (mark, self.of_colour(colour))
    }
}
