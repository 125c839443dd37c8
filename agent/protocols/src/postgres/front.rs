//! What the client says ("Message Flow", chapter 55.2 of PostgreSQL's manual).

use super::pairing::MAX_PENDING;
use super::probe;
use super::session::{Framing, Phase, Postgres};
use super::startup::{MAX_PACKET, Opening, Packet, opening};
use super::step::{Kind, Query, Step};
use super::wire::{HEADER, Head, Header, MAX_NAME, client, client_may_send, cstr, head};
use crate::exchange::Window;
use crate::session::{Output, Reason};
use crate::sql::{Reading, digest, statement};
use crate::stream::{Chunk, Inbox};
use std::sync::Arc;

/// Bytes of a statement's text that are looked at.
const MAX_QUERY: usize = 32 * 1024;

/// The next message of the client.
enum Next {
    /// It asks for an answer.
    Ask(Kind),
    /// It asks for none.
    Quiet,
    /// More bytes are needed.
    Wait,
    /// It is not what it seemed.
    Broken,
}

/// Reads the message at the front of `inbox`, of which `body` is what is there; `cut`: no more of it will come.
fn next(header: Header, body: &[u8], cut: bool, backslash: bool) -> Next {
    let whole = body.len() == header.body;
    let wait = |enough: bool, needed: usize| !enough && body.len() < header.body.min(needed) && !cut;
    let name = |at: usize| body.get(at..).and_then(cstr).map(|(name, _)| Box::from(name));
    match header.tag {
        client::QUERY => {
            if wait(false, MAX_QUERY) {
                return Next::Wait;
            }
            let (text, complete) = text(body, whole);
            let digest = digest(text, Reading { complete, backslash });
            Next::Ask(Kind::Query(Box::new(Query::new(digest))))
        }
        client::PARSE => {
            let named = cstr(body);
            let ended = named.is_some_and(|(_, rest)| cstr(rest).is_some());
            if wait(ended, MAX_NAME + MAX_QUERY) {
                return Next::Wait;
            }
            let Some((name, rest)) = named else { return Next::Broken };
            let (text, complete) = text(rest, ended);
            let statement = Some(Arc::new(statement(text, Reading { complete, backslash })));
            Next::Ask(Kind::Parse { name: name.into(), statement })
        }
        client::BIND => {
            let names = cstr(body).and_then(|(portal, rest)| cstr(rest).map(|(statement, _)| (portal, statement)));
            if wait(names.is_some(), 2 * MAX_NAME) {
                return Next::Wait;
            }
            let Some((portal, statement)) = names else { return Next::Broken };
            Next::Ask(Kind::Bind { portal: portal.into(), statement: statement.into() })
        }
        client::EXECUTE => {
            let portal = name(0);
            if wait(portal.is_some(), MAX_NAME) {
                return Next::Wait;
            }
            portal.map_or(Next::Broken, |portal| Next::Ask(Kind::Execute(portal)))
        }
        client::DESCRIBE | client::CLOSE => {
            let named = name(1);
            if wait(named.is_some(), MAX_NAME) {
                return Next::Wait;
            }
            match (header.tag, body.first(), named) {
                (client::DESCRIBE, Some(b'S'), Some(name)) => Next::Ask(Kind::DescribeStatement(name)),
                (client::DESCRIBE, Some(b'P'), Some(name)) => Next::Ask(Kind::DescribePortal(name)),
                (client::CLOSE, Some(b'S'), Some(name)) => Next::Ask(Kind::CloseStatement(name)),
                (client::CLOSE, Some(b'P'), Some(name)) => Next::Ask(Kind::ClosePortal(name)),
                _ => Next::Broken,
            }
        }
        client::SYNC => Next::Ask(Kind::Sync),
        client::FUNCTION_CALL => Next::Ask(Kind::Function(false)),
        client::COPY_DONE | client::COPY_FAIL => Next::Ask(Kind::CopyEnd),
        _ => Next::Quiet,
    }
}

/// The text at the beginning of `bytes`, up to its NUL; and whether it ends there, rather than is cut.
fn text(bytes: &[u8], ended: bool) -> (&[u8], bool) {
    match cstr(bytes) {
        Some((text, _)) if text.len() <= MAX_QUERY => (text, ended),
        _ => (bytes.get(..MAX_QUERY).unwrap_or(bytes), false),
    }
}

impl Postgres {
    /// Before a chunk of the client is taken: is it known where its first message begins?
    pub(super) fn sync_front(&mut self, begins: bool, chunk: &Chunk<'_>) -> bool {
        if self.front != Framing::Lost {
            return true;
        }
        if begins && probe::client_call(chunk.bytes) {
            self.front = Framing::Known;
            self.to_server = Inbox::new(super::session::CAPACITY);
            return true;
        }
        self.ready = None;
        false
    }

    /// Reads what the client said; `cut`: bytes are missing after what is there.
    pub(super) fn read_client(&mut self, cut: bool, out: &mut Output) {
        self.stretch();
        while !self.to_server.is_empty() && self.front == Framing::Known {
            let going = match self.phase {
                Phase::Opening => self.read_opening(out),
                Phase::Messages => self.read_message(cut, out),
                Phase::Over => false,
            };
            if !going {
                break;
            }
        }
        if self.phase == Phase::Over {
            self.to_server.clear();
        }
    }

