//! What the server says ("Message Flow", chapter 55.2 of PostgreSQL's manual).

use super::emit::Outcome;
use super::reply::{Failure, Reply, Tag, reply};
use super::session::{Framing, Phase, Postgres};
use super::set_up::encryption_request;
use super::step::{Kind, Step};
use super::wire::{HEADER, Head, head, server, server_may_send};
use crate::exchange::Window;
use crate::session::{Output, Reason};
use crate::stream::Stamp;

/// Whether a message with this tag may answer `kind`.
pub(super) fn fits(kind: &Kind, tag: u8) -> bool {
    use server::{
        AUTHENTICATION, BACKEND_KEY_DATA, BIND_COMPLETE, CLOSE_COMPLETE, COMMAND_COMPLETE, COPY_BOTH, COPY_DATA,
        COPY_DONE, COPY_IN, COPY_OUT, DATA_ROW, EMPTY_QUERY, ERROR, FUNCTION_RESULT, NEGOTIATE_VERSION, NO_DATA,
        PARAMETER_DESCRIPTION, PARSE_COMPLETE, PORTAL_SUSPENDED, READY, ROW_DESCRIPTION,
    };
    let copy = matches!(tag, COPY_IN | COPY_OUT | COPY_BOTH | COPY_DATA | COPY_DONE);
    tag == ERROR
        || match kind {
            Kind::Startup => matches!(tag, AUTHENTICATION | BACKEND_KEY_DATA | NEGOTIATE_VERSION | READY),
            Kind::Query(query) if query.failed => tag == READY,
            Kind::Query(_) => {
                copy || matches!(tag, ROW_DESCRIPTION | DATA_ROW | COMMAND_COMPLETE | EMPTY_QUERY | READY)
            }
            Kind::Execute(_) => copy || matches!(tag, DATA_ROW | COMMAND_COMPLETE | EMPTY_QUERY | PORTAL_SUSPENDED),
            Kind::Parse { .. } => tag == PARSE_COMPLETE,
            Kind::Bind { .. } => tag == BIND_COMPLETE,
            Kind::DescribeStatement(_) => matches!(tag, PARAMETER_DESCRIPTION | ROW_DESCRIPTION | NO_DATA),
            Kind::DescribePortal(_) => matches!(tag, ROW_DESCRIPTION | NO_DATA),
            Kind::CloseStatement(_) | Kind::ClosePortal(_) => tag == CLOSE_COMPLETE,
            Kind::Sync | Kind::Function(true) => tag == READY,
            Kind::Function(false) => tag == FUNCTION_RESULT,
            Kind::Encrypt | Kind::CopyEnd | Kind::Lost => false,
        }
}

/// Whether a command tag can be that of a statement that begins so. Only the commonest commands are compared.
fn agrees(tag: &Tag, text: Option<&str>) -> bool {
    let Some(text) = text else { return true };
    let Some(first) = text.as_bytes().get(..6) else { return true };
    let known = [&b"SELECT"[..], b"INSERT", b"UPDATE", b"DELETE"].iter().any(|word| first.eq_ignore_ascii_case(word));
    let ends = text.as_bytes().get(6).is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    !(known && ends) || tag.command.as_bytes().get(..6).is_some_and(|command| command.eq_ignore_ascii_case(first))
}

impl Postgres {
    /// Reads what the server said; `cut`: bytes are missing after what is there.
    pub(super) fn read_server(&mut self, cut: bool, out: &mut Output) {
        while !self.to_client.is_empty() && self.back == Framing::Known && self.phase != Phase::Over {
            if !self.read_reply(cut, out) {
                break;
            }
        }
        if self.phase == Phase::Over {
            self.to_client.clear();
        }
    }

    /// Steps at the head that nothing answers.
    pub(super) fn settle_head(&mut self, out: &mut Output) {
        while let Some(step) = self.pending.front() {
            match step.kind {
                Kind::CopyEnd => drop(self.pop()),
                Kind::Lost => {
                    let ready = self.ready;
                    self.set_adrift(Reason::LostRequest, out);
                    self.ready = ready;
                }
                _ => return,
            }
        }
    }

