//! `go/drivers`, `go/shop`: programs of `tests/workloads/modules` with the modules of others that they need.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{paths, sh};

/// Modules and their versions.
const MODULES: [&str; 3] =
    ["github.com/jackc/pgx/v5@v5.13.0", "github.com/redis/go-redis/v9@v9.23.0", "google.golang.org/grpc@v1.85.0"];
/// The programs.
const PROGRAMS: [(&str, &str); 2] = [
    ("drivers", include_str!("../../../tests/workloads/modules/drivers.go")),
    ("shop", include_str!("../../../tests/workloads/modules/shop.go")),
];

/// Where there is Go.
pub(super) fn install() -> Result<()> {
    let made_of: Vec<&str> = MODULES.into_iter().chain(PROGRAMS.map(|(_, text)| text)).collect();
    super::optional("go", &["go"], &made_of, make)
}

fn make(dir: &Path, name: &str) -> Result<()> {
    let log = paths::log(name);
    fs::write(dir.join("go.mod"), "module wirespan.test\n\ngo 1.24\n")?;
    let go = |arguments: &[&str]| {
        let mut go = Command::new("go");
        go.current_dir(dir).args(arguments);
        go
    };
    sh::run_logged(go(&["get"]).args(MODULES), &log)?;
    for (program, text) in PROGRAMS {
        fs::create_dir_all(dir.join("src").join(program))?;
        fs::write(dir.join("src").join(program).join("main.go"), text)?;
        sh::run_logged(&mut go(&["build", "-mod=mod", "-o", program, &format!("./src/{program}")]), &log)?;
    }
    Ok(())
}
