//! Every map and every injected global, with its limit.

use crate::conn::Conn;
use crate::context::go::{Child, PROCESSORS, Receiver};
use crate::context::node::streams::{Current, Stack, Waiting};
use crate::process::Spent;
use crate::propagate::Framing;
use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap, LruHashMap, PerCpuArray, RingBuf, SockHash};
use wirespan_common::context::Runtime;
use wirespan_common::counters::Counter;
use wirespan_common::layout::{Config, Layout, Selection};
use wirespan_common::limits::{
    MAX_ANSWERS, MAX_CLAIMS, MAX_CONNECTIONS, MAX_CONTEXTS, MAX_GOROUTINES, MAX_LOOPS, MAX_PROCESSES, MAX_RUNTIMES,
    MAX_SCRATCH, MAX_SESSIONS, MAX_SHEDDING_THREADS, MAX_UNDECIDED, MAX_WANTED, MAX_WORKERS, RING_BYTES, SLOTS,
};
use wirespan_common::propagate::{Ids, MAX_WORKING};
use wirespan_common::record::Directive;

/// Offsets in the running kernel; injected at load.
#[unsafe(no_mangle)]
static LAYOUT: Layout = Layout::EMPTY;

/// Settings; injected at load.
#[unsafe(no_mangle)]
static CONFIG: Config = Config { turn_budget: 0, wake_bytes: 0, queue_time: 0, preemptible: 0, new_traces: 0 };

/// Who is traced; user space changes it while the programs run. It has the section `.data` for itself.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".data")]
static mut SELECTION: Selection = Selection { default_policy: 0, select_ports: 0, exec_filter: 0 };

/// Reads one offset. Volatile, so that the compiler cannot fold the value from before the injection.
macro_rules! offset {
    ($field:ident) => {
        // SAFETY: a read of an initialised static.
        unsafe { core::ptr::read_volatile(&raw const $crate::maps::layout_global().$field) }
    };
}
pub(crate) use offset;

/// Reads one setting.
macro_rules! setting {
    ($field:ident) => {
        // SAFETY: a read of an initialised static.
        unsafe { core::ptr::read_volatile(&raw const $crate::maps::config_global().$field) }
    };
}
pub(crate) use setting;

/// Reads one setting that may change.
macro_rules! selection {
    ($field:ident) => {
        // SAFETY: a read of a word that only user space writes.
        unsafe { core::ptr::read_volatile(&raw const (*$crate::maps::selection_global()).$field) }
    };
}
pub(crate) use selection;

#[inline(always)]
pub fn selection_global() -> *const Selection {
    &raw const SELECTION
}

#[inline(always)]
pub fn layout_global() -> &'static Layout {
    &LAYOUT
}

#[inline(always)]
pub fn config_global() -> &'static Config {
    &CONFIG
}

/// Records on their way to the agent.
#[map]
pub static EVENTS: RingBuf = RingBuf::with_byte_size(RING_BYTES, 0);

/// Processes that have just executed a program and wait for a decision: reading it wakes the agent at once.
#[map]
pub static URGENT: RingBuf = RingBuf::with_byte_size(4096, 0);

/// What the kernel programs saw of a process that matters for its policy, by thread group id. Written here alone.
#[map]
pub static MARKS: HashMap<u32, u64> = HashMap::with_max_entries(MAX_PROCESSES, 0);

/// What user space decided about a process. Written there alone; removed here when the process ends.
#[map]
pub static DECISIONS: HashMap<u32, u64> = HashMap::with_max_entries(MAX_PROCESSES, 0);

/// How contexts are found in processes whose runtime shows them. Written in user space; removed here when the process executes
/// another program or ends.
#[map]
pub static RUNTIMES: HashMap<u32, Runtime> = HashMap::with_max_entries(MAX_RUNTIMES, 0);

/// Not 0 once there was a process in [`RUNTIMES`].
#[map]
pub static RUNTIMES_KNOWN: Array<u32> = Array::with_max_entries(1, 0);

