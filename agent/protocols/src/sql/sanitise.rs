//! Literals out of statement texts.

use super::lexer::{Kind, Token};

/// Longest sanitised text that is kept, bytes.
pub(super) const MAX_TEXT: usize = 8 * 1024;

/// How far a list `IN (literal, literal …)` has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InList {
    None,
    Word,
    Open,
    /// After the first literal; the output was this long then.
    Literal(usize),
    /// After the comma that followed.
    Comma(usize),
}

/// Builds the sanitised text of one statement, token by token: each literal becomes `?`, a list of nothing but
/// literals after `IN` becomes `(?)`, comments go (they carry trace identifiers and user data), the rest is as it was.
#[derive(Debug)]
pub(super) struct Sanitiser<'a> {
    out: Vec<u8>,
    /// White space that is written only if something follows.
    space: &'a [u8],
    list: InList,
    /// Something was left out because of the limit.
    pub truncated: bool,
}

impl<'a> Sanitiser<'a> {
    /// For a text of at most `len` bytes.
    pub fn new(len: usize) -> Self {
        Self { out: Vec::with_capacity(len.min(MAX_TEXT)), space: b"", list: InList::None, truncated: false }
    }

    /// Whether nothing but space and comments came.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Takes the next token.
    pub fn push(&mut self, token: &Token<'a>) {
        let text = match token.kind {
            Kind::Space => {
                if self.space != b" " {
                    self.space = token.text;
                }
                return;
            }
            Kind::Comment => {
                self.space = b" ";
                return;
            }
            Kind::Literal => b"?",
            _ => token.text,
        };
        if self.truncated {
            return;
        }
        let collapse = match (self.list, token.kind) {
            (InList::Comma(from), Kind::Literal) => {
                self.out.truncate(from);
                self.space = b"";
                self.list = InList::Literal(from);
                true
            }
            _ => false,
        };
        if collapse {
            return;
        }
        if token.kind == Kind::Literal && self.space.is_empty() && token.text.first().is_some_and(|first| *first < b'A')
        {
            self.drop_sign();
        }
        let space = if self.out.is_empty() { &b""[..] } else { self.space };
        if self.out.len() + space.len() + text.len() > MAX_TEXT {
            self.truncated = true;
            return;
        }
        self.out.extend_from_slice(space);
        self.out.extend_from_slice(text);
        self.space = b"";
        self.list = match (self.list, token.kind) {
            (_, Kind::Word) if token.text.eq_ignore_ascii_case(b"in") => InList::Word,
            (InList::Word, _) if token.is(b'(') => InList::Open,
            (InList::Open, Kind::Literal) => InList::Literal(self.out.len()),
            (InList::Literal(from), _) if token.is(b',') => InList::Comma(from),
            // A sign belongs to the number that follows.
            (state @ (InList::Open | InList::Comma(_)), _) if token.is(b'-') || token.is(b'+') => state,
            _ => InList::None,
        };
    }

    /// A number follows: a sign right before it is part of it where no operator can stand.
    fn drop_sign(&mut self) {
        let [before @ .., b'-' | b'+'] = self.out.as_slice() else { return };
        let previous = before.trim_ascii_end().last();
        if previous.is_some_and(|byte| b"(,=<>+-*/%|".contains(byte)) {
            self.out.truncate(before.len());
        }
    }

    /// The text. Bytes that are not UTF-8 (another client encoding) become U+FFFD.
    pub fn finish(self) -> String {
        String::from_utf8(self.out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::lexer::Lexer;
    use super::*;

    fn sanitise(text: &str) -> String {
        let mut sanitiser = Sanitiser::new(text.len());
        for token in Lexer::new(text.as_bytes(), false) {
            sanitiser.push(&token);
        }
        sanitiser.finish()
    }

    #[test]
    fn literals_go_and_the_rest_stays() {
        for (text, expected) in [
            ("SELECT 1", "SELECT ?"),
            ("  SELECT  a , 'x''y'  FROM t1\n", "SELECT  a , ?  FROM t1"),
            ("SELECT $1::int, \"Q 1\", E'\\'', $$b$$, B'1', X'2', -1.5e3", "SELECT $1::int, \"Q 1\", ?, ?, ?, ?, ?"),
            ("SELECT /* trace='1' */ a--x\nFROM t -- end", "SELECT a FROM t"),
            ("SELECT 'a'/**/FROM t", "SELECT ? FROM t"),
            ("ALTER USER u PASSWORD 'secret'", "ALTER USER u PASSWORD ?"),
            ("DO $x$ secret $x$", "DO ?"),
            ("SELECT 'unfinished secret", "SELECT ?"),
            ("SELECT true, NULL, date '2020-01-01'", "SELECT true, NULL, date ?"),
            ("a ? b", "a ? b"),
            ("a + -1, b -1, c = -1, LIMIT -1", "a + ?, b -?, c = ?, LIMIT -?"),
        ] {
            assert_eq!(sanitise(text), expected);
        }
    }

    #[test]
    fn lists_of_literals_collapse_and_others_do_not() {
        assert_eq!(sanitise("x IN (1, 2,3 , 4) AND y"), "x IN (?) AND y");
        assert_eq!(sanitise("x in (1,-2, 'a')"), "x in (?)");
        assert_eq!(sanitise("x IN ($1, $2)"), "x IN ($1, $2)");
        assert_eq!(sanitise("x IN (1, a, 2)"), "x IN (?, a, ?)");
        assert_eq!(sanitise("VALUES (1, 2)"), "VALUES (?, ?)");
    }

    #[test]
    fn the_length_is_limited_at_a_token() {
        let text = format!("SELECT {}", "abcdefg, ".repeat(2000));
        let out = sanitise(&text);
        assert!(out.len() <= MAX_TEXT && out.ends_with([',', 'g']), "{}", &out[out.len() - 20..]);
    }
}
