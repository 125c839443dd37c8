//! The ring buffer against a kernel that is played by the test, in shared memory of the same layout.

use super::*;
use proptest::prelude::*;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

/// The other end.
struct Kernel {
    all: Mapping,
    size: usize,
    position: usize,
}

impl Kernel {
    /// Both ends of a ring buffer of `size` bytes whose positions are `position` already.
    fn start(size: usize, position: usize) -> (Self, Ring) {
        let page = page_size();
        let fd = memfd_create("ring", MemfdFlags::CLOEXEC).unwrap();
        ftruncate(&fd, (2 * page + size) as u64).unwrap();
        let all = Mapping::new(fd.as_fd(), 0, 2 * page + size, ProtFlags::READ | ProtFlags::WRITE).unwrap();
        all.position().store(position, Ordering::Relaxed);
        let kernel = Self { all, size, position };
        kernel.submit_to(position);
        (kernel, Ring::map(fd, size).unwrap())
    }

    fn byte(&self, at: usize) -> NonNull<u8> {
        // SAFETY: within the mapping.
        unsafe { self.all.at(2 * page_size() + at % self.size) }
    }

    fn set_header(&self, at: usize, word: u32) {
        // SAFETY: aligned, within the mapping.
        unsafe { self.byte(at).cast::<AtomicU32>().as_ref() }.store(word, Ordering::Release);
    }

    /// Bytes that the consumer has not given back.
    fn in_use(&self) -> usize {
        self.position.wrapping_sub(self.all.position().load(Ordering::Acquire))
    }

    /// Sets the producer's position.
    fn submit_to(&self, position: usize) {
        // SAFETY: the second page's first word.
        let producer = unsafe { self.all.at(page_size()).cast::<AtomicUsize>().as_ref() };
        producer.store(position, Ordering::Release);
    }

    /// A record; where it lies. `None`: there is no room.
    fn record(&mut self, flags: u32, bytes: &[u8]) -> Option<usize> {
        if self.in_use() + room(bytes.len()) > self.size {
            return None;
        }
        let at = self.position;
        for (place, byte) in bytes.iter().enumerate() {
            // SAFETY: within the mapping; the consumer reads nothing meanwhile.
            unsafe { self.byte(at.wrapping_add(HEADER + place)).write(*byte) };
        }
        self.set_header(at, bytes.len() as u32 | flags);
        self.position = at.wrapping_add(room(bytes.len()));
        self.submit_to(self.position);
        Some(at)
    }
}

fn all(ring: &mut Ring) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| ring.take(<[u8]>::to_vec)).collect()
}

fn pattern(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|place| place.wrapping_mul(7).wrapping_add(seed) as u8).collect()
}

#[test]
fn a_record_may_wrap_anywhere() {
    let size = page_size();
    for len in [0, 1, 8, 13, 100, size - HEADER] {
        // Near the largest number, too: positions overflow.
        for start in (0..size).step_by(ALIGNMENT).flat_map(|place| [place, place.wrapping_sub(size)]) {
            let (mut kernel, mut ring) = Kernel::start(size, start);
            let sent = pattern(len, start);
            assert!(kernel.record(0, &sent).is_some());
            assert_eq!(all(&mut ring), [sent], "at {start}");
            assert_eq!((kernel.in_use(), ring.broken), (0, 0));
        }
    }
}

#[test]
fn a_record_is_given_back_after_it_was_read() {
    let (mut kernel, mut ring) = Kernel::start(page_size(), 0);
    kernel.record(0, &[1; 24]);
    kernel.record(0, &[2; 24]);
    assert_eq!(ring.take(|_| kernel.in_use()), Some(64));
    assert_eq!(kernel.in_use(), 32);
    assert_eq!(ring.take(|record| record[0]), Some(2));
    assert_eq!((kernel.in_use(), ring.take(|_| ())), (0, None));
}

