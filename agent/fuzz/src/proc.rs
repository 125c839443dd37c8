//! `/proc` as a process wrote it: files of a folder that looks like `/proc/PID`, and the program behind its link.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use wirespan::process::discovery::Proc;

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
    let proc = Proc::at(folder, ["A", "PATH"], true);
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
        let _ = wirespan::resolve::go_version(&file);
    }
}

/// Inputs: a program with one section of Go's.
#[must_use]
pub fn programs() -> Vec<Vec<u8>> {
    let mut names = b"\0.go.buildinfo\0.shstrtab\0".to_vec();
    names.resize(32, 0);
    let mut info = b"\xff Go buildinf:\x08\x02".to_vec();
    info.resize(32, 0);
    info.extend(b"\x08go1.22.1\x00");
    let mut file = vec![0; 64];
    file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    let (names_at, info_at) = (64, 64 + names.len());
    let table_at = (info_at + info.len()).next_multiple_of(8);
    file[40..48].copy_from_slice(&(table_at as u64).to_le_bytes());
    for (at, value) in [(16, 2_u16), (18, 62), (52, 64), (58, 64), (60, 3), (62, 2)] {
        file[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
    file.extend(&names);
    file.extend(&info);
    file.resize(table_at, 0);
    let section = |name: u32, kind: u32, at: usize, len: usize| {
        let mut section = vec![0; 64];
        section[..4].copy_from_slice(&name.to_le_bytes());
        section[4..8].copy_from_slice(&kind.to_le_bytes());
        section[24..32].copy_from_slice(&(at as u64).to_le_bytes());
        section[32..40].copy_from_slice(&(len as u64).to_le_bytes());
        section
    };
    file.extend(vec![0; 64]);
    file.extend(section(1, 1, info_at, info.len()));
    file.extend(section(15, 3, names_at, names.len()));
    vec![file]
}
