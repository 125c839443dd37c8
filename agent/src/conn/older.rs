//! A connection that was encrypted before anybody looked, at a call of it: it waits for secrets, and those that its process has are tried.

use super::candidates::Candidates;
use super::connection::Connection;
use crate::event::Data;
use wirespan_protocols::session::Output;

/// Tries what there is, if the call has shown something to try it on.
pub(super) fn looks<T>(
    connection: &mut Connection<T>,
    data: &Data<'_>,
    candidates: &mut Candidates,
    output: &mut Output,
) {
    let wants = std::mem::take(&mut output.wants_candidates);
    if !connection.waits_for_secrets() {
        return;
    }
    candidates.wait(data.connection, connection.pid);
    if !wants {
        return;
    }
    let pid = connection.pid;
    let (untried, tried) = candidates.untried(pid, &connection.tried);
    connection.tried = tried;
    for (number, candidate) in &untried {
        if connection.candidate(candidate, output) {
            candidates.claim(pid, *number);
            return candidates.decided(data.connection);
        }
    }
}
