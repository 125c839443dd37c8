//! Sizes and limits that both sides agree on.

/// Most payload bytes of one record (head and tail together).
pub const MAX_PAYLOAD: usize = 15 * 1024;
/// A connection with at least this budget has long calls copied in pieces, a record each.
pub const WHOLE_CALLS: u32 = 1 << 24;
/// Most pieces of one call.
pub const MAX_PIECES: u32 = 16;
/// Bytes from the head of each call that are copied even when the turn's budget is used up.
pub const OVER_BUDGET_HEAD: u32 = 64;
/// Bytes from the tail of a call whose head was cut.
pub const TAIL: u32 = 192;
/// Room in which a program builds one record: a masked offset plus a masked length stays inside; the largest value of a
/// per-CPU map.
pub const MAX_SCRATCH: usize = 32 * 1024;
/// Programs that may build records at once on one CPU: one for each direction, and where they can be preempted one more
/// for each.
pub const SLOTS: u32 = 4;
/// How many of them there are where programs cannot be preempted.
pub const SLOTS_UNDISTURBED: u32 = 2;
/// Ring buffer size, bytes.
pub const RING_BYTES: u32 = 8 * 1024 * 1024;
/// Connections tracked in the kernel (least recently used are evicted).
pub const MAX_CONNECTIONS: u32 = 32 * 1024;

/// Contexts of interpreters whose token is kept, and threads that received outside of all contexts.
pub const MAX_CONTEXTS: u32 = 16 * 1024;
/// Most goroutines that receive requests, and most that those have started for a request.
pub const MAX_GOROUTINES: u32 = 16 * 1024;
/// Most `go` statements whose goroutines may work for anybody.
pub const MAX_WORKERS: u32 = 1024;
/// Sessions of TLS of which it is known that their secrets were told.
pub const MAX_SESSIONS: u32 = 8 * 1024;
/// Most processes into whose runtime the programs look.
pub const MAX_RUNTIMES: u32 = 4096;
/// Threads of event loops of which the last receive is kept.
pub const MAX_LOOPS: u32 = 4096;
/// Most frames of a stack that are looked at: what the kernel gives unless `kernel.perf_event_max_stack` was changed.
pub const MAX_FRAMES: usize = 127;
/// Bytes of one entry of the connection table: with what the kernel keeps of it, four cache lines.
pub const CONNECTION_BYTES: usize = 200;
/// Where the id of a connection stands in its entry.
pub const CONNECTION_ID_AT: usize = 8;
/// Processes of which each CPU keeps whether they are traced.
pub const MAX_ANSWERS: u32 = 64;
/// Threads whose request was left out, or not, as far as that is kept.
pub const MAX_SHEDDING_THREADS: u32 = 4096;
/// Sockets of which something is done once at the same moment: at most one or two a CPU.
pub const MAX_CLAIMS: u32 = 1024;
/// Undecided processes whose records are counted.
pub const MAX_UNDECIDED: u32 = 4096;
/// Records of one undecided process.
pub const UNDECIDED_RECORDS: u32 = 256;
/// Payload bytes of one undecided process, give or take a record.
pub const UNDECIDED_BYTES: u32 = 64 * 1024;
/// Names, users and ids that programs may be selected by.
pub const MAX_WANTED: u32 = 1024;
/// Processes with a policy of their own.
pub const MAX_PROCESSES: u32 = 16 * 1024;
/// Most buffers of one vectored call: the kernel takes no more (`UIO_MAXIOV`, include/uapi/linux/uio.h).
pub const MAX_IOVECS: u32 = 1024;
/// Longest unix socket path (`sun_path`).
pub const MAX_UNIX_PATH: usize = 108;
