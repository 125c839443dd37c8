//! Requests: an incremental scanner over arrays of bulk strings and inline commands.
//!
//! The beginnings of the first arguments are kept, everything else is skipped by length.

use super::resp::Step;
use super::wire::{line, number};

/// Arguments of which something is kept.
pub const KEPT_ARGS: usize = 32;
/// Bytes kept of each.
pub const KEPT_BYTES: usize = 128;
const MAX_ARGS: i64 = 1 << 31;
const MAX_LEN: i64 = 1 << 40;

#[derive(Debug)]
struct Arg {
    start: usize,
    len: usize,
    /// There is more than what was kept.
    cut: bool,
    /// It passed unseen.
    lost: bool,
}

/// What was kept of the arguments of one command, the command word first.
#[derive(Debug, Default)]
pub struct Args {
    scratch: Vec<u8>,
    kept: Vec<Arg>,
    /// Number of arguments, the command word included.
    pub total: u64,
}

impl Args {
    /// The kept beginning of an argument; `None` if it was not kept or was lost.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        self.kept.get(index).filter(|arg| !arg.lost).map(|arg| &self.scratch[arg.start..arg.start + arg.len])
    }

    /// Whether an argument passed unseen that would have been kept.
    pub fn lost(&self, index: usize) -> bool {
        self.kept.get(index).is_some_and(|arg| arg.lost)
    }

    /// Whether any did.
    pub fn any_lost(&self) -> bool {
        self.kept.iter().any(|arg| arg.lost)
    }

    /// Whether an argument is longer than what was kept of it.
    pub fn cut(&self, index: usize) -> bool {
        self.kept.get(index).is_some_and(|arg| arg.cut)
    }

    /// Number of arguments of which something was kept.
    pub fn kept(&self) -> usize {
        self.kept.len()
    }

    /// Whether an argument is this word, in whatever case.
    pub fn is(&self, index: usize, word: &str) -> bool {
        self.get(index).is_some_and(|arg| arg.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// Where a word stands among the kept arguments from `from` on.
    pub fn find(&self, from: usize, word: &str) -> Option<usize> {
        (from..self.kept.len()).find(|index| self.is(*index, word))
    }

    /// An argument as a number.
    pub fn number(&self, index: usize) -> Option<i64> {
        self.get(index).and_then(number)
    }

    fn clear(&mut self) {
        self.scratch.clear();
        self.kept.clear();
        self.total = 0;
    }

    fn push(&mut self, bytes: &[u8], full: u64) {
        if self.kept.len() >= KEPT_ARGS {
            return;
        }
        let len = bytes.len().min(KEPT_BYTES);
        self.kept.push(Arg { start: self.scratch.len(), len, cut: full > len as u64, lost: false });
        self.scratch.extend_from_slice(&bytes[..len]);
    }

    fn push_lost(&mut self) {
        self.kept.push(Arg { start: self.scratch.len(), len: 0, cut: false, lost: true });
    }

    pub fn heap_bytes(&self) -> usize {
        self.scratch.capacity() + self.kept.capacity() * size_of::<Arg>()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first byte.
    Idle,
    /// Before the header of an argument; that many are to come.
    Header(u64),
    /// Before the payload of an argument that is to be kept.
    Body { left: u64, len: u64 },
    /// Complete, as soon as what is skipped has passed.
    Done,
}

/// Follows one request.
#[derive(Debug)]
pub struct Scanner {
    state: State,
    /// What was kept so far.
    pub args: Args,
}

impl Scanner {
    pub fn new() -> Self {
        Self { state: State::Idle, args: Args::default() }
    }

    /// Starts over with the next request.
    pub fn reset(&mut self) {
        self.state = State::Idle;
        self.args.clear();
    }

    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Looks at `bytes`, which follow what was consumed before: how many were used, and what comes next.
    pub fn step(&mut self, bytes: &[u8]) -> (usize, Step) {
        let mut used = 0;
        loop {
            let rest = &bytes[used..];
            match self.state {
                State::Done => return (used, Step::Done),
                State::Idle => match rest.first() {
                    None => return (used, Step::Need),
                    Some(b'*') => match header(rest, MAX_ARGS) {
                        Ok(None) => return (used, Step::Need),
                        Err(()) => return (used, Step::Bad),
                        Ok(Some((count, eaten))) => {
                            used += eaten;
                            // An empty array is no command: the server waits for the next.
                            self.args.total = count.max(0).unsigned_abs();
                            self.state = if count > 0 { State::Header(self.args.total) } else { State::Done };
                        }
                    },
                    Some(_) => {
                        let (eaten, step) = self.inline(rest);
                        return (used + eaten, step);
                    }
                },
                State::Header(0) => self.state = State::Done,
                State::Header(left) => match rest.first() {
                    None => return (used, Step::Need),
                    Some(b'$') => match header(rest, MAX_LEN) {
                        Ok(None) => return (used, Step::Need),
                        Ok(Some((len @ 0.., eaten))) => {
                            used += eaten;
                            let len = len.unsigned_abs();
                            if self.args.kept.len() < KEPT_ARGS {
                                self.state = State::Body { left, len };
                            } else {
                                self.next(left);
                                return (used, Step::Skip(len + 2));
                            }
                        }
                        Ok(Some(_)) | Err(()) => return (used, Step::Bad),
                    },
                    Some(_) => return (used, Step::Bad),
                },
                State::Body { left, len } => match usize::try_from(len) {
                    Ok(short) if short <= KEPT_BYTES => {
                        if rest.len() < short + 2 {
                            return (used, Step::Need);
                        }
                        if &rest[short..short + 2] != b"\r\n" {
                            return (used, Step::Bad);
                        }
                        self.args.push(&rest[..short], len);
                        used += short + 2;
                        self.next(left);
                    }
                    _ => {
                        if rest.len() < KEPT_BYTES {
                            return (used, Step::Need);
                        }
                        self.args.push(&rest[..KEPT_BYTES], len);
                        used += KEPT_BYTES;
                        self.next(left);
                        return (used, Step::Skip(len - KEPT_BYTES as u64 + 2));
                    }
                },
            }
        }
    }

    fn next(&mut self, left: u64) {
        self.state = if left > 1 { State::Header(left - 1) } else { State::Done };
    }

    /// Bytes are missing at this place. When they belong to a payload of known length the request goes on behind it:
    /// how many bytes to skip. `None`: the boundary of this request is lost.
    pub fn lose(&mut self) -> Option<u64> {
        let State::Body { left, len } = self.state else { return None };
        self.args.push_lost();
        self.next(left);
        Some(len + 2)
    }

    /// An inline command: words in a line, with quotes. An empty line is no command.
    fn inline(&mut self, bytes: &[u8]) -> (usize, Step) {
        let end = match memchr::memchr(b'\n', bytes) {
            Some(end) => end,
            None if bytes.iter().take(16).all(|byte| is_text(*byte)) => return (0, Step::Need),
            None => return (0, Step::Bad),
        };
        let text = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
        if !text.iter().all(|byte| is_text(*byte) || *byte >= 0x80) {
            return (0, Step::Bad);
        }
        split(text, &mut self.args);
        self.state = State::Done;
        (end + 1, Step::Done)
    }
}

fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\r' | b'\n' | b' '..=b'~')
}

fn header(bytes: &[u8], most: i64) -> Result<Option<(i64, usize)>, ()> {
    match line(&bytes[1..]) {
        // No header is longer than its type, 20 digits and CRLF.
        Ok(None) if bytes.len() > 24 => Err(()),
        Ok(None) => Ok(None),
        Ok(Some(text)) => number(text)
            .filter(|value| (-1..=most).contains(value))
            .map(|value| Some((value, text.len() + 3)))
            .ok_or(()),
        Err(()) => Err(()),
    }
}

/// Splits a line into words as the server does: blanks, double quotes with escapes, single quotes.
fn split(text: &[u8], args: &mut Args) {
    let mut at = 0;
    let mut word = Vec::new();
    while let Some(begin) = text[at..].iter().position(|byte| !byte.is_ascii_whitespace()) {
        at += begin;
        word.clear();
        let mut quote = None;
        while let Some(&byte) = text.get(at) {
            at += 1;
            match quote {
                Some(mark) if byte == mark => quote = None,
                Some(b'"') if byte == b'\\' => {
                    word.push(byte);
                    if let Some(&escaped) = text.get(at) {
                        word.push(escaped);
                        at += 1;
                    }
                }
                Some(_) => word.push(byte),
                None if byte.is_ascii_whitespace() => break,
                None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
                None => word.push(byte),
            }
        }
        args.total += 1;
        args.push(&word, word.len() as u64);
    }
}
