//! Spans of remote procedure calls.

use super::{BOTH, REQUEST};
use crate::group::{Sign, Span, Use};
use crate::registry::attributes::keys::*;

/// A call of gRPC.
pub(super) static GRPC: Span = Span {
    id: "grpc",
    kinds: BOTH,
    sign: Sign::Value(RPC_SYSTEM_NAME, "grpc"),
    brief: "a call of gRPC over HTTP/2: unary, or with streams of messages, to the end of its status",
    uses: &[
        Use::new(RPC_SYSTEM_NAME, "always", "`grpc`"),
        Use::ends(
            RPC_METHOD,
            "`_OTHER` if the server answers `UNIMPLEMENTED`, else as for a client",
            "unless the connection was joined midway and the name was sent before",
            "`package.Service/Method`, which is the name of the span, too",
        ),
        Use::ends(RPC_METHOD_ORIGINAL, "with `_OTHER`", "", "as it was sent"),
        Use::new(
            RPC_RESPONSE_STATUS_CODE,
            "the server sent one",
            "the name of `grpc-status`. What a client makes up by itself (a deadline, a broken connection) is not on the wire",
        ),
        Use::new(SERVER_ADDRESS, "host of `:authority`, else as the connection tells", ""),
        Use::new(SERVER_PORT, "from there, else as the connection tells", ""),
        Use::ends(CLIENT_ADDRESS, "unless over a unix socket", "", ""),
        Use::new(
            HTTP_REQUEST_HEADER,
            "as for HTTP",
            "metadata of the request, see [the configuration](configuration.md#headers)",
        ),
        Use::new(HTTP_RESPONSE_HEADER, "as for HTTP", "metadata before the first message"),
        Use::new(NETWORK_PROTOCOL_VERSION, "always", "`2`"),
        Use::new(WIRESPAN_RPC_REQUEST_MESSAGES, "each of them was seen", "1 for unary calls and server streams"),
        Use::new(WIRESPAN_RPC_RESPONSE_MESSAGES, "each of them was seen", "1 for unary calls and client streams"),
        Use::new(WIRESPAN_RPC_TIMEOUT, "the client sent a deadline", "s, from `grpc-timeout`"),
        Use::ends(
            ERROR_TYPE,
            "`UNKNOWN`, `DEADLINE_EXCEEDED`, `UNIMPLEMENTED`, `INTERNAL`, `UNAVAILABLE`, `DATA_LOSS`; without a status as for \
             HTTP",
            "any status but `OK`; without one as for HTTP",
            "the status code",
        ),
    ],
    shared: REQUEST,
};
