//! Every attribute. When it is set stands with what carries it ([`spans`](super::spans), [`resources`](super::resources),
//! [`metrics`](super::metrics)).

use crate::attribute::{Attribute, Stability::*, Type::*};

/// Columns: constant, name, type, stability, source, values, example. Above it: what the attribute is.
macro_rules! attributes {
    ($(#[doc = $brief:literal] $key:ident: $name:literal, $kind:expr, $stability:expr, $source:expr, $values:literal,
        $example:literal;)*) => {
        /// The names of attributes.
        pub mod keys {
            $(#[doc = $brief] pub const $key: &str = $name;)*
        }

        /// Every attribute.
        pub static ATTRIBUTES: &[Attribute] = &[
            $(Attribute {
                name: $name,
                kind: $kind,
                stability: $stability,
                source: $source,
                values: $values,
                example: $example,
                brief: $brief,
            },)*
        ];
    };
}

const HTTP: &str = "semconv/registry/attributes/http/";
const RPC: &str = "semconv/registry/attributes/rpc/";
const URL: &str = "semconv/registry/attributes/url/";
const DB: &str = "semconv/registry/attributes/db/";
const NETWORK: &str = "semconv/registry/attributes/network/";
const SERVER_PAGE: &str = "semconv/registry/attributes/server/";
const CLIENT_PAGE: &str = "semconv/registry/attributes/client/";
const TLS: &str = "semconv/registry/attributes/tls/";
const DNS: &str = "semconv/registry/attributes/dns/";
const SERVICE: &str = "semconv/registry/attributes/service/";
const HOST: &str = "semconv/registry/attributes/host/";
const OS: &str = "semconv/registry/attributes/os/";
const PROCESS: &str = "semconv/registry/attributes/process/";
const CONTAINER: &str = "semconv/registry/attributes/container/";
const K8S: &str = "semconv/registry/attributes/k8s/";
const TELEMETRY: &str = "semconv/registry/attributes/telemetry/";
const USER_AGENT: &str = "semconv/registry/attributes/user-agent/";
const ERROR: &str = "semconv/registry/attributes/error/";
const CPU: &str = "semconv/registry/attributes/cpu/";
const METRIC_SDK: &str = "otel/metrics/sdk/";
/// The service graph that the OpenTelemetry Collector and Tempo make, whose dashboards these names are for.
const SERVICE_GRAPH: &str = "service graph";
const WIRESPAN: &str = "wirespan";

attributes! {
    /// Method of the request.
    HTTP_REQUEST_METHOD: "http.request.method", String, Stable, HTTP, "known methods, else `_OTHER`", "GET";
    /// Method as it was sent, where it is not known.
    HTTP_REQUEST_METHOD_ORIGINAL: "http.request.method_original", String, Stable, HTTP, "what clients send", "PURGE";
    /// Route that the request matched.
    HTTP_ROUTE: "http.route", String, Stable, HTTP, "configured patterns; 100 guessed ones a service", "/users/{id}";
    /// Status code of the response.
    HTTP_RESPONSE_STATUS_CODE: "http.response.status_code", Int, Stable, HTTP, "100 to 599", "200";
    /// A header of the request, by its name in lower case.
    HTTP_REQUEST_HEADER: "http.request.header.<key>", StringList, Stable, HTTP,
        "headers of other tracing systems (spans.md), and those that are asked for; at most 1024 bytes of what clients send", "7b1f";
    /// A header of the response, by its name in lower case.
    HTTP_RESPONSE_HEADER: "http.response.header.<key>", StringList, Stable, HTTP,
        "those that are asked for; at most 1024 bytes of what servers send", "HIT";
    /// Size of the request's body on the wire, bytes.
    HTTP_REQUEST_BODY_SIZE: "http.request.body.size", Int, Development, HTTP, "any", "351";
    /// Size of the response's body on the wire, bytes.
    HTTP_RESPONSE_BODY_SIZE: "http.response.body.size", Int, Development, HTTP, "any", "1024";
    /// State of an open connection.
    HTTP_CONNECTION_STATE: "http.connection.state", String, Development, HTTP, "`active`, `idle`", "idle";
    /// Path of the URL.
    URL_PATH: "url.path", String, Stable, URL, "what clients ask for", "/users/42";
    /// Query of the URL.
    URL_QUERY: "url.query", String, Stable, URL, "what clients ask for, without secrets", "full=1";
    /// Scheme of the URL.
    URL_SCHEME: "url.scheme", String, Stable, URL, "metrics: `http`, `https`, `ws`, `wss`, else `_OTHER`", "http";
    /// The whole URL.
    URL_FULL: "url.full", String, Stable, URL, "what clients ask for, without secrets", "http://api/users/42";
    /// Whom the client calls itself.
    USER_AGENT_ORIGINAL: "user_agent.original", String, Stable, USER_AGENT, "what clients send", "curl/8.5.0";
    /// How the operation failed.
    ERROR_TYPE: "error.type", String, Stable, ERROR, "status codes, SQLSTATEs, error words, names of failures", "503";

    /// The system of remote procedure calls.
    RPC_SYSTEM_NAME: "rpc.system.name", String, Development, RPC, "`grpc`", "grpc";
    /// The method that is called, with its service.
    RPC_METHOD: "rpc.method", String, Development, RPC, "methods; of a server those that it has, else `_OTHER`", "shop.Cart/Add";
    /// The method as it was sent, where the server has none of that name.
    RPC_METHOD_ORIGINAL: "rpc.method_original", String, Development, RPC, "what clients send", "shop.Cart/Ad";
    /// Status of the call.
    RPC_RESPONSE_STATUS_CODE: "rpc.response.status_code", String, Development, RPC, "names of the 17 codes", "OK";

    /// The database system.
    DB_SYSTEM_NAME: "db.system.name", String, Stable, DB, "`postgresql`, `redis`", "postgresql";
    /// The database.
    DB_NAMESPACE: "db.namespace", String, Stable, DB, "databases that applications use", "shop";
    /// Text of the statement or command.
    DB_QUERY_TEXT: "db.query.text", String, Stable, DB, "statements without literals", "SELECT * FROM orders WHERE id = ?";
    /// What the statement does to what, in order.
    DB_QUERY_SUMMARY: "db.query.summary", String, Stable, DB, "at most 255 characters", "SELECT orders";
    /// What is done.
    DB_OPERATION_NAME: "db.operation.name", String, Stable, DB, "metrics: known commands, else `_OTHER`", "GET";
    /// Operations that were sent together.
    DB_OPERATION_BATCH_SIZE: "db.operation.batch.size", Int, Stable, DB, "2 and more", "3";
    /// The server's code of the outcome.
    DB_RESPONSE_STATUS_CODE: "db.response.status_code", String, Stable, DB, "SQLSTATEs, first words of errors", "42601";
    /// Rows that came back.
    DB_RESPONSE_RETURNED_ROWS: "db.response.returned_rows", Int, Development, DB, "any", "20";
    /// Procedure, function or script that was called.
    DB_STORED_PROCEDURE_NAME: "db.stored_procedure.name", String, Stable, DB, "scripts that applications use", "my_function";
    /// Pool that a connection belongs to.
    DB_CLIENT_CONNECTION_POOL_NAME: "db.client.connection.pool.name", String, Development, DB,
        "the `address:port` of servers", "10.0.0.7:5432";
    /// State of an open connection.
    DB_CLIENT_CONNECTION_STATE: "db.client.connection.state", String, Development, DB, "`used`, `idle`", "used";

    /// Name or address of the server, as it was called.
    SERVER_ADDRESS: "server.address", String, Stable, SERVER_PAGE, "servers", "api.example";
    /// Port of the server.
    SERVER_PORT: "server.port", Int, Stable, SERVER_PAGE, "ports of servers", "8080";
    /// Address of the client.
    CLIENT_ADDRESS: "client.address", String, Stable, CLIENT_PAGE, "clients", "10.0.0.7";
    /// Address of the connection's other end.
    NETWORK_PEER_ADDRESS: "network.peer.address", String, Stable, NETWORK, "peers; metrics: servers alone", "10.0.0.7";
    /// Port of the connection's other end.
    NETWORK_PEER_PORT: "network.peer.port", Int, Stable, NETWORK, "ports of peers; metrics: of servers alone", "51234";
    /// What carries the connection.
    NETWORK_TRANSPORT: "network.transport", String, Stable, NETWORK, "`tcp`, `udp`, `unix`", "tcp";
    /// Protocol of the exchange.
    NETWORK_PROTOCOL_NAME: "network.protocol.name", String, Stable, NETWORK, "protocols that wirespan reads", "http";
    /// Version of the protocol.
    NETWORK_PROTOCOL_VERSION: "network.protocol.version", String, Stable, NETWORK, "`1.0`, `1.1`", "1.1";
    /// Direction of bytes and segments.
    NETWORK_IO_DIRECTION: "network.io.direction", String, Development, NETWORK, "`transmit`, `receive`", "transmit";

    /// Protocol of the handshake.
    TLS_PROTOCOL_NAME: "tls.protocol.name", String, Development, TLS, "`tls`", "tls";
    /// Version that was negotiated.
    TLS_PROTOCOL_VERSION: "tls.protocol.version", String, Development, TLS, "`1.0` to `1.3`", "1.3";
    /// Cipher suite that was negotiated.
    TLS_CIPHER: "tls.cipher", String, Development, TLS, "IANA's names", "TLS_AES_128_GCM_SHA256";
    /// Whether an earlier session was resumed.
    TLS_RESUMED: "tls.resumed", Bool, Development, TLS, "", "true";
    /// Protocol that was negotiated for the inside; readable up to TLS 1.2.
    TLS_NEXT_PROTOCOL: "tls.next_protocol", String, Development, TLS, "ALPN names", "http/1.1";
    /// Name that was looked up.
    DNS_QUESTION_NAME: "dns.question.name", String, Development, DNS, "names that applications look up", "db.internal";
    /// Addresses that were found.
    DNS_ANSWERS: "dns.answers", StringList, Development, DNS, "addresses", "10.0.0.7";

    /// Name of the service.
    SERVICE_NAME: "service.name", String, Stable, SERVICE, "services", "shop";
    /// Namespace of the service's name.
    SERVICE_NAMESPACE: "service.namespace", String, Stable, SERVICE, "what targets say of themselves", "retail";
    /// Version of the service.
    SERVICE_VERSION: "service.version", String, Stable, SERVICE, "of wirespan; else what targets say of themselves", "0.1.0";
    /// Instance of the service.
    SERVICE_INSTANCE_ID: "service.instance.id", String, Stable, SERVICE, "processes; metrics: services on a host",
        "a6c808df-e14f-5dc3-b2d6-5c5b654053ae";
    /// Service at the other end of the connection.
    SERVICE_PEER_NAME: "service.peer.name", String, Development, SERVICE, "services", "orders";
    /// Namespace of that service's name.
    SERVICE_PEER_NAMESPACE: "service.peer.namespace", String, Development, SERVICE, "namespaces", "shop";
    /// Name of the host.
    HOST_NAME: "host.name", String, Development, HOST, "one", "web1";
    /// Machine id of the host.
    HOST_ID: "host.id", String, Development, HOST, "one", "3d1200c64f8f4d7da2a1f1d2d5c1f3aa";
    /// Operating system.
    OS_TYPE: "os.type", String, Development, OS, "`linux`", "linux";
    /// Process id, in the host's namespace.
    PROCESS_PID: "process.pid", Int, Development, PROCESS, "processes", "4711";
    /// Name of the executable.
    PROCESS_EXECUTABLE_NAME: "process.executable.name", String, Development, PROCESS, "programs", "nginx";
    /// Path of the executable.
    PROCESS_EXECUTABLE_PATH: "process.executable.path", String, Development, PROCESS, "programs", "/usr/sbin/nginx";
    /// Runtime that executes the program.
    PROCESS_RUNTIME_NAME: "process.runtime.name", String, Development, PROCESS, "runtimes that wirespan knows", "cpython";
    /// Version of the runtime.
    PROCESS_RUNTIME_VERSION: "process.runtime.version", String, Development, PROCESS, "versions in use", "21.0.5";
    /// Id of the container.
    CONTAINER_ID: "container.id", String, Stable, CONTAINER, "containers", "8be5ad1c83f0…";
    /// Name of the container.
    CONTAINER_NAME: "container.name", String, Development, CONTAINER, "containers", "web";
    /// Name of the container's image.
    CONTAINER_IMAGE_NAME: "container.image.name", String, Stable, CONTAINER, "images", "docker.io/library/nginx";
    /// Tags of the image.
    CONTAINER_IMAGE_TAGS: "container.image.tags", StringList, Stable, CONTAINER, "tags of images", "1.27";
    /// UID of the cluster: that of the namespace `kube-system`.
    K8S_CLUSTER_UID: "k8s.cluster.uid", String, Stable, K8S, "one", "218fc5a9-a5f1-4b54-aa05-46717d0ab26d";
    /// Node that the pod runs on.
    K8S_NODE_NAME: "k8s.node.name", String, Stable, K8S, "one", "node-1";
    /// Namespace of the pod.
    K8S_NAMESPACE_NAME: "k8s.namespace.name", String, Stable, K8S, "namespaces", "shop";
    /// Name of the pod.
    K8S_POD_NAME: "k8s.pod.name", String, Stable, K8S, "pods", "web-5d8f7c-x2x4z";
    /// UID of the pod.
    K8S_POD_UID: "k8s.pod.uid", String, Stable, K8S, "pods", "275ecb36-5aa8-4c2a-9c47-d8bb681b9aff";
    /// Name of the container within its pod.
    K8S_CONTAINER_NAME: "k8s.container.name", String, Stable, K8S, "containers", "web";
    /// Deployment of the pod.
    K8S_DEPLOYMENT_NAME: "k8s.deployment.name", String, Stable, K8S, "deployments", "web";
    /// Replica set of the pod.
    K8S_REPLICASET_NAME: "k8s.replicaset.name", String, Stable, K8S, "replica sets", "web-5d8f7c";
    /// Stateful set of the pod.
    K8S_STATEFULSET_NAME: "k8s.statefulset.name", String, Stable, K8S, "stateful sets", "db";
    /// Daemon set of the pod.
    K8S_DAEMONSET_NAME: "k8s.daemonset.name", String, Stable, K8S, "daemon sets", "proxy";
    /// Job of the pod.
    K8S_JOB_NAME: "k8s.job.name", String, Stable, K8S, "jobs", "report-29402880";
    /// Cron job of the pod.
    K8S_CRONJOB_NAME: "k8s.cronjob.name", String, Stable, K8S, "cron jobs", "report";
    /// Who made the telemetry.
    TELEMETRY_SDK_NAME: "telemetry.sdk.name", String, Stable, TELEMETRY, "`wirespan`", "wirespan";
    /// Language that it is written in.
    TELEMETRY_SDK_LANGUAGE: "telemetry.sdk.language", String, Stable, TELEMETRY, "`rust`", "rust";
    /// Its version.
    TELEMETRY_SDK_VERSION: "telemetry.sdk.version", String, Stable, TELEMETRY, "one", "0.1.0";
    /// Distribution that made the telemetry.
    TELEMETRY_DISTRO_NAME: "telemetry.distro.name", String, Stable, TELEMETRY, "`wirespan`", "wirespan";
    /// Its version.
    TELEMETRY_DISTRO_VERSION: "telemetry.distro.version", String, Stable, TELEMETRY, "one", "0.1.0";

    /// Series that takes in what found no room.
    OTEL_METRIC_OVERFLOW: "otel.metric.overflow", Bool, Stable, METRIC_SDK, "`true`", "true";
    /// Mode that CPU time was spent in.
    CPU_MODE: "cpu.mode", String, Development, CPU, "`user`, `system`", "user";

    /// That the route was guessed.
    WIRESPAN_ROUTE_SOURCE: "wirespan.route.source", String, Own, WIRESPAN, "`heuristic`", "heuristic";
    /// Messages that the client of a call sent.
    WIRESPAN_RPC_REQUEST_MESSAGES: "wirespan.rpc.request.messages", Int, Own, WIRESPAN, "any", "1";
    /// Messages that the server of a call sent.
    WIRESPAN_RPC_RESPONSE_MESSAGES: "wirespan.rpc.response.messages", Int, Own, WIRESPAN, "any", "3";
    /// How long the client of a call said that it waits, s.
    WIRESPAN_RPC_TIMEOUT: "wirespan.rpc.timeout", Double, Own, WIRESPAN, "what clients ask for", "2";
    /// That the request's target is longer than what the span shows.
    WIRESPAN_URL_TRUNCATED: "wirespan.url.truncated", Bool, Own, WIRESPAN, "`true`", "true";
    /// That the statement's text was never seen.
    WIRESPAN_DB_STATEMENT_UNKNOWN: "wirespan.db.statement.unknown", Bool, Own, WIRESPAN, "`true`", "true";
    /// That the statement's text is longer than what the span shows.
    WIRESPAN_DB_STATEMENT_TRUNCATED: "wirespan.db.statement.truncated", Bool, Own, WIRESPAN, "`true`", "true";
    /// Time from the arrival of the request's first byte at the socket to the read that took it, s.
    WIRESPAN_QUEUE_DURATION: "wirespan.queue.duration", Double, Own, WIRESPAN, "any", "0.0003";
    /// That the request which is the span's parent was over before the span was.
    WIRESPAN_PARENT_OVER: "wirespan.parent.over", Bool, Own, WIRESPAN, "`true`", "true";
    /// Name of an exchange that both ends of its connection make alike.
    WIRESPAN_EXCHANGE_ID: "wirespan.exchange.id", String, Own, WIRESPAN, "any", "10.0.0.7:40312/2954417";
    /// Whether the connection had carried a request before.
    WIRESPAN_CONNECTION_REUSED: "wirespan.connection.reused", Bool, Own, WIRESPAN, "", "false";
    /// How long the connection's set-up took, from its first phase to its last, s.
    WIRESPAN_CONNECTION_SETUP_DURATION: "wirespan.connection.setup.duration", Double, Own, WIRESPAN, "any", "0.013";
    /// How long lookups took, s.
    WIRESPAN_CONNECTION_DNS_DURATION: "wirespan.connection.dns.duration", Double, Own, WIRESPAN, "any", "0.002";
    /// How long the TCP handshake took, s.
    WIRESPAN_CONNECTION_TCP_DURATION: "wirespan.connection.tcp.duration", Double, Own, WIRESPAN, "any", "0.001";
    /// How long what is said to a proxy took, s.
    WIRESPAN_CONNECTION_PREFACE_DURATION: "wirespan.connection.preface.duration", Double, Own, WIRESPAN, "any", "0.001";
    /// How long the request for encryption took, s.
    WIRESPAN_CONNECTION_ENCRYPTION_REQUEST_DURATION: "wirespan.connection.encryption_request.duration", Double, Own,
        WIRESPAN, "any", "0.001";
    /// How long the TLS handshake took, s.
    WIRESPAN_CONNECTION_TLS_DURATION: "wirespan.connection.tls.duration", Double, Own, WIRESPAN, "any", "0.004";
    /// How long authentication took, s.
    WIRESPAN_CONNECTION_AUTHENTICATION_DURATION: "wirespan.connection.authentication.duration", Double, Own, WIRESPAN,
        "any", "0.006";
    /// How long the driver's preamble took, s.
    WIRESPAN_CONNECTION_PREAMBLE_DURATION: "wirespan.connection.preamble.duration", Double, Own, WIRESPAN, "any", "0.001";
    /// Steps of the driver's preamble.
    WIRESPAN_CONNECTION_PREAMBLE: "wirespan.connection.preamble", StringList, Own, WIRESPAN, "at most 16 steps",
        "HELLO, CLIENT SETINFO";
    /// What was said to or by a proxy.
    WIRESPAN_PREFACE_KIND: "wirespan.preface.kind", String, Own, WIRESPAN, "`proxy`, `socks4`, `socks5`", "proxy";
    /// Whether the server agreed to encrypt.
    WIRESPAN_ENCRYPTION_ACCEPTED: "wirespan.encryption.accepted", Bool, Own, WIRESPAN, "", "true";
    /// How the client proved who it is.
    WIRESPAN_AUTHENTICATION_METHOD: "wirespan.authentication.method", String, Own, WIRESPAN, "methods of the protocol",
        "scram-sha-256";
    /// Round trips that authentication took.
    WIRESPAN_AUTHENTICATION_ROUND_TRIPS: "wirespan.authentication.round_trips", Int, Own, WIRESPAN, "few", "3";
    /// Type of the question.
    WIRESPAN_DNS_QUESTION_TYPE: "wirespan.dns.question.type", String, Own, WIRESPAN, "types of DNS records", "AAAA";
    /// SYN segments that were sent again.
    WIRESPAN_TCP_SYN_RETRANSMITS: "wirespan.tcp.syn_retransmits", Int, Own, WIRESPAN, "few", "1";
    /// Time from established to accepted, s.
    WIRESPAN_TCP_ACCEPT_DURATION: "wirespan.tcp.accept.duration", Double, Own, WIRESPAN, "any", "0.0001";
    /// Whether the server asked for a certificate of the client.
    WIRESPAN_TLS_CLIENT_CERTIFICATE_ASKED: "wirespan.tls.client_certificate_asked", Bool, Own, WIRESPAN, "", "false";
    /// That the server asked for another `ClientHello`.
    WIRESPAN_TLS_HELLO_RETRIED: "wirespan.tls.hello_retried", Bool, Own, WIRESPAN, "`true`", "true";
    /// Which end of the connection the service is.
    WIRESPAN_ROLE: "wirespan.role", String, Own, WIRESPAN, "`client`, `server`", "client";
    /// Who ended the connection first.
    WIRESPAN_CLOSED_BY: "wirespan.closed_by", String, Own, WIRESPAN, "`self`, `peer`, `error` (the attempt failed)", "peer";
    /// Network namespace of a listening socket: its inode.
    WIRESPAN_NETWORK_NAMESPACE: "wirespan.network.namespace", Int, Own, WIRESPAN, "at most 64", "4026531840";

    /// Kind of a finding.
    WIRESPAN_ADVICE_KIND: "wirespan.advice.kind", String, Own, WIRESPAN, "kinds of findings", "no_pool";
    /// Service that the finding is about.
    WIRESPAN_ADVICE_SERVICE: "wirespan.advice.service", String, Own, WIRESPAN, "services", "shop";
    /// Time that callers waited because of it, s.
    WIRESPAN_ADVICE_COST: "wirespan.advice.cost", Double, Own, WIRESPAN, "any", "58.2";
    /// What would help.
    WIRESPAN_ADVICE_REMEDY: "wirespan.advice.remedy", String, Own, WIRESPAN, "a sentence for each finding", "Use a pool.";
    /// Route whose requests are concerned.
    WIRESPAN_ADVICE_ROUTE: "wirespan.advice.route", String, Own, WIRESPAN, "routes", "/checkout";
    /// Statement that is concerned.
    WIRESPAN_ADVICE_STATEMENT: "wirespan.advice.statement", String, Own, WIRESPAN, "summaries", "SELECT orders";
    /// Protocol of the server that was called.
    WIRESPAN_ADVICE_PROTOCOL: "wirespan.advice.protocol", String, Own, WIRESPAN, "protocols that wirespan reads", "redis";
    /// A number of the finding.
    WIRESPAN_ADVICE_NUMBER: "wirespan.advice.<number>", Double, Own, WIRESPAN, "names of numbers that findings have", "0.97";

    /// Processes that a look at all of them found.
    WIRESPAN_SCAN_PROCESSES: "wirespan.scan.processes", Int, Own, WIRESPAN, "any", "312";
    /// Events that went through all stages in one turn of the main loop.
    WIRESPAN_DRAIN_EVENTS: "wirespan.drain.events", Int, Own, WIRESPAN, "any", "128";
    /// Exporter that delivers.
    WIRESPAN_EXPORTER: "wirespan.exporter", String, Own, WIRESPAN, "exporters", "otlp";
    /// Spans, data points or log records of a delivery.
    WIRESPAN_EXPORT_ITEMS: "wirespan.export.items", Int, Own, WIRESPAN, "any", "512";

    /// Client in the service graph.
    CLIENT: "client", String, Own, SERVICE_GRAPH, "services, addresses, `unknown`", "shop";
    /// Server in the service graph.
    SERVER: "server", String, Own, SERVICE_GRAPH, "services, addresses with port, `unknown`", "orders";
    /// What kind of server it is.
    CONNECTION_TYPE: "connection_type", String, Own, SERVICE_GRAPH, "`database`, or absent", "database";
    /// Protocol of an exchange.
    PROTOCOL: "protocol", String, Own, WIRESPAN, "protocols that wirespan reads", "http";
    /// Why something was left out.
    REASON: "reason", String, Own, WIRESPAN, "names in ARCHITECTURE.md, where loss is counted", "ring_full";
    /// Exporter.
    EXPORTER: "exporter", String, Own, WIRESPAN, "exporters in use", "otlp";
    /// What became of an item.
    OUTCOME: "outcome", String, Own, WIRESPAN, "`exported`, `queue_full`, `export_failed`, `rejected`, `shutdown`", "exported";
}
