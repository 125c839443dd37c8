//! Requests of one connection that are in flight, in the order of their streams, and in each in that of their positions.

use std::collections::VecDeque;

use super::Id;
use super::key::Place;

/// Places and threads. Those of a pipeline, and of other streams, come after the first; mostly there are none, which takes
/// no allocation.
#[derive(Debug)]
pub(super) struct Flight {
    first: Option<(Place, Id)>,
    more: VecDeque<(Place, Id)>,
}

impl Flight {
    pub(super) fn new(place: Place, id: Id) -> Self {
        Self { first: Some((place, id)), more: VecDeque::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn holds(&self, place: Place) -> bool {
        let is_first = self.first.is_some_and(|(first, _)| first == place);
        is_first || self.more.binary_search_by_key(&place, |(place, _)| *place).is_ok()
    }

    pub(super) fn add(&mut self, place: Place, id: Id) {
        let new = (place, id);
        let Some(first) = self.first else {
            self.first = Some(new);
            return;
        };
        let later = if place < first.0 { self.first.replace(new).unwrap_or(first) } else { new };
        let at = self.more.partition_point(|(other, _)| *other < later.0);
        self.more.insert(at, later);
    }

    /// Takes the first one out.
    pub(super) fn pop(&mut self) -> Option<(Place, Id)> {
        let next = self.more.pop_front();
        std::mem::replace(&mut self.first, next)
    }

    /// Takes the first request of a stream out, if it is `last` or comes before it.
    pub(super) fn take(&mut self, last: Place) -> Option<(Place, Id)> {
        let is_due = |(stream, pos): Place| stream == last.0 && pos <= last.1;
        if is_due(self.first?.0) {
            return self.pop();
        }
        let at = self.more.partition_point(|((stream, _), _)| *stream < last.0);
        self.more.get(at).filter(|(place, _)| is_due(*place))?;
        self.more.remove(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_ends_in_order_and_alone() {
        let mut flight = Flight::new((3, 50), (7, 3));
        for (place, tid) in [((1, 10), 1), ((5, 30), 5), ((3, 20), 2)] {
            flight.add(place, (7, tid));
        }
        assert!(flight.holds((5, 30)) && flight.holds((1, 10)) && !flight.holds((1, 20)));
        let mut take = |place| flight.take(place).map(|(place, _)| place);
        assert_eq!((take((5, 29)), take((4, 99))), (None, None));
        assert_eq!((take((5, 30)), take((5, 30))), (Some((5, 30)), None));
        assert_eq!((take((3, 50)), take((3, 50)), take((3, 50))), (Some((3, 20)), Some((3, 50)), None));
        assert_eq!((flight.pop().map(|(place, _)| place), flight.is_empty()), (Some((1, 10)), true));
    }
}
