//! How an exchange ended, in the words of `error.type`. The same string goes on the span and on the metric.

use std::borrow::Cow;

use wirespan_protocols::exchange::Ending;

use super::span::Status;

/// `error.type` of an exchange whose response never became complete; `None` when it did.
#[must_use]
pub fn transport_error(ending: Ending) -> Option<&'static str> {
    match ending {
        Ending::Answered => None,
        Ending::Closed => Some("connection_closed"),
        Ending::Reset => Some("connection_reset"),
        Ending::Unanswered => Some("timeout"),
    }
}

/// The status of a span that has, or has not, an `error.type`. Success is unset.
pub(crate) fn status(failed: bool) -> Status {
    if failed { Status::Error(Cow::Borrowed("")) } else { Status::Unset }
}
