//! Where things are: the clone, its target folder, the eBPF object.

use std::path::PathBuf;

use crate::arch::Arch;

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

/// The eBPF crate's own target folder for a processor: always the same one, since a cold `core` costs more than a minute.
pub fn ebpf_target(arch: Arch) -> PathBuf {
    let own = target().join("ebpf");
    if arch.is_here() { own } else { own.join(arch.debian()) }
}

/// The eBPF object for a processor, as `cargo xtask build` leaves it.
pub fn ebpf_object(arch: Arch) -> PathBuf {
    ebpf_target(arch).join("bpfel-unknown-none/release/wirespan")
}

/// Where the release binary for a processor is put, and what its packages have beside it.
pub fn release(arch: Arch) -> PathBuf {
    let own = target();
    if arch.is_here() { own.join("release") } else { own.join(arch.gnu()).join("release") }
}

/// Parts that tests need and that no package manager keeps: below the target folder, so that `cargo clean` cleans.
pub fn parts() -> PathBuf {
    target().join("test-parts")
}

/// Output of commands that talk much.
pub fn log(name: &str) -> PathBuf {
    target().join("xtask-logs").join(format!("{name}.log"))
}

/// Flags that keep this machine's folders out of what rustc writes: what is built does not depend on where.
pub fn hidden() -> Vec<String> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let of_home = |variable, name| std::env::var_os(variable).map_or_else(|| home.join(name), PathBuf::from);
    // Of several that fit, rustc takes the last.
    let folders = [
        (of_home("RUSTUP_HOME", ".rustup"), "/rustup"),
        (of_home("CARGO_HOME", ".cargo"), "/cargo"),
        (target(), "/wirespan/target"),
        (root(), "/wirespan"),
    ];
    folders.map(|(folder, name)| format!("--remap-path-prefix={}={name}", folder.display())).to_vec()
}
