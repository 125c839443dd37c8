//! Records in the ring buffer. The first byte is the kind; all integers are in the host's byte order.

pub use crate::asks::{Asks, KIND_ASKS};
use crate::limits::MAX_UNIX_PATH;
pub use crate::secret::{MAX_LABEL, MAX_SECRET, Secret};
pub use crate::span::{SPAN_BYTES, Span};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// [`Data`] followed by its payload.
pub const KIND_DATA: u8 = 1;
/// [`Open`]: first sight of a connection, always before its first [`Data`].
pub const KIND_OPEN: u8 = 2;
/// [`State`]: a connection changed state.
pub const KIND_STATE: u8 = 3;
/// [`Process`]: a process came, changed its program or went.
pub const KIND_PROCESS: u8 = 4;
/// [`Stats`]: what the kernel knows of a connection's quality.
pub const KIND_STATS: u8 = 5;
/// [`Span`]: the span that the thread of the next [`Data`] of a connection is in, as its SDK says.
pub const KIND_SPAN: u8 = 6;
/// [`Inserted`](crate::propagate::Inserted): a header was put into a request; always before the [`Data`] of the call that sent it.
pub const KIND_INSERTED: u8 = 7;
/// [`Secret`]: a secret of a TLS handshake, as its library tells whoever asks for a log of keys.
pub const KIND_SECRET: u8 = 8;

/// [`Data::direction`]: the process sent.
pub const SEND: u8 = 0;
/// [`Data::direction`]: the process received.
pub const RECEIVE: u8 = 1;

/// [`Data::direction`], a bit: what is missing of this direction before the call are whole turns that were left out to save
/// work, and nothing else.
pub const AFTER_SHED: u8 = 0x80;

/// A send or receive call on a connection. `head_len` bytes from the beginning of the call's data, then `tail_len`
/// bytes from its end, follow the structure.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Data {
    /// [`KIND_DATA`].
    pub kind: u8,
    /// [`SEND`] or [`RECEIVE`]; with [`AFTER_SHED`].
    pub direction: u8,
    /// Why payload is missing though the budget had room: a [`Missing`] value.
    pub missing: u8,
    /// Of 256 turns like the one that the call belongs to so many were left out when this one was not, to save work.
    pub rejected: u8,
    /// Bytes that the call moved.
    pub len: u32,
    /// Payload bytes from the beginning.
    pub head_len: u32,
    /// Payload bytes from the end.
    pub tail_len: u32,
    /// Connection id, see [`Open::connection`].
    pub connection: u64,
    /// Stream position of the first byte: kernel TCP sequence number extended to 64 bits; a count for unix sockets.
    pub position: u64,
    /// `CLOCK_MONOTONIC` ns of the first byte: entry of a send (where a hook shows it), exit of a receive.
    pub first_ns: u64,
    /// `CLOCK_MONOTONIC` ns of the last byte.
    pub last_ns: u64,
    /// Thread group id in the initial pid namespace.
    pub pid: u32,
    /// Thread id in the initial pid namespace.
    pub tid: u32,
    /// Execution context within the thread; 0 when only the thread is known.
    pub context: u64,
    /// For a receive: `CLOCK_MONOTONIC` ns at which its first byte came to the socket, when nothing unread lay there
    /// before; 0 when that was not seen.
    pub arrived_ns: u64,
}

/// Why the payload of a call is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Missing {
    /// Nothing is missing but what the budget left out.
    Nothing = 0,
    /// The memory could not be read.
    Fault = 1,
    /// io_uring: the call's registers do not show the buffer.
    IoUring = 2,
    /// sendfile or splice: there is no user buffer.
    Splice = 3,
    /// Several messages in one call, a foreign ABI, or an unknown call.
    Other = 4,
    /// The buffers of a vectored call hold less than it moved.
    Vector = 5,
}

/// [`Open::role`]: not seen.
pub const ROLE_UNKNOWN: u8 = 0;
/// [`Open::role`]: this socket connected.
pub const ROLE_CLIENT: u8 = 1;
/// [`Open::role`]: this socket was accepted.
pub const ROLE_SERVER: u8 = 2;

