//! Events: what the kernel (or a recording, or a pcap) tells, decoded. Everything after this is driven by event times.

/// An address of a connection's end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// TCP over IPv4 or IPv6.
    Inet(std::net::SocketAddr),
    /// A unix socket; the listener's path (abstract names start with `@`), empty when unnamed.
    Unix(std::sync::Arc<str>),
}

/// Which end of the connection the observed socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// This socket connected.
    Client,
    /// This socket was accepted.
    Server,
}

/// From where a connection is observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vantage {
    /// At a process's socket: one side of the connection.
    Socket,
    /// On the wire (a pcap): no process is known, and each exchange is reported once.
    Wire,
}

/// First sight of a connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Open {
    /// Connection id: unique among live connections.
    pub connection: u64,
    /// Key of the kernel's connection table; 0 without a kernel.
    pub sock: u64,
    /// Process at first sight; 0 when unknown.
    pub pid: u32,
    /// Role, when it was seen. For [`Vantage::Wire`] the "socket" is the server's.
    pub role: Option<Role>,
    /// From where it is observed.
    pub vantage: Vantage,
    /// Whether the connection was followed from its set-up.
    pub from_start: bool,
    /// Kernel time of the set-up (or of first sight), ns.
    pub at_ns: u64,
    /// Position of the first byte that the socket ever sent.
    pub first_sent: u64,
    /// Position of the first byte that it ever received.
    pub first_received: u64,
    /// Own address.
    pub local: Endpoint,
    /// The peer's address.
    pub remote: Endpoint,
    /// Inode of the network namespace, 0 when unknown.
    pub network_namespace: u32,
}

/// Which way a call moved data, from the observed socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flow {
    /// The socket sent.
    Sent,
    /// The socket received.
    Received,
}

/// A call that moved data.
#[derive(Clone, Debug, PartialEq)]
pub struct Data<'a> {
    /// Connection id.
    pub connection: u64,
    /// Which way.
    pub flow: Flow,
    /// Stream position of the first byte.
    pub position: u64,
    /// Bytes moved.
    pub len: u32,
    /// Captured bytes from the beginning of the call; at most `len`.
    pub head: &'a [u8],
    /// Captured bytes from its end; `head` and `tail` never overlap.
    pub tail: &'a [u8],
    /// Kernel time of the first byte, ns.
    pub first_ns: u64,
    /// Kernel time of the last byte, ns.
    pub last_ns: u64,
    /// Who.
    pub actor: wirespan_protocols::stream::Actor,
}

/// What became of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The socket will send no more.
    SentFin,
    /// The peer will send no more.
    ReceivedFin,
    /// Closed; nothing more will come.
    Closed,
    /// Reset, by either side, or torn down by an error.
    Reset,
}

/// A connection changed state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Connection id.
    pub connection: u64,
    /// What happened.
    pub change: Change,
    /// Kernel time, ns.
    pub at_ns: u64,
}

/// What happened to a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProcessChange {
    /// Forked from `parent`.
    Fork {
        /// The parent's process id.
        parent: u32,
    },
    /// Executed a new program.
    Exec {
        /// Path given to exec.
        file: Box<str>,
    },
    /// Exited.
    Exit,
}

/// A process came, changed its program or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Process id in the initial namespace.
    pub pid: u32,
    /// What happened.
    pub change: ProcessChange,
    /// Command name.
    pub comm: Box<str>,
    /// Effective user id.
    pub user: u32,
    /// Kernel time, ns.
    pub at_ns: u64,
}

/// One event. Payload borrows from the buffer that it was read from.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// First sight of a connection.
    Open(Open),
    /// A call moved data.
    Data(Data<'a>),
    /// A connection changed state.
    State(State),
    /// A process changed.
    Process(Process),
    /// A process began to listen on a TCP port.
    Listen {
        /// The process.
        pid: u32,
        /// Host order.
        port: u16,
    },
    /// `CLOCK_REALTIME - CLOCK_MONOTONIC`, ns, valid from here on. Comes first in every stream and again on each step.
    Clock {
        /// The offset.
        offset_ns: i64,
    },
    /// Time passed without other events (idle ticks, so that time-outs work in replay too).
    Tick {
        /// Kernel time, ns.
        at_ns: u64,
    },
}
