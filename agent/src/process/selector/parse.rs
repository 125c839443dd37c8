//! The parser. The grammar is that of Kubernetes (`k8s.io/apimachinery/pkg/labels`, `Parse`); names of labels and
//! values are wider, because paths and variables are among them.

use super::{Label, Requirement, Selector, Test};

/// Most bytes of one selector.
const MAX_LEN: usize = 4096;

/// What is wrong with a selector, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at column {column}{hint}")]
pub struct Error {
    /// What is wrong.
    pub message: String,
    /// Where it begins: characters from 1.
    pub column: usize,
    /// What was probably meant, with the punctuation before it; or empty.
    pub hint: String,
}

/// Everything that cannot be part of a word.
fn is_delimiter(character: char) -> bool {
    matches!(character, ',' | '(' | ')' | '=' | '!') || character.is_whitespace() || character.is_control()
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

pub(super) fn selector(text: &str) -> Result<Selector, Error> {
    let mut parser = Parser { text, at: 0 };
    if text.len() > MAX_LEN {
        return Err(parser.error(0, format!("selector of {} bytes is too long (at most {MAX_LEN})", text.len())));
    }
    let mut requirements = Vec::new();
    parser.skip_space();
    if parser.rest().is_empty() {
        return Err(parser.error(0, "empty selector (leave it out to select everything)"));
    }
    loop {
        requirements.push(parser.requirement()?);
        parser.skip_space();
        if parser.rest().is_empty() {
            return Ok(Selector { requirements });
        }
        if !parser.take(",") {
            return Err(parser.unexpected("expected `,` or the end"));
        }
    }
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// A run of characters without delimiters; may be empty. `in_value`: `=` and `!` may follow the first character
    /// (`env.OPTIONS=a=b`), as nothing else can be meant there.
    fn word(&mut self, in_value: bool) -> (usize, &'a str) {
        self.skip_space();
        let (start, rest) = (self.at, self.rest());
        let mut end = rest.len();
        for (index, character) in rest.char_indices() {
            if is_delimiter(character) && !(in_value && index > 0 && matches!(character, '=' | '!')) {
                end = index;
                break;
            }
        }
        self.at += end;
        (start, rest.get(..end).unwrap_or(""))
    }

    fn requirement(&mut self) -> Result<Requirement, Error> {
        self.skip_space();
        let absent = self.take("!");
        let label = self.label()?;
        self.skip_space();
        if absent {
            return match self.rest().chars().next() {
                None | Some(',') => Ok(Requirement { label, test: Test::Absent, also: Vec::new() }),
                Some(_) => Err(self.unexpected("a label after `!` takes no value: expected `,` or the end")),
            };
        }
        let test = if self.take("!=") {
            Test::NotIn(vec![self.value(&label)?])
        } else if self.take("==") || self.take("=") {
            Test::In(vec![self.value(&label)?])
        } else {
            let before = self.at;
            let (start, word) = self.word(false);
            match word {
                "" => {
                    self.at = before;
                    Test::Exists
                }
                "in" => Test::In(self.values(&label)?),
                "notin" => Test::NotIn(self.values(&label)?),
                other => {
                    let mut error = self.error(start, format!("unknown operator `{other}`"));
                    error.hint = "; write =, !=, in (…) or notin (…)".to_owned();
                    return Err(error);
                }
            }
        };
        Ok(Requirement { label, test, also: Vec::new() })
    }

    fn label(&mut self) -> Result<Label, Error> {
        let (start, name) = self.word(false);
        if name.is_empty() {
            return Err(self.unexpected("expected a label"));
        }
        Label::named(name).map_err(|hint| Error { hint, ..self.error(start, format!("unknown label `{name}`")) })
    }

    fn value(&mut self, label: &Label) -> Result<Box<str>, Error> {
        let (start, value) = self.word(true);
        if value.is_empty() {
            return Err(self.unexpected(&format!("expected a value for `{label}`")));
        }
        match label.objection(value) {
            None => Ok(value.into()),
            Some((objection, hint)) => Err(Error { hint, ..self.error(start, format!("`{value}` {objection}")) }),
        }
    }

    fn values(&mut self, label: &Label) -> Result<Vec<Box<str>>, Error> {
        self.skip_space();
        if !self.take("(") {
            return Err(self.unexpected("expected `(`"));
        }
        let mut values = Vec::new();
        loop {
            values.push(self.value(label)?);
            self.skip_space();
            if self.take(")") {
                return Ok(values);
            }
            if !self.take(",") {
                return Err(self.unexpected("expected `,` or `)`"));
            }
        }
    }

    fn unexpected(&self, expected: &str) -> Error {
        let found = match self.rest().chars().next() {
            Some(character) => format!("found {character:?}"),
            None => "found the end".to_owned(),
        };
        self.error(self.at, format!("{expected}, {found},"))
    }

    fn error(&self, at: usize, message: impl Into<String>) -> Error {
        let column = self.text.get(..at).map_or(0, |before| before.chars().count()) + 1;
        Error { message: message.into(), column, hint: String::new() }
    }
}