/// `AF_UNIX`.
pub const FAMILY_UNIX: u8 = 1;
/// `AF_INET`.
pub const FAMILY_INET: u8 = 2;
/// `AF_INET6`.
pub const FAMILY_INET6: u8 = 10;

/// First sight of a connection by a target.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Open {
    /// [`KIND_OPEN`].
    pub kind: u8,
    /// Address family.
    pub family: u8,
    /// One of the `ROLE_` constants.
    pub role: u8,
    /// 1 when the connection was set up before anyone looked: `started_ns` is the time of first sight then.
    pub midway: u8,
    /// Process at first sight.
    pub pid: u32,
    /// Identity of the socket: unique among live sockets, the same in every backend.
    pub connection: u64,
    /// Kernel address of the `struct sock`, the key of the kernel's connection table.
    pub sock: u64,
    /// Of a unix socket: kernel address of the `struct sock` at the other end; 0 where there is none.
    pub peer_sock: u64,
    /// Execution context in which it was connected; 0 when only the thread is known.
    pub context: u64,
    /// `CLOCK_MONOTONIC` ns: SYN sent (client), established (server), or first sight.
    pub started_ns: u64,
    /// ns at which the handshake was over; 0 when that was not seen, or never came.
    pub established_ns: u64,
    /// ns at which the application took the connection from the listen queue (accept returned); 0 when not seen.
    pub accepted_ns: u64,
    /// Stream position of the first byte ever sent; equal to the first `Data` of a send iff nothing was missed.
    pub first_sent: u64,
    /// Stream position of the first byte ever received.
    pub first_received: u64,
    /// Local address; IPv4 in the first four bytes. Network byte order.
    pub local_address: [u8; 16],
    /// Remote address.
    pub remote_address: [u8; 16],
    /// Local port, host order.
    pub local_port: u16,
    /// Remote port, host order.
    pub remote_port: u16,
    /// Inode of the network namespace.
    pub network_namespace: u32,
    /// Inode of the socket (as in `/proc/PID/fd`), 0 when it has none yet.
    pub inode: u32,
    /// Length of `path`.
    pub path_len: u32,
    /// Path of a unix socket: the listener's, whichever end this is. Abstract names start with NUL.
    pub path: [u8; MAX_UNIX_PATH],
    /// Thread at first sight: the one that connected, accepted or moved the first data.
    pub tid: u32,
    /// Segments of the handshake that had to be sent again.
    pub syn_retransmits: u32,
    /// IP protocol: `IPPROTO_TCP`, `IPPROTO_UDP`; 0 for unix sockets.
    pub transport: u8,
    /// Zero.
    pub reserved: [u8; 3],
}

/// `IPPROTO_TCP`.
pub const TRANSPORT_TCP: u8 = 6;
/// `IPPROTO_UDP`.
pub const TRANSPORT_UDP: u8 = 17;

/// [`State::what`]: this end will send no more (shutdown).
pub const STATE_SENT_FIN: u8 = 1;
/// [`State::what`]: the peer will send no more.
pub const STATE_RECEIVED_FIN: u8 = 2;
/// [`State::what`]: closed in an orderly way; nothing more will come.
pub const STATE_CLOSED: u8 = 3;
/// [`State::what`]: reset by the peer.
pub const STATE_RESET_BY_PEER: u8 = 4;
/// [`State::what`]: reset by this end.
pub const STATE_RESET_BY_SELF: u8 = 5;
/// [`State::what`]: ended by an error (`error` holds the errno).
pub const STATE_FAILED: u8 = 6;
/// [`State::what`]: a listening socket came up on `port`.
pub const STATE_LISTEN: u8 = 7;

