//! Turns of a connection that the programs leave out to save work: which ones may be, and what is missing then.

use super::{Connection, Stage};
use crate::event::{Data, Flow};
use wirespan_protocols::session::{Output, Shedding};
use wirespan_protocols::stream::Stamp;

/// Time after which the programs are told again what they did not seem to learn, ns.
const TELL_AGAIN_NS: u64 = 2_000_000_000;

impl<T> Connection<T> {
    /// Which of its turns may be left out to save work, as far as the programs have to know: what they were told last.
    #[must_use]
    pub fn shedding(&self) -> Shedding {
        self.shedding
    }

    /// A call was taken in. Whether the programs are to be told that turns may be left out: once, and again now and then while
    /// it does not seem to have arrived.
    pub(in crate::conn) fn allows_shedding(&mut self, data: &Data<'_>) -> bool {
        let Stage::Following(_, session) = &self.stage else { return false };
        if data.shed.rejected > 0 || data.last_ns < self.shedding_due_ns {
            return false;
        }
        self.shedding = session.shedding();
        let allows = self.shedding != Shedding::Never;
        if allows {
            self.shedding_due_ns = data.last_ns.saturating_add(TELL_AGAIN_NS);
        }
        allows
    }

    /// Passes over whole turns that were left out.
    pub(super) fn skip(&mut self, flow: Flow, len: u64, stamp: Stamp, out: &mut Output) {
        let direction = self.direction(flow);
        match (&mut self.stage, direction) {
            (Stage::Following(_, session), Some(direction)) => {
                session.skip(direction, len, stamp, out);
                self.follow_up(out);
            }
            _ => self.gap(flow, len, stamp, out),
        }
    }
}
