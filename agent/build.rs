//! Embeds the kernel programs that `cargo xtask build` left, or nothing.

use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-env-changed=WIRESPAN_EBPF_OBJECT");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    let object = std::env::var_os("WIRESPAN_EBPF_OBJECT").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/ebpf/bpfel-unknown-none/release/wirespan"),
        PathBuf::from,
    );
    println!("cargo::rerun-if-changed={}", object.display());
    let embedded = out.join("wirespan.bpf.o");
    let bytes = std::fs::read(&object).unwrap_or_default();
    if let Err(error) = std::fs::write(&embedded, bytes) {
        println!("cargo::error=cannot write {}: {error}", embedded.display());
    }
    println!("cargo::rustc-env=WIRESPAN_OBJECT={}", embedded.display());
}
