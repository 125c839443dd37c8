//! The end of a response, found without its beginning.
//!
//! The capture keeps the last bytes of each call, so the end of a result of many megabytes is visible when its middle is
//! not: the server flushes after ReadyForQuery, hence a call that ends with it ended a response.

use super::back::fits;
use super::reply::{Failure, Tag, command_tag, failure};
use super::session::{Framing, Postgres};
use super::step::{Kind, Step};
use super::wire::{HEADER, Head, head, int32, server, server_may_send};
use crate::session::{Output, Reason};
use crate::stream::Chunk;

/// Bytes that are kept from the end of a call.
const KEPT: usize = 1024;
/// Bytes of ReadyForQuery.
const READY: usize = HEADER + 1;

/// How a response ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Complete(Tag),
    Failure(Failure),
    Suspended,
    /// ReadyForQuery alone is certain.
    Unknown,
}

/// Whether `bytes` end with ReadyForQuery, and what was before it.
fn end(bytes: &[u8]) -> Option<End> {
    let (before, ready) = bytes.split_at_checked(bytes.len().checked_sub(READY)?)?;
    if !matches!(ready, [server::READY, 0, 0, 0, 5, b'I' | b'T' | b'E']) {
        return None;
    }
    for at in (0..before.len().saturating_sub(HEADER - 1)).rev() {
        let (Some(tag), Some(rest)) = (before.get(at), before.get(at + 1..)) else { break };
        if int32(rest).is_none_or(|(length, _)| length as usize != rest.len()) {
            continue;
        }
        let body = rest.get(4..).unwrap_or_default();
        match *tag {
            server::COMMAND_COMPLETE => {
                if let Some(tag) = command_tag(body) {
                    return Some(End::Complete(tag));
                }
            }
            server::ERROR => {
                if let Some(failure) = failure(body, true).filter(|failure| failure.code.is_some()) {
                    return Some(End::Failure(failure));
                }
            }
            server::PORTAL_SUSPENDED if body.is_empty() => return Some(End::Suspended),
            _ => {}
        }
    }
    Some(End::Unknown)
}

/// Whether `bytes` are messages of the server from the first byte on, the last of which may be cut.
fn is_chain(mut bytes: &[u8]) -> bool {
    loop {
        match head(bytes) {
            Head::Complete(header) if server_may_send(header) => match bytes.get(header.total()..) {
                Some(rest) if !rest.is_empty() => bytes = rest,
                _ => return true,
            },
            Head::Partial => return true,
            _ => return false,
        }
    }
}

impl Postgres {
    /// Before a chunk of the server is taken: is it known where its first message begins? If not, the chunk is used
    /// up here.
    pub(super) fn sync_back(&mut self, begins: bool, chunk: &Chunk<'_>, out: &mut Output) -> bool {
        if self.back == Framing::Known {
            return true;
        }
        if self.back == Framing::Await {
            if let Some(step) = self.pending.front() {
                if chunk.stamp.last_ns < step.request.first_ns {
                    return false;
                }
                let tag = chunk.bytes.first().copied().unwrap_or(0);
                let aside = matches!(tag, server::NOTICE | server::NOTIFICATION | server::PARAMETER_STATUS);
                if begins && chunk.bytes.len() >= HEADER && is_chain(chunk.bytes) && (aside || fits(&step.kind, tag)) {
                    self.back = Framing::Known;
                    self.to_client.clear();
                    return true;
                }
                // What answers it began before: not its answer, or not the beginning of it.
                self.set_adrift(Reason::LostResponse, out);
            }
            self.back = Framing::Lost;
        }
        self.keep(chunk);
        if let Some(end) = end(self.to_client.available()).filter(|_| chunk.ends_call) {
            self.to_client.clear();
            self.back = Framing::Known;
            self.ended(end, chunk, out);
            self.ends_missed = false;
        }
        false
    }

