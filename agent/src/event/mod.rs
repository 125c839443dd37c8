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

/// What carries a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP: each call is a datagram. A "connection" is a socket and, once it is known, its peer.
    Udp,
    /// A unix stream socket.
    Unix,
}

/// First sight of a connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Open {
    /// Connection id: unique among live connections.
    pub connection: u64,
    /// Key of the kernel's connection table; 0 without a kernel.
    pub sock: u64,
    /// The same of the other end of a unix socket; 0 when unknown.
    pub peer_sock: u64,
    /// Process at first sight; 0 when unknown.
    pub pid: u32,
    /// Role, when it was seen. For [`Vantage::Wire`] the "socket" is the server's.
    pub role: Option<Role>,
    /// From where it is observed.
    pub vantage: Vantage,
    /// Whether the connection was followed from its set-up.
    pub from_start: bool,
    /// Kernel time of the set-up (SYN sent; for a server: established), or of first sight, ns.
    pub at_ns: u64,
    /// Kernel time at which the handshake was over, ns; `None` when that was not seen or never came.
    pub established_ns: Option<u64>,
    /// Kernel time at which the application took the connection from the listen queue, ns, where a hook shows it.
    pub accepted_ns: Option<u64>,
    /// Segments of the handshake that were sent again until then.
    pub syn_retransmits: u32,
    /// Thread at first sight; 0 when unknown.
    pub tid: u32,
    /// What that thread executed, where it connected: as [`Actor::context`](wirespan_protocols::stream::Actor::context).
    pub context: u64,
    /// What carries it.
    pub transport: Transport,
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

impl Open {
    /// Whether positions are counts from first sight: they do not tell whether something passed before.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        matches!(self.local, Endpoint::Unix(_)) || self.first_sent == 0 && self.first_received == 0
    }

    /// Whether it was announced for data that went with the SYN (TCP Fast Open): where the peer begins is not known then.
    #[must_use]
    pub fn is_early(&self) -> bool {
        self.role == Some(Role::Client) && self.established_ns.is_none() && self.first_received == 0
    }
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
    /// For a receive: when its first byte came to the socket, ns; `None` when unknown.
    pub arrived_ns: Option<u64>,
    /// What was left out around it.
    pub shed: Shed,
    /// Who.
    pub actor: wirespan_protocols::stream::Actor,
}

/// What the kernel programs left out to save work, as a call tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shed {
    /// Of 256 turns like the one that it belongs to so many were left out.
    pub rejected: u8,
    /// The bytes of its direction that are missing before it are those of whole turns that were left out, and of nothing else.
    pub skipped: bool,
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
    /// Reset by the peer.
    ResetByPeer,
    /// Reset by this end: closed with unread data, or without lingering.
    ResetBySelf,
    /// Torn down by an error, see [`State::error`].
    Failed,
    /// Its end was not seen: its socket, or its addresses, are another connection's now. When it ended is not known.
    Unseen,
}

impl Change {
    /// Whether nothing more will come.
    #[must_use]
    pub fn is_end(self) -> bool {
        !matches!(self, Self::SentFin | Self::ReceivedFin)
    }

    /// Whether it is an end that is not orderly.
    #[must_use]
    pub fn is_reset(self) -> bool {
        matches!(self, Self::ResetByPeer | Self::ResetBySelf | Self::Failed)
    }
}

/// A connection changed state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Connection id.
    pub connection: u64,
    /// What happened.
    pub change: Change,
    /// `errno` that the socket holds; 0 if none.
    pub error: u32,
    /// Kernel time, ns.
    pub at_ns: u64,
}

/// What the kernel's own socket knows of a TCP connection: sums since its beginning, and present estimates. `None`: the
/// kernel does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Connection id.
    pub connection: u64,
    /// Kernel time, ns.
    pub at_ns: u64,
    /// Whether this is the last one, at the end of the connection.
    pub last: bool,
    /// Smoothed round-trip time, µs.
    pub rtt_us: Option<u32>,
    /// Mean deviation of the round-trip time, µs.
    pub rtt_deviation_us: Option<u32>,
    /// Payload bytes sent, retransmissions included.
    pub bytes_sent: Option<u64>,
    /// Payload bytes received.
    pub bytes_received: Option<u64>,
    /// Segments sent.
    pub segments_sent: Option<u32>,
    /// Segments received.
    pub segments_received: Option<u32>,
    /// Segments sent again.
    pub retransmits: Option<u32>,
    /// Whether the peer's receive window is closed now.
    pub zero_window: bool,
    /// Changes of direction so far: two a round trip of the application.
    pub turns: u32,
}

/// The span that a thread is in when it begins to send, as the SDK of its process says (OTEP 4947). Comes before that call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// Connection id.
    pub connection: u64,
    /// [`Data::position`] of the call.
    pub position: u64,
    /// [`Data::first_ns`] of the call.
    pub at_ns: u64,
    /// Process id.
    pub pid: u32,
    /// As in `traceparent`, but not checked: it may be zero.
    pub trace_id: [u8; 16],
    /// As in `traceparent`, but not checked: it may be zero.
    pub span_id: [u8; 8],
    /// As in `traceparent`.
    pub flags: u8,
}

/// Who asks on a stream of a connection for which something else sends. Comes before what was sent, or soon after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asks {
    /// Connection id.
    pub connection: u64,
    /// The stream's number (RFC 9113, section 5.1.1).
    pub stream: u64,
    /// Kernel time, ns.
    pub at_ns: u64,
    /// Who.
    pub actor: wirespan_protocols::stream::Actor,
}

/// A secret of a TLS handshake, as the library of a process tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Process id.
    pub pid: u32,
    /// Kernel time, ns.
    pub at_ns: u64,
    /// The random of the ClientHello.
    pub random: wirespan_protocols::plain::Random,
    /// It was read from the object of a session that goes on: the whole field.
    pub is_live: bool,
    /// The secret; `None`: it is of no use here.
    pub secret: Option<wirespan_protocols::plain::Secret>,
}

/// A listening socket's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Local port.
    pub port: u16,
    /// Inode of the network namespace.
    pub network_namespace: u32,
    /// Kernel time, ns.
    pub at_ns: u64,
    /// Connections that wait to be accepted.
    pub queued: u32,
    /// Most that may wait.
    pub limit: u32,
    /// Connections refused so far because the queue was full.
    pub drops: u64,
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
    /// What the kernel knows of a connection's quality.
    Stats(Stats),
    /// The span that an SDK says a thread is in.
    Spoken(Spoken),
    /// Who asks on a stream.
    Asks(Asks),
    /// A secret of a TLS handshake. It is never recorded.
    Secret(Told),
    /// How full a listening socket's queue is.
    Listener(Listener),
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
