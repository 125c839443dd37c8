//! How much of a connection's bytes is copied.

use wirespan_protocols::session::BEFORE_KNOWN;

use super::{Connection, Stage};

impl<T> Connection<T> {
    /// Payload bytes per turn that its understanding needs, when that is not the default.
    #[must_use]
    pub fn budget(&self) -> Option<u32> {
        match &self.stage {
            Stage::Detecting(_) => self.most,
            Stage::Following(protocol, session) => {
                let own = session.budget().or(protocol.turn_budget);
                let inside = self.inside.as_ref().and_then(|inside| match inside.stage {
                    Stage::Detecting(_) => Some(BEFORE_KNOWN),
                    _ => inside.budget(),
                });
                let wanted = own.max(inside);
                self.most.map_or(wanted, |most| Some(wanted.map_or(most, |wanted| wanted.min(most))))
            }
            Stage::Ignored { .. } => Some(0),
        }
    }
}