/// Where the threads of processes have the address of the span that they are in, from their thread pointer; see
/// [`crate::context::spans`]. Written in user space; removed here when the process executes another program or ends.
#[map]
pub static SPANS: HashMap<u32, u64> = HashMap::with_max_entries(MAX_RUNTIMES, 0);

/// Not 0 once there was a process in [`SPANS`].
#[map]
pub static SPANS_KNOWN: Array<u32> = Array::with_max_entries(1, 0);

/// The token of what a context of an interpreter belongs to; see [`crate::context::cpython`].
#[map]
pub static CONTEXTS: LruHashMap<[u64; 2], u64> = LruHashMap::with_max_entries(MAX_CONTEXTS, 0);
/// Goroutines that receive requests, by process and number.
#[map]
pub static GOROUTINES: LruHashMap<u64, Receiver> = LruHashMap::with_max_entries(MAX_GOROUTINES, 0);
/// Goroutines that handle a stream, by process and number: the context of what they do.
#[map]
pub static STREAMS: LruHashMap<u64, u64> = LruHashMap::with_max_entries(MAX_GOROUTINES, 0);
/// Streams of which was told who asks, by connection and number.
#[map]
pub static ASKED: LruHashMap<u64, u8> = LruHashMap::with_max_entries(MAX_GOROUTINES, 0);
/// Processors of a Go program's scheduler, by process: addresses.
#[map]
pub static PROCESSORS_KNOWN: LruHashMap<u32, [u64; PROCESSORS]> = LruHashMap::with_max_entries(MAX_RUNTIMES, 0);
/// Goroutines that those have started for a request, by process and number.
#[map]
pub static CHILDREN: LruHashMap<u64, Child> = LruHashMap::with_max_entries(MAX_GOROUTINES, 0);
/// `go` statements that start goroutines which may work for anybody, by process and address.
#[map]
pub static WORKERS: LruHashMap<[u64; 2], u8> = LruHashMap::with_max_entries(MAX_WORKERS, 0);
/// Tasks of tokio that receive requests, by process and number: the turn in which the last one came, and how many came.
#[map]
pub static TASKS: LruHashMap<u64, [u64; 2]> = LruHashMap::with_max_entries(MAX_GOROUTINES, 0);
/// Tasks that were started by one with a request, by process and number: the context of what they do.
#[map]
pub static STARTED: LruHashMap<u64, u64> = LruHashMap::with_max_entries(MAX_GOROUTINES, 0);
/// Tasks that were woken by one with a request and have asked nothing since: the context in which they were.
#[map]
pub static WOKEN: LruHashMap<u64, u64> = LruHashMap::with_max_entries(MAX_GOROUTINES, 0);
/// The last receive of a thread that runs an event loop, by a number of its own.
#[map]
pub static RECEIVED: LruHashMap<u64, u64> = LruHashMap::with_max_entries(MAX_LOOPS, 0);

/// The connection of a session of HTTP/2, by process and address of its object; see [`crate::context::node::streams`].
#[map]
pub static NODE_SESSIONS: LruHashMap<[u64; 2], u64> = LruHashMap::with_max_entries(MAX_LOOPS, 0);
/// The first stream of a session whose connection is not known yet.
#[map]
pub static NODE_FIRST: LruHashMap<[u64; 2], Waiting> = LruHashMap::with_max_entries(MAX_WORKERS, 0);
/// For which stream a thread runs callbacks.
#[map]
pub static CURRENT: LruHashMap<u64, Current> = LruHashMap::with_max_entries(MAX_LOOPS, 0);
/// For which session a thread began to send.
#[map]
pub static FLUSHES: LruHashMap<u64, u64> = LruHashMap::with_max_entries(MAX_WORKERS, 0);
/// What the stack of a thread is copied to: where programs can be preempted, those of two threads may be at work on one CPU.
#[map]
pub static STACKS: LruHashMap<u64, Stack> = LruHashMap::with_max_entries(MAX_WORKERS, 0);