    fn read_reply(&mut self, cut: bool, out: &mut Output) -> bool {
        self.settle_head(out);
        let available = self.to_client.available();
        let stamp = self.to_client.front();
        if let (Some(Kind::Encrypt), Some(byte @ (b'S' | b'G' | b'N'))) =
            (self.pending.front().map(|step| &step.kind), available.first())
        {
            let (refused, tls) = (*byte == b'N', *byte == b'S');
            let last = self.to_client.consume(1);
            if let Some(step) = self.pop() {
                encryption_request(&step, !refused, None, last.last_ns, out);
            }
            if !refused {
                out.left = true;
                out.to_tls = tls;
                self.phase = Phase::Over;
            }
            return refused;
        }
        let header = match head(available) {
            Head::Complete(header) if server_may_send(header) => header,
            Head::Partial => return false,
            Head::Complete(_) | Head::Invalid => {
                self.set_adrift(Reason::LostResponse, out);
                self.lose_back(stamp, Reason::Malformed, out);
                return false;
            }
        };
        let body = available.get(HEADER..available.len().min(header.total())).unwrap_or_default();
        let reply = match reply(header, body, cut) {
            Reply::Wait => return false,
            Reply::Broken => {
                if !cut {
                    self.set_adrift(Reason::LostResponse, out);
                }
                self.lose_back(stamp, if cut { Reason::Resync } else { Reason::Malformed }, out);
                return false;
            }
            reply => reply,
        };
        let expected = match (&reply, self.pending.front()) {
            (Reply::Aside | Reply::Backslash(_), _) => None,
            (Reply::Failure(failure), None) if failure.is_fatal() => None,
            // Its request may come yet.
            (_, None) if !self.adrift => return false,
            (_, None) => None,
            (_, Some(step)) => {
                // Other servers than PostgreSQL describe the rows of a portal when it is executed.
                let described = header.tag == server::ROW_DESCRIPTION && matches!(step.kind, Kind::Execute(_));
                let fits = fits(&step.kind, header.tag) || described && !self.lossy;
                Some((stamp.last_ns >= step.request.first_ns, fits))
            }
        };
        let pos = self.to_client.position();
        let end = pos + header.total() as u64;
        self.to_client.skip(header.total() as u64);
        let last = self.to_client.last();
        if matches!(reply, Reply::Ready(_)) {
            let more = self.turns > 1;
            self.ready_within |= !self.to_client.is_empty() || !self.back_call;
            self.ready_at_end |= more && self.to_client.is_empty() && self.back_call;
        }
        match (reply, expected) {
            (Reply::Aside, _) => {}
            (Reply::Backslash(off), _) => self.backslash = off,
            (reply, None) => {
                self.names.passed(header.tag, &reply);
                self.ready = matches!(reply, Reply::Ready(_)).then_some(last.last_ns);
                if matches!(reply, Reply::Failure(failure) if failure.is_fatal()) {
                    self.phase = Phase::Over;
                }
            }
            // Said before the request was made: the answer to one that was not seen.
            (reply, Some((false, _))) => {
                if !self.proven {
                    self.set_adrift(Reason::LostResponse, out);
                }
                if matches!(reply, Reply::Ready(_) | Reply::Failure(_)) {
                    out.count(Reason::UnmatchedResponse);
                }
            }
            (reply, Some((true, false))) => {
                self.set_adrift(Reason::LostResponse, out);
                self.ready = matches!(reply, Reply::Ready(_)).then_some(last.last_ns);
            }
            (reply, Some((true, true))) => {
                self.response.get_or_insert_with(|| Window::open(pos, stamp));
                self.accept(header.tag, reply, end, last, out);
            }
        }
        true
    }

