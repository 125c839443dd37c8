//! SQL texts: taken apart at `;`, stripped of literals, summarised. One pass over the bytes.

mod lexer;
mod sanitise;
mod summary;
#[cfg(test)]
mod tests;
mod words;

use lexer::{Kind, Lexer, Token};
use sanitise::Sanitiser;
use std::sync::Arc;
use summary::Summary;

/// Most statements of one simple query whose texts are kept; of the others only their number is.
const MAX_PIECES: usize = 512;

/// One statement, as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// Sanitised text.
    pub text: Arc<str>,
    /// Operations and targets.
    pub summary: Option<Arc<str>>,
    /// The text is longer than what was captured or kept.
    pub truncated: bool,
}

/// One statement of a simple query.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub statement: Arc<Statement>,
    /// Offset in the query's text of the byte after it (and after its `;`).
    pub end: usize,
}

/// The statements of a simple query.
#[derive(Clone, Debug, Default)]
pub(crate) struct Digest {
    pub pieces: Vec<Piece>,
    /// Number of statements, if the text is complete.
    pub total: Option<usize>,
    /// Characters are bytes.
    pub ascii: bool,
}

/// How to read a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// The text was captured to its end.
    pub complete: bool,
    /// `standard_conforming_strings` is off.
    pub backslash: bool,
}

/// Where statements end: as in psql, not at a `;` within parentheses or within `BEGIN ATOMIC … END` of a function.
#[derive(Debug, Default)]
struct Splitter {
    words: usize,
    create: bool,
    routine: bool,
    depth: usize,
    blocks: usize,
}

impl Splitter {
    /// Whether a statement ends with this token.
    fn ends(&mut self, token: &Token<'_>) -> bool {
        match token.kind {
            Kind::Symbol => match token.text {
                b"(" => self.depth += 1,
                b")" => self.depth = self.depth.saturating_sub(1),
                b";" => return self.depth == 0 && self.blocks == 0,
                _ => {}
            },
            Kind::Word => {
                let is = |word: &[u8]| token.text.eq_ignore_ascii_case(word);
                if self.words == 0 {
                    self.create = is(b"CREATE");
                } else if self.words < 4 {
                    self.routine |= self.create && (is(b"FUNCTION") || is(b"PROCEDURE"));
                }
                if self.routine {
                    if is(b"BEGIN") || (self.blocks > 0 && is(b"CASE")) {
                        self.blocks += 1;
                    } else if is(b"END") {
                        self.blocks = self.blocks.saturating_sub(1);
                    }
                }
                self.words += 1;
            }
            _ => {}
        }
        false
    }
}

/// Whether `text`, of which the end may be missing, begins with a word that begins a statement.
pub(crate) fn begins_like_sql(text: &[u8]) -> bool {
    let mut tokens = Lexer::new(text, false).filter(|token| !matches!(token.kind, Kind::Space | Kind::Comment));
    let mut first = tokens.next();
    while first.is_some_and(|token| token.is(b'(')) {
        first = tokens.next();
    }
    first.is_some_and(|token| {
        let upper = words::Upper::new(token.text);
        token.end < text.len() && (upper.as_bytes() == b"WITH" || words::statement_verb(upper.as_bytes()).is_some())
    })
}

/// Whether a statement may begin with this word.
pub(crate) fn is_command(word: &str) -> bool {
    words::statement_verb(words::Upper::new(word.as_bytes()).as_bytes()).is_some()
}

/// The statement being read.
struct Reader<'a> {
    sanitiser: Sanitiser<'a>,
    summary: Summary<'a>,
}

impl<'a> Reader<'a> {
    fn new(len: usize) -> Self {
        Self { sanitiser: Sanitiser::new(len), summary: Summary::new() }
    }

    /// `certain`: a token that touches the cut may be longer than it seems, or another. A constant stays one.
    fn push(&mut self, token: &Token<'a>, certain: bool) {
        if certain || token.kind == Kind::Literal {
            self.sanitiser.push(token);
        }
        if certain {
            self.summary.push(token);
        }
    }

    fn finish(self, complete: bool) -> Statement {
        let truncated = !complete || self.sanitiser.truncated;
        Statement {
            truncated,
            summary: self.summary.finish(complete).map(Arc::from),
            text: Arc::from(self.sanitiser.finish()),
        }
    }
}

/// Reads the text of one statement (of a Parse message).
pub(crate) fn statement(text: &[u8], reading: Reading) -> Statement {
    let mut reader = Reader::new(text.len());
    let mut splitter = Splitter::default();
    let mut ended = false;
    for token in Lexer::new(text, reading.backslash) {
        // Only one statement may be there; a `;` at its end is not part of it.
        if splitter.ends(&token) {
            ended = true;
        } else if !(ended && matches!(token.kind, Kind::Space | Kind::Comment)) {
            reader.push(&token, reading.complete || token.end < text.len());
        }
    }
    reader.finish(reading.complete)
}

/// Reads the text of a simple query.
pub(crate) fn digest(text: &[u8], reading: Reading) -> Digest {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut total = 0usize;
    let mut start = 0;
    let mut splitter = Splitter::default();
    let mut reader = Reader::new(text.len());
    for token in Lexer::new(text, reading.backslash) {
        if !splitter.ends(&token) {
            if total < MAX_PIECES {
                reader.push(&token, reading.complete || token.end < text.len());
            }
            continue;
        }
        splitter = Splitter::default();
        if total >= MAX_PIECES {
            total += 1;
            continue;
        }
        // An empty statement does not exist: its bytes belong to the next one.
        if !reader.sanitiser.is_empty() {
            total += 1;
            let finished = std::mem::replace(&mut reader, Reader::new(text.len() - token.end));
            pieces.push(Piece { statement: Arc::new(finished.finish(true)), end: token.end });
            start = token.end;
        }
    }
    if total < MAX_PIECES && !reader.sanitiser.is_empty() {
        total += 1;
        pieces.push(Piece { statement: Arc::new(reader.finish(reading.complete)), end: text.len() });
    } else if let Some(last) = pieces.last_mut().filter(|_| start < text.len()) {
        last.end = text.len();
    }
    Digest { ascii: pieces.len() < 2 || text.is_ascii(), pieces, total: reading.complete.then_some(total) }
}