/// A connection changed state.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct State {
    /// [`KIND_STATE`].
    pub kind: u8,
    /// One of the `STATE_` constants.
    pub what: u8,
    /// Local port for [`STATE_LISTEN`], host order.
    pub port: u16,
    /// `errno` of the socket, 0 if none.
    pub error: u32,
    /// Connection id; 0 for [`STATE_LISTEN`].
    pub connection: u64,
    /// `CLOCK_MONOTONIC` ns.
    pub at_ns: u64,
    /// Stream position after the last byte sent (for closes: to find bytes that no record showed).
    pub sent: u64,
    /// Stream position after the last byte received by the application.
    pub received: u64,
    /// Process that was running (meaningful only for [`STATE_LISTEN`]).
    pub pid: u32,
    /// Zero.
    pub reserved: u32,
}

/// What the kernel's own socket knows of a TCP connection: sums since its beginning, and present estimates
/// (`struct tcp_sock`, include/linux/tcp.h). Sent at an interval while data moves, and before the end is told. A member
/// that the kernel lacks is [`u32::MAX`], or [`u64::MAX`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Stats {
    /// [`KIND_STATS`].
    pub kind: u8,
    /// 1 for the last one, at the end of the connection.
    pub last: u8,
    /// 1 when the peer's receive window is closed now.
    pub zero_window: u8,
    /// Zero.
    pub reserved: u8,
    /// Smoothed round-trip time, µs.
    pub rtt_us: u32,
    /// Connection id.
    pub connection: u64,
    /// `CLOCK_MONOTONIC` ns.
    pub at_ns: u64,
    /// Payload bytes sent, retransmissions included (`bytes_sent`).
    pub bytes_sent: u64,
    /// Payload bytes received (`bytes_received`).
    pub bytes_received: u64,
    /// Mean deviation of the round-trip time, µs.
    pub rtt_deviation_us: u32,
    /// Segments sent (`segs_out`).
    pub segments_sent: u32,
    /// Segments received (`segs_in`).
    pub segments_received: u32,
    /// Segments sent again (`total_retrans`).
    pub retransmits: u32,
    /// Turns that this end of the connection saw, see `turn` in the kernel programs: two a round trip of the application.
    pub turns: u32,
    /// Zero.
    pub reserved2: u32,
}

/// [`Process::what`]: forked; `parent` is set.
pub const PROCESS_FORK: u8 = 1;
/// [`Process::what`]: executed a new program; `file` is set.
pub const PROCESS_EXEC: u8 = 2;
/// [`Process::what`]: exited.
pub const PROCESS_EXIT: u8 = 3;

/// Longest executable path in a [`Process`] record.
pub const MAX_EXECUTABLE: usize = 128;

/// A process came, changed its program or went.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Process {
    /// [`KIND_PROCESS`].
    pub kind: u8,
    /// One of the `PROCESS_` constants.
    pub what: u8,
    /// Zero.
    pub reserved: [u8; 2],
    /// Thread group id.
    pub pid: u32,
    /// Parent's thread group id.
    pub parent: u32,
    /// Effective user id.
    pub user: u32,
    /// `CLOCK_MONOTONIC` ns.
    pub at_ns: u64,
    /// Command name, NUL-padded.
    pub comm: [u8; 16],
    /// Path given to exec, NUL-terminated unless it fills the array.
    pub file: [u8; MAX_EXECUTABLE],
}

/// What the agent wants of one connection; the value of the map `DIRECTIVES`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Directive {
    /// The connection that is meant: another one may have its socket by now.
    pub connection: u64,
    /// Payload bytes copied per turn; 0: copy nothing more, tell nothing more but the end.
    pub budget: u32,
    /// Which turns may be left out to save work: one of [`crate::shed`], with tags in the bytes above it.
    pub shedding: u32,
}

/// [`Directive::budget`]: as it is.
pub const BUDGET_UNCHANGED: u32 = u32::MAX;

/// [`Selection::default_policy`](crate::layout::Selection::default_policy) and kinds of policy words: leave at once.
pub const POLICY_IGNORE: u32 = 0;
/// Policy: trace.
pub const POLICY_TRACE: u32 = 1;
/// Policy: trace within a small budget until user space has decided, because the process has just executed a program.
pub const POLICY_PENDING: u32 = 2;
/// Policy: trace until user space has decided, because the process uses a port that a selector names.
pub const POLICY_PORT: u32 = 3;
/// Policy: leave at once whatever ports it uses, until it executes another program.
pub const POLICY_REFUSE: u32 = 4;

