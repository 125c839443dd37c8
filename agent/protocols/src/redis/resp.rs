//! Replies: an incremental scanner over RESP2 and RESP3 values that keeps nothing but what a span needs.
//!
//! Bulk payloads are skipped by length, nested values are counted down on a fixed stack.
//! <https://redis.io/docs/latest/develop/reference/protocol-spec/>

use super::wire::{Word, line, number};

/// Deepest nesting that is followed; Redis itself answers at most about ten levels.
const DEPTH: usize = 64;
/// The counter of an aggregate that is ended by `.` instead of a number.
const STREAMED: u64 = u64::MAX;
/// Longest bulk string or number of elements that is believed.
const MAX_LEN: i64 = 1 << 40;

/// What is remembered of a reply.
#[derive(Clone, Copy, Debug, Default)]
pub struct Head {
    /// Type byte of the outermost value.
    pub kind: u8,
    /// Beginning of a simple string, an error, or of the first string of an aggregate.
    pub word: Word,
    /// Error word of the reply itself.
    pub error: Option<Word>,
    /// Error word of the first error among the elements of an aggregate.
    pub nested_error: Option<Word>,
    /// Elements of the aggregate.
    pub len: u64,
    /// Whether the reply is one of the three nulls.
    pub null: bool,
    /// The last integer directly inside the aggregate.
    pub integer: i64,
    has_first: bool,
}

/// What a scanner wants after it has looked at some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// More bytes.
    Need,
    /// That many bytes that need not be seen; then look at `is_done`.
    Skip(u64),
    /// The message is complete.
    Done,
    /// This is not RESP.
    Bad,
}

/// Follows one reply.
#[derive(Debug)]
pub struct Scanner {
    left: [u64; DEPTH],
    attribute: u64,
    depth: usize,
    done: bool,
    /// What is known so far.
    pub head: Head,
}

impl Scanner {
    pub fn new() -> Self {
        Self { left: [0; DEPTH], attribute: 0, depth: 0, done: false, head: Head::default() }
    }

    /// Starts over with the next reply.
    pub fn reset(&mut self) {
        self.depth = 0;
        self.attribute = 0;
        self.done = false;
        self.head = Head::default();
    }

    /// Whether the reply is complete, as soon as what was to be skipped has passed.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Looks at `bytes`, which follow what was consumed before: how many were used, and what comes next.
    pub fn step(&mut self, bytes: &[u8]) -> (usize, Step) {
        let mut used = 0;
        while !self.done {
            let rest = &bytes[used..];
            let (eaten, step) = self.value(rest);
            used += eaten;
            match step {
                Step::Done => {}
                other => return (used, other),
            }
        }
        (used, Step::Done)
    }

    /// One scalar, or one header of an aggregate. `Done` means: go on.
    fn value(&mut self, bytes: &[u8]) -> (usize, Step) {
        let Some(&kind) = bytes.first() else { return (0, Step::Need) };
        let outermost = self.depth == 0;
        if outermost && kind != b'|' {
            self.head.kind = kind;
        }
        let (text, eaten) = match line(&bytes[1..]) {
            Ok(Some(text)) => (text, text.len() + 3),
            Ok(None) => return (0, Step::Need),
            Err(()) => return (0, Step::Bad),
        };
        match kind {
            b'+' | b'(' | b',' | b'#' => {
                self.first(text);
                self.complete()
            }
            b'-' => {
                self.error(text);
                self.complete()
            }
            b':' => {
                let Some(integer) = number(text) else { return (0, Step::Bad) };
                if self.depth == 1 {
                    self.head.integer = integer;
                    self.head.has_first = true;
                }
                self.complete()
            }
            b'_' if text.is_empty() => {
                self.null();
                self.complete()
            }
            b'$' | b'=' | b'!' => return self.bulk(kind, text, bytes, eaten),
            b';' => return self.piece(text, bytes, eaten),
            b'.' if text.is_empty() && self.top() == STREAMED => {
                self.depth -= 1;
                self.complete()
            }
            b'*' | b'%' | b'~' | b'>' | b'|' => {
                if !self.aggregate(kind, text, outermost) {
                    return (0, Step::Bad);
                }
            }
            _ => return (0, Step::Bad),
        }
        (eaten, Step::Done)
    }

    fn top(&self) -> u64 {
        self.depth.checked_sub(1).map_or(0, |top| self.left[top])
    }

