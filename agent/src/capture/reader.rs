//! Reads the ring buffer and hands out events in the order of their kernel times.
//!
//! A send is stamped at its beginning but recorded at its end, and two CPUs record at once; so records are held back for
//! [`HOLD_NS`] and sorted. This is the only place after the kernel that reads a clock.

use super::decode;
use super::inserted::{self, Headers};
use super::pace::Pace;
use super::ring::Ring;
use crate::event::{self, Event};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;
use wirespan_common::limits::MAX_PAYLOAD;
use wirespan_common::record::{KIND_DATA, KIND_OPEN};

/// How long a record waits for older ones that may come after it.
const HOLD_NS: u64 = 2_000_000;
/// Bytes at which a batch is handed out: its spans exist all at once, up to fifty a kilobyte of pipelined commands.
const BATCH_BYTES: usize = 512 << 10;
/// Shortest time between two looks when a program waits for a decision.
const SHORTEST_REST: Duration = Duration::from_millis(1);
/// Longest time that emptying the ring buffer at the end may take.
const LAST_NS: u64 = 1_000_000_000;
/// A change of the wall-clock offset that is worth an event; smaller ones are the noise of two clock readings.
const CLOCK_STEP_NS: i64 = 20_000;

/// Whoever takes what the reader reads.
pub trait Downstream {
    /// A record of a process was read. It is handed out later: what must be looked at while the process lives has to be
    /// asked for now.
    fn sighted(&mut self, process: &event::Process);

    /// A header was put into a call. Those who receive it may be told before the call itself.
    fn inserted(&mut self, header: &[u8]);

    /// All that is to be handed out now was read. `more`: the ring buffer holds more than that.
    fn settle(&mut self, more: bool);

    /// Takes the next event.
    fn handle(&mut self, event: &Event<'_>);
}

/// The consumer of the ring buffer.
pub struct Reader {
    ring: Ring,
    urgent: Ring,
    batch: Batch,
    headers: Headers,
    pace: Pace,
    /// Bytes read since the last look, and whether a connection was opened.
    read: u64,
    news: bool,
    offset_ns: Option<i64>,
    /// Bytes read without finding the ring buffer empty, and the most of them since [`Reader::take_peak`].
    run: usize,
    peak: usize,
    settled_ns: u64,
    /// Records that could not be decoded.
    pub undecodable: u64,
    /// Records of calls that nobody has read at the end.
    pub unread: u64,
}

#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    /// Kernel time, order of arrival, place in `bytes`.
    index: Vec<(u64, u64, u32, u32)>,
    arrivals: u64,
    /// Kernel time of the last record that was handed out.
    last: u64,
}

fn clock_ns(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec)
}

/// `CLOCK_REALTIME - CLOCK_MONOTONIC`, from the tightest of a few readings.
fn wall_offset() -> i64 {
    let mut best = (i64::MAX, 0);
    for _ in 0..3 {
        let before = clock_ns(ClockId::Monotonic);
        let wall = clock_ns(ClockId::Realtime);
        let after = clock_ns(ClockId::Monotonic);
        if after - before < best.0 {
            best = (after - before, wall - (before + (after - before) / 2));
        }
    }
    best.1
}

fn span(time: Duration) -> Timespec {
    Timespec { tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX), tv_nsec: i64::from(time.subsec_nanos()) }
}

/// Kernel time now, ns.
#[must_use]
pub fn monotonic_ns() -> u64 {
    u64::try_from(clock_ns(ClockId::Monotonic)).unwrap_or(0)
}

impl Reader {
    pub(super) fn new(ring: Ring, urgent: Ring) -> Self {
        Self {
            pace: Pace::new(ring.bytes()),
            ring,
            urgent,
            // All that a batch and its last record need: what grows step by step leaves holes among what lives long.
            batch: Batch { bytes: Vec::with_capacity(BATCH_BYTES + 2 * MAX_PAYLOAD), ..Batch::default() },
            headers: Headers::default(),
            read: 0,
            news: false,
            offset_ns: None,
            run: 0,
            peak: 0,
            settled_ns: 0,
            undecodable: 0,
            unread: 0,
        }
    }

    /// Waits until the kernel wakes us or `timeout` has passed; at least [`rest`](Self::rest) (but not longer than `timeout`),
    /// even if there is something to read: many records at once cost less than many times few. Only a program that waits for a
    /// decision makes it shorter, down to [`SHORTEST_REST`].
    pub fn wait(&mut self, timeout: Duration) {
        if self.pace.is_quiet() {
            // In one piece, which is half as many wake-ups of an agent that has nothing to do.
            self.wait_for_any(timeout);
            self.take_urgent();
            return;
        }
        let (begin, rest) = (monotonic_ns(), self.pace.rest().min(timeout));
        // An interrupted wait is a short wait.
        let _ = poll(&mut [PollFd::new(&self.urgent, PollFlags::IN)], Some(&span(rest)));
        if self.take_urgent() {
            let waited = Duration::from_nanos(monotonic_ns().saturating_sub(begin));
            std::thread::sleep(SHORTEST_REST.min(timeout).saturating_sub(waited));
        } else {
            self.wait_for_any(timeout - rest);
        }
        self.take_urgent();
    }

