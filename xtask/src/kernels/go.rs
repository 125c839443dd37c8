//! Programs in Go that run in a kernel: static ones, whatever the processor.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::arch::Arch;
use crate::{paths, sh};

/// The source in `{go:FILE}`.
pub fn source(word: &str) -> Option<&str> {
    word.strip_prefix("{go:")?.strip_suffix('}')
}

/// Compiles a file of the clone; the path of the program.
pub fn build(source: &str, arch: Arch) -> Result<String> {
    let source = paths::root().join(source);
    let name = source.file_stem().with_context(|| format!("{} has no name", source.display()))?;
    let program = super::debian::folder(arch).join("go").join(name);
    let mut cmd = Command::new("go");
    cmd.current_dir(paths::root()).env("GOARCH", arch.debian()).env("CGO_ENABLED", "0");
    sh::run(cmd.args(["build", "-o"]).arg(&program).arg(&source))?;
    program.into_os_string().into_string().ok().context("the path of the target folder is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::source;

    #[test]
    fn a_program_in_go_is_named_by_its_source() {
        assert_eq!(source("{go:tests/workloads/orders.go}"), Some("tests/workloads/orders.go"));
        assert_eq!(source("{wirespan}"), None);
    }
}
