//! The agent as its chart runs it: a container made by runc, with the capabilities of the chart and no others, its seccomp profile,
//! no new privileges, a read-only root, a network namespace of its own, and the host's processes.

use std::fs;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};
use wirespan_tests::{span, spans::Spans};

use crate::harness::agent::granted;
use crate::harness::process::{Owned, eventually, settle};
use crate::harness::{Folder, servers, skipped};

/// What the chart makes (`cargo xtask charts` compares).
const DAEMON_SET: &str = include_str!("../../deploy/kubernetes/base/daemonset.yaml");
const SECCOMP: &str = include_str!("../../deploy/kubernetes/profiles/seccomp.json");
const PORT: u16 = 9464;

/// The capabilities that a pod is given.
fn capabilities() -> Vec<String> {
    for promised in ["drop: [ALL]", "allowPrivilegeEscalation: false", "readOnlyRootFilesystem: true", "hostPID: true"]
    {
        assert!(DAEMON_SET.contains(promised), "{promised}");
    }
    let (_, list) = DAEMON_SET.split_once(" add:\n").unwrap();
    let lines = list.lines().map_while(|line| line.trim().strip_prefix("- "));
    lines.map(|line| format!("CAP_{}", line.split(' ').next().unwrap())).collect()
}

/// A container that runs the agent with some arguments.
struct Pod {
    folder: Folder,
    id: String,
}

impl Pod {
    fn new(arguments: &[&str]) -> Self {
        let folder = Folder::new();
        let binary = wirespan_tests::binary();
        let words = ["/usr/bin/agent/wirespan"].iter().chain(arguments).copied().collect::<Vec<_>>();
        let granted = capabilities();
        let namespaces = ["network", "ipc", "uts", "mount", "cgroup"].map(|kind| json!({"type": kind}));
        let beside = binary.parent().unwrap().to_str().unwrap();
        let mounts = [
            json!({"destination": "/proc", "type": "proc", "source": "proc"}),
            mount("sysfs", "sysfs", "/sys"),
            // For a binary that is not static.
            mount("bind", "/usr/lib", "/usr/lib"),
            mount("bind", "/lib", "/lib"),
            mount("bind", "/lib64", "/lib64"),
            mount("bind", beside, "/usr/bin/agent"),
        ];
        let config = json!({
            "ociVersion": "1.0.2",
            "process": {
                "args": words, "cwd": "/", "user": {"uid": 0, "gid": 0}, "noNewPrivileges": true,
                "env": ["WIRESPAN_LIMITS_CPU=none", format!("WIRESPAN_PROMETHEUS_LISTEN=0.0.0.0:{PORT}")],
                "capabilities": {"bounding": granted, "effective": granted, "permitted": granted},
            },
            "root": {"path": "root", "readonly": true},
            "mounts": mounts,
            "linux": {
                "namespaces": namespaces,
                "seccomp": seccomp(),
                "readonlyPaths": ["/proc/sys", "/proc/sysrq-trigger"], "maskedPaths": ["/proc/kcore", "/sys/firmware"],
            },
        });
        fs::create_dir(folder.join("root")).unwrap();
        fs::write(folder.join("config.json"), config.to_string()).unwrap();
        let id = folder.join("").file_name().unwrap().to_str().unwrap().to_owned();
        Self { folder, id }
    }

    fn runc(&self, verb: &str) -> Command {
        let mut command = Command::new("runc");
        command.arg("--root").arg(self.folder.join("state")).arg(verb);
        if verb == "run" {
            command.arg("--bundle").arg(self.folder.join("."));
            command.stdout(self.folder.output("stdout")).stderr(self.folder.output("stderr"));
        }
        command.arg(&self.id);
        command
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }

    /// The agent's id, as the host knows it.
    fn pid(&self) -> u64 {
        let state = self.runc("state").output().unwrap();
        serde_json::from_slice::<Value>(&state.stdout).unwrap()["pid"].as_u64().unwrap()
    }

