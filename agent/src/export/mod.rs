//! Where spans go: console, OTLP JSON lines, OTLP over HTTP and gRPC.
