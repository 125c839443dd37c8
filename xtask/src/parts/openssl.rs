//! `openssl/N`: a Python package with OpenSSL inside, each of another version.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{paths, sh};

/// `cryptography` with OpenSSL 1.1.1, 3.1, 3.2, 3.3, 3.4, 3.5 and 4.0, and pyOpenSSL that goes with it. Version 3.0 is the system's.
const WHEELS: [[&str; 2]; 7] = [
    ["cryptography==3.4.8", "pyOpenSSL==20.0.1"],
    ["cryptography==41.0.7", "pyOpenSSL==23.3.0"],
    ["cryptography==42.0.8", "pyOpenSSL==24.1.0"],
    ["cryptography==43.0.3", "pyOpenSSL==24.2.1"],
    ["cryptography==44.0.3", "pyOpenSSL==25.0.0"],
    ["cryptography==46.0.3", "pyOpenSSL==25.3.0"],
    ["cryptography==50.0.2", "pyOpenSSL==26.4.0"],
];

/// Without them their test skips itself: not all are there for each Python.
pub(super) fn install() -> Result<()> {
    super::optional("openssl", &[], WHEELS.as_flattened(), make)
}

fn make(dir: &Path, name: &str) -> Result<()> {
    for (at, wheels) in WHEELS.iter().enumerate() {
        // The Python that runs the test.
        let mut pip = Command::new(paths::parts().join("python/bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--ignore-installed"]);
        pip.args(["--only-binary", ":all:", "--target"]).arg(dir.join(at.to_string())).args(wheels);
        sh::run_logged(&mut pip, &paths::log(name))?;
    }
    Ok(())
}
