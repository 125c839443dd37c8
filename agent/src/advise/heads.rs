//! Preambles of encrypted connections, told by sizes.
//!
//! A driver sends the same first commands on every connection, so their round trips have the same sizes on all of them.
//! So may have the operations that follow; what a preamble may look like is therefore held to what drivers are known
//! to send ([`wirespan_protocols::hidden`]). Of protocols that say nothing of that only the very first round trip can
//! count, if request and response are small. Nothing counts where the protocol is known and its start-up is a phase, or
//! where HTTP was announced, and the last round trip of a connection is always an operation.

use super::input::Sizes;
use super::limits::{HEAD_ALIKE, HEAD_BYTES, HEAD_CONNECTIONS, HEAD_SIZES, HEAD_TURNS};
use super::words::ratio;
use wirespan_protocols::hidden;
use wirespan_protocols::registry::PROTOCOLS;

/// Whether a round trip that the end of its connection follows is a farewell.
#[must_use]
pub fn is_farewell(sizes: Sizes) -> bool {
    PROTOCOLS.iter().any(|protocol| protocol.hidden.farewell == Some(sizes))
}

/// Round trips of one request size at one place of their connections.
#[derive(Clone, Copy, Debug)]
struct Alike {
    request: u64,
    smallest: u64,
    largest: u64,
    count: u64,
    total_ns: u64,
}

/// The first round trips of the connections of one service to one peer.
#[derive(Clone, Debug, Default)]
pub struct Heads {
    /// By place; only round trips that another one followed.
    places: Vec<(u64, Vec<Alike>)>,
}

/// The round trips of one connection that may be its preamble.
#[derive(Clone, Copy, Debug, Default)]
pub struct Head {
    seen: usize,
    waiting: Option<(Sizes, u64)>,
}

impl Head {
    /// Takes in the next round trip of a connection, and hands the one before it over: it was followed.
    pub fn push(&mut self, sizes: Option<Sizes>, ns: u64, heads: &mut Heads) {
        if let Some((sizes, ns)) = self.waiting.take() {
            heads.add(self.seen - 1, sizes, ns);
        }
        if self.seen < HEAD_TURNS {
            self.waiting = sizes.map(|sizes| (sizes, ns));
            self.seen += 1;
        }
    }
}

impl Heads {
    fn add(&mut self, place: usize, sizes: Sizes, ns: u64) {
        if self.places.len() <= place {
            self.places.resize_with(place + 1, Default::default);
        }
        let Some((count, alike)) = self.places.get_mut(place) else { return };
        *count += 1;
        let room = alike.len() < HEAD_SIZES;
        match alike.iter_mut().find(|one| one.request == sizes.request) {
            Some(one) => {
                one.smallest = one.smallest.min(sizes.response);
                one.largest = one.largest.max(sizes.response);
                one.count += 1;
                one.total_ns += ns;
            }
            None if room => alike.push(Alike {
                request: sizes.request,
                smallest: sizes.response,
                largest: sizes.response,
                count: 1,
                total_ns: ns,
            }),
            None => {}
        }
    }

    /// Round trips that belong to preambles, and their time, ns.
    #[must_use]
    pub fn preamble(&self) -> (u64, u64) {
        let (mut round_trips, mut ns) = (0, 0);
        let mut known: Vec<_> =
            PROTOCOLS.iter().filter_map(|protocol| protocol.hidden.preamble).map(|preamble| preamble()).collect();
        for (place, (count, alike)) in self.places.iter().enumerate() {
            let Some(most) = alike.iter().max_by_key(|one| one.count) else { break };
            let together = most.count >= HEAD_CONNECTIONS && ratio(most.count, *count) >= HEAD_ALIKE;
            let small = most.request <= HEAD_BYTES && most.largest <= HEAD_BYTES;
            // The first round trip counts whatever it says; those after it only if they are known for what they are.
            let Alike { request, smallest, largest, .. } = *most;
            let alike = hidden::Alike { request, smallest, largest };
            // Each is told of all of them.
            let is_known = known.iter_mut().filter_map(|one| one.take(&alike).then_some(())).count() > 0;
            if !together || !(is_known || place == 0 && small) {
                break;
            }
            round_trips += most.count;
            ns += most.total_ns;
        }
        (round_trips, ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(connections: u64, turns: impl Fn(u64) -> Vec<(u64, u64)>) -> (u64, u64) {
        let mut heads = Heads::default();
        for number in 0..connections {
            let mut head = Head::default();
            for (request, response) in turns(number) {
                head.push(Some(Sizes { request, response }), 1_000, &mut heads);
            }
        }
        heads.preamble()
    }

    #[test]
    fn a_drivers_first_commands_are_told_from_the_operation_after_them() {
        // redis-py 8: HELLO 3, CLIENT SETINFO twice, SELECT, then one GET, all of the same length.
        let turns = |_| vec![(22, 150), (57, 5), (53, 5), (23, 5), (27, 9)];
        assert_eq!(heads(20, turns), (80, 80_000));
        // redis-py 5 against Redis 7.0, which refuses SETINFO; one round trip.
        assert_eq!(heads(20, |_| vec![(110, 174), (36, 5), (27, 9)]), (20, 20_000));
    }

    #[test]
    fn the_only_round_trip_is_an_operation_and_few_connections_tell_nothing() {
        assert_eq!(heads(20, |_| vec![(27, 9)]), (0, 0));
        assert_eq!(heads(4, |_| vec![(22, 150), (27, 9)]), (0, 0));
    }

    #[test]
    fn sizes_that_differ_or_are_large_are_operations() {
        assert_eq!(heads(20, |number| vec![(30 + number % 3, 9), (27, 9)]), (0, 0));
        assert_eq!(heads(20, |_| vec![(80, 9_000), (27, 9)]), (0, 0));
        // A first round trip of the same size on all is the preamble, a second one is not.
        assert_eq!(heads(20, |_| vec![(40, 5), (40, 5), (27, 9)]), (20, 20_000));
    }
}