    fn accept(&mut self, tag: u8, reply: Reply, end: u64, last: Stamp, out: &mut Output) {
        self.ready = None;
        match (tag, reply) {
            (server::DATA_ROW, _) => self.rows = self.rows.map(|rows| rows + 1),
            (server::ROW_DESCRIPTION | server::NO_DATA, _) => {
                self.rows = Some(0);
                let described = |step: &Step| matches!(step.kind, Kind::DescribeStatement(_) | Kind::DescribePortal(_));
                if self.pending.front().is_some_and(described) {
                    self.pop();
                }
            }
            (server::PARSE_COMPLETE | server::BIND_COMPLETE | server::CLOSE_COMPLETE, _) => {
                if let Some(step) = self.pop() {
                    for _ in 0..self.assume(&step) {
                        out.count(Reason::CacheFull);
                    }
                }
            }
            (_, Reply::Ready(idle)) => {
                if let Some(Step { kind: Kind::Query(query), .. }) = self.pop() {
                    self.names.forget_unnamed();
                    // A server may answer several statements at once.
                    let unsaid = query.digest.total.filter(|_| !query.failed).unwrap_or(0).saturating_sub(query.done);
                    (0..unsaid).for_each(|_| out.count(Reason::LostResponse));
                }
                if idle {
                    self.names.forget_portals();
                }
                self.end_sign_in(None, last.last_ns, out);
                self.response = None;
                self.rows = Some(0);
                self.ready = Some(last.last_ns);
                if std::mem::take(&mut self.perhaps_ahead) {
                    self.habit.turn(true);
                }
                if self.trial == 0 && self.pending.is_empty() {
                    out.exchanges.append(&mut self.held);
                }
            }
            (_, Reply::Authentication(method, granted)) => self.challenge(method, granted),
            (_, Reply::Failure(failure)) => self.fail(failure, end, last, out),
            (_, Reply::Complete(tag)) => self.complete(Some(tag), None, end, last, out),
            (server::EMPTY_QUERY, _) => self.complete_empty(end, last, out),
            (server::FUNCTION_RESULT, _) => self.complete(None, None, end, last, out),
            (server::PORTAL_SUSPENDED, _) => self.complete(None, self.rows, end, last, out),
            (server::COPY_IN, _) => self.begin_copy_in(),
            (server::COPY_BOTH, _) => {
                out.left = true;
                self.phase = Phase::Over;
            }
            // Keys, parameter descriptions, COPY data: nothing to remember.
            _ => {}
        }
    }

    /// The execution at the head succeeded.
    pub(super) fn complete(&mut self, tag: Option<Tag>, rows: Option<u64>, end: u64, last: Stamp, out: &mut Output) {
        self.copy_in = false;
        let Some(mut step) = self.pop() else { return };
        if let Kind::Query(query) = &mut step.kind {
            query.settle(last);
            if query.digest.total.is_some_and(|total| query.done >= total.max(1)) {
                // Another server than PostgreSQL: more results than statements.
                self.response = None;
                self.put_back(step);
                return;
            }
        }
        let about = self.about(&step);
        let text = about.statement.as_ref().map(|statement| &*statement.text);
        if let Some(tag) = &tag {
            if agrees(tag, text) {
                self.oddity.right(&tag.command);
            } else if !self.lossy {
                // No other request can be the cause of it: the server has tags of its own.
                self.oddity.certain();
            } else if !self.oddity.wrong(&tag.command) {
                // Paired with the wrong request after a loss that could not be noticed.
                self.put_back(step);
                self.set_adrift(Reason::LostResponse, out);
                return;
            }
            if matches!(tag.command.as_bytes().first(), Some(b'D' | b'P')) {
                self.names.after_command(&tag.command, text);
            }
        }
        if tag.as_ref().is_some_and(|tag| &*tag.command == "IDENTIFY_SYSTEM") {
            // Only a replication connection takes that.
            out.left = true;
            self.phase = Phase::Over;
            return;
        }
        let outcome = tag.map_or(Outcome { rows, ..Outcome::default() }, Outcome::from);
        self.answer(about, outcome, end, last, out);
        match &mut step.kind {
            Kind::Query(query) => query.done += 1,
            Kind::Function(done) => *done = true,
            _ => return,
        }
        self.put_back(step);
    }

