//! Which calls a request has to make, and what they are called. The servers of `tests/truth` have the same plan.
//!
//! A request is `r17`, its calls `r17_s1`, …: a letter for the kind, a digit for whom it asks (1 and 4 PostgreSQL, 2 Redis, 3 the
//! other HTTP server). What belongs to nobody is `bg17`.

use std::collections::BTreeMap;

use serde::Serialize;

/// When a request makes its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One after the other.
    Sequential,
    /// All at the same time.
    Fanout,
    /// After a pause.
    Timer,
    /// Between the first and the last part of the answer.
    Stream,
    /// After the answer.
    Late,
}

/// All of them, in the order in which requests take turns.
pub const KINDS: [Kind; 5] = [Kind::Sequential, Kind::Fanout, Kind::Timer, Kind::Stream, Kind::Late];

impl Kind {
    /// As the parameter `mode` and as the head of a column.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sequential => "sequential",
            Self::Fanout => "fanout",
            Self::Timer => "timer",
            Self::Stream => "stream",
            Self::Late => "late",
        }
    }

    fn letter(self) -> char {
        match self {
            Self::Sequential => 's',
            Self::Fanout => 'f',
            Self::Timer => 't',
            Self::Stream => 'c',
            Self::Late => 'l',
        }
    }

    fn digits(self) -> std::ops::RangeInclusive<u8> {
        // The second call to the same database is what a runtime with queued pool work may mistake.
        if self == Self::Sequential { 1..=4 } else { 1..=3 }
    }

    /// The calls of a request.
    pub fn calls(self, number: u32) -> impl Iterator<Item = Name> {
        self.digits().map(move |digit| Name::Call { number, kind: self, digit })
    }
}

/// What an exchange says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// `r17`: a request to the server.
    Request(u32),
    /// `r17_s1`: a call that was made for it.
    Call {
        /// The request's number.
        number: u32,
        /// When it is made.
        kind: Kind,
        /// Whom it asks.
        digit: u8,
    },
    /// `bg17`: what belongs to nobody.
    Background(u32),
}

impl Name {
    /// The first name in a text, such as a URL or a statement.
    pub fn find(text: &str) -> Option<Self> {
        text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').find_map(Self::parse)
    }

    fn parse(word: &str) -> Option<Self> {
        if let Some(number) = word.strip_prefix("bg") {
            return number.parse().ok().map(Self::Background);
        }
        let rest = word.strip_prefix('r')?;
        let Some((number, call)) = rest.split_once('_') else { return rest.parse().ok().map(Self::Request) };
        let mut letters = call.chars();
        let letter = letters.next()?;
        let kind = KINDS.into_iter().find(|kind| kind.letter() == letter)?;
        Some(Self::Call { number: number.parse().ok()?, kind, digit: letters.as_str().parse().ok()? })
    }

    /// The request that it belongs to.
    pub fn request(self) -> Option<u32> {
        match self {
            Self::Request(number) | Self::Call { number, .. } => Some(number),
            Self::Background(_) => None,
        }
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// When it makes its calls.
    pub kind: Kind,
    /// Its client had the answer; else it hung up before, and nobody knows which calls were made.
    pub is_answered: bool,
}

/// All requests by their numbers.
pub type Requests = BTreeMap<u32, Request>;

#[cfg(test)]
mod tests {
    use super::{Kind, Name};

    #[test]
    fn names_are_found_in_what_carries_them() {
        let call = |number, kind, digit| Some(Name::Call { number, kind, digit });
        assert_eq!(Name::find("SELECT pg_sleep(?) AS \"r17_s1\""), call(17, Kind::Sequential, 1));
        assert_eq!(Name::find("GET r3_l2"), call(3, Kind::Late, 2));
        assert_eq!(Name::find("http://127.0.0.1:80/leaf/r3_f3"), call(3, Kind::Fanout, 3));
        assert_eq!(Name::find("id=r3&mode=late"), Some(Name::Request(3)));
        assert_eq!(Name::find("GET bg12"), Some(Name::Background(12)));
        assert_eq!(Name::find("SELECT r, r_1, bg, rx2, r3_x1, r3_s FROM t"), None);
    }

    #[test]
    fn a_sequence_asks_the_database_twice() {
        assert_eq!(Kind::Sequential.calls(1).count(), 4);
        assert_eq!(Kind::Late.calls(1).count(), 3);
    }
}
