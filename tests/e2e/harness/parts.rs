//! What `cargo xtask test` has installed.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// A part of the folder that `cargo xtask test` fills, if it is there.
pub fn part(path: &str) -> Option<PathBuf> {
    let parts = std::env::var_os("WIRESPAN_TEST_PARTS")
        .map_or_else(|| wirespan_tests::binary().parent().unwrap().join("../test-parts"), PathBuf::from);
    Some(parts.join(path)).filter(|path| path.exists())
}

/// Says that this test is skipped, past the capture of what tests print: a reader and `cargo xtask test` must see it.
pub fn skipped(why: &str) {
    let thread = std::thread::current();
    let line = format!("test {} ... skipped ({why})\n", thread.name().unwrap_or("?"));
    let _ = std::io::stdout().write_all(line.as_bytes());
}

/// The Python that has the drivers.
pub fn python() -> Command {
    Command::new(part("python/bin/python").expect("test part python is missing: run `cargo xtask test`"))
}

/// A file of `tests/workloads`.
pub fn workload_path(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("workloads").join(name);
    assert!(path.is_file(), "{}", path.display());
    path
}

/// A program of `tests/workloads`, run by its language.
pub fn workload(name: &str) -> Command {
    let path = workload_path(name);
    if let Some(stem) = name.strip_suffix(".c") {
        return compiled(stem, Command::new("cc").args(["-O1", "-Wall", "-Werror", "-rdynamic"]), &path);
    }
    if let Some(stem) = name.strip_suffix(".go") {
        return compiled(stem, Command::new("go").arg("build"), &path);
    }
    let mut command = if name.ends_with(".py") {
        python()
    } else {
        let mut node = Command::new("node");
        // `require` looks into `node_modules` of the folders above the program, and there.
        node.env("NODE_PATH", part("node/node_modules").expect("test part node is missing: run `cargo xtask test`"));
        node
    };
    command.arg(path);
    command
}

/// A program of Go in `tests/workloads`, movable and without symbols.
pub fn stripped(name: &str) -> Command {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("workloads").join(name);
    let mut go = Command::new("go");
    compiled(&format!("{name}.stripped"), go.args(["build", "-buildmode=pie", "-ldflags=-s -w"]), &path)
}

/// A program, compiled once a run of the tests.
fn compiled(stem: &str, compiler: &mut Command, source: &Path) -> Command {
    static DONE: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut done = DONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(stem);
    if !done.iter().any(|known| known == stem) {
        super::run(compiler.arg("-o").arg(&program).arg(source));
        done.push(stem.to_owned());
    }
    Command::new(program)
}

/// The folder of PostgreSQL's programs: that of the newest version, as Debian installs them.
pub fn postgres_programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).max();
    match newest {
        Some(version) => PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")),
        None => PathBuf::from(super::run(Command::new("pg_config").arg("--bindir")).trim()),
    }
}
