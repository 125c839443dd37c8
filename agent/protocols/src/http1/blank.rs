//! Secrets in headers, blanked before bytes are recorded: line by line, whatever a connection speaks.

use crate::blank::{Blank, blank_words};
use crate::http::secrets;

/// As much of a line's beginning as tells what it is.
const PREFIX: usize = 32;

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
}

/// One direction of a connection.
#[derive(Debug, Default)]
struct Headers {
    place: Place,
    prefix: Vec<u8>,
    /// The last line held a secret: a line that begins with white space goes on with it.
    was_secret: bool,
    /// Between a start line and the end of its headers.
    in_head: bool,
}

/// Blanks one direction.
pub(super) fn headers() -> Box<dyn Blank> {
    Box::new(Headers::default())
}

impl Blank for Headers {
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
                        (self.place, self.was_secret) = (Place::Rest, true);
                    }
                    blanked += end as u64;
                    end
                }
            };
        }
        blanked
    }

    /// Where a head was being read, its next bytes may be the rest of a secret.
    fn skipped(&mut self) {
        self.place = if self.in_head || self.place == Place::Secret { Place::Secret } else { Place::Begin };
        self.prefix.clear();
    }
}

impl Headers {
    /// A byte of a line's beginning. Nothing here is a secret.
    fn begin(&mut self, byte: u8) {
        let was_secret = std::mem::take(&mut self.was_secret);
        match byte {
            b'\n' => self.line(),
            b' ' | b'\t' if was_secret && self.prefix.is_empty() => self.place = Place::Secret,
            b':' if self.is_header() => self.place = Place::Secret,
            _ if self.prefix.len() >= PREFIX => {
                self.in_head |= self.is_start();
                self.place = Place::Rest;
            }
            _ => self.prefix.push(byte),
        }
    }

    fn is_header(&self) -> bool {
        let name = self.prefix.trim_ascii();
        secrets::is_secret(name)
    }

    /// Whether the line begins as a request or a response does.
    fn is_start(&self) -> bool {
        let mut words = self.prefix.splitn(2, |byte| *byte == b' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let is_target = matches!(target.first(), Some(b'/' | b'*')) || target.starts_with(b"http");
        self.prefix.starts_with(b"HTTP/1.")
            || (method.len() >= 3 && method.iter().all(u8::is_ascii_uppercase) && (is_target || method == b"CONNECT"))
    }

    /// A line is over. What `prefix` holds is all of it, unless it was in [`Place::Rest`].
    fn line(&mut self) {
        let whole = self.place == Place::Begin;
        self.in_head |= whole && self.is_start();
        if whole && matches!(&self.prefix[..], b"" | b"\r") {
            self.in_head = false;
        }
        self.prefix.clear();
        self.place = Place::Begin;
    }
}
