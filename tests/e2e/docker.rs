//! Containers of a real Docker engine, and of the containerd below it: named by what these say.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;

use crate::harness::agent::granted;
use crate::harness::process::{Owned, free_port, listening};
use crate::harness::servers::{curl, which};
use crate::harness::{Agent, Folder, run, skipped};

/// Within which changes take effect.
const EFFECT: Duration = Duration::from_secs(2);
const IMAGE: &str = "example.org:5000/shop/tool:3";

/// A Docker engine of the test's own, with an image that is nothing but busybox.
struct Engine {
    _daemon: Owned,
    folder: Folder,
}

impl Engine {
    /// `None` if the programs are not there, or the engine does not start here.
    fn start() -> Option<Self> {
        let busybox = which("busybox").filter(|path| is_static(path))?;
        which("docker").and(which("ctr"))?;
        let folder = Folder::new();
        let mut command = Command::new(which("dockerd")?);
        command.args(["--bridge=none", "--iptables=false", "--ip-forward=false", "--storage-driver=vfs"]);
        command.arg("--data-root").arg(folder.join("data")).arg("--exec-root").arg(folder.join("exec"));
        command
            .arg("--pidfile")
            .arg(folder.join("pid"))
            .arg(format!("--host=unix://{}", folder.join("docker.sock").display()));
        command.stdout(folder.output("out")).stderr(folder.output("err"));
        let engine = Self { _daemon: Owned::start(&mut command, Signal::TERM), folder };
        let is_there = (0..100).any(|_| {
            sleep(Duration::from_millis(100));
            engine.docker().arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
        });
        if !is_there {
            return None;
        }
        let root = engine.root();
        fs::create_dir_all(root.join("bin")).unwrap();
        fs::copy(busybox, root.join("bin/busybox")).unwrap();
        let archive = engine.folder.join("image.tar");
        run(Command::new("tar").arg("-cf").arg(&archive).arg("-C").arg(&root).arg("."));
        run(engine.docker().arg("import").arg(archive).arg(IMAGE));
        Some(engine)
    }

    fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    fn docker(&self) -> Command {
        let mut command = Command::new("docker");
        command.arg(format!("--host=unix://{}", self.folder.join("docker.sock").display()));
        command
    }

    /// containerd's own tool, in a namespace.
    fn ctr(&self, namespace: &str) -> Command {
        let mut command = Command::new("ctr");
        command.arg("--address").arg(self.containerd()).args(["--namespace", namespace]);
        command
    }

    fn containerd(&self) -> PathBuf {
        self.folder.join("exec/containerd/containerd.sock")
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // What still runs would outlive the engine.
        let all = run(self.docker().args(["ps", "--quiet"]));
        all.split_whitespace().for_each(|id| drop(run(self.docker().args(["kill", id]))));
        let _ = self.ctr("k8s.io").args(["task", "kill", "--signal", "SIGKILL", ID]).status();
        sleep(Duration::from_millis(500));
        let _ = self.ctr("k8s.io").args(["task", "delete", ID]).stderr(Stdio::null()).status();
        let _ =
            Command::new("umount").arg("-l").arg(self.folder.join("exec/netns/default")).stderr(Stdio::null()).status();
    }
}

const ID: &str = "4f1a7c0e9d2b4f1a7c0e9d2b4f1a7c0e9d2b4f1a7c0e9d2b4f1a7c0e9d2b4f1a";

fn is_static(program: &Path) -> bool {
    Command::new("ldd").arg(program).output().is_ok_and(|output| !output.status.success())
}

/// A container of Docker by its name, also when that changes, with image and version; by the service of Compose where there is
/// one; selected by its name. One that the kubelet had containerd make, by the labels that it gave.
#[test]
fn containers_have_the_names_that_their_runtimes_know() {
    let Some(engine) = Engine::start() else { return skipped("no Docker engine can be started") };
    let ports = [free_port(), free_port(), free_port()];
    let server = |port: u16| format!("/bin/busybox httpd -f -p {port}");
    for (name, label, port) in [("first", "a=b", ports[0]), ("shop-web-1", "com.docker.compose.service=web", ports[1])]
    {
        let mut command = engine.docker();
        command.args(["run", "--detach", "--network=host", "--name", name, "--label", label, IMAGE]);
        run(command.args(server(port).split(' ')));
    }
    let mut command = engine.ctr("k8s.io");
    command.args(["run", "--detach", "--net-host", "--rootfs"]);
    for (key, value) in
        [("pod.namespace", "shop"), ("pod.name", "web-1"), ("pod.uid", "1-2"), ("container.name", "main")]
    {
        command.args(["--label", &format!("io.kubernetes.{key}={value}")]);
    }
    run(command.arg(engine.root()).arg(ID).args(server(ports[2]).split(' ')));
    ports.iter().for_each(|port| listening(*port));
    let sockets =
        [engine.folder.join("docker.sock"), engine.containerd()].map(|path| path.display().to_string()).join(",");
    let variables = [("WIRESPAN_CONTAINERS_SOCKETS", sockets)];
    let select: Vec<String> = ports.iter().map(|port| format!("port={port}")).collect();
    let mut agents: Vec<_> =
        granted().into_iter().map(|backend| Agent::start_with("run", backend, &select, &[], &variables)).collect();
    let by_name = ["container.name=second".to_owned()];
    let mut selecting = Agent::start_with("run", granted()[0], &by_name, &[], &variables);
    sleep(EFFECT);
    for (port, path) in ports.iter().zip(["/docker", "/compose", "/kubelet"]) {
        curl(*port, path, &[]);
    }
    run(engine.docker().args(["rename", "first", "second"]));
    sleep(EFFECT);
    curl(ports[0], "/renamed", &[]);
    sleep(EFFECT);
    for agent in &mut agents {
        let spans = agent.finish().servers();
        for (path, service, container, image) in [
            ("/docker", "first", "first", "example.org:5000/shop/tool"),
            ("/compose", "web", "shop-web-1", "example.org:5000/shop/tool"),
            ("/renamed", "second", "second", "example.org:5000/shop/tool"),
            ("/kubelet", "web-1", "main", ""),
        ] {
            let span = spans.pick(|span| span.text("url.path") == path).only().clone();
            let told = ["service.name", "container.name", "container.image.name"]
                .map(|key| span.resource.get(key).and_then(|value| value.as_str()).unwrap_or_default().to_owned());
            assert_eq!(told, [service, container, image], "{path}: {}", agent.stderr());
            let version = span.resource.get("service.version").and_then(|value| value.as_str());
            assert_eq!(version, (path != "/kubelet").then_some("3"));
        }
        let kubelet = spans.pick(|span| span.text("url.path") == "/kubelet").only().clone();
        assert_eq!(kubelet.resource["service.instance.id"], "shop.web-1.main");
    }
    assert_eq!(selecting.finish().servers().texts("url.path"), ["/renamed"]);
}
