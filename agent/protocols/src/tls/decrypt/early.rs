//! Data that a client sends before the server has answered (0-RTT; RFC 8446, section 4.2.10).

use super::super::message::END_OF_EARLY_DATA;
use super::super::record::{APPLICATION_DATA, HANDSHAKE};
use super::frame::Frame;
use super::keys::Keys;
use super::records::{Records, Step};
use super::tell;
use crate::session::Output;

/// Records of early data.
pub(super) struct Early {
    keys: Keys,
    /// Number of the next.
    number: u64,
}

impl Early {
    pub fn new(keys: Keys) -> Self {
        Self { keys, number: 0 }
    }
}

impl Records {
    /// Takes in a record if it is one of early data; `None` if it is not. A server may have refused them.
    pub fn early_data(&mut self, frame: &Frame<'_>, out: &mut Output) -> Option<Step> {
        if self.is_proved() {
            self.early = None;
        }
        let early = self.early.as_mut()?;
        let start = out.plain.bytes.len();
        let overhead = early.keys.suite().overhead().unwrap_or(0);
        let pos = frame.pos.saturating_sub(overhead * early.number);
        if let Some((at, _)) = frame.hole {
            if early.number == 0 {
                return None;
            }
            let (head, tail) = frame.bytes.split_at(at);
            let torn = early.keys.open_torn(early.number, head, tail, frame.total(), &mut out.plain.bytes)?;
            if torn.kind == Some(APPLICATION_DATA) {
                early.number += 1;
                self.tell_torn(frame, pos, &torn, start, out);
                return Some(Step::Done);
            }
            out.plain.bytes.truncate(start);
            return None;
        }
        let kind = early.keys.open(early.number, frame.bytes, &mut out.plain.bytes)?;
        early.number += 1;
        if kind == APPLICATION_DATA {
            tell::shown(&mut out.plain, self.direction, pos, start, frame.stamp, frame.ends_call);
        } else {
            if kind == HANDSHAKE && out.plain.bytes.get(start) == Some(&END_OF_EARLY_DATA) {
                self.early = None;
            }
            out.plain.bytes.truncate(start);
        }
        Some(Step::Done)
    }
}
