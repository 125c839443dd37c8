//! What a process is after it executed a program: read from `/proc`, or, when it was too short-lived for that, from
//! the event itself.

use std::fs;
use std::io::Read as _;
use std::sync::Arc;

use wirespan_common::record::MAX_EXECUTABLE;

use super::ProcessTable;
use crate::event;
use crate::process::Process;

impl ProcessTable {
    /// The process after its exec.
    pub(super) fn executed(&self, event: &event::Process, file: &str) -> Process {
        let known = self.entries.get(&event.pid).filter(|entry| entry.exited_at.is_none()).map(|entry| &entry.process);
        let generation = known.map_or(0, |process| process.generation) + 1;
        let seen_ns = known.map_or(event.at_ns, |process| process.seen_ns);
        if let Some(mut process) = self.proc.as_ref().and_then(|proc| proc.process(event.pid)) {
            // One that is just exiting has lost its executable, but still a line in the table.
            if process.exe.is_none() {
                process.exe = real(file);
            }
            return Process { generation, seen_ns, ..process };
        }
        let before = known.cloned().unwrap_or_default();
        Process {
            pid: event.pid,
            comm: event.comm.clone(),
            exe: if self.proc.is_some() { real(file) } else { given(file) },
            user: Some(event.user),
            seen_ns,
            generation,
            // Another environment may have been given to it, and which sockets it kept is not known.
            environment: Arc::default(),
            listening: Vec::new(),
            connected: Vec::new(),
            forked_from: Vec::new(),
            ..before
        }
    }
}

/// The path given to exec, unless it was cut off or leads through the descriptors of the process.
fn given(file: &str) -> Option<Arc<str>> {
    (!file.is_empty() && file.len() < MAX_EXECUTABLE - 1 && !file.starts_with("/dev/fd/")).then(|| file.into())
}

/// What `/proc/PID/exe` would have shown: symbolic links followed, and the interpreter of a script.
fn real(file: &str) -> Option<Arc<str>> {
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
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut line = [0; 256];
    let read = fs::File::open(path).ok()?.read(&mut line).ok()?;
    let line = line.get(..read)?.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let interpreter = std::str::from_utf8(line).ok()?.split_ascii_whitespace().next()?;
    interpreter.starts_with('/').then(|| interpreter.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
