//! `db.query.summary`: operations and targets of a statement, in the order and case of its text.
//!
//! Not a grammar: a walk over the tokens with one frame per open parenthesis. What it is not sure of it leaves out.

use super::lexer::{Kind, Token};
use super::words::{Upper, Verb, is_kind_of_thing, is_modifier, query_verb, statement_verb};

/// Longest summary, characters.
const MAX_SUMMARY: usize = 255;
/// Deepest nesting of parentheses that is followed; the summary ends there.
const MAX_DEPTH: usize = 64;
/// Most names of common table expressions that are kept; the summary ends there.
const MAX_CTES: usize = 64;

/// What a name at this place would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Expect {
    /// Nothing of interest.
    #[default]
    Nothing,
    /// An item of a FROM list: a table, unless it is a function or a common table expression.
    Item,
    /// The object of an operation, whatever follows it.
    Object,
}

/// Where a frame is within `WITH name (columns) AS (body), …`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum With {
    #[default]
    None,
    Name,
    Named,
    As,
    Body,
    After,
}

/// The state within one pair of parentheses.
#[derive(Clone, Copy, Debug, Default)]
struct Frame {
    /// Nothing of interest came yet: a verb may follow.
    start: bool,
    verb: Option<Verb>,
    /// Within a FROM list: a comma is followed by another item.
    from: bool,
    /// The object of the verb came.
    named: bool,
    expect: Expect,
    with: With,
    /// How many names of common table expressions are visible outside.
    outer: usize,
}

/// Builds the summary of one statement, token by token.
#[derive(Debug, Default)]
pub(super) struct Summary<'a> {
    out: String,
    chars: usize,
    /// Nothing more is added.
    stopped: bool,
    frames: Vec<Frame>,
    frame: Frame,
    ctes: Vec<&'a [u8]>,
    /// A name being read, what it would be, and whether its next part must follow (after a dot).
    name: Vec<u8>,
    name_is: Expect,
    dotted: bool,
    previous: &'a [u8],
}

impl<'a> Summary<'a> {
    pub fn new() -> Self {
        Self { frame: Frame { start: true, ..Frame::default() }, ..Self::default() }
    }

    /// The summary; `complete` tells whether the text ended here, rather than was cut.
    pub fn finish(mut self, complete: bool) -> Option<String> {
        if complete {
            self.end_name(false);
        }
        (!self.out.is_empty()).then_some(self.out)
    }

    /// Takes the next token.
    pub fn push(&mut self, token: &Token<'a>) {
        if self.stopped || matches!(token.kind, Kind::Space | Kind::Comment) {
            return;
        }
        if !self.continue_name(token) {
            match token.kind {
                Kind::Word => self.word(token.text),
                Kind::Quoted => self.identifier(token.text),
                Kind::Symbol => self.symbol(token.text),
                _ => self.other(),
            }
        }
        self.previous = token.text;
    }

    fn add(&mut self, element: &[u8]) {
        let element = String::from_utf8_lossy(element);
        let separator = usize::from(!self.out.is_empty());
        let chars = element.chars().count() + separator;
        if self.stopped || self.chars + chars > MAX_SUMMARY {
            self.stopped = true;
            return;
        }
        if separator == 1 {
            self.out.push(' ');
        }
        self.out.push_str(&element);
        self.chars += chars;
    }

    /// Whether the token belongs to the name that is being read; if not, the name ends before it.
    fn continue_name(&mut self, token: &Token<'a>) -> bool {
        if self.name.is_empty() {
            return false;
        }
        let part = matches!(token.kind, Kind::Word | Kind::Quoted);
        if (self.dotted && part) || token.is(b'.') {
            self.name.extend_from_slice(token.text);
            self.dotted = !part;
            return true;
        }
        self.end_name(token.is(b'('));
        false
    }

    fn end_name(&mut self, called: bool) {
        let name = std::mem::take(&mut self.name);
        let is_item = self.name_is == Expect::Item;
        let cte = is_item && self.ctes.iter().any(|cte| cte.eq_ignore_ascii_case(&name));
        let function = is_item && called;
        if !(name.is_empty() || self.dotted || cte || function) {
            self.add(&name);
        }
    }

    fn begin_name(&mut self, text: &[u8]) {
        self.name_is = self.frame.expect;
        self.frame.expect = Expect::Nothing;
        self.frame.start = false;
        self.frame.named = true;
        self.dotted = false;
        self.name.extend_from_slice(text);
    }

    fn identifier(&mut self, text: &'a [u8]) {
        if self.frame.with == With::Name {
            self.common_table(text);
        } else if self.frame.expect == Expect::Nothing {
            self.other();
        } else {
            self.begin_name(text);
        }
    }

    fn other(&mut self) {
        self.frame.start = false;
        self.frame.expect = Expect::Nothing;
        if self.frames.is_empty() && self.out.is_empty() && self.frame.with == With::None {
            // Not a statement that is known.
            self.stopped = true;
        }
    }

    fn common_table(&mut self, name: &'a [u8]) {
        if self.ctes.len() == MAX_CTES {
            self.stopped = true;
            return;
        }
        self.ctes.push(name);
        self.frame.with = With::Named;
    }

    fn symbol(&mut self, text: &[u8]) {
        match text {
            b"(" => self.open(),
            b")" => self.close(),
            b"," if self.frame.with == With::After => self.frame.with = With::Name,
            b"," if self.frame.from => self.frame.expect = Expect::Item,
            b"," if self.frame.verb == Some(Verb::List) && self.frame.named => self.frame.expect = Expect::Object,
            _ => self.other(),
        }
    }

