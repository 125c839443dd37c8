//! How a connection ends, or is given up; and what time decides.

use super::{Connection, Stage};
use crate::event::{Change, Flow};
use wirespan_protocols::session::{Close, Output, Reason};

impl<T> Connection<T> {
    /// Takes in a change of state; true when the connection is over.
    pub(in crate::conn) fn change(&mut self, change: Change, at_ns: u64, out: &mut Output) -> bool {
        self.last_ns = self.last_ns.max(at_ns);
        let (sent, received) = (self.direction_or_guess(Flow::Sent), self.direction_or_guess(Flow::Received));
        let over = change.is_end();
        if let Stage::Detecting(detection) = &self.stage
            && over
            && detection.has_request()
        {
            out.count(Reason::Unproven);
        }
        if let Stage::Following(_, session) = &mut self.stage {
            match change {
                Change::SentFin | Change::Closed => {
                    if let Some(direction) = sent {
                        session.half_close(direction, at_ns, out);
                    }
                }
                Change::ReceivedFin => {
                    if let Some(direction) = received {
                        session.half_close(direction, at_ns, out);
                    }
                }
                Change::Unseen => session.abandon(Reason::Forgotten, out),
                Change::ResetByPeer | Change::ResetBySelf | Change::Failed => {}
            }
            if over {
                let how = if change.is_reset() { Close::Reset } else { Close::Orderly };
                session.close(how, at_ns, out);
            }
        }
        self.follow_up(out);
        if let Some(inside) = &mut self.inside {
            inside.change(change, at_ns, out);
        }
        over
    }

    /// Nothing more will be told of it: counts the requests that are under way.
    pub(in crate::conn) fn abandon(&mut self, reason: Reason, out: &mut Output) {
        match &mut self.stage {
            Stage::Following(_, session) => session.abandon(reason, out),
            Stage::Detecting(detection) if detection.has_request() => out.count(reason),
            Stage::Detecting(_) | Stage::Ignored { .. } => {}
        }
        self.follow_up(out);
        if let Some(inside) = &mut self.inside {
            inside.abandon(reason, out);
        }
    }

    /// Decides what a silence of `limit_ns` decides, or a shorter one where a protocol's clients do not wait so long.
    pub(in crate::conn) fn expire(&mut self, now_ns: u64, limit_ns: u64, out: &mut Output) {
        if let Stage::Following(_, session) = &mut self.stage {
            session.rest(now_ns, out);
            session.expire(now_ns.saturating_sub(limit_ns.min(session.patience_ns())), out);
        }
        self.follow_up(out);
        if let Some(inside) = &mut self.inside {
            inside.expire(now_ns, limit_ns, out);
        }
    }
}
