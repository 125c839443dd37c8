//! For which span a thread works, as profilers read it.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::harness::agent::granted;
use crate::harness::process::{Folder, eventually};
use crate::harness::{Agent, run, servers, workload};

/// A BPF file system of its own.
struct FileSystem(Folder);

impl FileSystem {
    fn mount() -> Self {
        let folder = Folder::new();
        run(Command::new("mount").args(["-t", "bpf", "bpf"]).arg(folder.path()));
        Self(folder)
    }

    fn map(&self) -> PathBuf {
        self.0.join("otel/traces_ctx_v1")
    }

    /// The spans of the threads of a process: trace and span id.
    fn spans_of(&self, pid: u32) -> Vec<(String, String)> {
        let text = run(workload("pinned_map.py").arg(self.map()));
        let lines = text.lines().map(|line| line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        lines.filter(|words| words[0] == pid.to_string()).map(|words| (words[2].clone(), words[3].clone())).collect()
    }
}

impl Drop for FileSystem {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn while_a_thread_works_for_a_request_profilers_find_its_span() {
    let files = FileSystem::mount();
    let variables = |share: bool| {
        let root = files.0.path().display().to_string();
        [("WIRESPAN_PROFILES", share.to_string()), ("WIRESPAN_BPF_FS", root)]
    };
    for backend in granted() {
        let server = servers::program("slow_threads.py", &[]);
        let mut agent = Agent::start_with("run", backend, &server.select_port(), &[], &variables(true));
        assert!(files.map().exists(), "{}", agent.stderr());
        // Another one uses the map that is there, and leaves it.
        let nothing = ["pid=1".to_owned()];
        Agent::start_with("run", backend, &nothing, &[], &variables(true)).stop();
        assert!(files.map().exists());
        assert_eq!(files.spans_of(server.pid()), []);
        let begin = Instant::now();
        let url = format!("http://127.0.0.1:{}/slow", server.port);
        let mut client = Command::new("curl").args(["-s", "-o", "/dev/null", "--noproxy", "*", &url]).spawn().unwrap();
        let mut working = Vec::new();
        eventually("the map names the span", || {
            working = files.spans_of(server.pid());
            !working.is_empty()
        });
        let late = begin.elapsed();
        println!("{backend}: known {late:?} after the beginning of curl");
        assert!(late < Duration::from_millis(900), "{late:?}");
        assert!(client.wait().unwrap().success());
        eventually("the map forgets it", || files.spans_of(server.pid()).is_empty());
        let spans = agent.finish().servers();
        let span = spans.only();
        assert_eq!(working, [(span.trace_id.clone(), span.span_id.clone())], "{backend}");
        assert!(!files.map().exists() && !files.0.join("otel").exists(), "nothing stays");
    }
}

#[test]
fn where_nobody_asks_nothing_is_pinned() {
    let files = FileSystem::mount();
    let root = files.0.path().display().to_string();
    let mut agent = Agent::start_with("run", granted()[0], &[], &[], &[("WIRESPAN_BPF_FS", root)]);
    assert!(!files.0.join("otel").exists());
    agent.stop();
}

#[test]
fn without_such_a_file_system_the_agent_says_so_and_traces() {
    let folder = Folder::new();
    let root = folder.path().display().to_string();
    let variables = [("WIRESPAN_PROFILES", "true".to_owned()), ("WIRESPAN_BPF_FS", root)];
    let mut agent = Agent::start_with("run", granted()[0], &["pid=1".to_owned()], &[], &variables);
    assert!(agent.stderr().contains("is no BPF file system"), "{}", agent.stderr());
    agent.stop();
}