    /// Asks as the kubelet does, if not from the node.
    fn ask(&self, path: &str) -> String {
        let mut command = Command::new("nsenter");
        let ask = format!("ip link set lo up; curl -s http://127.0.0.1:{PORT}{path}");
        command.arg(format!("--net=/proc/{}/ns/net", self.pid())).args(["sh", "-c", &ask]);
        String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned()
    }
}

/// Something that is mounted, to be read only.
fn mount(kind: &str, source: &str, destination: &str) -> Value {
    let options = if kind == "bind" { ["rbind", "ro"] } else { ["nosuid", "ro"] };
    json!({"destination": destination, "type": kind, "source": source, "options": options})
}

/// Without what container runtimes leave out.
fn seccomp() -> Value {
    let mut profile: Value = serde_json::from_str(SECCOMP).unwrap();
    for rule in profile["syscalls"].as_array_mut().unwrap() {
        rule.as_object_mut().unwrap().remove("comment");
    }
    profile
}

/// Why there can be no such container here.
fn missing() -> Option<&'static str> {
    let pod = Pod::new(&["--version"]);
    match pod.runc("run").stdin(Stdio::null()).status() {
        Err(_) => Some("runc is missing"),
        Ok(status) if !status.success() && pod.read("stderr").contains("runc run failed") => {
            Some("runc makes no container here")
        }
        Ok(status) => {
            assert!(status.success(), "{}", pod.read("stderr"));
            None
        }
    }
}

/// `doctor`, as the init container: everything that the chart grants is there.
#[test]
fn doctor_finds_what_the_chart_grants() {
    if let Some(why) = missing() {
        return skipped(why);
    }
    let pod = Pod::new(&["doctor"]);
    let status = pod.runc("run").stdin(Stdio::null()).status().unwrap();
    let told = pod.read("stdout");
    assert!(status.success(), "{told}{}", pod.read("stderr"));
    for capability in capabilities() {
        assert!(told.contains(&format!("  yes {capability} ")), "{told}");
    }
}

/// CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH (capability.h).
const GRANTED: u64 = 1 << 39 | 1 << 38 | 1 << 19 | 1 << 2;

/// A server of the host is traced, with what `/proc` and files tell of it; probes are answered; the agent ends in order.
#[test]
fn a_pod_traces_its_node() {
    if let Some(why) = missing() {
        return skipped(why);
    }
    for backend in granted() {
        let server = servers::nginx(None);
        let pod = Pod::new(&["run", "--backend", backend, "--select", "exe=nginx", "--output", "otlp-json"]);
        let mut agent = Owned::start(&mut pod.runc("run"), Signal::TERM);
        eventually("the agent is attached", || {
            assert!(!agent.has_ended(), "{}", pod.read("stderr"));
            pod.read("stderr").contains("wirespan: tracing")
        });
        assert_eq!((pod.ask("/readyz"), pod.ask("/livez")), ("ok\n".to_owned(), "ok\n".to_owned()));
        let status = fs::read_to_string(format!("/proc/{}/status", pod.pid())).unwrap();
        for line in ["NoNewPrivs:\t1", "Seccomp:\t2"] {
            assert!(status.contains(line), "{line}: {status}");
        }
        // Of what it was given it keeps what the main thread needs. (Without CAP_SETPCAP the bounding set stays.)
        for set in ["CapEff:\t", "CapBnd:\t"] {
            let kept = status.lines().find_map(|line| line.strip_prefix(set)).unwrap();
            assert_eq!(u64::from_str_radix(kept, 16).unwrap() & !GRANTED, 0, "{status}");
        }
        servers::curl(server.port, "/", &[]);
        settle();
        let status = agent.stop();
        assert!(status.success(), "{status}: {}", pod.read("stderr"));
        let spans: Spans = span::parse(&pod.read("stdout")).into();
        let servers = spans.servers();
        let span = servers.only();
        assert_eq!(span.text("url.path"), "/", "{backend}");
        assert!(span.resource["process.executable.path"].as_str().unwrap().ends_with("/nginx"));
    }
}