/// When the secrets of a session that goes on were last told, by process and address of its object; see [`crate::secrets`].
#[map]
pub static SESSIONS: LruHashMap<[u64; 2], u64> = LruHashMap::with_max_entries(MAX_SESSIONS, 0);

/// What is known of the requests of a connection into which a header may be put, by socket.
#[map]
pub static FRAMINGS: LruHashMap<u64, Framing> = LruHashMap::with_max_entries(MAX_CONNECTIONS, 0);
/// The sockets of those connections.
#[map]
pub static PROPAGATED: SockHash<u64> = SockHash::with_max_entries(MAX_CONNECTIONS, 0);
/// The span that a thread works for, by process and thread. Written in user space.
#[map]
pub static WORKING: LruHashMap<u64, Ids> = LruHashMap::with_max_entries(MAX_WORKING, 0);

/// What undecided processes have had recorded.
#[map]
pub static UNDECIDED: LruHashMap<u32, Spent> = LruHashMap::with_max_entries(MAX_UNDECIDED, 0);

/// Programs that a selector may choose, as far as the kernel can tell at an exec: each a
/// [`Wanted`](wirespan_common::record::Wanted), as words.
#[map]
pub static WANTED: HashMap<[u64; 2], u8> = HashMap::with_max_entries(MAX_WANTED, 0);

/// Ports that selectors name, a bit each.
#[map]
pub static SELECTED_PORTS: Array<u64> = Array::with_max_entries(1024, 0);

/// When a policy last changed; ns. See [`crate::process::Caller`].
#[map]
pub static POLICY_CHANGE: Array<u64> = Array::with_max_entries(1, 0);

/// The last answers about processes on this CPU, see [`crate::process::Caller`].
#[map]
pub static ANSWERS: PerCpuArray<u64> = PerCpuArray::with_max_entries(MAX_ANSWERS, 0);

/// Connections by address of their `struct sock`.
#[map]
pub static CONNECTIONS: LruHashMap<u64, Conn> = LruHashMap::with_max_entries(MAX_CONNECTIONS, 0);

/// Sockets for which something is done that must be done once, for as long as it takes; see [`crate::conn`].
#[map]
pub static CLAIMS: HashMap<u64, u8> = HashMap::with_max_entries(MAX_CLAIMS, 0);

/// What the agent wants of single connections, by sock address. Taken out when obeyed.
#[map]
pub static DIRECTIVES: LruHashMap<u64, Directive> = LruHashMap::with_max_entries(4096, 0);

/// How many directives there have been: a connection looks for its own only when there was a new one.
#[map]
pub static DIRECTED: Array<u64> = Array::with_max_entries(1, 0);

/// How many turns of 256 are left out to save work, and [`INHERITS`](wirespan_common::shed::INHERITS).
#[map]
pub static SHEDDING: Array<u32> = Array::with_max_entries(1, 0);

/// Whether the request that a thread is handling was left out; kept only while some are.
#[map]
pub static THREAD_SHEDS: LruHashMap<u64, u8> = LruHashMap::with_max_entries(MAX_SHEDDING_THREADS, 0);

/// Ports on which targets listen, or that selectors name; host order.
#[map]
pub static PORTS: HashMap<u16, u32> = HashMap::with_max_entries(4096, 0);

/// Entry times of calls by thread (`syscalls` backend): of sends, and, where a program can be preempted, of receives, which
/// then tell whether their end was left out.
#[map]
pub static ENTRIES: LruHashMap<u64, u64> = LruHashMap::with_max_entries(8192, 0);

/// Counters, see [`Counter`]: a row that all programs share, then one for each [`Slot`].
#[map]
pub static COUNTERS: PerCpuArray<u64> =
    PerCpuArray::with_max_entries((Counter::COUNT * (1 + SLOTS as usize)) as u32, 0);

/// Room to build records with payload in.
#[map]
pub static SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(SLOTS, 0);

