//! One direction of a connection: what is new in a call, and what was missed before it.

/// A jump larger than this is no gap but a position that cannot be right: the stream starts anew.
const MAX_GAP: u64 = 1 << 31;

/// The position up to which one direction has been seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stream {
    next: Option<u64>,
}

/// How a call's bytes relate to what was seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// They begin `skip` bytes into the call (seen before), after `gap` bytes that were missed.
    New {
        /// Bytes missed before the call.
        gap: u64,
        /// Bytes of the call that are repeated.
        skip: u64,
    },
    /// All of it was seen before.
    Repeated,
    /// The position is not related to what was seen: everything known about the stream is void.
    Restart,
}

impl Stream {
    /// A stream whose next byte is at `position`.
    #[must_use]
    pub fn at(position: u64) -> Self {
        Self { next: Some(position) }
    }

    /// Takes in a call of `len` bytes at `position`.
    pub fn step(&mut self, position: u64, len: u64) -> Step {
        let end = position.wrapping_add(len);
        let Some(next) = self.next else {
            self.next = Some(end);
            return Step::New { gap: 0, skip: 0 };
        };
        let ahead = position.wrapping_sub(next);
        if ahead < MAX_GAP {
            self.next = Some(end);
            return Step::New { gap: ahead, skip: 0 };
        }
        let behind = next.wrapping_sub(position);
        if behind >= MAX_GAP {
            self.next = Some(end);
            return Step::Restart;
        }
        if behind >= len {
            return Step::Repeated;
        }
        self.next = Some(end);
        Step::New { gap: 0, skip: behind }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_overlaps_and_restarts() {
        let mut stream = Stream::default();
        assert_eq!(stream.step(100, 10), Step::New { gap: 0, skip: 0 });
        assert_eq!(stream.step(115, 5), Step::New { gap: 5, skip: 0 });
        assert_eq!(stream.step(110, 5), Step::Repeated);
        assert_eq!(stream.step(118, 4), Step::New { gap: 0, skip: 2 });
        assert_eq!(stream.step(u64::MAX / 2, 4), Step::Restart);
    }
}
