//! Secrets in commands, blanked before bytes are recorded: the arguments of `AUTH`, and of `HELLO` after its `AUTH`.

use crate::blank::{Blank, blank, blank_words};

/// As much of a line's beginning as tells what it is.
const PREFIX: usize = 32;
/// Longest argument that is followed by its length.
const LONGEST: usize = 1 << 20;

/// Where in a line we are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// In its beginning, which `prefix` holds.
    #[default]
    Begin,
    /// In the rest of it, which is of no interest.
    Rest,
    /// In a secret, which ends with the line, or before another control character.
    Secret,
    /// In an argument.
    Argument { left: usize, is_secret: bool },
}

/// A command that signs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Command {
    #[default]
    None,
    /// `*3` has passed.
    Array { arguments: u32 },
    /// `$4` has passed.
    Length { arguments: u32 },
    /// `AUTH` has passed, or `HELLO`: as many more arguments come, of which the next ones are secrets.
    Arguments { left: u32, secrets: u32 },
}

/// One direction of a connection.
#[derive(Debug, Default)]
struct Arguments {
    place: Place,
    prefix: Vec<u8>,
    command: Command,
}

/// Blanks one direction.
pub(super) fn arguments() -> Box<dyn Blank> {
    Box::new(Arguments::default())
}

impl Blank for Arguments {
    fn bytes(&mut self, bytes: &mut [u8]) -> u64 {
        let (mut at, mut blanked) = (0, 0);
        while let Some(rest) = bytes.get_mut(at..).filter(|rest| !rest.is_empty()) {
            at += match self.place {
                Place::Begin => {
                    self.begin(rest[0]);
                    1
                }
                Place::Rest => {
                    let end = memchr::memchr(b'\n', rest);
                    if end.is_some() {
                        self.line();
                    }
                    end.map_or(rest.len(), |end| end + 1)
                }
                Place::Secret => {
                    let end = blank_words(rest);
                    if end < rest.len() {
                        self.place = Place::Rest;
                    }
                    blanked += end as u64;
                    end
                }
                Place::Argument { left, is_secret } => {
                    let end = left.min(rest.len());
                    if is_secret {
                        blanked += blank(&mut rest[..end]);
                    } else if self.prefix.len() < PREFIX {
                        self.prefix.extend_from_slice(&rest[..end.min(PREFIX)]);
                    }
                    self.place = Place::Argument { left: left - end, is_secret };
                    if left == end {
                        self.argument(is_secret);
                    }
                    end
                }
            };
        }
        blanked
    }

    /// What follows in a secret may be the rest of it.
    fn skipped(&mut self) {
        let is_secret = matches!(self.place, Place::Secret | Place::Argument { is_secret: true, .. });
        self.place = if is_secret { Place::Secret } else { Place::Begin };
        self.prefix.clear();
        self.command = Command::None;
    }
}

impl Arguments {
    /// A byte of a line's beginning. Nothing here is a secret.
    fn begin(&mut self, byte: u8) {
        match byte {
            b'\n' => self.line(),
            _ if self.prefix.len() >= PREFIX => {
                self.command = Command::None;
                self.place = Place::Rest;
            }
            _ => {
                self.prefix.push(byte);
                if byte == b' ' && self.is_inline() {
                    self.place = Place::Secret;
                }
            }
        }
    }

    /// Whether the line is a command without frames, and what follows is its secret.
    fn is_inline(&self) -> bool {
        let words: Vec<&[u8]> = self.prefix.trim_ascii_end().split(|byte| *byte == b' ').collect();
        match *words {
            [auth] => auth.eq_ignore_ascii_case(b"auth"),
            [hello, _, auth] => hello.eq_ignore_ascii_case(b"hello") && auth.eq_ignore_ascii_case(b"auth"),
            _ => false,
        }
    }

    /// A line is over. What `prefix` holds is all of it, unless it was in [`Place::Rest`].
    fn line(&mut self) {
        let whole = self.place == Place::Begin;
        let prefix = std::mem::take(&mut self.prefix);
        let text = prefix.strip_suffix(b"\r").unwrap_or(&prefix);
        self.place = Place::Begin;
        let number = |mark: u8| -> Option<u32> {
            let digits = text.strip_prefix(&[mark]).filter(|_| whole)?;
            std::str::from_utf8(digits).ok()?.parse().ok()
        };
        self.command = match self.command {
            Command::Array { arguments } if matches!(number(b'$'), Some(4 | 5)) => Command::Length { arguments },
            Command::Length { arguments } if whole && text.eq_ignore_ascii_case(b"auth") => {
                Command::Arguments { left: arguments.saturating_sub(1), secrets: u32::MAX }
            }
            Command::Length { arguments } if whole && text.eq_ignore_ascii_case(b"hello") => {
                Command::Arguments { left: arguments.saturating_sub(1), secrets: 0 }
            }
            // The end of the line after an argument.
            Command::Arguments { left: 1.., .. } if whole && text.is_empty() => self.command,
            Command::Arguments { left: left @ 1.., secrets } => match number(b'$').map(|len| len as usize) {
                Some(len @ 0..=LONGEST) => {
                    self.place = Place::Argument { left: len, is_secret: secrets > 0 };
                    if len == 0 {
                        self.place = Place::Begin;
                    }
                    Command::Arguments {
                        left: left - u32::from(len == 0),
                        secrets: secrets.saturating_sub(u32::from(len == 0)),
                    }
                }
                _ => Command::None,
            },
            _ => number(b'*').map_or(Command::None, |arguments| Command::Array { arguments }),
        };
    }

    /// An argument is over. After the `AUTH` of a `HELLO` come name and password.
    fn argument(&mut self, was_secret: bool) {
        let argument = std::mem::take(&mut self.prefix);
        self.place = Place::Begin;
        if let Command::Arguments { left, secrets } = &mut self.command {
            *left = left.saturating_sub(1);
            *secrets = secrets.saturating_sub(u32::from(was_secret));
            if !was_secret && argument.eq_ignore_ascii_case(b"auth") {
                *secrets = 2;
            }
        }
    }
}
