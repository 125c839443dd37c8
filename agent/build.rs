//! Puts the kernel programs where the agent includes them: in the file that `WIRESPAN_OBJECT` names at compile time.
//!
//! `cargo xtask build` names the object in `WIRESPAN_EBPF_OBJECT`. Without the variable the one that it last left in the target folder
//! is taken. With neither the file is empty, so that `cargo check` and `clippy` work without the eBPF tool chain; the
//! agent then says at run time that it was built without its kernel programs.
//!
//! `--version` names the commit: `WIRESPAN_COMMIT` if it is set (for builds outside of a clone), else what git says. Builds for
//! debugging name none, since each commit would then compile the whole crate anew.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const COMMIT: &str = "WIRESPAN_COMMIT";
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
    println!("cargo::rustc-env=WIRESPAN_VERSION={}", version());
    Ok(())
}

/// `0.1.0 (1a2b3c4d5e6f)`; changes that were not committed show as `-dirty`.
fn version() -> String {
    println!("cargo::rerun-if-env-changed={COMMIT}");
    let package = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let named = env::var(COMMIT).ok().filter(|commit| !commit.is_empty());
    match named.or_else(|| if release { commit() } else { Some("debug build".to_owned()) }) {
        Some(commit) => format!("{package} ({commit})"),
        None => package,
    }
}

/// The commit that is checked out, unless there is no git or no clone.
fn commit() -> Option<String> {
    // Of both, a new commit changes one: the first when another branch is checked out, the second always.
    for name in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", name])?;
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    // What was not committed is told, too.
    for source in ["src", "protocols/src", "semconv/src", "../common/src"] {
        println!("cargo::rerun-if-changed={source}");
    }
    git(&["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned()).filter(|text| !text.is_empty())
}

/// `OUT_DIR` lies somewhere below the target folder, however deep (`--target` adds a level), and wherever
/// `CARGO_TARGET_DIR` put it.
fn usual(out: &Path) -> Option<PathBuf> {
    let target = Path::new("..").join("target");
    out.ancestors().chain([target.as_path()]).map(|dir| dir.join(USUAL)).find(|path| path.is_file())
}
