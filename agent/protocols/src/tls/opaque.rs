//! What is told of requests and responses that are encrypted: when, and how much.

use super::SPOKEN;
use crate::describe::family::{Family, Opaque};
use crate::describe::spoken::Spoken;
use crate::exchange::detail::Detail;

/// A turn of the client's application data and the turn that answers it. The windows of the exchange count bytes on the
/// wire; what is here is estimated from the lengths of the records. `None`: not known, because bytes were lost or the
/// cipher suite pads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpaqueExchange {
    /// Protocol inside, where the connection spoke it before TLS or the client offered nothing else.
    pub inside: Option<Spoken>,
    /// Its number on this connection, from 0, the first after the handshake (and after an authentication inside).
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

impl Detail for OpaqueExchange {
    fn spoken(&self) -> Spoken {
        SPOKEN
    }

    fn family(&self) -> Family<'_> {
        // Session tickets that came with the response are records of their own before it.
        let response = match self.response_records {
            Some(2..=3) if self.perhaps_tickets => self.last_record_bytes,
            _ => self.response_bytes,
        };
        Family::Opaque(Opaque { inside: self.inside, request: self.request_bytes, response })
    }
}