    fn aggregate(&mut self, kind: u8, text: &[u8], outermost: bool) -> bool {
        if kind == b'|' && text == b"?" {
            return false;
        }
        let count = if text == b"?" {
            STREAMED
        } else {
            match number(text) {
                Some(-1) if kind == b'*' => {
                    self.null();
                    self.complete();
                    return true;
                }
                Some(count @ 0..=MAX_LEN) => count.unsigned_abs(),
                _ => return false,
            }
        };
        let values = if matches!(kind, b'%' | b'|') && count != STREAMED { count * 2 } else { count };
        if outermost && kind != b'|' {
            self.head.len = count;
        }
        if self.depth == 1 {
            self.head.has_first = true;
        }
        if values == 0 {
            if kind != b'|' {
                self.complete();
            }
            return true;
        }
        if self.depth == DEPTH {
            return false;
        }
        self.left[self.depth] = values;
        let bit = 1 << self.depth;
        self.attribute = if kind == b'|' { self.attribute | bit } else { self.attribute & !bit };
        self.depth += 1;
        true
    }

    fn bulk(&mut self, kind: u8, text: &[u8], bytes: &[u8], eaten: usize) -> (usize, Step) {
        if text == b"?" {
            if self.depth == DEPTH {
                return (0, Step::Bad);
            }
            self.left[self.depth] = STREAMED;
            self.attribute &= !(1 << self.depth);
            self.depth += 1;
            return (eaten, Step::Done);
        }
        let len = match number(text) {
            Some(-1) => {
                self.null();
                self.complete();
                return (eaten, Step::Done);
            }
            Some(len @ 0..=MAX_LEN) => len.unsigned_abs(),
            _ => return (0, Step::Bad),
        };
        let body = &bytes[eaten..];
        let wanted = kind == b'!' || (self.depth == 1 && !self.head.has_first);
        let look = usize::try_from(len).map_or(Word::CAPACITY, |len| len.min(Word::CAPACITY));
        if wanted {
            if body.len() < look {
                return (0, Step::Need);
            }
            if kind == b'!' { self.error(&body[..look]) } else { self.first(&body[..look]) }
        }
        self.body(len, body, eaten)
    }

    /// `;len` inside a streamed string; length 0 ends it.
    fn piece(&mut self, text: &[u8], bytes: &[u8], eaten: usize) -> (usize, Step) {
        if self.top() != STREAMED {
            return (0, Step::Bad);
        }
        match number(text) {
            Some(0) => {
                self.depth -= 1;
                self.complete();
                (eaten, Step::Done)
            }
            Some(len @ 1..=MAX_LEN) => Self::pass(len.unsigned_abs(), &bytes[eaten..], eaten),
            _ => (0, Step::Bad),
        }
    }

    fn body(&mut self, len: u64, body: &[u8], eaten: usize) -> (usize, Step) {
        let passed = Self::pass(len, body, eaten);
        if passed.1 != Step::Bad {
            self.complete();
        }
        passed
    }

    /// Eats a payload and its line end if they are there, or asks for them to be skipped.
    fn pass(len: u64, body: &[u8], eaten: usize) -> (usize, Step) {
        match usize::try_from(len) {
            Ok(len) if body.len() >= len.saturating_add(2) => {
                if body[len..].starts_with(b"\r\n") {
                    (eaten + len + 2, Step::Done)
                } else {
                    (0, Step::Bad)
                }
            }
            _ => (eaten, Step::Skip(len + 2)),
        }
    }

    fn first(&mut self, text: &[u8]) {
        if self.depth == 0 || (self.depth == 1 && self.attribute & 1 == 0 && !self.head.has_first) {
            self.head.word = Word::new(text);
            self.head.has_first = self.depth == 1;
        }
    }

    fn error(&mut self, text: &[u8]) {
        let word = Word::error(text);
        match self.depth {
            0 => self.head.error = Some(word),
            1 if self.head.nested_error.is_none() => self.head.nested_error = Some(word),
            _ => {}
        }
    }

    fn null(&mut self) {
        match self.depth {
            0 => self.head.null = true,
            1 => self.head.has_first = true,
            _ => {}
        }
    }

    /// A value ended: count it in every aggregate that ends with it.
    fn complete(&mut self) {
        loop {
            let Some(top) = self.depth.checked_sub(1) else {
                self.done = true;
                return;
            };
            if self.left[top] == STREAMED {
                return;
            }
            self.left[top] = self.left[top].saturating_sub(1);
            if self.left[top] > 0 {
                return;
            }
            self.depth = top;
            if self.attribute & (1 << top) != 0 {
                // An attribute comes before a value and is none itself.
                self.attribute &= !(1 << top);
                if top == 0 {
                    self.head = Head::default();
                }
                return;
            }
        }
    }
}
