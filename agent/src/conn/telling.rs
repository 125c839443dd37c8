//! What is told of a connection, and in which order.

use super::connection::Connection;
use super::counts::Counts;
use super::fact::{Fact, SetUp};
use crate::event::State;
use wirespan_protocols::session::{Output, Reason};

/// Takes in a change of state; true when it was the end.
pub(super) fn end_or_change<T>(
    connection: &mut Connection<T>,
    state: &State,
    output: &mut Output,
    counts: &mut Counts,
    sink: &mut impl FnMut(&mut Connection<T>, Fact),
) -> bool {
    let over = connection.change(state.change, state.at_ns, output);
    drain(output, counts, connection, sink);
    let (set_up, end) = connection.life.change(state);
    tell_set_up(connection, set_up, sink);
    end.into_iter().for_each(|end| sink(connection, Fact::Ended(end)));
    over
}

/// Tells that a connection is set up, if it is so now.
pub(super) fn tell_set_up<T>(
    connection: &mut Connection<T>,
    set_up: Option<Box<SetUp>>,
    sink: &mut impl FnMut(&mut Connection<T>, Fact),
) {
    if let Some(set_up) = set_up {
        sink(connection, Fact::SetUp(set_up));
    }
}

/// Tells what a session found: mostly nothing, or one thing.
pub(super) fn drain<T>(
    output: &mut Output,
    counts: &mut Counts,
    connection: &mut Connection<T>,
    sink: &mut impl FnMut(&mut Connection<T>, Fact),
) {
    connection.life.speaks(connection.protocol());
    if !output.phases.is_empty() {
        for phase in output.phases.drain(..) {
            let set_up = connection.life.phase(phase, connection.may_decrypt);
            tell_set_up(connection, set_up, sink);
        }
    }
    if !output.requests.is_empty() {
        for request in output.requests.drain(..) {
            let set_up = connection.life.request(request.actor);
            tell_set_up(connection, set_up, sink);
            sink(connection, Fact::Request(request));
        }
    }
    if !output.exchanges.is_empty() {
        for exchange in output.exchanges.drain(..) {
            let (set_up, usage) = connection.life.exchange(&exchange);
            tell_set_up(connection, set_up, sink);
            sink(connection, Fact::Exchange(exchange, usage));
        }
    }
    if output.counts != [0; Reason::ALL.len()] {
        for (total, count) in counts.reasons.iter_mut().zip(&mut output.counts) {
            *total += std::mem::take(count);
        }
    }
}
