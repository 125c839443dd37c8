//! What is told of requests and responses that are encrypted: when, and how much.

/// A turn of the client's application data and the turn that answers it. The windows of the exchange count bytes on the
/// wire; what is here is estimated from the lengths of the records. `None`: not known, because bytes were lost or the
/// cipher suite pads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpaqueExchange {
    /// Protocol inside, where the connection spoke it before TLS or the client offered nothing else: `postgresql`.
    pub inside: Option<&'static str>,
    /// Its number on this connection, from 0, the first after the handshake (and after PostgreSQL's authentication).
    pub number: u32,
    /// Plaintext bytes of the request.
    pub request_bytes: Option<u64>,
    /// Plaintext bytes of the response.
    pub response_bytes: Option<u64>,
    /// Records of the response.
    pub response_records: Option<u32>,
    /// Plaintext bytes of the response's last record.
    pub last_record_bytes: Option<u64>,
    /// The response may begin with session tickets (TLS 1.3): they look the same, and come before the first response.
    pub perhaps_tickets: bool,
}
