//! Where the user is, and what keys do. Knows nothing of terminals.

use super::keys::Action;
use super::model::{Body, Model, Want};
use crate::trace::span::TraceId;
use crate::view::operations::Operation;
use crate::view::rows::{OperationRow, Over, TraceOrder};
use crate::view::said::hex;

/// Most characters of a filter.
const MAX_FILTER: usize = 200;
/// Most pages that one can go back.
const MAX_STACK: usize = 32;

/// What is looked at.
#[derive(Clone, Debug, PartialEq)]
pub enum Page {
    /// The table of operations.
    Operations,
    /// Traces, of an operation or all.
    Traces(Option<Operation>),
    /// A trace.
    Trace(TraceId),
    /// Who calls whom.
    Map,
    /// Connections.
    Connections,
    /// Advice.
    Advice,
    /// Who is traced and who is not.
    Selection,
}

/// By what operations are put in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The time that all took together.
    #[default]
    Time,
    /// How many a second.
    Rate,
    /// The share that failed.
    Errors,
    /// The 95th percentile.
    P95,
    /// The share of waiting that was set-up.
    SetUp,
    /// By name.
    Name,
}

impl Order {
    const ALL: [Self; 6] = [Self::Time, Self::Rate, Self::Errors, Self::P95, Self::SetUp, Self::Name];

    /// For people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Time => "total time",
            Self::Rate => "rate",
            Self::Errors => "errors",
            Self::P95 => "p95",
            Self::SetUp => "set-up",
            Self::Name => "name",
        }
    }

    fn next(self) -> Self {
        let at = Self::ALL.iter().position(|one| *one == self).unwrap_or_default();
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    /// Puts rows in order. Equal ones stay as they are.
    pub fn sort(self, rows: &mut [&OperationRow]) {
        let descending = |key: fn(&OperationRow) -> f64| {
            move |one: &&OperationRow, other: &&OperationRow| key(other).total_cmp(&key(one))
        };
        match self {
            Self::Time => rows.sort_by(descending(|row| row.numbers.sum_ns as f64)),
            Self::Rate => rows.sort_by(descending(|row| row.numbers.rate)),
            Self::Errors => rows.sort_by(descending(|row| row.numbers.failed_share())),
            Self::P95 => rows.sort_by(descending(|row| row.numbers.p95_ns.unwrap_or_default() as f64)),
            Self::SetUp => rows.sort_by(descending(|row| row.numbers.set_up_share)),
            Self::Name => rows.sort_by(|one, other| one.operation.cmp(&other.operation)),
        }
    }
}

/// What is to be done after an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Leave.
    Leave,
    /// Something else is wanted now.
    Ask,
    /// Copy this.
    Copy(String),
}

/// Where in a list the cursor is, and what is at the top of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The row.
    pub at: usize,
    /// The first row that is shown.
    pub top: usize,
}

/// See the module's text.
#[derive(Clone, Debug)]
pub struct State {
    stack: Vec<(Page, Cursor)>,
    /// What is looked for.
    pub filter: String,
    /// What is being typed.
    pub typed: Option<String>,
    /// Nothing new is shown.
    pub paused: bool,
    /// What ended is shown.
    pub ended: bool,
    /// Help is shown.
    pub help: bool,
    /// Attributes are shown beside a trace.
    pub attributes: bool,
    /// Order of operations.
    pub order: Order,
    /// Order of traces.
    pub trace_order: TraceOrder,
    /// Said once.
    pub message: Option<String>,
    /// A recording is shown: all of it.
    pub over: Over,
    /// Rows that there are, and that are shown at once: told by whoever draws.
    pub rows: (usize, usize),
    /// The line of the screen where the first row is.
    pub first_line: u16,
    /// What the cursor is at, told by whoever draws.
    pub here: Option<Here>,
}

/// What the cursor is at.
#[derive(Clone, Debug, PartialEq)]
pub enum Here {
    /// An operation.
    Operation(Operation),
    /// A trace.
    Trace(TraceId),
}

impl Default for State {
    fn default() -> Self {
        Self {
            stack: vec![(Page::Operations, Cursor::default())],
            filter: String::new(),
            typed: None,
            paused: false,
            ended: false,
            help: false,
            attributes: true,
            order: Order::default(),
            trace_order: TraceOrder::default(),
            message: None,
            over: Over::Minute,
            rows: (0, 0),
            first_line: 0,
            here: None,
        }
    }
}

impl State {
    /// The page that is looked at.
    #[must_use]
    pub fn page(&self) -> &Page {
        self.stack.last().map_or(&Page::Operations, |(page, _)| page)
    }