/// A policy and a time, as the values of the maps `MARKS` and `DECISIONS`: the time in units of 256 ns.
#[must_use]
pub const fn policy_word(kind: u32, at_ns: u64) -> u64 {
    at_ns & !0xff | (kind & 0xff) as u64
}

/// Which policy a word holds: one of `POLICY_`.
#[must_use]
pub const fn policy_kind(word: u64) -> u32 {
    (word & 0xff) as u32
}

/// The time that a word holds, ns.
#[must_use]
pub const fn policy_ns(word: u64) -> u64 {
    word & !0xff
}

/// Whether a decision of user space counts more than what the kernel saw: not if it was made without knowing of that. A
/// mark for the use of a port has the time of the program that uses it: whoever decided to ignore that program did not
/// know of the port.
#[must_use]
pub const fn settles(decision: u64, mark: u64) -> bool {
    policy_ns(decision) >= policy_ns(mark)
        && (policy_kind(mark) != POLICY_PORT || policy_kind(decision) != POLICY_IGNORE)
}

/// Longest name of a [`Wanted`].
pub const WANTED_NAME: usize = 15;
/// [`Wanted::label`]: file name of the executable.
pub const WANTED_EXE: u8 = 1;
/// [`Wanted::label`]: command name.
pub const WANTED_COMM: u8 = 2;
/// [`Wanted::label`]: process id, a `u32` in the host's order.
pub const WANTED_PID: u8 = 3;
/// [`Wanted::label`]: effective user id, a `u32` in the host's order.
pub const WANTED_USER: u8 = 4;

/// What a program shows at its exec if a selector may choose it; a key of the map `WANTED`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Wanted {
    /// The beginning of the name, zeroes behind it.
    pub name: [u8; WANTED_NAME],
    /// One of the `WANTED_` constants.
    pub label: u8,
}

impl Wanted {
    /// The key of a label and a value of it.
    #[must_use]
    pub fn new(label: u8, value: &[u8]) -> Self {
        let mut name = [0; WANTED_NAME];
        let len = if value.len() < WANTED_NAME { value.len() } else { WANTED_NAME };
        name[..len].copy_from_slice(&value[..len]);
        Self { name, label }
    }
}

/// Value of the port map: a target listens on it.
pub const PORT_LISTENED: u32 = 1;
/// Value of the port map: a selector names it.
pub const PORT_SELECTED: u32 = 2;
/// `BPF_NOEXIST`: an entry that is there stays.
pub const NO_REPLACE: u64 = 1;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_does_not_undo_what_it_did_not_know_of() {
        const MS: u64 = 1_000_000;
        let exec = 77_777_777 * MS + 123;
        let mark = policy_word(POLICY_PENDING, exec);
        assert_eq!((policy_kind(mark), policy_ns(mark)), (POLICY_PENDING, exec & !0xff));
        for policy in [POLICY_IGNORE, POLICY_TRACE, POLICY_REFUSE] {
            assert!(!settles(policy_word(policy, exec - MS), mark));
            assert!(!settles(policy_word(policy, 0), mark));
            assert!(settles(policy_word(policy, exec), mark));
            assert!(settles(policy_word(policy, exec + MS), mark));
        }
        let port = policy_word(POLICY_PORT, exec);
        assert!(!settles(policy_word(POLICY_IGNORE, exec + MS), port));
        assert!(!settles(policy_word(POLICY_TRACE, exec - MS), port));
        assert!(settles(policy_word(POLICY_TRACE, exec), port));
        assert!(settles(policy_word(POLICY_REFUSE, exec), port));
    }

    #[test]
    fn names_are_cut_where_the_kernel_cuts_them() {
        assert_eq!(Wanted::new(WANTED_COMM, b"a-very-long-name-of-a-program").name, *b"a-very-long-nam");
        assert_eq!(Wanted::new(WANTED_COMM, b"sh").name, *b"sh\0\0\0\0\0\0\0\0\0\0\0\0\0");
    }
}
