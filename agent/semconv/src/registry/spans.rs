//! Every span, with its attributes in the order of the documentation's tables.

mod rpc;

use crate::group::{Sign, Span, SpanKind, Use};
use crate::registry::attributes::keys::*;

const BOTH: &[SpanKind] = &[SpanKind::Server, SpanKind::Client];
const INTERNAL: &[SpanKind] = &[SpanKind::Internal];

/// What spans of requests say about what the request had to wait for.
pub static REQUEST: &[Use] = &[
    Use::new(
        WIRESPAN_CONNECTION_REUSED,
        "the connection was followed from its set-up, or this is not the first request seen on it",
        "false for the first request after the set-up. Not on what a driver sends during set-up (its *preamble*)",
    ),
    Use::new(
        WIRESPAN_CONNECTION_SETUP_DURATION,
        "the first request, if it came within a second of the set-up",
        "s: how long the set-up took, from its first phase to its last",
    ),
    Use::ends(
        WIRESPAN_QUEUE_DURATION,
        "where the kernel shows it (Linux 6.3)",
        "",
        "s: from the arrival of the request's first byte at the socket to the read that took it: the wait for a busy worker \
         or event loop",
    ),
    Use::ends(
        WIRESPAN_PARENT_OVER,
        "",
        "the request that the call was made for was answered before the call was",
        "`true`: work that went on after the answer",
    ),
    Use::new(
        WIRESPAN_EXCHANGE_ID,
        "`wirespan.links.attribute`, over TCP between addresses that are not loopback ones",
        "the same on the SERVER and the CLIENT span of a call, see [Across hosts](#across-hosts)",
    ),
    Use::new(NETWORK_PEER_ADDRESS, "if there is one", "the other end of the connection; the path of a unix socket"),
    Use::new(NETWORK_PEER_PORT, "unless over a unix socket", ""),
    Use::new(NETWORK_TRANSPORT, "over a unix socket", "`unix`"),
    Use::new(SERVICE_PEER_NAME, "if Kubernetes tells whose the peer's address was", "see [Peers](kubernetes.md#peers)"),
    Use::new(SERVICE_PEER_NAMESPACE, "with `service.peer.name`, if it is in a namespace", ""),
];

/// An HTTP request with its response.
static HTTP: Span = Span {
    id: "http",
    kinds: BOTH,
    sign: Sign::Attribute(HTTP_REQUEST_METHOD),
    brief: "an HTTP request with its response",
    uses: &[
        Use::new(HTTP_REQUEST_METHOD, "always", "`_OTHER` for an unknown method"),
        Use::new(HTTP_REQUEST_METHOD_ORIGINAL, "unknown methods", "as it was sent"),
        Use::ends(
            HTTP_ROUTE,
            "if a pattern matches, or guessed",
            "",
            "`wirespan.routes`. None for truncated targets; none guessed for what the server did not find",
        ),
        Use::ends(
            WIRESPAN_ROUTE_SOURCE,
            "`heuristic` if the route was guessed",
            "",
            "see [configuration.md](configuration.md#routes)",
        ),
        Use::ends(URL_PATH, "always, unless the target has none (`*`, CONNECT)", "", ""),
        Use::ends(
            URL_SCHEME,
            "always",
            "",
            "`http` unless the request line names another. Behind a proxy that ends TLS it is what this process was spoken \
             to with",
        ),
        Use::ends(URL_QUERY, "if there is one", "", "secrets redacted"),
        Use::ends(URL_FULL, "", "always", "secrets redacted; not over a unix socket without a `Host` header"),
        Use::ends(
            SERVER_ADDRESS,
            "host of the request line or `Host`, else own address",
            "the same, else the peer's address",
            "",
        ),
        Use::ends(
            SERVER_PORT,
            "from there; else own port if it is the scheme's usual one, or if there is no `Host`",
            "from there, else the peer's port",
            "",
        ),
        Use::ends(
            CLIENT_ADDRESS,
            "first of `Forwarded: for=` or `X-Forwarded-For`, else the source in the PROXY protocol, else the peer",
            "",
            "left out if the proxy hides it",
        ),
        Use::ends(USER_AGENT_ORIGINAL, "if sent", "", ""),
        Use::new(
            HTTP_REQUEST_HEADER,
            "if sent, and no link",
            "`b3`, `x-b3-traceid`, `x-b3-spanid`, `uber-trace-id`, `x-amzn-trace-id`, `sw8`, `x-request-id`: see \
             [below](#headers-of-other-tracing-systems); and those that [the configuration](configuration.md#headers) asks for",
        ),
        Use::new(
            HTTP_RESPONSE_HEADER,
            "if sent and asked for",
            "[the configuration](configuration.md#headers) asks for it",
        ),
        Use::new(NETWORK_PROTOCOL_VERSION, "always", "`1.0`, `1.1`, `2`"),
        Use::new(HTTP_RESPONSE_STATUS_CODE, "if answered", "final status, not 1xx"),
        Use::new(HTTP_REQUEST_BODY_SIZE, "if certain", "on the wire, without chunk framing"),
        Use::new(HTTP_RESPONSE_BODY_SIZE, "if certain", "on the wire, without chunk framing"),
        Use::ends(
            ERROR_TYPE,
            "5xx, or how the connection failed",
            "4xx, 5xx, or how the connection failed",
            "the status as text; of a stream of HTTP/2 that was reset its error code (RFC 9113, section 7): `cancel`, \
             `refused_stream` (also for streams after the last one of a GOAWAY), `internal_error`, …",
        ),
        Use::new(
            WIRESPAN_URL_TRUNCATED,
            "if so",
            "the target is longer than what the span shows (4096 bytes, or what was captured; of HTTP/2 also one that was \
             sent before the connection was followed)",
        ),
    ],
    shared: REQUEST,
};

