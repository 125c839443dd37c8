//! Header fields by what they are for.

use crate::http::foreign::Header;

/// A field's name, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// `:method`.
    Method,
    /// `:scheme`.
    Scheme,
    /// `:authority`.
    Authority,
    /// `:path`.
    Path,
    /// `:status`.
    Status,
    /// `:protocol` (RFC 8441).
    Protocol,
    /// Another pseudo-header field, which nobody may send (RFC 9113, section 8.3).
    Pseudo,
    /// `host`.
    Host,
    /// `user-agent`.
    UserAgent,
    /// `traceparent`.
    TraceParent,
    /// `tracestate`.
    TraceState,
    /// `x-forwarded-for`.
    ForwardedFor,
    /// `forwarded`.
    Forwarded,
    /// `content-type`.
    ContentType,
    /// `content-length`.
    ContentLength,
    /// `grpc-status`.
    GrpcStatus,
    /// `grpc-message`.
    GrpcMessage,
    /// `grpc-timeout`.
    GrpcTimeout,
    /// One of another tracing system.
    Foreign(Header),
    /// Any other.
    Other,
    /// One whose name was lost.
    Unknown,
}

impl Name {
    /// The name as it is sent: in lower case (RFC 9113, section 8.2.1).
    pub(super) fn of(name: &[u8]) -> Self {
        match name {
            b":method" => Self::Method,
            b":scheme" => Self::Scheme,
            b":authority" => Self::Authority,
            b":path" => Self::Path,
            b":status" => Self::Status,
            b":protocol" => Self::Protocol,
            [b':', ..] => Self::Pseudo,
            b"host" => Self::Host,
            b"user-agent" => Self::UserAgent,
            b"traceparent" => Self::TraceParent,
            b"tracestate" => Self::TraceState,
            b"x-forwarded-for" => Self::ForwardedFor,
            b"forwarded" => Self::Forwarded,
            b"content-type" => Self::ContentType,
            b"content-length" => Self::ContentLength,
            b"grpc-status" => Self::GrpcStatus,
            b"grpc-message" => Self::GrpcMessage,
            b"grpc-timeout" => Self::GrpcTimeout,
            _ => Header::named(name).map_or(Self::Other, Self::Foreign),
        }
    }
}
