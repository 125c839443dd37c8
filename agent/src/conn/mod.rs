//! Connections: per-direction data streams, roles, detection, sessions.