/// An execution of a PostgreSQL statement.
static POSTGRESQL: Span = Span {
    id: "postgresql",
    kinds: BOTH,
    sign: Sign::Value(DB_SYSTEM_NAME, "postgresql"),
    brief: "an execution of a PostgreSQL statement",
    uses: &[
        Use::new(DB_SYSTEM_NAME, "always", "`postgresql`"),
        Use::new(
            DB_NAMESPACE,
            "the start-up was seen",
            "the database. Unknown on connections that were already open, and over unix sockets, whose beginning is not \
             recognised yet",
        ),
        Use::new(
            DB_QUERY_TEXT,
            "the text is known",
            "literals become `?`, parameters (`$1`) stay, `IN (1, 2)` becomes `IN (?)`, comments are removed. At most 32 KiB \
             are read and 8 KiB kept",
        ),
        Use::new(
            DB_QUERY_SUMMARY,
            "the text is known",
            "operations and targets in order: `SELECT orders`; at most 255 characters",
        ),
        Use::new(DB_OPERATION_NAME, "the text is unknown, but the server's command tag is known", "`SELECT`"),
        Use::new(
            DB_OPERATION_BATCH_SIZE,
            "several executions up to the same Sync, or several statements in one query",
            "",
        ),
        Use::new(SERVER_ADDRESS, "always", ""),
        Use::new(SERVER_PORT, "if it is not 5432", ""),
        Use::new(DB_RESPONSE_STATUS_CODE, "the server answered with an error", "SQLSTATE"),
        Use::new(DB_RESPONSE_RETURNED_ROWS, "opt-in (`wirespan.returned_rows`)", "of `SELECT` and `FETCH`"),
        Use::new(ERROR_TYPE, "SQLSTATE of class 02 and above, or how the connection failed", ""),
        Use::new(
            WIRESPAN_DB_STATEMENT_UNKNOWN,
            "the text was never seen",
            "prepared before wirespan started, or lost. A span never shows another statement's text. Statements that are \
             empty but for comments (`-- ping`, `;`) have no text and are not unknown",
        ),
        Use::new(WIRESPAN_DB_STATEMENT_TRUNCATED, "the text is longer than what the span shows", ""),
    ],
    shared: REQUEST,
};

/// A Redis command.
static REDIS: Span = Span {
    id: "redis",
    kinds: BOTH,
    sign: Sign::Value(DB_SYSTEM_NAME, "redis"),
    brief: "a Redis command",
    uses: &[
        Use::new(DB_SYSTEM_NAME, "always", "`redis`"),
        Use::new(DB_OPERATION_NAME, "always", "the command in upper case"),
        Use::new(
            DB_NAMESPACE,
            "the index is known",
            "from the start of the connection and `SELECT`. Unknown on connections that were already open and over unix \
             sockets, until a `SELECT`",
        ),
        Use::new(
            DB_QUERY_TEXT,
            "always",
            "command and keys stay, values become `?`. `AUTH`, `HELLO` and `ACL SETUSER` show only their name; at most 1 KiB",
        ),
        Use::new(DB_OPERATION_BATCH_SIZE, "pipelines and transactions of more than one", ""),
        Use::new(DB_STORED_PROCEDURE_NAME, "`EVALSHA`, `FCALL` and their `_RO` forms", "digest or function"),
        Use::new(SERVER_ADDRESS, "always", ""),
        Use::new(SERVER_PORT, "if it is not 6379", ""),
        Use::new(DB_RESPONSE_STATUS_CODE, "an error reply", "its first word: `WRONGTYPE`, `MOVED`, `ERR`, …"),
        Use::new(ERROR_TYPE, "an error reply, or how the connection failed", "the first word of the reply"),
    ],
    shared: REQUEST,
};

