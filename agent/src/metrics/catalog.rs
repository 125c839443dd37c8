//! Every metric that wirespan makes. `docs/metrics.md` has the same list for people; a test compares them.

use super::instrument::{
    BYTES, DATABASE_SECONDS, FINE_SECONDS, Instrument, Kind, LIFETIME_SECONDS, LOOKUP_SECONDS, ROWS, SECONDS,
};

macro_rules! catalog {
    ($($metric:ident: $name:literal, $unit:literal, $kind:expr, $whole:literal, $description:literal;)*) => {
        /// A metric; its discriminant is its place in [`CATALOG`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Metric {
            $(#[doc = $description] $metric,)*
        }

        /// Every metric.
        pub static CATALOG: &[Instrument] = &[
            $(Instrument {
                name: $name,
                unit: $unit,
                kind: $kind,
                is_integer: $whole,
                description: $description,
            },)*
        ];

        impl Metric {
            /// Every metric, in the order of [`CATALOG`].
            pub const ALL: &'static [Self] = &[$(Self::$metric,)*];

            /// What is known of it.
            #[must_use]
            pub fn instrument(self) -> &'static Instrument {
                &CATALOG[self as usize]
            }
        }
    };
}

catalog! {
    HttpServerDuration: "http.server.request.duration", "s", Kind::Histogram(SECONDS), false,
        "Duration of HTTP server requests.";
    HttpServerRequestBody: "http.server.request.body.size", "By", Kind::Histogram(BYTES), true,
        "Size of HTTP server request bodies.";
    HttpServerResponseBody: "http.server.response.body.size", "By", Kind::Histogram(BYTES), true,
        "Size of HTTP server response bodies.";
    HttpClientDuration: "http.client.request.duration", "s", Kind::Histogram(SECONDS), false,
        "Duration of HTTP client requests.";
    HttpClientRequestBody: "http.client.request.body.size", "By", Kind::Histogram(BYTES), true,
        "Size of HTTP client request bodies.";
    HttpClientResponseBody: "http.client.response.body.size", "By", Kind::Histogram(BYTES), true,
        "Size of HTTP client response bodies.";
    HttpOpenConnections: "http.client.open_connections", "{connection}", Kind::UpDown, true,
        "Number of outbound HTTP connections that are active or idle.";
    HttpConnectionDuration: "http.client.connection.duration", "s", Kind::Histogram(LIFETIME_SECONDS), false,
        "Duration of outbound HTTP connections that ended.";
    DbOperationDuration: "db.client.operation.duration", "s", Kind::Histogram(DATABASE_SECONDS), false,
        "Duration of database client operations.";
    DbReturnedRows: "db.client.response.returned_rows", "{row}", Kind::Histogram(ROWS), true,
        "Number of rows that a database operation returned.";
    DbConnectionCreateTime: "db.client.connection.create_time", "s", Kind::Histogram(DATABASE_SECONDS), false,
        "Time that it took to set up a database connection.";
    DbConnectionCount: "db.client.connection.count", "{connection}", Kind::UpDown, true,
        "Number of database connections that are idle or used.";
    DbServerOperationDuration: "wirespan.db.server.operation.duration", "s", Kind::Histogram(DATABASE_SECONDS), false,
        "Duration of operations as the database process sees them.";
    DnsLookupDuration: "dns.lookup.duration", "s", Kind::Histogram(LOOKUP_SECONDS), false,
        "Duration of DNS look-ups.";
    QueueDuration: "wirespan.queue.duration", "s", Kind::Histogram(FINE_SECONDS), false,
        "Time that requests waited in a server's socket before the server read them.";
    SetUpDuration: "wirespan.connection.setup.duration", "s", Kind::Histogram(SECONDS), false,
        "Time from the first phase of a connection's set-up to the end of the last.";
    ConnectionDuration: "wirespan.connection.duration", "s", Kind::Histogram(LIFETIME_SECONDS), false,
        "Lifetime of connections that ended.";
    TcpConnectDuration: "wirespan.tcp.connect.duration", "s", Kind::Histogram(SECONDS), false,
        "Time from SYN sent to established, or to the failure.";
    TcpSynRetransmits: "wirespan.tcp.syn_retransmits", "{segment}", Kind::Counter, true,
        "Number of SYN segments that were sent again.";
    TcpAcceptDuration: "wirespan.tcp.accept.duration", "s", Kind::Histogram(FINE_SECONDS), false,
        "Time that established connections waited until the application accepted them.";
    TlsHandshakeDuration: "wirespan.tls.handshake.duration", "s", Kind::Histogram(SECONDS), false,
        "Duration of TLS handshakes, ClientHello to Finished.";
    TcpRtt: "wirespan.tcp.rtt", "s", Kind::Histogram(FINE_SECONDS), false,
        "Smoothed round-trip time of connections, as the kernel estimates it.";
    TcpRetransmits: "wirespan.tcp.retransmits", "{segment}", Kind::Counter, true,
        "Number of segments that were sent again.";
    TcpIo: "wirespan.tcp.io", "By", Kind::Counter, true,
        "Payload bytes of TCP connections.";
    TcpSegments: "wirespan.tcp.segments", "{segment}", Kind::Counter, true,
        "Number of TCP segments.";
    TcpZeroWindow: "wirespan.tcp.zero_window", "{observation}", Kind::Counter, true,
        "Number of times that the peer's receive window was found closed.";
    TcpResets: "wirespan.tcp.resets", "{connection}", Kind::Counter, true,
        "Number of connections that ended with a reset or an error.";
    TcpOpened: "wirespan.tcp.connections.opened", "{connection}", Kind::Counter, true,
        "Number of TCP connections that were seen to be set up.";
    TcpClosed: "wirespan.tcp.connections.closed", "{connection}", Kind::Counter, true,
        "Number of TCP connections that ended.";
    TcpOpen: "wirespan.tcp.connections.open", "{connection}", Kind::UpDown, true,
        "Number of TCP connections that are open.";
    ListenQueueLength: "wirespan.tcp.listen.queue.length", "{connection}", Kind::Gauge, true,
        "Number of connections that wait to be accepted.";
    ListenQueueLimit: "wirespan.tcp.listen.queue.limit", "{connection}", Kind::Gauge, true,
        "Most connections that may wait to be accepted.";
    ListenQueueDrops: "wirespan.tcp.listen.queue.drops", "{connection}", Kind::Counter, true,
        "Number of connections refused because the queue was full.";
    GraphRequests: "traces_service_graph_request_total", "{request}", Kind::Counter, true,
        "Number of requests between two nodes.";
    GraphFailed: "traces_service_graph_request_failed_total", "{request}", Kind::Counter, true,
        "Number of failed requests between two nodes.";
    GraphServer: "traces_service_graph_request_server_seconds", "s", Kind::Histogram(SECONDS), false,
        "Duration of requests between two nodes, as the server sees it.";
    GraphClient: "traces_service_graph_request_client_seconds", "s", Kind::Histogram(SECONDS), false,
        "Duration of requests between two nodes, as the client sees it.";
    Events: "wirespan.events", "{event}", Kind::Total, true,
        "Number of events that the agent took in.";
    CaptureCalls: "wirespan.capture.calls", "{call}", Kind::Total, true,
        "Number of calls of targets that the kernel programs looked at.";
    CaptureRecords: "wirespan.capture.records", "{record}", Kind::Total, true,
        "Number of records that reached the ring buffer.";
    CaptureLeftOut: "wirespan.capture.left_out", "{record}", Kind::Total, true,
        "Number of calls, records and payloads that the kernel programs left out.";
    CaptureRingFill: "wirespan.capture.ring.fill", "1", Kind::Gauge, false,
        "Largest share of the ring buffer that was found filled since the last collection.";
    Exchanges: "wirespan.exchanges", "{exchange}", Kind::Total, true,
        "Number of requests with their responses.";
    Spans: "wirespan.spans", "{span}", Kind::Total, true,
        "Number of spans made.";
    Filtered: "wirespan.filtered", "{exchange}", Kind::Total, true,
        "Number of exchanges that did not become spans, on purpose.";
    Dropped: "wirespan.dropped", "{occurrence}", Kind::Total, true,
        "Number of things given up because of a limit.";
    ParserErrors: "wirespan.parser.errors", "{occurrence}", Kind::Total, true,
        "Number of things that the parsers gave up.";
    Exported: "wirespan.export.items", "{item}", Kind::Total, true,
        "Number of spans and data points by what became of them.";
    TrackedConnections: "wirespan.connections.tracked", "{connection}", Kind::UpDown, true,
        "Number of connections that are followed now.";
    SeenConnections: "wirespan.connections.seen", "{connection}", Kind::Total, true,
        "Number of connections seen.";
    Series: "wirespan.metrics.series", "{series}", Kind::UpDown, true,
        "Number of series that are kept now.";
    SeriesLost: "wirespan.metrics.overflows", "{measurement}", Kind::Total, true,
        "Number of measurements that went to an overflow series because of a limit.";
    SeriesExpired: "wirespan.metrics.expired", "{series}", Kind::Total, true,
        "Number of series that were forgotten because nothing came.";
    AdviceFindings: "wirespan.advice.findings", "{finding}", Kind::Gauge, true,
        "Number of findings of the advisor in its last window.";
    AdviceCost: "wirespan.advice.cost", "s", Kind::Gauge, false,
        "Time that callers waited in the advisor's last window because of what it found.";
    AgentCpu: "process.cpu.time", "s", Kind::Total, false,
        "CPU time of the agent itself.";
    AgentMemory: "process.memory.usage", "By", Kind::UpDown, true,
        "Resident memory of the agent itself.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_bounds_ascend() {
        let mut names: Vec<&str> = CATALOG.iter().map(|instrument| instrument.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!((names.len(), Metric::ALL.len()), (CATALOG.len(), CATALOG.len()));
        for instrument in CATALOG {
            assert!(instrument.description.ends_with('.'), "{}", instrument.name);
            if let Kind::Histogram(bounds) = instrument.kind {
                assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]), "{}", instrument.name);
            }
        }
    }
}
