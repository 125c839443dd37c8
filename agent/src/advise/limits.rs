//! Every threshold and bound of the advisor in one place. Thresholds decide below what a finding is not worth a
//! sentence; `docs/advisor.md` tells them to users. Bounds keep memory flat; what exceeds one is counted in the report.

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

// Thresholds.

/// No pool: least connections opened in the window, and as many of them closed in it again after few operations.
pub const NO_POOL_CONNECTIONS: u64 = 5;
/// No pool: most operations that a connection carries on average.
pub const NO_POOL_OPERATIONS: f64 = 5.0;
/// No pool: least share of the set-up in the time that callers waited.
pub const NO_POOL_SHARE: f64 = 0.10;

/// Repeated preamble: least times that it was seen.
pub const PREAMBLE_COUNT: u64 = 10;
/// Repeated preamble: share of the connections that begin with it, or of the operations that it comes before.
pub const PREAMBLE_PRECEDES: f64 = 0.8;
/// Repeated preamble: least share in the time that callers waited.
pub const PREAMBLE_SHARE: f64 = 0.10;

/// N+1: the statement runs so often within one request, at the median of the requests concerned.
pub const N_PLUS_ONE: u32 = 5;
/// N+1: least requests concerned.
pub const N_PLUS_ONE_REQUESTS: u64 = 3;
/// N+1: least share in the time of these requests.
pub const N_PLUS_ONE_SHARE: f64 = 0.05;

/// Sequential calls: least different calls in a row, to at least two peers.
pub const SEQUENTIAL_CALLS: usize = 3;
/// Sequential calls: least requests concerned.
pub const SEQUENTIAL_REQUESTS: u64 = 5;
/// Sequential calls: least share of the route's requests.
pub const SEQUENTIAL_CONCERNED: f64 = 0.5;
/// Sequential calls: least share of the route's time that could be saved.
pub const SEQUENTIAL_SHARE: f64 = 0.15;

/// Pool too small: how busy its connections are, of the time.
pub const POOL_BUSY: f64 = 0.9;
/// Pool too small: share of the operations that begin as soon as another one has ended on their connection.
pub const POOL_BACK_TO_BACK: f64 = 0.8;
/// "As soon as": within this.
pub const POOL_GAP_NS: u64 = 2 * MS;
/// Pool too small: least operations.
pub const POOL_OPERATIONS: u64 = 50;
/// Pool too small: requests in progress per connection, on average.
pub const POOL_PRESSURE: f64 = 1.2;

/// Idle pool: least connections that carried nothing.
pub const IDLE_CONNECTIONS: u64 = 10;
/// Idle pool: their share of the open connections.
pub const IDLE_SHARE: f64 = 0.67;
/// Idle pool: shortest window.
pub const IDLE_WINDOW_NS: u64 = 20 * SECOND;
/// Idle pool: open and silent since the beginning of the window, or since this share of it.
pub const IDLE_SINCE: f64 = 0.25;

/// Failing dependency: least failing requests behind which it is.
pub const FAILING_REQUESTS: u64 = 3;
/// Failing dependency: least share of the route's requests.
pub const FAILING_SHARE: f64 = 0.01;
/// Failing dependency: the same failure is met in successful requests at most so often, compared with failing ones.
pub const FAILING_ELSEWHERE: f64 = 0.5;

/// Where the time goes: routes shown, those with the most time.
pub const ROUTES_SHOWN: usize = 10;
/// Where the time goes: least requests of a route.
pub const ROUTE_REQUESTS: u64 = 3;
/// What is told about a route's own time needs its calls to be known: most calls of the service that could not be tied
/// to a request.
pub const UNTIED_CALLS: f64 = 0.1;
/// Findings of one report.
pub const FINDINGS: usize = 64;

// Encrypted preambles: told by their sizes.

/// Least connections that begin alike.
pub const HEAD_CONNECTIONS: u64 = 5;
/// Share of the connections that begin alike.
pub const HEAD_ALIKE: f64 = 0.95;
/// Round trips looked at.
pub const HEAD_TURNS: usize = 8;
/// Longest request and response, bytes, of a preamble that no driver is known for.
pub const HEAD_BYTES: u64 = 512;
/// Different sizes kept of one round trip.
pub const HEAD_SIZES: usize = 16;

// Bounds.

/// Pairs of service and peer.
pub const EDGES: usize = 1024;
/// Connections.
pub const CONNECTIONS: usize = 32 * 1024;
/// Requests in progress, and those that ended a moment ago.
pub const REQUESTS: usize = 16 * 1024;
/// Requests that ended a moment ago: 2,000 a second. More are a sample, and the rest is counted.
pub const LINGERING: usize = 4 * 1024;
/// Calls of one request.
pub const CHILDREN: usize = 256;
/// Calls of all requests in progress.
pub const ALL_CHILDREN: usize = 128 * 1024;
/// Routes of all services.
pub const ROUTES: usize = 512;
/// Services.
pub const SERVICES: usize = 1024;
/// Statement summaries of one pair of service and peer.
pub const STATEMENTS: usize = 256;
/// Statements, peers, causes kept of one route.
pub const ROUTE_PARTS: usize = 64;
/// Different failures of one pair of service and peer, or behind one route.
pub const CAUSES: usize = 32;
/// Failed requests remembered for those that called them.
pub const DOWNSTREAM: usize = 4096;
/// Traces named as evidence.
pub const EXAMPLES: usize = 3;
/// Longest path or statement in a name, characters.
pub const NAME: usize = 80;
/// How long after its end a request waits for calls that are told later, ns.
pub const LINGER_NS: u64 = 2 * SECOND;
/// After so long without an end a request is forgotten, ns.
pub const ABANDONED_NS: u64 = 300 * SECOND;
/// Round trips that an encrypted connection shows; beyond them its calls are not seen.
pub const OPAQUE_TURNS: u32 = 32;
