//! Exchanges out.

use super::names::Known;
use super::reply::{Failure, Tag};
use super::session::Postgres;
use super::step::{Kind, Step};
use super::{Operation, PostgresExchange};
use crate::exchange::{Ending, Exchange, Window};
use crate::session::{Output, Reason};
use crate::sql::Statement;
use crate::stream::{Actor, Stamp};
use std::sync::Arc;

/// Exchanges that may wait for proof.
const MAX_HELD: usize = 1024;

/// What an exchange is about.
#[derive(Debug)]
pub(super) struct About {
    pub operation: Operation,
    pub request: Window,
    pub actor: Actor,
    pub statement: Option<Arc<Statement>>,
    pub prepared: bool,
    pub batch_size: Option<u32>,
    /// The text, or the part of it that would tell, was not captured.
    pub truncated: bool,
    /// Others of its batch may have been missed: it needs the proof that ReadyForQuery is.
    pub grouped: bool,
    /// Serial number of its batch.
    pub batch: u64,
    /// It is a simple query of no statement.
    pub empty: bool,
}

/// How it came out.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub tag: Option<Tag>,
    pub rows: Option<u64>,
    pub failure: Option<Failure>,
}

impl From<Tag> for Outcome {
    fn from(tag: Tag) -> Self {
        Self { rows: tag.rows, tag: Some(tag), failure: None }
    }
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        Self { failure: Some(failure), ..Self::default() }
    }
}

impl About {
    /// An execution, or the attempt at one, that `step` asked for.
    pub fn step(step: &Step, operation: Operation, known: Option<Known>) -> Self {
        let prepared = known.as_ref().is_some_and(|known| known.statement.is_none() || known.batch != Some(step.batch));
        Self {
            operation,
            request: step.request,
            actor: step.actor,
            statement: known.and_then(|known| known.statement),
            prepared,
            batch_size: Some(step.batch_size).filter(|size| *size > 1),
            truncated: false,
            grouped: operation == Operation::Statement,
            batch: step.batch,
            empty: false,
        }
    }
}

impl Postgres {
    /// What `step` is about, if it is an execution or may fail instead of one.
    pub(super) fn about(&self, step: &Step) -> About {
        let known = match &step.kind {
            Kind::Query(query) => {
                return About {
                    operation: Operation::Statement,
                    request: step.piece(query),
                    actor: step.actor,
                    statement: query.current().cloned(),
                    prepared: false,
                    batch_size: query.batch_size(),
                    grouped: false,
                    batch: step.batch,
                    empty: query.digest.total == Some(0),
                    truncated: query.digest.total.is_none() && query.current().is_none(),
                };
            }
            Kind::Encrypt | Kind::Startup => return About::step(step, Operation::Startup, None),
            Kind::Function(_) => return About::step(step, Operation::FunctionCall, None),
            Kind::Parse { statement, .. } => Some(Known { statement: statement.clone(), batch: Some(step.batch) }),
            Kind::Bind { statement, .. } | Kind::DescribeStatement(statement) => Some(self.names.statement(statement)),
            Kind::Execute(portal) | Kind::DescribePortal(portal) => Some(self.names.portal(portal)),
            Kind::CloseStatement(_) | Kind::ClosePortal(_) | Kind::Sync | Kind::CopyEnd | Kind::Lost => None,
        };
        About::step(step, Operation::Statement, known)
    }

    /// Reports an answered exchange whose last byte was before `end` and passed at `last`.
    pub(super) fn answer(&mut self, about: About, outcome: Outcome, end: u64, last: Stamp, out: &mut Output) {
        let mut response = self.response.take();
        if let Some(response) = &mut response {
            response.extend(end, last);
        }
        self.rows = Some(0);
        let end_ns = last.last_ns;
        self.emit(about, outcome, response, Ending::Answered, end_ns, out);
    }

    fn emit(
        &mut self,
        about: About,
        outcome: Outcome,
        response: Option<Window>,
        ending: Ending,
        end_ns: u64,
        out: &mut Output,
    ) {
        let statement = about.statement.as_deref();
        let batch = about.batch;
        let (sqlstate, severity) = outcome.failure.map_or((None, None), |failure| (failure.code, failure.severity));
        let startup = about.operation == Operation::Startup;
        let detail = PostgresExchange {
            operation: about.operation,
            user: self.user.clone(),
            database: self.database.clone(),
            text: statement.map(|statement| statement.text.clone()).filter(|text| !text.is_empty()),
            summary: statement.and_then(|statement| statement.summary.clone()),
            command: outcome.tag.as_ref().and_then(Tag::name),
            empty: self.empty
                || about.empty
                || statement.is_some_and(|statement| statement.text.is_empty() && !statement.truncated),
            prepared: about.prepared,
            rows: outcome.rows,
            sqlstate,
            severity,
            batch_size: about.batch_size.filter(|_| !startup),
            text_truncated: about.truncated || statement.is_some_and(|statement| statement.truncated),
        };
        let exchange = Exchange {
            stream: 0,
            request: about.request,
            response,
            actor: about.actor,
            ending,
            end_ns: end_ns.max(about.request.first_ns),
            detail: Box::new(detail),
        };
        if self.proven || !about.grouped && self.trial == 0 || ending != Ending::Answered {
            out.exchanges.push(exchange);
        } else if self.held.len() < MAX_HELD {
            self.held_batch = Some(batch);
            self.held.push(exchange);
        } else {
            self.set_adrift(Reason::TooManyPending, out);
        }
    }

    /// Ends every execution that waits for its answer: the connection ended, or the answer never came.
    pub(super) fn abandon(&mut self, ending: Ending, at_ns: u64, out: &mut Output) {
        // After a loss in the response it is not known how many were answered.
        let certain = !self.adrift && self.back != super::session::Framing::Lost;
        let steps = std::mem::take(&mut self.pending);
        (self.turns, self.weight) = (0, 0);
        let mut response = self.response.take();
        for step in steps.iter().filter(|_| certain).take_while(|step| !matches!(step.kind, Kind::Lost)) {
            if step.executions() > 0 {
                let about = self.about(step);
                self.emit(about, Outcome::default(), response.take(), ending, at_ns, out);
            }
            // A pipeline's later portals may be of statements that were prepared in the pipeline itself.
            self.assume(step);
        }
    }

    /// Applies what `step` does to the names, as if it had succeeded.
    pub(super) fn assume(&mut self, step: &Step) -> u64 {
        match &step.kind {
            Kind::Parse { name, statement } => {
                self.names.prepared(name, Known { statement: statement.clone(), batch: Some(step.batch) })
            }
            Kind::Bind { portal, statement } => self.names.bound(portal, statement),
            Kind::CloseStatement(name) => {
                self.names.forget_statement(name);
                0
            }
            Kind::ClosePortal(name) => {
                self.names.forget_portal(name);
                0
            }
            Kind::Query(_) => {
                self.names.forget_unnamed();
                0
            }
            _ => 0,
        }
    }
}
