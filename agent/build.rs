//! Puts the kernel programs where the agent includes them: in the file that `WIRESPAN_OBJECT` names at compile time.
//!
//! `cargo xtask build` names the object in `WIRESPAN_EBPF_OBJECT`. Without the variable the one that it last left in the target folder
//! is taken. With neither the file is empty, so that `cargo check` and `clippy` work without the eBPF tool chain; the
//! agent then says at run time that it was built without its kernel programs.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

const VARIABLE: &str = "WIRESPAN_EBPF_OBJECT";
/// Below the target folder: where `cargo xtask build` leaves the object.
const USUAL: &str = "ebpf/bpfel-unknown-none/release/wirespan";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets no OUT_DIR")?);
    let object = match env::var_os(VARIABLE) {
        Some(path) => Some(PathBuf::from(path)),
        None => usual(&out),
    };
    let bytes = match &object {
        Some(path) => {
            println!("cargo::rerun-if-changed={}", path.display());
            fs::read(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?
        }
        None => Vec::new(),
    };
    let embedded = out.join("wirespan.bpf.o");
    fs::write(&embedded, bytes)?;
    println!("cargo::rustc-env=WIRESPAN_OBJECT={}", embedded.display());
    Ok(())
}

/// `OUT_DIR` lies somewhere below the target folder, however deep (`--target` adds a level), and wherever
/// `CARGO_TARGET_DIR` put it.
fn usual(out: &Path) -> Option<PathBuf> {
    let target = Path::new("..").join("target");
    out.ancestors().chain([target.as_path()]).map(|dir| dir.join(USUAL)).find(|path| path.is_file())
}