    fn read_opening(&mut self, out: &mut Output) -> bool {
        let (packet, total) = match opening(self.to_server.available()) {
            Opening::Complete(packet, total) => (packet, total),
            Opening::Partial => return false,
            Opening::Invalid => {
                out.count(Reason::Malformed);
                out.left = true;
                self.phase = Phase::Over;
                return false;
            }
        };
        debug_assert!(total <= MAX_PACKET as usize);
        let (mut request, first) = self.window();
        let last = self.to_server.consume(total);
        request.extend(self.to_server.position(), last);
        let kind = match packet {
            Packet::Encrypt => Kind::Encrypt,
            Packet::Cancel => {
                self.phase = Phase::Over;
                return false;
            }
            Packet::Startup(parameters) if parameters.replication => {
                out.left = true;
                self.phase = Phase::Over;
                return false;
            }
            Packet::Startup(parameters) => {
                self.user = parameters.user.map(Arc::from);
                self.database = parameters.database.map(Arc::from).or_else(|| self.user.clone());
                self.phase = Phase::Messages;
                self.begin_sign_in(request.first_ns, first.actor);
                Kind::Startup
            }
        };
        self.ask(Step { kind, request, actor: first.actor, batch: self.batch, batch_size: 0 }, out);
        true
    }

    fn window(&self) -> (Window, crate::stream::Stamp) {
        let first = self.to_server.front();
        (Window::open(self.to_server.position(), first), first)
    }

    fn read_message(&mut self, cut: bool, out: &mut Output) -> bool {
        let available = self.to_server.available();
        let header = match head(available) {
            Head::Complete(header) if client_may_send(header) => header,
            Head::Partial => return false,
            Head::Complete(_) | Head::Invalid => {
                let stamp = self.to_server.front();
                self.lose_front(stamp, Reason::Malformed, out);
                return false;
            }
        };
        let body = available.get(HEADER..available.len().min(header.total())).unwrap_or_default();
        let kind = match next(header, body, cut, self.backslash) {
            Next::Ask(kind) => Some(kind),
            Next::Quiet => {
                if header.tag == client::PASSWORD {
                    self.authenticate();
                }
                None
            }
            Next::Wait => return false,
            Next::Broken => {
                let stamp = self.to_server.front();
                self.lose_front(stamp, if cut { Reason::LostRequest } else { Reason::Malformed }, out);
                return false;
            }
        };
        let (own, first) = self.window();
        let end = own.pos + header.total() as u64;
        let there = self.to_server.skip(header.total() as u64);
        let last = self.to_server.last();
        if let Some(kind) = kind {
            self.message(kind, own, first, end, last, out);
            self.stretching = !there;
        }
        self.first_in_call = false;
        true
    }

    fn message(
        &mut self,
        kind: Kind,
        own: Window,
        first: crate::stream::Stamp,
        end: u64,
        last: crate::stream::Stamp,
        out: &mut Output,
    ) {
        let (mut request, mut actor) = (own, first.actor);
        match &kind {
            Kind::Parse { .. } | Kind::Bind { .. } | Kind::DescribeStatement(_) | Kind::DescribePortal(_) => {
                let (pos, stamp) = *self.group.get_or_insert((own.pos, first));
                (request, actor) = (Window::open(pos, stamp), stamp.actor);
            }
            Kind::Execute(_) => {
                let (pos, stamp) = self.group.take().unwrap_or((own.pos, first));
                (request, actor) = (Window::open(pos, stamp), stamp.actor);
                self.executes = self.executes.saturating_add(1);
            }
            Kind::Sync | Kind::Query(_) | Kind::Function(_) => self.group = None,
            Kind::CopyEnd => {
                // Only a CopyInResponse that is still on its way makes it worth remembering.
                let early = !std::mem::take(&mut self.copy_in) && !self.adrift && !self.pending.is_empty();
                if early && self.pending.len() < MAX_PENDING {
                    request.extend(end, last);
                    self.pending.push_back(Step { kind, request, actor, batch: self.batch, batch_size: 0 });
                }
                return;
            }
            _ => {}
        }
        if matches!(kind, Kind::Sync) && self.copy_in {
            return;
        }
        request.extend(end, last);
        let mut step = Step { kind, request, actor, batch: self.batch, batch_size: 0 };
        match &mut step.kind {
            Kind::Query(query) => query.started_ns = request.first_ns,
            Kind::Sync => {
                let (size, batch) = (std::mem::take(&mut self.executes), self.batch);
                if size > 1 {
                    self.pending
                        .iter_mut()
                        .rev()
                        .take_while(|step| step.batch == batch)
                        .for_each(|step| step.batch_size = size);
                }
                self.batch += 1;
            }
            _ => {}
        }
        self.ask(step, out);
    }

    /// The rest of a message that was longer than what was looked at has passed.
    pub(super) fn stretch(&mut self) {
        if self.stretching && !self.to_server.is_skipping() {
            self.stretching = false;
            let (end, last_ns) = (self.to_server.position(), self.to_server.last().last_ns);
            if let Some(step) = self.pending.back_mut().filter(|step| step.request.pos + step.request.bytes >= end) {
                step.request.last_ns = step.request.last_ns.max(last_ns);
            }
        }
    }
}
