//! What a program was that had gone before it could be looked at, by the path that was given to exec.

use std::fs;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{CWD, Mode, OFlags, openat};

use super::files;
use crate::process::table::given;

/// What `/proc/PID/exe` would have shown: symbolic links followed, and the interpreter of a script.
pub(super) fn real(file: &str) -> Option<Arc<str>> {
    let path = given(file)?;
    if !path.starts_with('/') {
        return Some(path);
    }
    let target = interpreter(&path).unwrap_or_else(|| path.to_string());
    let target =
        fs::canonicalize(&target).ok().and_then(|real| real.into_os_string().into_string().ok()).unwrap_or(target);
    Some(target.into())
}

/// The interpreter in the first line of a script (execve(2), "Interpreter scripts").
fn interpreter(path: &str) -> Option<String> {
    // A path of another mount namespace may be a pipe or a device here.
    let held: OwnedFd = openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut line = [0; 256];
    let read = files::open(&held)?.read(&mut line).ok()?;
    let line = line.get(..read)?.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let interpreter = std::str::from_utf8(line).ok()?.split_ascii_whitespace().next()?;
    interpreter.starts_with('/').then(|| interpreter.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirespan_common::record::MAX_EXECUTABLE;

    #[test]
    fn a_script_runs_in_its_interpreter() {
        let script = std::env::temp_dir().join(format!("wirespan-script-{}", std::process::id()));
        fs::write(&script, "#! /bin/sh -e\nexit\n").unwrap();
        let shell = fs::canonicalize("/bin/sh").unwrap();
        assert_eq!(real(script.to_str().unwrap()).as_deref(), shell.to_str());
        assert_eq!(real("/bin/sh").as_deref(), shell.to_str());
        fs::remove_file(script).unwrap();
    }

    #[test]
    fn what_cannot_be_known_is_left_out() {
        assert_eq!(real(&format!("/{}", "x".repeat(MAX_EXECUTABLE))), None);
        assert_eq!(real("/dev/fd/3"), None);
        assert_eq!(real(""), None);
        assert_eq!(real("./server").as_deref(), Some("./server"));
        assert_eq!(real("/gone/away").as_deref(), Some("/gone/away"));
        assert_eq!(real("/dev/zero").as_deref(), Some("/dev/zero"));
    }
}
