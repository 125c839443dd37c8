//! Whose facts they are, and what rules say of them.

use std::sync::Arc;

use super::{Connection, Followed, Stages};
use crate::conn::fact::Fact;
use crate::process::table::Decision;
use crate::trace::span::Resource;
use crate::trace::treatment::Treatment;

impl Stages {
    /// The resource of a process that is selected; `None` when it is not. That of the last span is taken: whoever can,
    /// puts it back, which is cheaper than to share it.
    pub(super) fn resource(&mut self, pid: u32) -> Option<Arc<Resource>> {
        if pid == 0 {
            return Some(self.resources.unknown());
        }
        if let Some((_, resource)) = self.recent.take_if(|(recent, _)| *recent == pid) {
            return Some(resource);
        }
        if self.processes.decision(pid) == Decision::Ignore {
            return None;
        }
        Some(match self.processes.lookup(pid) {
            Some(process) => self.resources.of(process),
            None => self.resources.unknown(),
        })
    }

    /// Whether a rule leaves a fact out because of its protocol. At the beginning of a connection, what the rule says of its budget is
    /// noted.
    pub(super) fn leaves_out(
        &mut self,
        connection: &mut Connection<Followed>,
        fact: &Fact,
        treatment: &Treatment,
    ) -> bool {
        match fact {
            Fact::Opened => {
                connection.most = treatment.turn_budget;
                connection.may_decrypt = treatment.tls;
            }
            Fact::Exchange(exchange, _) if !treatment.tells(exchange.detail.spoken().name) => {
                self.tracer.leave_out_protocol();
                return true;
            }
            Fact::Request(_) => return connection.life.protocol().is_some_and(|spoken| !treatment.tells(spoken.name)),
            _ => {}
        }
        false
    }
}
