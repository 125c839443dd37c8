//! `/proc` as a process wrote it: files of a folder that looks like `/proc/PID`, and the program behind its link.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use wirespan::process::discovery::{Facts, Proc};

/// The files that are read of a process, in the order in which they stand in an input.
const FILES: [&str; 8] = ["stat", "status", "cgroup", "comm", "environ", "cmdline", "net/tcp", "net/tcp6"];
/// Stands between two files: no text has it.
const BETWEEN: u8 = 0xff;
/// The process.
const PID: u32 = 7;

/// A folder of this program alone, in memory where there is such a file system.
fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let memory = PathBuf::from("/dev/shm");
        let above = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let folder = above.join(format!("wirespan-fuzz-{}", std::process::id()));
        let _ = fs::create_dir_all(folder.join(PID.to_string()).join("net"));
        folder
    })
}

/// Texts of a process.
///
/// # Panics
/// When more is kept of them than a process has a share of.
pub fn texts(data: &[u8]) {
    let folder = folder();
    let own = folder.join(PID.to_string());
    let mut parts = data.split(|byte| *byte == BETWEEN);
    for name in FILES {
        if fs::write(own.join(name), parts.next().unwrap_or_default()).is_err() {
            return;
        }
    }
    let proc = Proc::at(folder, ["A", "PATH"], Facts { ports: true, command_line: true });
    let found = proc.process(PID);
    let bytes = found.as_ref().map_or(0, wirespan::process::Process::text_bytes);
    assert!(bytes <= 64 * 1024, "{bytes} bytes are kept");
    let _ = proc.start_time(PID);
}

/// Inputs: this process's own.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let read = |name: &str| fs::read(PathBuf::from("/proc/self").join(name)).unwrap_or_default();
    let own: Vec<Vec<u8>> = FILES.iter().map(|name| read(name).into_iter().take(2048).collect()).collect();
    vec![own.join(&BETWEEN)]
}

/// A program.
pub fn elf(data: &[u8]) {
    let path = folder().join("program");
    if fs::write(&path, data).is_ok()
        && let Ok(file) = fs::File::open(&path)
    {
        let _ = wirespan::resolve::go_program(&file);
    }
}
