//! A lexer for SQL, with dollar quotes, `E'…'` strings and nested comments: enough to tell literals, names and comments
//! apart, nothing more. Total: every byte belongs to exactly one token, and the work is linear.

use memchr::{memchr, memchr2, memmem};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// White space.
    Space,
    /// `-- …` or a (nested) `/* … */`.
    Comment,
    /// Key word or unquoted identifier.
    Word,
    /// `"…"` or `U&"…"`.
    Quoted,
    /// A constant: any kind of string, bit string, dollar-quoted string or number.
    Literal,
    /// `$1`.
    Parameter,
    /// Any other single byte.
    Symbol,
}

/// One token and where it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub kind: Kind,
    pub text: &'a [u8],
    /// Offset of the byte after it.
    pub end: usize,
}

impl Token<'_> {
    /// Whether it is this symbol.
    pub fn is(&self, symbol: u8) -> bool {
        self.kind == Kind::Symbol && self.text == [symbol]
    }
}

/// Iterates over the tokens of a text.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    /// `standard_conforming_strings` is off: a backslash escapes in plain strings too.
    backslash: bool,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a [u8], backslash: bool) -> Self {
        Self { text, at: 0, backslash }
    }

    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    fn rest(&self, at: usize) -> &'a [u8] {
        self.text.get(at..).unwrap_or_default()
    }

    /// The offset after the run of bytes from `at` on for which `test` holds.
    fn run(&self, at: usize, test: impl Fn(u8) -> bool) -> usize {
        at + self.rest(at).iter().position(|byte| !test(*byte)).unwrap_or(self.rest(at).len())
    }

    /// The end of a string whose opening quote is at `open`; the end of the text if it is not closed.
    fn string(&self, open: usize, escapes: bool) -> usize {
        let mut at = open + 1;
        loop {
            let rest = self.rest(at);
            let found = if escapes { memchr2(b'\'', b'\\', rest) } else { memchr(b'\'', rest) };
            let Some(found) = found else { return self.text.len() };
            at += found;
            if self.byte(at) == b'\\' || self.byte(at + 1) == b'\'' {
                at += 2;
            } else {
                // A string goes on after white space that contains a new line.
                let next = self.run(at + 1, is_space);
                let continues = self.byte(next) == b'\'' && self.text[at + 1..next].contains(&b'\n');
                if !continues {
                    return at + 1;
                }
                at = next + 1;
            }
        }
    }

    fn quoted(&self, open: usize) -> usize {
        let mut at = open + 1;
        loop {
            let Some(found) = memchr(b'"', self.rest(at)) else { return self.text.len() };
            at += found + 1;
            if self.byte(at) != b'"' {
                return at;
            }
            at += 1;
        }
    }

    fn block_comment(&self, open: usize) -> usize {
        let mut at = open + 2;
        let mut depth = 1usize;
        while let Some(found) = memchr2(b'*', b'/', self.rest(at)) {
            at += found;
            match (self.byte(at), self.byte(at + 1)) {
                (b'*', b'/') => {
                    depth -= 1;
                    at += 2;
                    if depth == 0 {
                        return at;
                    }
                }
                (b'/', b'*') => {
                    depth += 1;
                    at += 2;
                }
                _ => at += 1,
            }
        }
        self.text.len()
    }

    /// `$tag$ … $tag$`, if a dollar quote opens at `open`.
    fn dollar(&self, open: usize) -> Option<usize> {
        let first = self.byte(open + 1);
        let tag_end =
            if is_name_start(first) { self.run(open + 1, |byte| byte != b'$' && is_name(byte)) } else { open + 1 };
        if self.byte(tag_end) != b'$' {
            return None;
        }
        let tag = &self.text[open..=tag_end];
        let body = tag_end + 1;
        Some(memmem::find(self.rest(body), tag).map_or(self.text.len(), |found| body + found + tag.len()))
    }

    fn number(&self, from: usize) -> usize {
        if self.byte(from) == b'0' && matches!(self.byte(from + 1), b'x' | b'X' | b'o' | b'O' | b'b' | b'B') {
            return self.run(from + 2, |byte| byte.is_ascii_hexdigit() || byte == b'_');
        }
        let digit = |byte: u8| byte.is_ascii_digit() || byte == b'_';
        let mut at = self.run(from, digit);
        if self.byte(at) == b'.' && self.byte(at + 1) != b'.' {
            at = self.run(at + 1, digit);
        }
        if matches!(self.byte(at), b'e' | b'E') {
            let sign = usize::from(matches!(self.byte(at + 1), b'+' | b'-'));
            if self.byte(at + 1 + sign).is_ascii_digit() {
                at = self.run(at + 1 + sign, digit);
            }
        }
        at
    }

    /// A word, or the string that a one-letter prefix introduces.
    fn word(&self, from: usize) -> (Kind, usize) {
        match (self.byte(from) | 0x20, self.byte(from + 1), self.byte(from + 2)) {
            (b'e', b'\'', _) => (Kind::Literal, self.string(from + 1, true)),
            (b'b' | b'x' | b'n', b'\'', _) => (Kind::Literal, self.string(from + 1, self.backslash)),
            (b'u', b'&', b'\'') => (Kind::Literal, self.string(from + 2, false)),
            (b'u', b'&', b'"') => (Kind::Quoted, self.quoted(from + 2)),
            _ => (Kind::Word, self.run(from, is_name)),
        }
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let from = self.at;
        let first = *self.text.get(from)?;
        let second = self.byte(from + 1);
        let (kind, end) = match first {
            _ if is_space(first) => (Kind::Space, self.run(from, is_space)),
            b'-' if second == b'-' => (Kind::Comment, self.run(from, |byte| byte != b'\n')),
            b'/' if second == b'*' => (Kind::Comment, self.block_comment(from)),
            b'\'' => (Kind::Literal, self.string(from, self.backslash)),
            b'"' => (Kind::Quoted, self.quoted(from)),
            b'$' if second.is_ascii_digit() => (Kind::Parameter, self.run(from + 1, |byte| byte.is_ascii_digit())),
            b'$' => self.dollar(from).map_or((Kind::Symbol, from + 1), |end| (Kind::Literal, end)),
            b'0'..=b'9' => (Kind::Literal, self.number(from)),
            b'.' if second.is_ascii_digit() => (Kind::Literal, self.number(from)),
            _ if is_name_start(first) => self.word(from),
            _ => (Kind::Symbol, from + 1),
        };
        // Escapes at the very end may point past it.
        let end = end.min(self.text.len());
        self.at = end;
        Some(Token { kind, text: &self.text[from..end], end })
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_name(byte: u8) -> bool {
    is_name_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn significant(text: &str) -> Vec<(Kind, &str)> {
        Lexer::new(text.as_bytes(), false)
            .filter(|token| !matches!(token.kind, Kind::Space))
            .map(|token| (token.kind, std::str::from_utf8(token.text).unwrap()))
            .collect()
    }

    #[test]
    fn every_kind_of_constant() {
        for constant in [
            "'a''b'",
            "''",
            "E'a\\'b'",
            "e'\\\\'",
            "B'101'",
            "x'1f'",
            "N'x'",
            "U&'\\0041'",
            "$$a'b$$",
            "$f$ $$ $g$ $f$",
            "12",
            "1.5",
            ".5",
            "1e10",
            "1.5E-3",
            "0xFF",
            "1_000",
            "'a'\n  'b'",
            "'c:\\'",
        ] {
            assert_eq!(significant(constant), [(Kind::Literal, constant)]);
        }
    }

    #[test]
    fn names_parameters_and_comments() {
        use Kind::{Comment, Parameter, Quoted, Symbol, Word};
        assert_eq!(
            significant("a$1 \"b\"\"c\" U&\"d\" $12 --x'\n/* a /* b */ c */ é"),
            [
                (Word, "a$1"),
                (Quoted, "\"b\"\"c\""),
                (Quoted, "U&\"d\""),
                (Parameter, "$12"),
                (Comment, "--x'"),
                (Comment, "/* a /* b */ c */"),
                (Word, "é")
            ]
        );
        assert_eq!(significant("a$b$c"), [(Word, "a$b$c")]);
        assert_eq!(significant("$a+")[0], (Symbol, "$"));
        assert_eq!(significant("1..2").len(), 3);
    }

    proptest! {
        #[test]
        fn tokens_cover_any_bytes_exactly(text in prop::collection::vec(any::<u8>(), 0..200), backslash: bool) {
            let mut at = 0;
            for token in Lexer::new(&text, backslash) {
                prop_assert!(!token.text.is_empty());
                at += token.text.len();
                prop_assert_eq!(at, token.end);
            }
            prop_assert_eq!(at, text.len());
        }

        #[test]
        fn tokens_cover_sql_like_text_exactly(text in "[aeE'\"$\\\\/*\\-. \n;1x&uU]{0,60}", backslash: bool) {
            let total: usize = Lexer::new(text.as_bytes(), backslash).map(|token| token.text.len()).sum();
            prop_assert_eq!(total, text.len());
        }
    }
}
