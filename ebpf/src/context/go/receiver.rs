//! Goroutines that receive requests, and which numbers those have that they start for each.
//!
//! `g` names the goroutine that created it (`parentGoid`, Go 1.21), not when. But its number tells. Each processor of the scheduler
//! (`p`) takes 16 numbers at once, and has those that nobody got yet (runtime/proc.go, `goidcache`); how many all processors have
//! taken is in `runtime.sched` (`goidgen`). A goroutine makes no other while it is in a system call. So when it receives a request,
//!
//! - numbers that no processor has taken, and those that are left to the processors that are looked at, are of goroutines that are made
//!   later: for this request, or a later one;
//! - those that were left when it received a request, and are not when it receives the next one, are of goroutines that were made for
//!   that one.
//!
//! Of all others nothing is known. The processors that are looked at are those on which the goroutine was
//! seen, and before that those of others.

use super::children;
use crate::kernel::read_user;
use crate::maps::{GOROUTINES, PROCESSORS_KNOWN};
use wirespan_common::context::{GO_NUMBERS, GO_PROCESSOR, GO_SCHED, OfGoroutine, Runtime};

/// Where the thread that runs it stands in `g` (runtime/runtime2.go).
const THREAD: u64 = 48;
/// Numbers that a processor takes at once (runtime/proc.go, `_GoidCacheBatch`).
const BATCH: u64 = 16;
/// Processors that are looked at, of each goroutine.
pub const PROCESSORS: usize = 4;
/// Numbers in a row that are remembered as those of earlier requests: mostly one or two a request.
const GIVEN: usize = 16;
/// About the size of a processor's structure, which spreads them.
const PROCESSOR_BYTES: usize = 8192;

/// Some numbers in a row, in one word: the first, how many, and for which request they were given. None: 0.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Numbers(u64);

impl Numbers {
    const NONE: Self = Self(0);
    const COUNT_BITS: u32 = 5;
    const REQUEST_BITS: u32 = 17;

    /// From one to before another; none if it makes no sense.
    #[inline(always)]
    fn new(from: u64, to: u64) -> Self {
        let count = to.wrapping_sub(from);
        let word = (from << Self::COUNT_BITS | count) << Self::REQUEST_BITS;
        if count <= BATCH { Self(word) } else { Self::NONE }
    }

    #[inline(always)]
    fn from(self) -> u64 {
        self.0 >> Self::REQUEST_BITS >> Self::COUNT_BITS
    }

    #[inline(always)]
    fn to(self) -> u64 {
        self.from() + (self.0 >> Self::REQUEST_BITS & ((1 << Self::COUNT_BITS) - 1))
    }

    #[inline(always)]
    fn holds(self, number: u64) -> bool {
        self.from() <= number && number < self.to()
    }

    /// The same, for a request.
    #[inline(always)]
    fn of(self, request: u64) -> Self {
        Self(self.0 | request & ((1 << Self::REQUEST_BITS) - 1))
    }

    /// How many requests came after theirs, up to this one.
    #[inline(always)]
    fn before(self, request: u64) -> u64 {
        request.wrapping_sub(self.0) & ((1 << Self::REQUEST_BITS) - 1)
    }
}

/// A goroutine that receives requests. It alone writes; those that it has started read.
#[repr(C)]
pub struct Receiver {
    /// How often it was written: odd in the middle of that. Half of it counts the requests.
    written: u64,
    /// The turn of its connection in which it received its last request.
    turn: u64,
    /// Not 0 once it has begun to answer that.
    has_answered: u64,
    /// The largest number that a processor had taken then.
    taken: u64,
    /// Processors on which it was seen, and what was left to each then, or when it was seen first.
    processors: [u64; PROCESSORS],
    left: [Numbers; PROCESSORS],
    /// Numbers that were given out for earlier requests, and how often one was noted.
    given: [Numbers; GIVEN],
    noted: u64,
}

static NEW: Receiver = Receiver {
    written: 0,
    turn: 0,
    has_answered: 0,
    taken: u64::MAX,
    processors: [0; PROCESSORS],
    left: [Numbers::NONE; PROCESSORS],
    given: [Numbers::NONE; GIVEN],
    noted: 0,
};

/// Reads a word that somebody else may be writing.
#[inline(always)]
fn load<T: Copy>(word: &T) -> T {
    // SAFETY: an aligned word of a live map value.
    unsafe { core::ptr::from_ref(word).read_volatile() }
}

/// Writes a word that others may be reading.
#[inline(always)]
fn store<T: Copy>(word: &mut T, value: T) {
    // SAFETY: as above.
    unsafe { core::ptr::from_mut(word).write_volatile(value) }
}

/// A goroutine and its process, as a key.
#[inline(always)]
pub fn key(process: u32, number: u64) -> u64 {
    u64::from(process) << 42 ^ number
}

/// The one of this number, if it has received a request.
#[inline(always)]
pub fn get(process: u32, number: u64) -> Option<&'static mut Receiver> {
    // SAFETY: a live map value, whose words are read and written one by one.
    GOROUTINES.get_ptr_mut(key(process, number)).map(|known| unsafe { &mut *known })
}

/// A goroutine receives something of a request, in this turn of its connection: the context of what it does from now on.
#[inline(always)]
pub fn receives(process: u32, g: u64, number: u64, runtime: &Runtime, turn: u64) -> u64 {
    if get(process, number).is_none() {
        let _ = GOROUTINES.insert(key(process, number), &NEW, 0);
        if let (Some(known), Some(others)) = (get(process, number), PROCESSORS_KNOWN.get_ptr(process)) {
            // SAFETY: words of a live map value.
            known.processors = unsafe { *others };
        }
    }
    let Some(known) = get(process, number) else { return number };
    if known.turn != turn || known.written == 0 {
        known.begin(turn, number, runtime);
    }
    known.seen(process, g, number, runtime)
}

