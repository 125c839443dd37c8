//! One direction of a connection, line by line: headers of HTTP and commands of Redis. State goes from call to call.

use super::postgres::SignIn;
use super::{BLANK, blank};

/// Headers whose values are secrets.
const HEADERS: [&str; 15] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "api-key",
    "apikey",
    "x-auth-token",
    "x-access-token",
    "x-amz-security-token",
    "x-csrf-token",
    "x-xsrf-token",
    "x-vault-token",
    "private-token",
    "x-session-token",
];
/// As much of a line's beginning as tells what it is.
const PREFIX: usize = 32;
/// Longest argument of a Redis command that is followed by its length.
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
    /// In an argument of a Redis command.
    Argument { left: usize, is_secret: bool },
}

/// A Redis command that signs in.
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

/// What is known of one direction.
#[derive(Debug, Default)]
pub(super) struct Scan {
    has_begun: bool,
    /// Where the next byte is expected.
    next: u64,
    place: Place,
    prefix: Vec<u8>,
    /// The last line held a secret: a line that begins with white space goes on with it.
    was_secret: bool,
    /// Between a start line of HTTP and the end of its headers.
    in_head: bool,
    command: Command,
    sign_in: SignIn,
}

impl Scan {
    /// Blanks secrets in the bytes at a position, and tells how many bytes.
    pub(super) fn run(&mut self, position: u64, bytes: &mut [u8]) -> u64 {
        if !self.has_begun {
            self.has_begun = true;
            self.sign_in = SignIn::begins(bytes);
        } else if position != self.next {
            self.skipped();
        }
        self.next = position + bytes.len() as u64;
        let (mut at, mut blanked) = self.sign_in.run(bytes);
        while let Some(rest) = bytes.get_mut(at..).filter(|rest| !rest.is_empty()) {
            let (taken, secret) = match self.place {
                Place::Begin => (1, self.begin(rest[0])),
                Place::Rest => {
                    let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
                    if rest[end - 1] == b'\n' {
                        self.line();
                    }
                    (end, 0)
                }
                Place::Secret => {
                    let is_end = |byte: &u8| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f;
                    let end = rest.iter().position(is_end).unwrap_or(rest.len());
                    if end < rest.len() {
                        (self.place, self.was_secret) = (Place::Rest, true);
                    }
                    let secret = &mut rest[..end];
                    // The blank after the colon belongs to the format.
                    secret.iter_mut().filter(|byte| !matches!(byte, b' ' | b'\t')).for_each(|byte| *byte = BLANK);
                    (end, end as u64)
                }
                Place::Argument { left, is_secret } => {
                    let end = left.min(rest.len());
                    let secret = if is_secret { blank(&mut rest[..end]) } else { 0 };
                    if !is_secret && self.prefix.len() < PREFIX {
                        self.prefix.extend_from_slice(&rest[..end.min(PREFIX)]);
                    }
                    self.place = Place::Argument { left: left - end, is_secret };
                    if left == end {
                        self.argument(is_secret);
                    }
                    (end, secret)
                }
            };
            at += taken;
            blanked += secret;
        }
        blanked
    }

    /// Bytes are missing. Where a head was being read, its next bytes may be the rest of a secret.
    fn skipped(&mut self) {
        let is_secret = self.in_head || matches!(self.place, Place::Secret | Place::Argument { is_secret: true, .. });
        self.place = if is_secret { Place::Secret } else { Place::Begin };
        self.prefix.clear();
        self.command = Command::None;
        self.sign_in = SignIn::No;
    }

    /// A byte of a line's beginning. Nothing here is a secret.
    fn begin(&mut self, byte: u8) -> u64 {
        let was_secret = std::mem::take(&mut self.was_secret);
        match byte {
            b'\n' => self.line(),
            b' ' | b'\t' if was_secret && self.prefix.is_empty() => self.place = Place::Secret,
            b':' if self.is_header() => self.place = Place::Secret,
            _ if self.prefix.len() >= PREFIX => {
                self.in_head |= self.is_start();
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
        0
    }

    fn is_header(&self) -> bool {
        let name = self.prefix.trim_ascii();
        HEADERS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
    }

    /// Whether the line begins as a request or a response of HTTP does.
    fn is_start(&self) -> bool {
        let mut words = self.prefix.splitn(2, |byte| *byte == b' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let is_target = matches!(target.first(), Some(b'/' | b'*')) || target.starts_with(b"http");
        self.prefix.starts_with(b"HTTP/1.")
            || (method.len() >= 3 && method.iter().all(u8::is_ascii_uppercase) && (is_target || method == b"CONNECT"))
    }

    /// Whether the line is a Redis command without frames, and what follows is its secret.
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
        self.in_head |= whole && self.is_start();
        let prefix = std::mem::take(&mut self.prefix);
        let text = prefix.strip_suffix(b"\r").unwrap_or(&prefix);
        self.place = Place::Begin;
        if whole && text.is_empty() {
            self.in_head = false;
        }
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
