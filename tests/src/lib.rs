//! What replay and end-to-end tests share: spans as the binary writes them, and where the binary is.
//!
//! - [`span`]: OTLP JSON lines → [`span::Span`], and what can be asserted about one;
//! - [`spans`]: many of them: picking, and comparing two captures of the same traffic;
//! - [`registered`]: everything that is received is in the telemetry registry;
//! - [`network`]: namespaces with a link between them that delays and loses packets.

#![expect(clippy::panic, reason = "assertions of tests")]

pub mod network;
pub mod registered;
pub mod span;
pub mod spans;

use std::path::PathBuf;

/// The agent's binary: the one that `cargo xtask test` built, else the last release build.
#[must_use]
pub fn binary() -> PathBuf {
    let target = || {
        let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from)
    };
    let path = std::env::var_os("WIRESPAN_BIN").map_or_else(|| target().join("release/wirespan"), PathBuf::from);
    assert!(path.is_file(), "there is no {}: run `cargo xtask test`", path.display());
    path
}