/// Not 0 while the program of a slot is at work on this CPU; kept only where it can be preempted.
#[map]
pub static AT_WORK: PerCpuArray<u32> = PerCpuArray::with_max_entries(SLOTS, 0);

/// A record and its payload, and as much again so that masked offsets plus masked lengths stay inside.
#[repr(C, align(8))]
pub struct Scratch(pub [u8; MAX_SCRATCH]);

/// What a program that records data has on each CPU for itself alone: room for a record, and a row of counters.
///
/// From Linux 7.0 on a program can be preempted, and the next process runs another program on that CPU. But no program
/// runs there twice at once: the kernel leaves out what would be the second run (`recursion_misses`, since 6.1; before,
/// programs in the context of a process cannot be interrupted by one another, and none with a slot runs elsewhere). So
/// what one program alone uses is safe, and needs no atomics.
#[derive(Clone, Copy)]
pub struct Slot(u32);

impl Slot {
    /// That of the program that records sends; for one that records both directions, its own for sends.
    pub const SEND: Self = Self(0);
    /// The same for receives.
    pub const RECEIVE: Self = Self(1);

    /// That of the program that takes over for this one.
    #[inline(always)]
    pub fn second(self) -> Self {
        Self(self.0 + 2)
    }

    /// The one of a number.
    #[inline(always)]
    pub fn numbered(number: u32) -> Self {
        Self(number)
    }

    /// The direction of what it records.
    #[inline(always)]
    pub fn direction(self) -> u8 {
        self.0 as u8 & 1
    }

    /// Its number.
    #[inline(always)]
    pub fn number(self) -> u32 {
        self.0
    }

    /// The program begins its work on this CPU: [`Slot::is_at_work`] says so until [`Slot::end`].
    #[inline(always)]
    pub fn begin(self) {
        self.set_at_work(1);
    }

    /// It has done its work.
    #[inline(always)]
    pub fn end(self) {
        self.set_at_work(0);
    }

    #[inline(always)]
    fn set_at_work(self, is: u32) {
        if setting!(preemptible) != 0
            && let Some(at_work) = AT_WORK.get_ptr_mut(self.0)
        {
            // SAFETY: a live map value that only this program writes.
            unsafe { at_work.write_volatile(is) };
        }
    }

    /// Whether the program is in the middle of its work on this CPU: it was preempted, and the kernel leaves out its runs
    /// for others until it goes on.
    #[inline(always)]
    pub fn is_at_work(self) -> bool {
        // SAFETY: an aligned word of a live map value.
        AT_WORK.get_ptr(self.0).is_some_and(|at_work| unsafe { at_work.read_volatile() } != 0)
    }

    /// Adds to a counter of this program.
    #[inline(always)]
    pub fn count_by(self, counter: Counter, by: u64) {
        if let Some(value) = COUNTERS.get_ptr_mut(counter as u32 + (1 + self.0) * Counter::COUNT as u32) {
            // SAFETY: a live map value that only this program writes, and it runs once at a time on this CPU.
            unsafe { *value += by };
        }
    }

    /// Adds one to a counter of this program.
    #[inline(always)]
    pub fn count(self, counter: Counter) {
        self.count_by(counter, 1);
    }

    /// The program's room for building a record on this CPU.
    #[inline(always)]
    pub fn scratch(self) -> Option<*mut u8> {
        SCRATCH.get_ptr_mut(self.0).map(|room| room.cast())
    }
}

/// Adds one to a counter that several programs share: one may interrupt or preempt another in the middle.
#[inline(always)]
pub fn count(counter: Counter) {
    if let Some(value) = COUNTERS.get_ptr_mut(counter as u32) {
        // The target has no atomics in `core`. This form of the instruction is older than all kernels that matter.
        // SAFETY: an aligned word of a live map value.
        unsafe { core::arch::asm!("lock *(u64 *)({value} + 0) += {one}", value = in(reg) value, one = in(reg) 1u64) }
    }
}