/// A goroutine asks, answers, or does something else that has no request of its own: the context in which it does.
#[inline(always)]
pub fn does(process: u32, g: u64, number: u64, runtime: &Runtime, answers: bool) -> u64 {
    match get(process, number) {
        Some(known) => {
            if answers {
                store(&mut known.has_answered, 1);
            }
            known.seen(process, g, number, runtime)
        }
        None => children::context(process, g, number, runtime),
    }
}

impl Receiver {
    /// It has received another request.
    #[inline(always)]
    fn begin(&mut self, turn: u64, number: u64, runtime: &Runtime) {
        let writing = self.written | 1;
        store(&mut self.written, writing);
        for at in 0..PROCESSORS {
            let now = left(self.processors[at], runtime);
            for numbers in given(self.left[at], now, self.taken) {
                self.note(numbers);
            }
            store(&mut self.left[at], now);
        }
        let sched = runtime.addresses[GO_SCHED];
        // What is less than its own number does not count them.
        let taken = if sched != 0 { read_user::<u64>(sched).filter(|taken| *taken >= number) } else { None };
        store(&mut self.taken, taken.unwrap_or(u64::MAX));
        store(&mut self.has_answered, 0);
        self.turn = turn;
        store(&mut self.written, writing.wrapping_add(1));
    }

    /// These numbers were given out for its last request.
    #[inline(always)]
    fn note(&mut self, numbers: Numbers) {
        if numbers.from() != numbers.to() {
            let request = self.written >> 1;
            store(&mut self.given[self.noted as usize % GIVEN], numbers.of(request));
            self.noted = self.noted.wrapping_add(1);
        }
    }

    /// It was seen on the processor that its thread has, or, in a system call, had: the context of what it does.
    #[inline(always)]
    fn seen(&mut self, process: u32, g: u64, number: u64, runtime: &Runtime) -> u64 {
        if let Some(processor) = processor(g, runtime)
            && let Some(at) = place(&self.processors, processor)
        {
            store(&mut self.left[at % PROCESSORS], left(processor, runtime));
            self.processors[at % PROCESSORS] = processor;
            note_processor(process, processor);
        }
        OfGoroutine::context(number, self.written >> 1, false)
    }

    /// Half of this counts its requests; odd in the middle of a change.
    #[inline(always)]
    pub fn written(&self) -> u64 {
        load(&self.written)
    }

    /// Whether its last request is not answered.
    #[inline(always)]
    pub fn is_open(&self) -> bool {
        load(&self.has_answered) == 0
    }

    /// For how many requests before the last one it started the goroutine of this number, if that is certain.
    #[inline(always)]
    pub fn started(&self, number: u64) -> Option<u64> {
        if number > load(&self.taken) || self.left.iter().any(|left| load(left).holds(number)) {
            return Some(0);
        }
        let given = self.given.iter().map(load).find(|given| given.holds(number))?;
        Some(given.before(load(&self.written) >> 1))
    }
}

/// Where to note a processor; `None` if it stands there. Where there are more, it takes the place of any other.
#[inline(always)]
fn place(known: &[u64; PROCESSORS], processor: u64) -> Option<usize> {
    if known.contains(&processor) {
        return None;
    }
    Some(known.iter().position(|known| *known == 0).unwrap_or(processor as usize / PROCESSOR_BYTES % PROCESSORS))
}

/// Goroutines that will receive their first request look at it, too.
#[inline(always)]
fn note_processor(process: u32, processor: u64) {
    match PROCESSORS_KNOWN.get_ptr_mut(process) {
        // SAFETY: words of a live map value; of two that are written at once, one stays.
        Some(known) => {
            // SAFETY: as above.
            let known = unsafe { &mut *known };
            if let Some(at) = place(known, processor) {
                known[at % PROCESSORS] = processor;
            }
        }
        None => _ = PROCESSORS_KNOWN.insert(process, [processor, 0, 0, 0], 0),
    }
}

/// The processor of a goroutine's thread.
#[inline(always)]
fn processor(g: u64, runtime: &Runtime) -> Option<u64> {
    let thread = read_user::<u64>(g.wrapping_add(THREAD))?;
    read_user::<u64>(thread.wrapping_add(u64::from(runtime.places[GO_PROCESSOR]))).filter(|processor| *processor != 0)
}

/// The numbers that are left to a processor. Another thread may be taking from it in this moment.
#[inline(always)]
fn left(processor: u64, runtime: &Runtime) -> Numbers {
    if processor == 0 {
        return Numbers::NONE;
    }
    let numbers = read_user::<[u64; 2]>(processor.wrapping_add(u64::from(runtime.places[GO_NUMBERS])));
    numbers.map_or(Numbers::NONE, |[from, to]| Numbers::new(from, to))
}

/// The numbers that a processor has given out, to which these were left when so many were taken, and to which these are left now.
#[inline(always)]
fn given(then: Numbers, now: Numbers, taken: u64) -> [Numbers; 2] {
    if now.to() == 0 {
        return [Numbers::NONE; 2];
    }
    if now.to() == then.to() {
        return [Numbers::new(then.from(), now.from()), Numbers::NONE];
    }
    // It takes more when it has none.
    let first = now.to().wrapping_sub(BATCH);
    [then, if first > taken { Numbers::new(first, now.from()) } else { Numbers::NONE }]
}