    /// The statement at the head is empty.
    fn complete_empty(&mut self, end: u64, last: Stamp, out: &mut Output) {
        self.empty = true;
        self.complete(None, None, end, last, out);
        self.empty = false;
    }

    fn put_back(&mut self, step: Step) {
        self.turns += usize::from(step.ends_turn());
        self.weight += step.weight();
        self.pending.push_front(step);
    }

    /// The step at the head failed.
    pub(super) fn fail(&mut self, failure: Failure, end: u64, last: Stamp, out: &mut Output) {
        self.copy_in = false;
        let Some(mut step) = self.pop() else { return };
        let fatal = failure.is_fatal();
        let executes = |step: &Step| matches!(step.kind, Kind::Execute(_));
        let batch = step.batch;
        let same = |step: &&Step| step.batch == batch && executes(step);
        let several = self.held_batch == Some(batch) || self.pending.iter().filter(same).count() > 1;
        if !self.proven && several && !step.ends_turn() {
            // What is skipped hides whether a part of the batch was missed before the first of it was seen.
            self.put_back(step);
            return self.set_adrift(Reason::LostResponse, out);
        }
        let mut known = true;
        if let Kind::Query(query) = &mut step.kind {
            query.settle(last);
            known = query.locate(failure.code.as_deref(), failure.position);
        }
        let finished = matches!(&step.kind, Kind::Query(query) if query.digest.total.is_some_and(|total| total > 0 && query.done >= total));
        let mut about = self.about(&step);
        if !known {
            about.statement = None;
        }
        match &mut step.kind {
            Kind::Query(query) => {
                query.failed = true;
                self.put_back(step);
            }
            Kind::Function(done) => {
                *done = true;
                self.put_back(step);
            }
            // A failed commit of what ran before it: ReadyForQuery follows.
            Kind::Sync => self.put_back(step),
            Kind::Encrypt | Kind::Startup => {
                let error = failure.code.clone().unwrap_or_else(|| "_OTHER".into());
                if matches!(step.kind, Kind::Encrypt) {
                    encryption_request(&step, false, Some(error), last.last_ns, out);
                } else {
                    self.end_sign_in(Some(error), last.last_ns, out);
                }
            }
            kind => {
                if matches!(kind, Kind::Parse { name, .. } if name.is_empty()) {
                    self.names.forget_statement(b"");
                }
                if let Some(whole) = self.skip_to_sync(step.request.pos) {
                    about.request = whole;
                }
            }
        }
        if finished {
            self.response = None;
        } else {
            self.answer(about, failure.into(), end, last, out);
        }
        if fatal {
            out.exchanges.append(&mut self.held);
            self.pending.clear();
            (self.turns, self.weight) = (0, 0);
            self.phase = Phase::Over;
        }
    }

    /// The server ignores what is left of the batch. Returns the request that began at `pos`, if its Execute is there.
    fn skip_to_sync(&mut self, pos: u64) -> Option<Window> {
        let mut whole = None;
        while let Some(step) = self.pending.front() {
            match step.kind {
                Kind::Sync | Kind::Lost => return whole,
                Kind::Execute(_) if step.request.pos == pos => whole = Some(step.request),
                _ => {}
            }
            self.pop();
        }
        self.skipping = true;
        whole
    }

    /// The server takes CopyData from here on, and ignores each Sync up to the end of the data.
    fn begin_copy_in(&mut self) {
        let end = self.pending.iter().position(|step| matches!(step.kind, Kind::CopyEnd));
        let simple = self.pending.front().is_some_and(|step| matches!(step.kind, Kind::Query(_)));
        self.copy_in = end.is_none();
        if simple {
            return;
        }
        let end = end.unwrap_or(self.pending.len());
        let mut index = 0;
        self.pending.retain(|step| {
            index += 1;
            index > end || !matches!(step.kind, Kind::Sync)
        });
        self.turns = self.pending.iter().filter(|step| step.ends_turn()).count();
    }
}
