//! Where things are: the clone, its target folder, the eBPF object.

use std::path::PathBuf;

/// The root of the clone.
pub fn root() -> PathBuf {
    let xtask = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let xtask = xtask.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    xtask.parent().map(PathBuf::from).unwrap_or(xtask)
}

/// Cargo's target folder, wherever `CARGO_TARGET_DIR` moves it. Absolute.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => std::path::absolute(&dir).unwrap_or_else(|_| PathBuf::from(dir)),
        None => root().join("target"),
    }
}

/// The eBPF crate's own target folder: always the same one, since a cold `core` costs more than a minute.
pub fn ebpf_target() -> PathBuf {
    target().join("ebpf")
}

/// The eBPF object, as `cargo xtask build` leaves it.
pub fn ebpf_object() -> PathBuf {
    ebpf_target().join("bpfel-unknown-none/release/wirespan")
}

/// Parts that tests need and that no package manager keeps: below the target folder, so that `cargo clean` cleans.
pub fn parts() -> PathBuf {
    target().join("test-parts")
}

/// Output of commands that talk much.
pub fn log(name: &str) -> PathBuf {
    target().join("xtask-logs").join(format!("{name}.log"))
}