    fn keep(&mut self, chunk: &Chunk<'_>) {
        let from = chunk.bytes.len().saturating_sub(KEPT);
        let bytes = chunk.bytes.get(from..).unwrap_or_default();
        let held = self.to_client.available().len();
        if from > 0 || held > KEPT {
            self.to_client.clear();
        }
        // Fits: at most twice what is kept.
        let _ = self.to_client.push(&Chunk { pos: chunk.pos + from as u64, bytes, ..*chunk });
    }

    /// A response ended with this chunk. It is that of the only request, or nobody knows whose.
    fn ended(&mut self, end: End, chunk: &Chunk<'_>, out: &mut Output) {
        let ready = Some(chunk.stamp.last_ns);
        let last = chunk.stamp;
        // A server that sends with each ReadyForQuery, none of whose calls is missing: this is the first since the loss.
        let first = !self.ends_missed && self.ready_at_end && !self.ready_within;
        let alone = self.turns == 1 && self.pending.back().is_some_and(Step::ends_turn);
        let turn = self.pending.iter().position(Step::ends_turn).map_or(0, |at| at + 1);
        let later = self.pending.len() - turn;
        let asked = || self.pending.iter().take(turn);
        let single = (alone || first && turn > 0)
            && self.pending.front().is_some_and(|step| step.request.first_ns <= last.last_ns);
        let open = asked().any(Step::is_open);
        let executions: u64 = if open { 0 } else { asked().map(Step::executions).sum() };
        if self.adrift || self.pending.is_empty() || !single {
            if !self.adrift {
                self.set_adrift(Reason::LostResponse, out);
            }
            self.ready = ready;
            return;
        }
        // ReadyForQuery is not part of the execution's own response.
        let before = (chunk.pos + chunk.bytes.len() as u64).saturating_sub(READY as u64);
        let executing = matches!(self.pending.front(), Some(Step { kind: Kind::Query(_) | Kind::Execute(_), .. }));
        if executions == 1 && matches!(end, End::Complete(_) | End::Suspended) {
            // That it was executed says that all before it succeeded.
            while self.pending.front().is_some_and(|step| step.executions() == 0) {
                if let Some(step) = self.pop() {
                    self.assume(&step);
                }
            }
        }
        match end {
            End::Complete(tag) if executions == 1 => self.complete(Some(tag), None, before, last, out),
            End::Suspended if executions == 1 => self.complete(None, None, before, last, out),
            End::Failure(failure) if executions == 1 && executing => self.fail(failure, before, last, out),
            _ if later > 0 => {
                (0..executions.max(1)).for_each(|_| out.count(Reason::LostResponse));
                self.drop_held(Reason::LostResponse, out);
                while self.pending.len() > later {
                    let Some(step) = self.pop() else { break };
                    self.doubt(&step);
                }
            }
            _ => {
                self.set_adrift(Reason::LostResponse, out);
            }
        }
        // Whatever it was, it was the answer to all that was asked in this turn.
        while self.pending.len() > later {
            self.pop();
        }
        if self.trial == 0 && self.pending.is_empty() {
            out.exchanges.append(&mut self.held);
        }
        self.adrift = false;
        self.skipping = false;
        self.response = None;
        self.rows = Some(0);
        self.ready = ready;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends() {
        assert_eq!(
            end(b"xxC\0\0\0\x0dSELECT 7\0Z\0\0\0\x05I"),
            Some(End::Complete(Tag { command: "SELECT".into(), rows: Some(7) }))
        );
        assert_eq!(end(b"xxC\0\0\0\x0eSELECT 7\0Z\0\0\0\x05I"), Some(End::Unknown));
        assert_eq!(end(b"s\0\0\0\x04Z\0\0\0\x05T"), Some(End::Suspended));
        assert!(matches!(end(b"row E\0\0\0\x13SERROR\0C22012\0\0Z\0\0\0\x05E"), Some(End::Failure(_))));
        assert_eq!(end(b"Z\0\0\0\x05X"), None);
        assert_eq!(end(b"\0\0\x05I"), None);
    }
}