/// What a handshake negotiated.
const HANDSHAKE: [Use; 7] = [
    Use::new(TLS_PROTOCOL_NAME, "as far as the handshake shows it", ""),
    Use::new(TLS_PROTOCOL_VERSION, "as far as the handshake shows it", ""),
    Use::new(TLS_CIPHER, "as far as the handshake shows it", ""),
    Use::new(TLS_RESUMED, "as far as the handshake shows it", ""),
    Use::new(TLS_NEXT_PROTOCOL, "as far as the handshake shows it", "readable only up to TLS 1.2"),
    Use::new(WIRESPAN_TLS_CLIENT_CERTIFICATE_ASKED, "if known", ""),
    Use::new(WIRESPAN_TLS_HELLO_RETRIED, "if so", ""),
];
const PEER: [Use; 3] = [
    Use::new(NETWORK_PEER_ADDRESS, "always", ""),
    Use::new(NETWORK_PEER_PORT, "always", ""),
    Use::new(NETWORK_TRANSPORT, "always", ""),
];
const PHASE: &str = "if it took place";

/// The set-up of a connection.
static SETUP: Span = Span {
    id: "connection_setup",
    kinds: INTERNAL,
    sign: Sign::Name(&["connection_setup"]),
    brief: "how a connection was set up",
    uses: &[
        PEER[0],
        PEER[1],
        PEER[2],
        Use::ends(CLIENT_ADDRESS, "always", "", "the peer. A client's set-up has none"),
        Use::ends(
            SERVER_ADDRESS,
            "",
            "if it is known",
            "the name in the TLS handshake (SNI), else the name that was looked up",
        ),
        HANDSHAKE[0],
        HANDSHAKE[1],
        HANDSHAKE[2],
        HANDSHAKE[3],
        HANDSHAKE[4],
        HANDSHAKE[5],
        HANDSHAKE[6],
        Use::new(WIRESPAN_CONNECTION_DNS_DURATION, PHASE, "s"),
        Use::new(WIRESPAN_CONNECTION_TCP_DURATION, PHASE, "s"),
        Use::new(WIRESPAN_CONNECTION_PREFACE_DURATION, PHASE, "s"),
        Use::new(WIRESPAN_CONNECTION_ENCRYPTION_REQUEST_DURATION, PHASE, "s"),
        Use::new(WIRESPAN_CONNECTION_TLS_DURATION, PHASE, "s"),
        Use::new(WIRESPAN_CONNECTION_AUTHENTICATION_DURATION, PHASE, "s"),
        Use::new(WIRESPAN_CONNECTION_PREAMBLE_DURATION, PHASE, "s"),
        Use::new(WIRESPAN_TCP_SYN_RETRANSMITS, "if there were any", ""),
        Use::ends(WIRESPAN_TCP_ACCEPT_DURATION, "where a hook shows it", "", "s: established to accepted"),
        Use::new(
            ERROR_TYPE,
            "the set-up failed",
            "`connection_refused`, `timeout`, `host_unreachable`, `network_unreachable`, `connection_reset`, `aborted` (the \
             application gave up), `address_not_available`, `errno_N`; a TLS alert; an SQLSTATE",
        ),
    ],
    shared: &[],
};