    fn open(&mut self) {
        if self.frames.len() == MAX_DEPTH {
            self.stopped = true;
            return;
        }
        let item = self.frame.expect == Expect::Item;
        let options =
            self.frame.verb == Some(Verb::Explain) || (self.frame.verb == Some(Verb::List) && !self.frame.named);
        if self.frame.with == With::As {
            self.frame.with = With::Body;
        }
        if !options && !matches!(self.frame.verb, Some(Verb::Named)) {
            self.frame.expect = Expect::Nothing;
        }
        // A parenthesis may open a statement only where it is the first thing (`(SELECT …) UNION …`).
        let opens = self.frame.with != With::Named;
        if self.frame.start && self.frame.verb.is_none() {
            self.frame.start = !self.frames.is_empty() && self.frame.start;
        }
        self.frames.push(self.frame);
        self.frame = Frame {
            start: opens,
            from: item,
            expect: if item { Expect::Item } else { Expect::Nothing },
            outer: self.ctes.len(),
            ..Frame::default()
        };
    }

    fn close(&mut self) {
        let Some(outer) = self.frames.pop() else {
            self.stopped = true;
            return;
        };
        self.ctes.truncate(self.frame.outer);
        self.frame = outer;
        if self.frame.with == With::Body {
            self.frame.with = With::After;
        }
        if self.frame.verb == Some(Verb::Named) {
            self.frame.expect = Expect::Nothing;
        }
    }

    fn word(&mut self, text: &'a [u8]) {
        let upper = Upper::new(text);
        let word = upper.as_bytes();
        match self.frame.with {
            With::Name if word == b"RECURSIVE" && self.previous.eq_ignore_ascii_case(b"WITH") => return,
            With::Name => return self.common_table(text),
            With::Named if word == b"AS" => {
                self.frame.with = With::As;
                return;
            }
            With::As => return,
            With::After if query_verb(word).is_some() || matches!(word, b"VALUES" | b"TABLE") => {
                self.frame.with = With::None;
                self.frame.start = true;
            }
            With::After => return,
            _ => {}
        }
        if self.frame.start && self.begin(text, word) {
            return;
        }
        self.inside(text, word);
    }

    /// A word where a statement may begin. False if it begins none.
    fn begin(&mut self, text: &[u8], word: &[u8]) -> bool {
        if self.frame.verb == Some(Verb::Explain) && is_modifier(word) {
            return true;
        }
        if word == b"WITH" {
            self.frame.with = With::Name;
            return true;
        }
        let top = self.frames.is_empty();
        let verb = if top { statement_verb(word) } else { query_verb(word) };
        let Some(verb) = verb else {
            self.frame.start = false;
            self.stopped |= top && self.out.is_empty();
            return self.stopped;
        };
        self.add(text);
        self.frame.start = verb == Verb::Explain;
        self.frame.verb = Some(verb);
        self.frame.from = false;
        self.frame.named = false;
        self.frame.expect = match verb {
            Verb::Update | Verb::Table | Verb::Named | Verb::Define | Verb::List => Expect::Object,
            _ => Expect::Nothing,
        };
        true
    }

    /// A word inside a statement.
    fn inside(&mut self, text: &'a [u8], word: &[u8]) {
        let frame = &mut self.frame;
        if matches!(frame.verb, Some(Verb::Define | Verb::List)) && !frame.named {
            if is_modifier(word) {
            } else if is_kind_of_thing(word) {
                self.add(text);
            } else {
                self.begin_name(text);
            }
            return;
        }
        let queries =
            matches!(frame.verb, Some(Verb::Select | Verb::Insert | Verb::Update | Verb::Delete | Verb::Merge));
        match word {
            b"TRANSACTION" if frame.verb == Some(Verb::Start) => {
                frame.verb = Some(Verb::Bare);
                self.add(text);
            }
            b"AS" | b"FOR" if matches!(frame.verb, Some(Verb::Prefix | Verb::Define)) => {
                // `PREPARE p AS …`, `DECLARE c CURSOR FOR …`, `CREATE TABLE t AS …`
                frame.start = true;
            }
            b"SELECT" if queries && self.previous != b"." && !self.previous.eq_ignore_ascii_case(b"AS") => {
                // After UNION, or the source of an INSERT. Reserved: it cannot be a name.
                self.frame.start = true;
                self.begin(text, word);
            }
            b"INTO" if matches!(frame.verb, Some(Verb::Insert | Verb::Merge)) && !frame.named => {
                frame.expect = Expect::Object;
            }
            b"FROM" if frame.verb == Some(Verb::Delete) && !frame.named => frame.expect = Expect::Object,
            b"FROM" if queries && !self.previous.eq_ignore_ascii_case(b"DISTINCT") => {
                frame.from = true;
                frame.expect = Expect::Item;
            }
            b"USING" if matches!(frame.verb, Some(Verb::Delete | Verb::Merge)) && !frame.from => {
                frame.from = true;
                frame.expect = Expect::Item;
            }
            b"JOIN" if frame.from => frame.expect = Expect::Item,
            b"ONLY" | b"LATERAL" if frame.expect != Expect::Nothing => {}
            b"WHERE" | b"GROUP" | b"HAVING" | b"ORDER" | b"LIMIT" | b"OFFSET" | b"FETCH" | b"WINDOW" | b"RETURNING"
            | b"SET" | b"FOR" | b"UNION" | b"INTERSECT" | b"EXCEPT" | b"WHEN" => {
                frame.from = false;
                frame.expect = Expect::Nothing;
            }
            _ if frame.expect != Expect::Nothing => self.begin_name(text),
            _ => {}
        }
    }
}