    fn wait_for_any(&self, timeout: Duration) {
        let mut both = [PollFd::new(&self.ring, PollFlags::IN), PollFd::new(&self.urgent, PollFlags::IN)];
        let _ = poll(&mut both, Some(&span(timeout)));
    }

    /// How long the next [`wait`](Self::wait) lasts at least: the longer, the less came lately.
    #[must_use]
    pub fn rest(&self) -> Duration {
        self.pace.rest()
    }

    /// Whether a program waits for a decision. Its record is among the others.
    fn take_urgent(&mut self) -> bool {
        let mut is_urgent = false;
        while self.urgent.take(|_| ()).is_some() {
            is_urgent = true;
        }
        is_urgent
    }

    /// Hands out what has come, in the order of kernel times, but for the newest [`HOLD_NS`] (`all`: with them).
    /// Returns the number of events, and whether there was more than one batch holds. Ends with a tick.
    ///
    /// One batch at a time, however fast more comes: what a batch completes can then be passed on, and a stop is seen.
    pub fn drain(&mut self, all: bool, downstream: &mut impl Downstream) -> (usize, bool) {
        self.clock(downstream);
        let mut total = 0;
        let begin = monotonic_ns();
        let mut more;
        loop {
            more = self.fill(downstream);
            downstream.settle(more);
            let until = if all { u64::MAX } else { monotonic_ns().saturating_sub(HOLD_NS) };
            total += self.batch.release(until, &mut self.undecodable, &mut |event| downstream.handle(event));
            // What is left in the ring buffer is hardly older than the last of the batch.
            let settled_ns = if more { self.batch.last.saturating_sub(HOLD_NS) } else { until.min(monotonic_ns()) };
            self.settled_ns = self.settled_ns.max(settled_ns);
            // At the end: what is recorded meanwhile could go on for ever.
            if !(all && more) || monotonic_ns().saturating_sub(begin) > LAST_NS {
                break;
            }
        }
        let now = monotonic_ns();
        self.pace.looked(now, std::mem::take(&mut self.read), std::mem::take(&mut self.news));
        downstream.handle(&Event::Tick { at_ns: now.saturating_sub(HOLD_NS) });
        (total, more)
    }

    /// Counts what is left in the ring buffer, after the last [`Reader::drain`] has run out of time.
    pub fn abandon(&mut self) {
        while let Some(is_call) = self.ring.take(|record| record.first() == Some(&KIND_DATA)) {
            self.unread += u64::from(is_call);
        }
    }

    /// Kernel time up to which every event was handed out.
    #[must_use]
    pub const fn settled_ns(&self) -> u64 {
        self.settled_ns
    }

    /// Whether records are held back: they can be handed out after the next [`Reader::wait`], however short.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.batch.index.is_empty()
    }

    /// Bytes read since the ring buffer was found empty, roughly what waits in it: what came while they were read counts too.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.run
    }

    /// The same, without beginning anew.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.peak
    }

    /// The most of [`backlog`](Self::backlog) since this was last asked.
    #[must_use]
    pub fn take_peak(&mut self) -> usize {
        std::mem::take(&mut self.peak)
    }

    fn clock(&mut self, downstream: &mut impl Downstream) {
        let offset_ns = wall_offset();
        if self.offset_ns.is_none_or(|known| (known - offset_ns).abs() > CLOCK_STEP_NS) {
            self.offset_ns = Some(offset_ns);
            downstream.handle(&Event::Clock { offset_ns });
        }
    }

    /// Copies records into the batch; true when there may be more.
    fn fill(&mut self, downstream: &mut impl Downstream) -> bool {
        let Self { ring, batch, headers, undecodable, news, .. } = self;
        while batch.bytes.len() < BATCH_BYTES {
            let read = ring.take(|whole| {
                let Some(record) = headers.pass(whole) else {
                    inserted::header(whole).into_iter().for_each(|header| downstream.inserted(header));
                    return whole.len();
                };
                *news |= record.first() == Some(&KIND_OPEN);
                match decode::order(record) {
                    Some(order) => {
                        if let Some(process) = decode::process(record) {
                            downstream.sighted(&process);
                        }
                        batch.push(order, record);
                    }
                    None => *undecodable += 1,
                }
                whole.len()
            });
            *undecodable += std::mem::take(&mut ring.broken);
            let Some(len) = read else {
                self.run = 0;
                return false;
            };
            self.run += len;
            self.read += len as u64;
            self.peak = self.peak.max(self.run);
        }
        true
    }
}

