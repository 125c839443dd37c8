//! Reads a ring buffer of the kernel (`BPF_MAP_TYPE_RINGBUF`), whose data is mapped once.
//!
//! The kernel offers the data twice in a row, so that a record which wraps can be read in one piece; each page then counts
//! twice as resident. Here it is mapped once, and a record that wraps is copied.
//!
//! Layout, order of loads and stores (`kernel/bpf/ringbuf.c`, Linux 5.8 and newer): a page with the consumer's position, a page
//! with the producer's, the data. Positions only grow, by multiples of eight; the place of one is its remainder by the size. A
//! record is a header of eight bytes (length and two flags, then a number of the kernel's own) and its bytes.

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::param::page_size;
use std::ffi::c_void;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};

/// The producer has not finished this record.
const BUSY: u32 = 1 << 31;
/// The producer has thought better of it.
const DISCARDED: u32 = 1 << 30;
/// Bytes before those of a record.
const HEADER: usize = 8;
/// What positions are multiples of.
const ALIGNMENT: usize = 8;

/// The consumer of a ring buffer. There may be only one.
pub struct Ring {
    fd: OwnedFd,
    consumer: Mapping,
    /// The producer's page and the data.
    producer: Mapping,
    data_at: usize,
    /// Of the data, bytes; a power of two.
    size: usize,
    /// Up to here everything was read.
    position: usize,
    /// The producer's position when it was last looked at.
    known: usize,
    /// Whether something was read since the last fence.
    has_moved: bool,
    /// A record that wraps, in one piece.
    wrapped: Vec<u8>,
    /// How often the ring buffer held what cannot be; what was in it then was passed over.
    pub broken: u64,
}

impl Ring {
    /// Maps the ring buffer behind `fd`, whose data has `size` bytes.
    ///
    /// # Errors
    /// When there is no such ring buffer, or the kernel does not map it.
    pub fn map(fd: OwnedFd, size: usize) -> io::Result<Self> {
        let page = page_size();
        if !size.is_power_of_two() || size < page {
            return Err(io::Error::other(format!("a ring buffer has not {size} bytes")));
        }
        let consumer = Mapping::new(fd.as_fd(), 0, page, ProtFlags::READ | ProtFlags::WRITE)?;
        let producer = Mapping::new(fd.as_fd(), page, page + size, ProtFlags::READ)?;
        let position = consumer.position().load(Ordering::Acquire);
        Ok(Self {
            fd,
            consumer,
            producer,
            data_at: page,
            size,
            position,
            known: position,
            has_moved: false,
            wrapped: Vec::new(),
            broken: 0,
        })
    }

    /// Bytes of its data.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.size as u64
    }

    /// Shows the next record to `read`, then lets the kernel have its place. `None` when no more is finished.
    pub fn take<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let len = self.find()?;
        let from = self.place(self.position.wrapping_add(HEADER));
        let in_place = len.min(self.size - from);
        let Self { producer, data_at, wrapped, .. } = self;
        // SAFETY: `find` saw that the record is finished, no longer than the data, and before the producer's position: the
        // kernel writes there only after `go_to` has given the place back, and `read` cannot keep the slice that long.
        let (bytes, rest) =
            unsafe { (producer.bytes(*data_at + from, in_place), producer.bytes(*data_at, len - in_place)) };
        let result = if rest.is_empty() {
            read(bytes)
        } else {
            wrapped.clear();
            wrapped.extend_from_slice(bytes);
            wrapped.extend_from_slice(rest);
            read(wrapped)
        };
        self.go_to(self.position.wrapping_add(room(len)));
        Some(result)
    }

    /// The length of the next record that is finished, past those that are none.
    fn find(&mut self) -> Option<usize> {
        loop {
            if self.known == self.position {
                // Either the new record is seen here, or its producer sees that all was read, and wakes us.
                self.show_position();
                // With the store of the kernel that follows the header: that one is seen then, too.
                self.known = self.producer.position().load(Ordering::Acquire);
                if self.known == self.position {
                    return None;
                }
            }
            let header = self.header();
            if header & BUSY != 0 {
                // The same for one that is about to be finished.
                if self.show_position() {
                    continue;
                }
                return None;
            }
            let len = (header & !DISCARDED) as usize;
            let waiting = self.known.wrapping_sub(self.position);
            if waiting > self.size || room(len) > waiting {
                self.broken += 1;
                self.go_to(self.known);
            } else if header & DISCARDED != 0 {
                self.go_to(self.position.wrapping_add(room(len)));
            } else {
                return Some(len);
            }
        }
    }

    /// Sees to it that the kernel knows how far was read before anything else is loaded. Whether there was any need.
    fn show_position(&mut self) -> bool {
        let has_moved = std::mem::take(&mut self.has_moved);
        if has_moved {
            fence(Ordering::SeqCst);
        }
        has_moved
    }

    /// Gives the kernel everything before `position` back.
    fn go_to(&mut self, position: usize) {
        self.position = position;
        // After all loads of what was read.
        self.consumer.position().store(position, Ordering::Release);
        self.has_moved = true;
    }

    /// Where a position lies in the data.
    const fn place(&self, position: usize) -> usize {
        position & (self.size - 1)
    }

    /// The header of the next record, loaded so that what its producer wrote before it is seen.
    fn header(&self) -> u32 {
        let place = self.place(self.position) & !(ALIGNMENT - 1);
        // SAFETY: a multiple of eight below `size`: the header lies within the mapping and is aligned. The kernel writes it as
        // a whole.
        unsafe { self.producer.at(self.data_at + place).cast::<AtomicU32>().as_ref() }.load(Ordering::Acquire)
    }
}

/// What a record of `len` bytes takes.
const fn room(len: usize) -> usize {
    (HEADER + len).next_multiple_of(ALIGNMENT)
}

impl AsFd for Ring {
    /// Can be waited for: it is readable while something is in it.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Pages shared with the kernel.
struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

impl Mapping {
    fn new(fd: BorrowedFd<'_>, offset: usize, len: usize, protection: ProtFlags) -> io::Result<Self> {
        // SAFETY: the kernel chooses a place where nothing is.
        let start = unsafe { mmap(null_mut(), len, protection, MapFlags::SHARED, fd, offset as u64) }?;
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::other("mapped at 0"))?;
        Ok(Self { start, len })
    }

    /// The position at the beginning of the first page (`unsigned long`).
    fn position(&self) -> &AtomicUsize {
        // SAFETY: a page is larger and better aligned. Both sides only load and store it as a whole, and only through the
        // writable mapping is it stored to.
        unsafe { self.start.cast::<AtomicUsize>().as_ref() }
    }

    /// # Safety
    /// `offset` is at most the length of the mapping.
    unsafe fn at(&self, offset: usize) -> NonNull<u8> {
        // SAFETY: as the caller says.
        unsafe { self.start.add(offset) }
    }

    /// # Safety
    /// The `len` bytes from `offset` on lie within the mapping, and nobody writes there while the slice is used.
    unsafe fn bytes(&self, offset: usize, len: usize) -> &[u8] {
        // SAFETY: as the caller says; mapped as long as `self` lives.
        unsafe { std::slice::from_raw_parts(self.at(offset).as_ptr(), len) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: what `new` has mapped; no reference outlives `self`.
        let _ = unsafe { munmap(self.start.as_ptr().cast::<c_void>(), self.len) };
    }
}

#[cfg(test)]
#[path = "ring_tests.rs"]
mod tests;
