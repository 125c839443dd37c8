//! Every metric. Exporters tell them in this order, and the documentation lists them in it.

use crate::attribute::Stability::{self, Development, Own, Stable};
use crate::instrument::{
    BYTES, DATABASE_SECONDS, FINE_SECONDS, Instrument, Kind, LIFETIME_SECONDS, LOOKUP_SECONDS, ROWS, SECONDS, Section,
};
use crate::registry::attributes::keys::*;

/// Columns: metric, name, unit, kind, whether values are whole numbers, stability, attributes; below it the description
/// that exporters tell, and what the documentation says besides.
macro_rules! metrics {
    ($($section:ident {
        $($metric:ident: $name:literal, $unit:literal, $kind:expr, $whole:literal, $stability:expr, $attributes:expr,
            $description:literal, $meaning:literal;)*
    })*) => {
        /// A metric; its discriminant is its place in [`CATALOG`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Metric {
            $($(#[doc = $description] $metric,)*)*
        }

        /// Every metric.
        pub static CATALOG: &[Instrument] = &[
            $($(Instrument {
                name: $name,
                unit: $unit,
                kind: $kind,
                is_integer: $whole,
                description: $description,
                stability: $stability,
                section: Section::$section,
                attributes: $attributes,
                meaning: $meaning,
            },)*)*
        ];

        impl Metric {
            /// Every metric, in the order of [`CATALOG`].
            pub const ALL: &'static [Self] = &[$($(Self::$metric,)*)*];

            /// What is known of it.
            #[must_use]
            pub fn instrument(self) -> &'static Instrument {
                &CATALOG[self as usize]
            }
        }
    };
}

/// Of an HTTP server's request.
const HTTP_SERVER: &[&str] = &[
    HTTP_REQUEST_METHOD,
    URL_SCHEME,
    HTTP_ROUTE,
    WIRESPAN_ROUTE_SOURCE,
    HTTP_RESPONSE_STATUS_CODE,
    ERROR_TYPE,
    NETWORK_PROTOCOL_VERSION,
];
/// Of an HTTP client's request.
const HTTP_CLIENT: &[&str] = &[
    HTTP_REQUEST_METHOD,
    SERVER_ADDRESS,
    SERVER_PORT,
    HTTP_RESPONSE_STATUS_CODE,
    ERROR_TYPE,
    NETWORK_PROTOCOL_VERSION,
];
/// Of a call as the server sees it.
const RPC_SERVER: &[&str] = &[RPC_SYSTEM_NAME, RPC_METHOD, RPC_RESPONSE_STATUS_CODE, ERROR_TYPE];
/// Of a call as the client sees it.
const RPC_CLIENT: &[&str] =
    &[RPC_SYSTEM_NAME, RPC_METHOD, RPC_RESPONSE_STATUS_CODE, ERROR_TYPE, SERVER_ADDRESS, SERVER_PORT];
/// Of an operation as the database process sees it.
const DB_SERVER: &[&str] = &[
    DB_SYSTEM_NAME,
    DB_NAMESPACE,
    DB_QUERY_SUMMARY,
    DB_OPERATION_NAME,
    DB_RESPONSE_STATUS_CODE,
    ERROR_TYPE,
    SERVER_PORT,
];
/// Of an operation as the client sees it.
const DB_CLIENT: &[&str] = &[
    DB_SYSTEM_NAME,
    DB_NAMESPACE,
    DB_QUERY_SUMMARY,
    DB_OPERATION_NAME,
    DB_RESPONSE_STATUS_CODE,
    ERROR_TYPE,
    SERVER_ADDRESS,
    SERVER_PORT,
    NETWORK_PEER_ADDRESS,
    NETWORK_PEER_PORT,
];
/// The names of service graph dashboards, which other makers of service graphs use, too.
const GRAPH: Stability = Own;