impl Batch {
    /// Hands out what is not newer than `until` and keeps the rest. The number of records.
    fn release(&mut self, until: u64, undecodable: &mut u64, handle: &mut impl FnMut(&Event<'_>)) -> usize {
        let Self { bytes, index, last, .. } = self;
        index.sort_unstable();
        let due = index.partition_point(|(order, ..)| *order <= until);
        for (order, _, from, len) in index.drain(..due) {
            *last = order;
            match decode::decode(&bytes[from as usize..from as usize + len as usize]) {
                Some(event) => handle(&event),
                None => *undecodable += 1,
            }
        }
        // What waits moves to the front, in the order in which it lies there: that of arrival.
        index.sort_unstable_by_key(|(_, arrival, ..)| *arrival);
        let mut end = 0;
        for (.., from, len) in index {
            bytes.copy_within(*from as usize..*from as usize + *len as usize, end as usize);
            *from = end;
            end += *len;
        }
        bytes.truncate(end as usize);
        due
    }

    fn push(&mut self, order: u64, record: &[u8]) {
        let from = self.bytes.len() as u32;
        self.index.push((order, self.arrivals, from, record.len() as u32));
        self.arrivals += 1;
        self.bytes.extend_from_slice(record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record of no known kind, so that only its time counts.
    fn push(batch: &mut Batch, order: u64) {
        batch.push(order, &[0xff; 16]);
    }

    #[test]
    fn what_is_too_new_waits_and_keeps_its_place() {
        let (mut batch, mut undecodable) = (Batch::default(), 0);
        for order in [30, 10, 20, 20] {
            push(&mut batch, order);
        }
        assert_eq!(batch.release(20, &mut undecodable, &mut |_| {}), 3);
        assert_eq!((undecodable, batch.bytes.len(), batch.index.len()), (3, 16, 1));
        // The one that waits came before this one.
        push(&mut batch, 30);
        let arrivals: Vec<u64> = batch.index.iter().map(|(_, arrival, ..)| *arrival).collect();
        assert_eq!(arrivals, [0, 4]);
        assert_eq!(batch.release(u64::MAX, &mut undecodable, &mut |_| {}), 2);
        assert!(batch.bytes.is_empty());
    }

    #[test]
    fn events_come_in_the_order_of_kernel_times() {
        use wirespan_common::record::{KIND_STATE, STATE_CLOSED, State};
        use zerocopy::IntoBytes as _;
        let (mut batch, mut undecodable) = (Batch::default(), 0);
        for (connection, at_ns) in [(1, 30), (2, 10), (3, 20), (4, 20), (5, 5)] {
            let state = State { kind: KIND_STATE, what: STATE_CLOSED, connection, at_ns, ..State::default() };
            batch.push(at_ns, state.as_bytes());
        }
        let mut seen = Vec::new();
        let mut see = |event: &Event<'_>| {
            if let Event::State(state) = event {
                seen.push((state.connection, state.at_ns));
            }
        };
        batch.release(20, &mut undecodable, &mut see);
        batch.release(u64::MAX, &mut undecodable, &mut see);
        assert_eq!((seen, undecodable), (vec![(5, 5), (2, 10), (3, 20), (4, 20), (1, 30)], 0));
    }

    /// Whatever waits while others come and go is handed out whole, once, and in order.
    #[test]
    fn what_waits_stays_whole() {
        use wirespan_common::record::{KIND_STATE, STATE_CLOSED, State};
        use zerocopy::IntoBytes as _;
        let (mut batch, mut undecodable, mut seen) = (Batch::default(), 0, Vec::new());
        for round in 0..50_u64 {
            for number in 0..20 {
                // Up to three rounds ahead of others, two at the same time.
                let at_ns = (round + number * 7 % 4) * 100 + number / 2;
                let connection = round * 20 + number;
                let state = State { kind: KIND_STATE, what: STATE_CLOSED, connection, at_ns, ..State::default() };
                batch.push(at_ns, state.as_bytes());
            }
            let until = if round == 49 { u64::MAX } else { round * 100 + 50 };
            batch.release(until, &mut undecodable, &mut |event| {
                let Event::State(state) = event else { return };
                assert!(state.at_ns <= until);
                seen.push((state.at_ns, state.connection));
            });
            let held: usize = batch.index.iter().map(|(.., len)| *len as usize).sum();
            assert_eq!(batch.bytes.len(), held);
        }
        assert_eq!((seen.len(), undecodable), (1000, 0));
        assert!(seen.is_sorted());
        seen.sort_unstable_by_key(|(_, connection)| *connection);
        assert!(seen.iter().map(|(_, connection)| *connection).eq(0..1000));
    }
}