const fn own(id: &'static str, sign: &'static [&'static str], brief: &'static str, uses: &'static [Use]) -> Span {
    Span { id, kinds: INTERNAL, sign: Sign::Name(sign), brief, uses, shared: &[] }
}

/// Spans of wirespan's own work.
pub static OWN: &[&Span] = &[
    &own("start", &["start"], "until the programs are attached and all processes were looked at", &[]),
    &own("load", &["load"], "in `start`: the kernel programs are read, maps created", &[]),
    &own("attach", &["attach"], "in `start`: programs are verified and attached", &[]),
    &own(
        "scan",
        &["scan"],
        "a look at all processes; in `start`, or by itself",
        &[Use::new(WIRESPAN_SCAN_PROCESSES, "unless it was given up", "")],
    ),
    &own(
        "drain",
        &["drain"],
        "what lay in the ring buffer went through all stages; not if nothing did",
        &[Use::new(WIRESPAN_DRAIN_EVENTS, "always", "")],
    ),
    &own(
        "export",
        &["export"],
        "one delivery of an exporter, with retries; not that of a batch of these spans alone",
        &[
            Use::new(WIRESPAN_EXPORTER, "always", ""),
            Use::new(WIRESPAN_EXPORT_ITEMS, "always", ""),
            Use::new(ERROR_TYPE, "not all was taken", "`not_all_exported`"),
        ],
    ),
];

/// Every span of what wirespan sees. Those after `connection_setup` are its children.
pub static SPANS: &[&Span] = &[
    &HTTP,
    &rpc::GRPC,
    &POSTGRESQL,
    &REDIS,
    &SETUP,
    &Span {
        id: "DNS lookup",
        kinds: INTERNAL,
        sign: Sign::Name(&["DNS lookup"]),
        brief: "the process asked for an address and connected to one from the answer within 2 s. One lookup serves one \
                connection; A and AAAA come together",
        uses: &[
            Use::new(DNS_QUESTION_NAME, "always", ""),
            Use::new(WIRESPAN_DNS_QUESTION_TYPE, "always", ""),
            Use::new(DNS_ANSWERS, "a lookup without a connect", "without a connect"),
            Use::new(NETWORK_PEER_ADDRESS, "a lookup without a connect", "the resolver, without a connect"),
            Use::new(NETWORK_PEER_PORT, "a lookup without a connect", "without a connect"),
            Use::new(NETWORK_TRANSPORT, "a lookup without a connect", "without a connect"),
            Use::new(ERROR_TYPE, "it failed", ""),
        ],
        shared: &[],
    },
    &Span {
        id: "socket connect",
        kinds: INTERNAL,
        sign: Sign::Name(&["socket connect"]),
        brief: "SYN to established, CLIENT only",
        uses: &[
            PEER[0],
            PEER[1],
            PEER[2],
            Use::new(WIRESPAN_TCP_SYN_RETRANSMITS, "if there were any", ""),
            Use::new(ERROR_TYPE, "it failed", ""),
        ],
        shared: &[],
    },
    &Span {
        id: "proxy preface",
        kinds: INTERNAL,
        sign: Sign::Name(&["proxy preface"]),
        brief: "what was said to or by a proxy before the protocol began: PROXY protocol, SOCKS",
        uses: &[
            Use::new(WIRESPAN_PREFACE_KIND, "always", "`proxy`, `socks4`, `socks5`"),
            Use::new(ERROR_TYPE, "it failed", "`refused`"),
        ],
        shared: &[],
    },
    &Span {
        id: "encryption request",
        kinds: INTERNAL,
        sign: Sign::Name(&["encryption request"]),
        brief: "PostgreSQL `SSLRequest` or `GSSENCRequest` and its answer",
        uses: &[Use::new(WIRESPAN_ENCRYPTION_ACCEPTED, "always", ""), Use::new(ERROR_TYPE, "it failed", "")],
        shared: &[],
    },
    &Span {
        id: "TLS handshake",
        kinds: INTERNAL,
        sign: Sign::Name(&["TLS client handshake", "TLS server handshake"]),
        brief: "ClientHello to the end of the handshake",
        uses: &[
            HANDSHAKE[0],
            HANDSHAKE[1],
            HANDSHAKE[2],
            HANDSHAKE[3],
            HANDSHAKE[4],
            HANDSHAKE[5],
            HANDSHAKE[6],
            Use::new(SERVER_ADDRESS, "if the client named one", "SNI"),
            Use::new(ERROR_TYPE, "it failed", "the alert"),
        ],
        shared: &[],
    },
    &Span {
        id: "authentication",
        kinds: INTERNAL,
        sign: Sign::Name(&["authentication"]),
        brief: "PostgreSQL start-up and authentication",
        uses: &[
            Use::new(WIRESPAN_AUTHENTICATION_METHOD, "if known", ""),
            Use::new(WIRESPAN_AUTHENTICATION_ROUND_TRIPS, "always", ""),
            Use::new(ERROR_TYPE, "it failed", "SQLSTATE"),
        ],
        shared: &[],
    },
    &Span {
        id: "preamble",
        kinds: INTERNAL,
        sign: Sign::Name(&["preamble"]),
        brief: "what the driver sends first: Redis `HELLO`, `AUTH`, `SELECT`, `CLIENT`, `READONLY`, `PING`, `COMMAND`, \
                `INFO`; PostgreSQL `SET`, `SHOW`, `SELECT version()` and a few others. Each also has its own span",
        uses: &[Use::new(WIRESPAN_CONNECTION_PREAMBLE, "always", "the steps")],
        shared: &[],
    },
];
