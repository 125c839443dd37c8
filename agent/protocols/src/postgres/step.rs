//! What the client asked for and the server has yet to answer, in order.

use crate::exchange::Window;
use crate::sql::{Digest, Statement};
use crate::stream::{Actor, Stamp};
use std::sync::Arc;

/// A name on the wire.
pub(super) type Name = Box<[u8]>;

/// One message of the client that the server answers.
#[derive(Debug)]
pub(super) struct Step {
    pub kind: Kind,
    /// From the first byte of the messages that lead to this one (Parse and Bind of an Execute) to its last.
    pub request: Window,
    pub actor: Actor,
    /// Serial number of its batch (of what ends with one Sync).
    pub batch: u64,
    /// Executions in the batch, once its end was seen; else 0.
    pub batch_size: u32,
}

/// What kind of message, and what its answer needs.
#[derive(Debug)]
pub(super) enum Kind {
    /// SSLRequest or GSSENCRequest: one byte answers.
    Encrypt,
    /// Start-up: ends with ReadyForQuery, or an error.
    Startup,
    /// Simple query: ends with ReadyForQuery.
    Query(Box<Query>),
    /// Ends with ParseComplete.
    Parse {
        /// Name of the statement.
        name: Name,
        /// Its text, if it was there.
        statement: Option<Arc<Statement>>,
    },
    /// Ends with BindComplete.
    Bind {
        /// Name of the portal.
        portal: Name,
        /// Name of the statement.
        statement: Name,
    },
    /// Ends with RowDescription or NoData.
    DescribeStatement(Name),
    /// Ends with RowDescription or NoData.
    DescribePortal(Name),
    /// Ends with CommandComplete, EmptyQueryResponse or PortalSuspended.
    Execute(Name),
    /// Ends with CloseComplete.
    CloseStatement(Name),
    /// Ends with CloseComplete.
    ClosePortal(Name),
    /// Ends with ReadyForQuery.
    Sync,
    /// Function call: its result came (or an error) if true; ends with ReadyForQuery.
    Function(bool),
    /// CopyDone or CopyFail that came before the server's CopyInResponse was seen. Not answered itself.
    CopyEnd,
    /// Bytes of the client were lost here: what they asked for is unknown.
    Lost,
}

/// A simple query and how far it got.
#[derive(Debug)]
pub(super) struct Query {
    pub digest: Digest,
    /// Statements that are done.
    pub done: usize,
    /// When the current statement started to run.
    pub started_ns: u64,
    /// When and with which call the last one ended.
    pub ended: Option<Stamp>,
    /// One failed: the rest never runs.
    pub failed: bool,
    /// Bytes that it holds, about.
    pub weight: usize,
}

impl Step {
    /// Whether ReadyForQuery answers it.
    pub fn ends_turn(&self) -> bool {
        matches!(self.kind, Kind::Query(_) | Kind::Sync | Kind::Function(_) | Kind::Startup | Kind::Encrypt)
    }

    /// How many executions, of those that are certain, wait in it.
    pub fn executions(&self) -> u64 {
        match &self.kind {
            Kind::Query(query) if !query.failed => match query.digest.total {
                Some(total) => total.saturating_sub(query.done) as u64,
                None => u64::from(query.done == 0),
            },
            Kind::Execute(_) | Kind::Function(false) => 1,
            _ => 0,
        }
    }

    /// Bytes of texts and names that it holds, about.
    pub fn weight(&self) -> usize {
        match &self.kind {
            Kind::Query(query) => query.weight,
            Kind::Parse { name, statement } => {
                name.len() + statement.as_ref().map_or(0, |statement| 128 + 2 * statement.text.len())
            }
            Kind::Bind { portal, statement } => portal.len() + statement.len(),
            Kind::DescribeStatement(name)
            | Kind::DescribePortal(name)
            | Kind::Execute(name)
            | Kind::CloseStatement(name)
            | Kind::ClosePortal(name) => name.len(),
            _ => 0,
        }
    }

    /// Whether there may be more executions in it than are certain.
    pub fn is_open(&self) -> bool {
        matches!(&self.kind, Kind::Query(query) if query.digest.total.is_none())
    }

    /// The part of a simple query's message that is the current statement. Together they are the whole message.
    pub fn piece(&self, query: &Query) -> Window {
        let header = super::wire::HEADER as u64;
        let before = query.done.checked_sub(1).and_then(|last| query.digest.pieces.get(last));
        let from = before.map_or(0, |piece| piece.end as u64 + header).min(self.request.bytes);
        let last = query.done + 1 >= query.digest.pieces.len();
        let here = query.digest.pieces.get(query.done).filter(|_| !last);
        let to = here.map_or(self.request.bytes, |piece| piece.end as u64 + header).clamp(from, self.request.bytes);
        Window {
            first_ns: query.started_ns,
            last_ns: self.request.last_ns.max(query.started_ns),
            pos: self.request.pos + from,
            bytes: to - from,
            arrived_ns: if query.done == 0 { self.request.arrived_ns } else { 0 },
        }
    }
}

impl Query {
    pub fn new(digest: Digest) -> Self {
        let weight = digest.pieces.iter().map(|piece| 256 + 2 * piece.statement.text.len()).sum();
        Self { digest, done: 0, started_ns: 0, ended: None, failed: false, weight }
    }

    /// The statement that is running, if its text was there.
    pub fn current(&self) -> Option<&Arc<Statement>> {
        self.digest.pieces.get(self.done).map(|piece| &piece.statement)
    }

    /// Number of statements, if more than one.
    pub fn batch_size(&self) -> Option<u32> {
        self.digest.total.filter(|total| *total > 1).and_then(|total| u32::try_from(total).ok())
    }

    /// The current statement ended at `stamp`: decides when it began, which is where the one before it ended. What
    /// passed in one call cannot be told apart in time: then both have the time that the client waited for both.
    pub fn settle(&mut self, stamp: Stamp) {
        if let Some(ended) = self.ended.filter(|ended| !ended.same_call(&stamp)) {
            self.started_ns = ended.last_ns;
        }
        self.ended = Some(stamp);
    }

    /// An error came before anything else. The server reads all statements before it runs the first, so a syntax error
    /// may be in any: its position tells which. False if it does not.
    pub fn locate(&mut self, code: Option<&str>, position: Option<usize>) -> bool {
        if self.done > 0 || code != Some("42601") || self.digest.total == Some(1) {
            return true;
        }
        let found = position
            .filter(|_| self.digest.ascii)
            .and_then(|position| self.digest.pieces.iter().position(|piece| position <= piece.end));
        self.done = found.unwrap_or(0);
        found.is_some()
    }
}
