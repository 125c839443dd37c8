//! Counters that the kernel programs keep: a per-CPU array of rows, each indexed by [`Counter`]. A counter is the sum of its
//! rows.

/// What the kernel programs count. `seen = delivered_calls + ignored + undecided + shed + ring_full`, in calls, once no program is at
/// work. Each call of a target that is [`Seen`](Self::Seen) gives one data record, which is
/// [`Delivered`](Self::Delivered) or dropped for a full ring buffer, or is [`Ignored`](Self::Ignored) or
/// [`Undecided`](Self::Undecided). Records of
/// connections, states and processes are delivered or dropped beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Counter {
    /// Send or receive calls of targets that the hooks looked at.
    Seen,
    /// Records that reached the ring buffer. The programs count those of calls as [`DeliveredCalls`](Self::DeliveredCalls)
    /// alone; the agent adds them here.
    Delivered,
    /// Calls on connections that user space asked to ignore (only their bytes are counted).
    Ignored,
    /// Calls whose record, or the announcement of their connection, the ring buffer had no room for.
    DropRingFull,
    /// Calls whose connection could not be entered in the table.
    DropTableFull,
    /// Payload that could not be read: the memory was not resident or not readable.
    UnreadableFault,
    /// Payload that could not be read: io_uring.
    UnreadableIoUring,
    /// Payload that could not be read: sendfile or splice.
    UnreadableSplice,
    /// Payload that could not be read: several messages in one call, or a system call of another ABI.
    UnreadableOther,
    /// Payload of a vectored call whose buffers hold less than was moved: another thread has changed them meanwhile.
    UnreadableVector,
    /// Bytes beyond the budget of their turn: counted, not copied.
    OverBudgetBytes,
    /// Process records that the ring buffer had no room for.
    DropProcess,
    /// Runs that the kernel left out, because the same program was interrupted or preempted in the middle on that CPU. The
    /// kernel counts them itself (`recursion_misses`); the agent adds its numbers here, less [`MadeUp`](Self::MadeUp).
    Missed,
    /// Calls of processes that were not decided yet, beyond their budget.
    Undecided,
    /// Marks of processes that the map had no room for.
    PoliciesFull,
    /// Ports that the map had no room for.
    PortsFull,
    /// Processes whose runtime shows its contexts, for which the map had no room.
    RuntimesFull,
    /// Probes that could not be put into programs: there is no room for more, or the kernel refuses.
    UprobesRefused,
    /// Calls whose record reached the ring buffer.
    DeliveredCalls,
    /// Records of connections and their states that the ring buffer had no room for.
    DropOther,
    /// Requests whose beginning was not recorded: turns of the side that asks whose first call was lost or could not be read.
    LostExchanges,
    /// Connections entered in the table.
    Entered,
    /// Connections taken out of it.
    Left,
    /// Connections that were evicted from the table. The agent finds their number: entered, but neither taken out nor there.
    Evicted,
    /// Calls of turns that were left out to save work, and of the answers to them.
    Shed,
    /// Turns that were left out to save work, the answers to them not counted: at least as many requests.
    ShedExchanges,
    /// Of those runs, calls that a second program told of, or for which it moved the position of the connection on.
    MadeUp,
    /// Requests into which a `traceparent` was put.
    Propagated,
}

impl Counter {
    /// Whether it counts what was not recorded, or not as it should have been.
    #[must_use]
    pub const fn is_loss(self) -> bool {
        !matches!(
            self,
            Self::Seen
                | Self::Delivered
                | Self::DeliveredCalls
                | Self::Entered
                | Self::Left
                | Self::OverBudgetBytes
                | Self::MadeUp
                | Self::Propagated
        )
    }

    /// Number of counters.
    pub const COUNT: usize = Self::ALL.len();
    /// Every counter, in the order of their discriminants.
    pub const ALL: [Self; 28] = [
        Self::Seen,
        Self::Delivered,
        Self::Ignored,
        Self::DropRingFull,
        Self::DropTableFull,
        Self::UnreadableFault,
        Self::UnreadableIoUring,
        Self::UnreadableSplice,
        Self::UnreadableOther,
        Self::UnreadableVector,
        Self::OverBudgetBytes,
        Self::DropProcess,
        Self::Missed,
        Self::Undecided,
        Self::PoliciesFull,
        Self::PortsFull,
        Self::RuntimesFull,
        Self::UprobesRefused,
        Self::DeliveredCalls,
        Self::DropOther,
        Self::LostExchanges,
        Self::Entered,
        Self::Left,
        Self::Evicted,
        Self::Shed,
        Self::ShedExchanges,
        Self::MadeUp,
        Self::Propagated,
    ];

    /// Name for metrics and summaries.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Delivered => "delivered",
            Self::Ignored => "ignored",
            Self::DropRingFull => "ring_full",
            Self::DropTableFull => "table_full",
            Self::UnreadableFault => "unreadable_fault",
            Self::UnreadableIoUring => "unreadable_io_uring",
            Self::UnreadableSplice => "unreadable_splice",
            Self::UnreadableOther => "unreadable_other",
            Self::UnreadableVector => "unreadable_vector",
            Self::OverBudgetBytes => "over_budget_bytes",
            Self::DropProcess => "process_record",
            Self::Missed => "missed",
            Self::Undecided => "undecided",
            Self::PoliciesFull => "policies_full",
            Self::PortsFull => "ports_full",
            Self::RuntimesFull => "runtimes_full",
            Self::UprobesRefused => "uprobes_refused",
            Self::DeliveredCalls => "delivered_calls",
            Self::DropOther => "ring_full_other",
            Self::LostExchanges => "lost_exchanges",
            Self::Entered => "entered",
            Self::Left => "left",
            Self::Evicted => "evicted",
            Self::Shed => "shed",
            Self::ShedExchanges => "shed_exchanges",
            Self::MadeUp => "made_up",
            Self::Propagated => "propagated",
        }
    }
}
