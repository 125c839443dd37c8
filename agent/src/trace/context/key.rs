//! Names of requests.

/// A stream of a connection, and the position of a request's first byte.
pub(super) type Place = (u64, u64);

/// Names a request of a server: its connection, the stream within that, and the position of its first byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestKey {
    /// Connection id.
    pub connection: u64,
    /// Which of the connection's streams; 0 where it is one.
    pub stream: u64,
    /// Position of its first byte.
    pub pos: u64,
}

impl RequestKey {
    /// Its place among the requests of its connection.
    pub(super) fn place(self) -> Place {
        (self.stream, self.pos)
    }
}