metrics! {
    Requests {
        HttpServerDuration: "http.server.request.duration", "s", Kind::Histogram(SECONDS), false, Stable, HTTP_SERVER,
            "Duration of HTTP server requests.", "as the server sees it";
        HttpServerRequestBody: "http.server.request.body.size", "By", Kind::Histogram(BYTES), true, Development,
            HTTP_SERVER, "Size of HTTP server request bodies.", "where the size is certain";
        HttpServerResponseBody: "http.server.response.body.size", "By", Kind::Histogram(BYTES), true, Development,
            HTTP_SERVER, "Size of HTTP server response bodies.", "where the size is certain";
        HttpClientDuration: "http.client.request.duration", "s", Kind::Histogram(SECONDS), false, Stable, HTTP_CLIENT,
            "Duration of HTTP client requests.", "as the client sees it";
        HttpClientRequestBody: "http.client.request.body.size", "By", Kind::Histogram(BYTES), true, Development,
            HTTP_CLIENT, "Size of HTTP client request bodies.", "where the size is certain";
        HttpClientResponseBody: "http.client.response.body.size", "By", Kind::Histogram(BYTES), true, Development,
            HTTP_CLIENT, "Size of HTTP client response bodies.", "where the size is certain";
        RpcServerDuration: "rpc.server.call.duration", "s", Kind::Histogram(SECONDS), false, Development, RPC_SERVER,
            "Duration of incoming remote procedure calls.", "as the server sees it";
        RpcClientDuration: "rpc.client.call.duration", "s", Kind::Histogram(SECONDS), false, Development, RPC_CLIENT,
            "Duration of outgoing remote procedure calls.", "as the client sees it";
        HttpOpenConnections: "http.client.open_connections", "{connection}", Kind::UpDown, true, Development,
            &[SERVER_ADDRESS, SERVER_PORT, HTTP_CONNECTION_STATE],
            "Number of outbound HTTP connections that are active or idle.",
            "open connections; `active`: the last bytes went to the server and an answer is due, else `idle`";
        HttpConnectionDuration: "http.client.connection.duration", "s", Kind::Histogram(LIFETIME_SECONDS), false,
            Development, &[SERVER_ADDRESS, SERVER_PORT],
            "Duration of outbound HTTP connections that ended.",
            "lifetime of connections that were followed from their start and have ended";
        DbOperationDuration: "db.client.operation.duration", "s", Kind::Histogram(DATABASE_SECONDS), false, Stable,
            DB_CLIENT, "Duration of database client operations.",
            "one execution, one command. `db.query.summary`: PostgreSQL; `db.operation.name`: Redis, and PostgreSQL without text";
        DbReturnedRows: "db.client.response.returned_rows", "{row}", Kind::Histogram(ROWS), true, Development,
            DB_CLIENT, "Number of rows that a database operation returned.", "PostgreSQL";
        DbConnectionCreateTime: "db.client.connection.create_time", "s", Kind::Histogram(DATABASE_SECONDS), false,
            Development, &[DB_CLIENT_CONNECTION_POOL_NAME],
            "Time that it took to set up a database connection.",
            "from the first phase of the set-up (DNS, TCP) to the end of the last; successes only";
        DbConnectionCount: "db.client.connection.count", "{connection}", Kind::UpDown, true, Development,
            &[DB_CLIENT_CONNECTION_POOL_NAME, DB_CLIENT_CONNECTION_STATE],
            "Number of database connections that are idle or used.",
            "open connections; `used`: the last bytes went to the server and an answer is due, else `idle`; no state where wirespan no longer looks (TLS after its first 32 round trips)";
        DbServerOperationDuration: "wirespan.db.server.operation.duration", "s", Kind::Histogram(DATABASE_SECONDS), false,
            Own, DB_SERVER, "Duration of operations as the database process sees them.",
            "the database process's own view";
        DnsLookupDuration: "dns.lookup.duration", "s", Kind::Histogram(LOOKUP_SECONDS), false, Development,
            &[DNS_QUESTION_NAME, ERROR_TYPE], "Duration of DNS look-ups.", "one question and its answer";
        QueueDuration: "wirespan.queue.duration", "s", Kind::Histogram(FINE_SECONDS), false, Own,
            &[NETWORK_PROTOCOL_NAME, SERVER_PORT],
            "Time that requests waited in a server's socket before the server read them.",
            "from the arrival of a request at the server's socket to the read that took it: the wait for a busy worker";
    }
    Connections {
        SetUpDuration: "wirespan.connection.setup.duration", "s", Kind::Histogram(SECONDS), false, Own, &[ERROR_TYPE],
            "Time from the first phase of a connection's set-up to the end of the last.",
            "first phase to the end of the last";
        ConnectionDuration: "wirespan.connection.duration", "s", Kind::Histogram(LIFETIME_SECONDS), false, Own, &[],
            "Lifetime of connections that ended.",
            "lifetime of connections that were followed from their start and have ended";
        TcpConnectDuration: "wirespan.tcp.connect.duration", "s", Kind::Histogram(SECONDS), false, Own, &[ERROR_TYPE],
            "Time from SYN sent to established, or to the failure.",
            "SYN sent to established, or to the failure: `connection_refused`, `timeout`, `host_unreachable`, …";
        TcpSynRetransmits: "wirespan.tcp.syn_retransmits", "{segment}", Kind::Counter, true, Own, &[],
            "Number of SYN segments that were sent again.", "SYNs that were retransmitted";
        TcpAcceptDuration: "wirespan.tcp.accept.duration", "s", Kind::Histogram(FINE_SECONDS), false, Own, &[],
            "Time that established connections waited until the application accepted them.", "established to accepted";
        TlsHandshakeDuration: "wirespan.tls.handshake.duration", "s", Kind::Histogram(SECONDS), false, Own,
            &[TLS_PROTOCOL_VERSION, TLS_RESUMED, ERROR_TYPE],
            "Duration of TLS handshakes, ClientHello to Finished.", "ClientHello to the last Finished";
        TcpRtt: "wirespan.tcp.rtt", "s", Kind::Histogram(FINE_SECONDS), false, Own, &[],
            "Smoothed round-trip time of connections, as the kernel estimates it.",
            "smoothed round-trip time, at intervals and at the end of a connection";
        TcpRetransmits: "wirespan.tcp.retransmits", "{segment}", Kind::Counter, true, Own, &[],
            "Number of segments that were sent again.", "segments that were retransmitted";
        TcpIo: "wirespan.tcp.io", "By", Kind::Counter, true, Own, &[NETWORK_IO_DIRECTION],
            "Payload bytes of TCP connections.", "payload; sent bytes include retransmissions";
        TcpSegments: "wirespan.tcp.segments", "{segment}", Kind::Counter, true, Own, &[NETWORK_IO_DIRECTION],
            "Number of TCP segments.", "segments";
        TcpZeroWindow: "wirespan.tcp.zero_window", "{observation}", Kind::Counter, true, Own, &[],
            "Number of times that the peer's receive window was found closed.",
            "how often the peer's receive window was found closed";
        TcpResets: "wirespan.tcp.resets", "{connection}", Kind::Counter, true, Own, &[WIRESPAN_CLOSED_BY],
            "Number of connections that ended with a reset or an error.",
            "connections that ended with a reset or an error";
        TcpOpened: "wirespan.tcp.connections.opened", "{connection}", Kind::Counter, true, Own, &[],
            "Number of TCP connections that were seen to be set up.",
            "connections seen from their start, including failed attempts";
        TcpClosed: "wirespan.tcp.connections.closed", "{connection}", Kind::Counter, true, Own, &[WIRESPAN_CLOSED_BY],
            "Number of TCP connections that ended.",
            "who ended it first: `self`, `peer`, `error` (the attempt failed)";
        TcpOpen: "wirespan.tcp.connections.open", "{connection}", Kind::UpDown, true, Own, &[],
            "Number of TCP connections that are open.", "open connections";
    }
    Listeners {
        ListenQueueLength: "wirespan.tcp.listen.queue.length", "{connection}", Kind::Gauge, true, Own, &[],
            "Number of connections that wait to be accepted.", "connections that wait to be accepted";
        ListenQueueLimit: "wirespan.tcp.listen.queue.limit", "{connection}", Kind::Gauge, true, Own, &[],
            "Most connections that may wait to be accepted.", "how many may wait";
        ListenQueueDrops: "wirespan.tcp.listen.queue.drops", "{connection}", Kind::Counter, true, Own, &[],
            "Number of connections refused because the queue was full.",
            "connections refused because the queue was full";
    }
    Graph {
        GraphRequests: "traces_service_graph_request_total", "{request}", Kind::Counter, true, GRAPH, &[],
            "Number of requests between two nodes.", "requests";
        GraphFailed: "traces_service_graph_request_failed_total", "{request}", Kind::Counter, true, GRAPH, &[],
            "Number of failed requests between two nodes.", "failed requests";
        GraphServer: "traces_service_graph_request_server_seconds", "s", Kind::Histogram(SECONDS), false, GRAPH, &[],
            "Duration of requests between two nodes, as the server sees it.", "as the server sees it";
        GraphClient: "traces_service_graph_request_client_seconds", "s", Kind::Histogram(SECONDS), false, GRAPH, &[],
            "Duration of requests between two nodes, as the client sees it.", "as the client sees it";
    }
    Agent {
        Events: "wirespan.events", "{event}", Kind::Total, true, Own, &[],
            "Number of events that the agent took in.", "events that the agent handled";
        CaptureCalls: "wirespan.capture.calls", "{call}", Kind::Total, true, Own, &[],
            "Number of calls of targets that the kernel programs looked at.",
            "socket calls of traced processes that the kernel programs looked at";
        CaptureRecords: "wirespan.capture.records", "{record}", Kind::Total, true, Own, &[],
            "Number of records that reached the ring buffer.", "records that reached the ring buffer";
        CaptureLeftOut: "wirespan.capture.left_out", "{record}", Kind::Total, true, Own, &[REASON],
            "Number of calls, records and payloads that the kernel programs left out.",
            "what the kernel programs left out, by the names in [ARCHITECTURE.md](../ARCHITECTURE.md#where-loss-is-counted)";
        CaptureRingFill: "wirespan.capture.ring.fill", "1", Kind::Gauge, false, Own, &[],
            "Largest share of the ring buffer that was found filled since the last collection.",
            "the largest share of the ring buffer that was in use since the last collection";
        CpuUsage: "wirespan.cpu.usage", "{cpu}", Kind::Gauge, false, Own, &[],
            "Processors that the agent uses, kernel programs included.",
            "processors used in the last 0.2 s, the time of the kernel programs included as estimated; only with a limit";
        CpuLimit: "wirespan.cpu.limit", "{cpu}", Kind::Gauge, false, Own, &[],
            "Processors that the agent may use.", "processors that may be used (`limits.cpu`)";
        ShedRatio: "wirespan.exchanges.shed", "1", Kind::Gauge, false, Own, &[],
            "Share of the exchanges that is left out to stay within the limit.",
            "the share of the exchanges that is left out now; what is told stands for the rest, too";
        Exchanges: "wirespan.exchanges", "{exchange}", Kind::Total, true, Own, &[PROTOCOL],
            "Number of requests with their responses.", "requests with their responses";
        Spans: "wirespan.spans", "{span}", Kind::Total, true, Own, &[], "Number of spans made.", "spans made";
        Filtered: "wirespan.filtered", "{exchange}", Kind::Total, true, Own, &[REASON],
            "Number of exchanges that did not become spans, on purpose.", "left without a span on purpose";
        Dropped: "wirespan.dropped", "{occurrence}", Kind::Total, true, Own, &[REASON],
            "Number of things given up because of a limit.",
            "given up because of a limit, or requests whose beginning the kernel lost (`lost_exchanges`)";
        ParserErrors: "wirespan.parser.errors", "{occurrence}", Kind::Total, true, Own, &[REASON],
            "Number of things that the parsers gave up.", "given up by the parsers";
        Exported: "wirespan.export.items", "{item}", Kind::Total, true, Own, &[EXPORTER, OUTCOME],
            "Number of spans and data points by what became of them.",
            "spans, data points and log records: `exported`, `queue_full`, `export_failed`, `rejected`, `shutdown`";
        TrackedConnections: "wirespan.connections.tracked", "{connection}", Kind::UpDown, true, Own, &[],
            "Number of connections that are followed now.", "connections that are followed now";
        SeenConnections: "wirespan.connections.seen", "{connection}", Kind::Total, true, Own, &[],
            "Number of connections seen.", "connections seen so far";
        Series: "wirespan.metrics.series", "{series}", Kind::UpDown, true, Own, &[],
            "Number of series that are kept now.", "series that are kept now";
        SeriesLost: "wirespan.metrics.overflows", "{measurement}", Kind::Total, true, Own, &[],
            "Number of measurements that went to an overflow series because of a limit.",
            "measurements that went to an overflow series";
        SeriesExpired: "wirespan.metrics.expired", "{series}", Kind::Total, true, Own, &[],
            "Number of series that were forgotten because nothing came.", "series that were dropped after silence";
        Deferred: "wirespan.metrics.deferred", "{exchange}", Kind::Total, true, Own, &[],
            "Number of exchanges that were not measured because the SDK of their process does.",
            "requests that were left to the SDK of their process, which exports metrics (`wirespan.sdk`)";
        AdviceFindings: "wirespan.advice.findings", "{finding}", Kind::Gauge, true, Own, &[WIRESPAN_ADVICE_KIND],
            "Number of findings of the advisor in its last window.",
            "findings of the [advisor](advisor.md) in its last window (a minute)";
        AdviceCost: "wirespan.advice.cost", "s", Kind::Gauge, false, Own, &[WIRESPAN_ADVICE_KIND],
            "Time that callers waited in the advisor's last window because of what it found.",
            "time that callers waited because of these";
        AgentCpu: "process.cpu.time", "s", Kind::Total, false, Development, &[CPU_MODE],
            "CPU time of the agent itself.", "CPU time of the agent";
        AgentMemory: "process.memory.usage", "By", Kind::UpDown, true, Development, &[],
            "Resident memory of the agent itself.", "resident memory of the agent";
    }
}
