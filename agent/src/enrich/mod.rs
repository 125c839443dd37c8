//! From a process to the OpenTelemetry resource that its spans belong to.