    /// How many pages one can go back.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.stack.len() - 1
    }

    /// Where the cursor is.
    pub fn cursor(&mut self) -> &mut Cursor {
        if self.stack.is_empty() {
            self.stack.push((Page::Operations, Cursor::default()));
        }
        let last = self.stack.len() - 1;
        &mut self.stack[last].1
    }

    /// Whether a filter is being typed.
    #[must_use]
    pub fn is_typing(&self) -> bool {
        self.typed.is_some()
    }

    /// What the page needs.
    #[must_use]
    pub fn want(&self, model: &Model) -> Want {
        Want {
            page: self.page().clone(),
            filter: self.typed.clone().unwrap_or_else(|| self.filter.clone()),
            order: self.trace_order,
            ended: self.ended,
            known: model.known(),
            over: self.over,
        }
    }

    /// Told by whoever draws: `rows` there are, of which `shown` have room. Returns which ones are shown.
    pub fn window(&mut self, rows: usize, shown: usize) -> std::ops::Range<usize> {
        self.rows = (rows, shown);
        let cursor = self.cursor();
        cursor.at = cursor.at.min(rows.saturating_sub(1));
        cursor.top =
            cursor.top.min(cursor.at).max((cursor.at + 1).saturating_sub(shown)).min(rows.saturating_sub(shown));
        cursor.top..(cursor.top + shown).min(rows)
    }

    /// Does what the user wants.
    pub fn act(&mut self, action: Action, model: &Model) -> Option<Effect> {
        self.message = None;
        if self.help && action != Action::Quit {
            self.help = false;
            return None;
        }
        let (rows, shown) = self.rows;
        let leaf = shown.saturating_sub(1).max(1) as isize;
        match action {
            Action::Quit => return Some(Effect::Leave),
            Action::Move(by) => self.step(by),
            Action::Leaf(by) => self.step(by * leaf),
            Action::First => self.cursor().at = 0,
            Action::Last => self.cursor().at = rows.saturating_sub(1),
            Action::Open => return self.open(),
            Action::Back => {
                if self.stack.len() > 1 {
                    self.stack.pop();
                } else if !self.filter.is_empty() {
                    self.filter.clear();
                }
                return Some(Effect::Ask);
            }
            Action::Operations => return self.root(Page::Operations),
            Action::Traces => return self.go(Page::Traces(None)),
            Action::Map => return self.go(Page::Map),
            Action::Connections => return self.go(Page::Connections),
            Action::Advice => return self.go(Page::Advice),
            Action::Selection => return self.go(Page::Selection),
            Action::Filter => self.typed = Some(self.filter.clone()),
            Action::Type(char) => {
                if let Some(typed) = self.typed.as_mut().filter(|typed| typed.chars().count() < MAX_FILTER) {
                    typed.push(char);
                }
                return Some(Effect::Ask);
            }
            Action::Erase => {
                self.typed.as_mut().map(String::pop);
                return Some(Effect::Ask);
            }
            Action::Accept => {
                self.filter = self.typed.take().unwrap_or_default();
                *self.cursor() = Cursor::default();
                return Some(Effect::Ask);
            }
            Action::Cancel => {
                self.typed = None;
                return Some(Effect::Ask);
            }
            Action::Sort => return self.sort(),
            Action::Pause => {
                self.paused = !self.paused;
                return (!self.paused).then_some(Effect::Ask);
            }
            Action::Ended => {
                self.ended = !self.ended;
                return Some(Effect::Ask);
            }
            Action::Copy => return self.copy(model),
            Action::Attributes => self.attributes = !self.attributes,
            Action::Help => self.help = true,
            Action::Press(line) => return self.press(line),
        }
        None
    }

    fn step(&mut self, by: isize) {
        let last = self.rows.0.saturating_sub(1);
        let cursor = self.cursor();
        cursor.at = cursor.at.saturating_add_signed(by).min(last);
    }

    fn go(&mut self, page: Page) -> Option<Effect> {
        if *self.page() == page {
            return None;
        }
        if self.stack.len() >= MAX_STACK {
            self.stack.remove(1);
        }
        self.stack.push((page, Cursor::default()));
        self.here = None;
        Some(Effect::Ask)
    }

    fn root(&mut self, page: Page) -> Option<Effect> {
        self.stack.truncate(1);
        if *self.page() != page {
            self.stack = vec![(page, Cursor::default())];
        }
        Some(Effect::Ask)
    }

    fn open(&mut self) -> Option<Effect> {
        match self.here.clone()? {
            Here::Operation(operation) => self.go(Page::Traces(Some(operation))),
            Here::Trace(id) => self.go(Page::Trace(id)),
        }
    }

    fn sort(&mut self) -> Option<Effect> {
        match self.page() {
            Page::Traces(_) => {
                self.trace_order = match self.trace_order {
                    TraceOrder::Latest => TraceOrder::Slowest,
                    TraceOrder::Slowest => TraceOrder::Failed,
                    TraceOrder::Failed => TraceOrder::Latest,
                };
                *self.cursor() = Cursor::default();
                Some(Effect::Ask)
            }
            Page::Operations => {
                self.order = self.order.next();
                *self.cursor() = Cursor::default();
                None
            }
            _ => None,
        }
    }

    fn copy(&mut self, model: &Model) -> Option<Effect> {
        let id = match (&self.here, &model.body) {
            (_, Body::Trace(Some(opened))) => opened.trace.id,
            (Some(Here::Trace(id)), _) => *id,
            _ => {
                self.message = Some("here is no trace whose id could be copied".to_owned());
                return None;
            }
        };
        let id = hex(&id);
        self.message = Some(format!("trace id {id} was given to the terminal's clipboard"));
        Some(Effect::Copy(id))
    }

    /// A row was pressed: the cursor goes there, and a second time it is opened.
    fn press(&mut self, line: u16) -> Option<Effect> {
        let (rows, shown) = self.rows;
        let row = usize::from(line.checked_sub(self.first_line)?);
        if row >= shown {
            return None;
        }
        let cursor = self.cursor();
        let at = cursor.top + row;
        if at == cursor.at {
            return self.open();
        }
        if at < rows {
            cursor.at = at;
        }
        None
    }
}
