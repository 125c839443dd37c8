//! Whether a client's request was the only one on its connection when it was sent. Where a task sends for others that wake it
//! (`ebpf/src/context/tokio.rs`), that alone is certain: of two that were sent at once, or one while another one was waited for,
//! only one has woken it maybe.

use wirespan_common::context::{OF_NOBODY, OfGoroutine};
use wirespan_protocols::describe::family::Family;
use wirespan_protocols::exchange::Exchange;
use wirespan_protocols::stream::Actor;

/// The requests of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sole {
    /// How many are waited for, of a protocol that tells when one is sent.
    in_flight: u32,
    /// The last one that was sent when there was none: its position, and when, ns.
    last: (u64, u64),
    /// No other one was sent with that; of other protocols, never.
    is_sole: bool,
    /// When the last one was over, ns.
    over_ns: u64,
}

impl Sole {
    /// A request is sent: in whose name, as far as that is certain by now.
    pub fn asks(&mut self, pos: u64, at_ns: u64, actor: Actor) -> Actor {
        let is_sole = self.in_flight == 0;
        if is_sole {
            (self.last, self.is_sole) = ((pos, at_ns), true);
        } else if self.last.1 == at_ns {
            self.is_sole = false;
        }
        self.in_flight = self.in_flight.saturating_add(1);
        acting(actor, is_sole)
    }

    /// A request is over: in whose name it was sent. Databases tell of none before; of two that were sent at once the first one is that of
    /// who woke the task, and commands that are told as one may be those of many.
    pub fn answered(&mut self, exchange: &Exchange, actor: Actor) -> Actor {
        let (pos, first_ns) = (exchange.request.pos, exchange.request.first_ns);
        let is_late = self.over_ns > first_ns;
        self.over_ns = self.over_ns.max(exchange.end_ns);
        let is_sole = match exchange.detail.family() {
            Family::Database(database) => !is_late && !database.is_batched,
            _ => self.is_sole && self.last.0 == pos,
        };
        self.in_flight = self.in_flight.saturating_sub(1);
        acting(actor, is_sole)
    }
}

/// Who acts, if it was the only request.
fn acting(actor: Actor, is_sole: bool) -> Actor {
    let is_woken = OfGoroutine::of(actor.context).is_some_and(|of| of.is_woken);
    if is_woken && !is_sole { Actor { context: OF_NOBODY, ..actor } } else { actor }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirespan_protocols::exchange::detail::Detail;
    use wirespan_protocols::exchange::{Ending, Window};
    use wirespan_protocols::http1::HttpExchange;
    use wirespan_protocols::redis::{Group, RedisExchange};

    fn woken() -> Actor {
        Actor { pid: 7, tid: 7, context: OfGoroutine::woken(OfGoroutine::context(5, 1, false)) }
    }

    fn exchange(pos: u64, (first_ns, end_ns): (u64, u64), detail: impl Detail) -> Exchange {
        let request = Window { first_ns, last_ns: first_ns, pos, ..Window::default() };
        let (actor, ending) = (woken(), Ending::Answered);
        Exchange { stream: 0, request, response: None, actor, ending, end_ns, detail: Box::new(detail) }
    }

    fn of_http(pos: u64) -> Exchange {
        exchange(pos, (1, 2), HttpExchange::default())
    }

    fn of_redis(times: (u64, u64), group: Group) -> Exchange {
        exchange(0, times, RedisExchange { group, ..RedisExchange::default() })
    }

    #[test]
    fn one_after_the_other_is_certain() {
        let mut sole = Sole::default();
        for pos in [0, 100, 200] {
            assert_eq!(sole.asks(pos, pos + 1, woken()), woken());
            assert_eq!(sole.answered(&of_http(pos), woken()), woken());
        }
    }

    #[test]
    fn of_two_that_are_sent_at_once_none_is() {
        let mut sole = Sole::default();
        sole.asks(0, 1, woken());
        assert_eq!(sole.asks(50, 1, woken()).context, OF_NOBODY);
        assert_eq!([0, 50].map(|pos| sole.answered(&of_http(pos), woken()).context), [OF_NOBODY; 2]);
    }

    #[test]
    fn one_that_is_sent_while_another_one_is_waited_for_is_not() {
        let mut sole = Sole::default();
        sole.asks(0, 1, woken());
        sole.asks(50, 2, woken());
        let mut answered = |pos| sole.answered(&of_http(pos), woken()).context;
        assert_eq!([0, 50].map(&mut answered), [woken().context, OF_NOBODY]);
        assert_eq!(sole.asks(100, 3, woken()), woken());
    }

    #[test]
    fn commands_are_certain_that_do_not_overlap_and_are_told_one_by_one() {
        let mut sole = Sole::default();
        let mut answered = |times, group| sole.answered(&of_redis(times, group), woken()).context == woken().context;
        assert!(answered((10, 20), Group::Single) && answered((20, 30), Group::Single));
        assert!(!answered((25, 40), Group::Single), "sent before the last answer");
        assert!(!answered((50, 60), Group::Pipeline), "they may be of many");
        assert!(answered((60, 70), Group::Single));
    }

    #[test]
    fn others_are_what_they_are() {
        let own = Actor { context: OfGoroutine::context(5, 1, false), ..woken() };
        let mut sole = Sole::default();
        sole.asks(0, 1, own);
        assert_eq!(sole.asks(50, 1, own), own);
        assert_eq!(sole.answered(&of_http(70), own), own);
    }
}