#[test]
fn what_is_not_finished_holds_up_what_comes_after_it() {
    let (mut kernel, mut ring) = Kernel::start(page_size(), 0);
    kernel.record(0, &[1; 5]);
    let busy = kernel.record(BUSY, &[2; 6]).unwrap();
    kernel.record(0, &[3; 7]);
    assert_eq!(all(&mut ring), [vec![1; 5]]);
    assert_eq!(all(&mut ring), [[0; 0]; 0]);
    assert_eq!(kernel.in_use(), 32);
    kernel.set_header(busy, 6);
    assert_eq!(all(&mut ring), [vec![2; 6], vec![3; 7]]);
}

#[test]
fn what_was_discarded_is_passed_over() {
    let (mut kernel, mut ring) = Kernel::start(page_size(), 0);
    kernel.record(DISCARDED, &[1; 100]);
    kernel.record(0, &[2; 6]);
    kernel.record(DISCARDED, &[3; 0]);
    assert_eq!(all(&mut ring), [vec![2; 6]]);
    assert_eq!((kernel.in_use(), ring.broken), (0, 0));
}

#[test]
fn what_cannot_be_is_passed_over_and_counted() {
    let (mut kernel, mut ring) = Kernel::start(page_size(), 0);
    let first = kernel.record(0, &[1; 8]).unwrap();
    kernel.record(0, &[2; 8]);
    // Longer than what was submitted.
    kernel.set_header(first, 25);
    assert_eq!(all(&mut ring), [[0; 0]; 0]);
    assert_eq!((kernel.in_use(), ring.broken), (0, 1));
    kernel.record(0, &[3; 8]);
    assert_eq!(all(&mut ring), [[3; 8]]);
    // More than there is room for.
    kernel.submit_to(kernel.position + page_size() + 8);
    assert_eq!((all(&mut ring).len(), ring.broken), (0, 2));
}

#[test]
fn sizes_that_no_ring_buffer_has_are_refused() {
    for size in [0, 1, page_size() / 2, page_size() + 8, 3 * page_size()] {
        let fd = memfd_create("ring", MemfdFlags::CLOEXEC).unwrap();
        assert!(Ring::map(fd, size).is_err(), "{size}");
    }
}

proptest! {
    /// Records of any kind in any rhythm: what is finished comes out, in its order, and nothing else.
    #[test]
    fn what_was_submitted_is_read(
        start in 0_usize..1024,
        steps in proptest::collection::vec((0_usize..1500, 0_u8..4, any::<bool>()), 1..60),
    ) {
        let (mut kernel, mut ring) = Kernel::start(page_size(), start * ALIGNMENT);
        let (mut sent, mut read) = (Vec::new(), Vec::new());
        for (number, (len, kind, reads)) in steps.into_iter().enumerate() {
            let bytes = pattern(len, number);
            let flags = if kind == 0 { DISCARDED } else { 0 };
            if kernel.record(flags, &bytes).is_some() && flags == 0 {
                sent.push(bytes);
            }
            if reads {
                read.extend(ring.take(<[u8]>::to_vec));
            }
        }
        read.append(&mut all(&mut ring));
        prop_assert_eq!(sent, read);
        prop_assert_eq!((kernel.in_use(), ring.broken), (0, 0));
    }

    /// Whatever the memory holds: an end, and nothing from elsewhere.
    #[test]
    fn any_memory_is_read_to_an_end(
        data in proptest::collection::vec(prop_oneof![any::<u32>(), 0_u32..64], 1024),
        start in any::<usize>(),
        ahead in prop_oneof![any::<usize>(), 0_usize..8192],
    ) {
        let (kernel, mut ring) = Kernel::start(page_size(), start);
        for (place, word) in data.into_iter().enumerate() {
            kernel.set_header(4 * place, word);
        }
        kernel.submit_to(start.wrapping_add(ahead));
        let mut total = 0;
        while let Some(len) = ring.take(<[u8]>::len) {
            total += room(len);
            prop_assert!(total <= page_size());
        }
    }
}
