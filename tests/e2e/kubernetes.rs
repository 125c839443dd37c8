//! Pods: processes in control groups that are named as a kubelet names them, and a real API server that knows the pods.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::harness::agent::granted;
use crate::harness::kubernetes::Cluster;
use crate::harness::process::{Owned, eventually, free_port, listening};
use crate::harness::{Agent, run, skipped, workload};

/// What the agent may see: all that it asks for.
pub const ALL: [&str; 6] = ["pods", "nodes", "namespaces", "services", "discovery.k8s.io/endpointslices", "batch/jobs"];
/// Within which changes take effect.
const EFFECT: Duration = Duration::from_secs(2);

/// Control groups of a container in a pod.
pub struct Group {
    pod: PathBuf,
    container: PathBuf,
}

impl Group {
    /// `None` if this host lets nobody make one.
    pub fn make(uid: &str, id: &str) -> Option<Self> {
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let at = fields.filter(|fields| fields[2] == "cgroup2").map(|fields| PathBuf::from(fields[1])).next()?;
        let pod = at.join(format!("kubepods-burstable-pod{}.slice", uid.replace('-', "_")));
        let container = pod.join(format!("cri-containerd-{id}.scope"));
        fs::create_dir_all(&container).ok()?;
        Some(Self { pod, container })
    }

    /// Starts a program in it.
    pub fn start(&self, program: &Command) -> Owned {
        let mut command = Command::new("sh");
        command.args(["-c", "echo $$ > \"$0\"/cgroup.procs && exec \"$@\""]).arg(&self.container);
        command.arg(program.get_program()).args(program.get_args());
        Owned::start(&mut command, Signal::KILL)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The last process leaves it a moment after its end.
        eventually("the control group is empty", || {
            fs::remove_dir(&self.container).is_ok() || !self.container.exists()
        });
        let _ = fs::remove_dir(&self.pod);
    }
}

/// An address of this host.
struct Address(&'static str);

impl Address {
    fn add(address: &'static str) -> Self {
        run(Command::new("ip").args(["address", "replace", &format!("{address}/32"), "dev", "lo"]));
        Self(address)
    }

    /// Asks a server there.
    fn ask(&self, port: u16, path: &str) {
        run(Command::new("curl").args([
            "-s",
            "-f",
            "--noproxy",
            "*",
            "-o",
            "/dev/null",
            &format!("http://{}:{port}{path}", self.0),
        ]));
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        run(Command::new("ip").args(["address", "delete", &format!("{}/32", self.0), "dev", "lo"]));
    }
}

fn id(number: u32) -> String {
    format!("{number:08x}").repeat(8)
}

/// A server that answers every path.
fn server(port: u16) -> Command {
    let mut program = workload("contained.py");
    program.args([&port.to_string(), "0.0.0.0"]);
    program
}

/// A pod gets its name by its UID, then its container by its id; labels, owners and what is around it when they change; after it is
/// gone and another one has its address, the peers of that time have the name of that time.
#[test]
fn pods_are_named_as_they_come_and_change() {
    let Some(cluster) = Cluster::start() else { return skipped("no kube-apiserver, or no etcd") };
    cluster.grant(&ALL);
    cluster.node("n1", &json!({"zone": "a"}), "10.254.1.1");
    cluster.namespace("shop", &json!({"team": "blue"}));
    let owner =
        json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d8f", "uid": "1", "controller": true}]);
    let labels = json!({"app": "web", "pod-template-hash": "5d8f"});
    let uid = cluster.pod("shop", "n1", &json!({"name": "web-5d8f-a", "labels": labels, "ownerReferences": owner}));
    let Some(group) = Group::make(&uid, &id(1)) else { return skipped("no control group can be made") };
    let (address, port) = (Address::add("10.254.1.7"), free_port());
    let first = group.start(&server(port));
    listening(port);
    let variables = cluster.variables("n1");
    let select = [format!("port={port}"), "comm=curl".to_owned()];
    let mut agents: Vec<_> =
        granted().into_iter().map(|backend| Agent::start_with("run", backend, &select, &[], &variables)).collect();
    address.ask(port, "/at-once");
    sleep(EFFECT);
    address.ask(port, "/by-uid");
    cluster.runs("shop", "web-5d8f-a", "10.254.1.7", &id(1));
    sleep(EFFECT);
    address.ask(port, "/by-id");
    let pod = "/api/v1/namespaces/shop/pods/web-5d8f-a";
    cluster.patch(pod, &json!({"metadata": {"labels": {"app.kubernetes.io/name": "front"}}}));
    sleep(EFFECT);
    address.ask(port, "/relabelled");
    cluster.delete(pod);
    drop(first);
    drop(group);
    let uid = cluster.pod("shop", "n1", &json!({"name": "db-0"}));
    let group = Group::make(&uid, &id(2)).unwrap();
    let _second = group.start(&server(port));
    listening(port);
    sleep(EFFECT);
    address.ask(port, "/nobody");
    cluster.runs("shop", "db-0", "10.254.1.7", &id(2));
    sleep(EFFECT);
    address.ask(port, "/reused");
    sleep(EFFECT);
    for agent in &mut agents {
        let spans = agent.finish();
        let at = |path: &str| spans.pick(|span| span.text("url.path") == path || span.text("url.full").ends_with(path));
        let resource = |path: &str, key: &str| {
            let value = at(path).servers().only().resource.get(key).cloned();
            value.map(|value| value.as_str().unwrap_or_default().to_owned()).unwrap_or_default()
        };
        let peer = |path: &str| at(path).clients().only().text("service.peer.name");
        for (path, name, container) in [
            ("/by-uid", "web", ""),
            ("/by-id", "web", "main"),
            ("/relabelled", "front", "main"),
            ("/reused", "db-0", "main"),
        ] {
            let told = ["service.name", "k8s.container.name"].map(|key| resource(path, key));
            assert_eq!(told, [name, container], "{path}: {}", agent.stderr());
            assert_eq!(resource(path, "service.namespace"), "shop");
            assert_eq!(resource(path, "k8s.node.name"), "n1");
            assert_eq!(resource(path, "k8s.pod.uid").len(), uid.len());
        }
        assert_eq!(resource("/by-id", "k8s.deployment.name"), "web");
        assert_eq!(resource("/by-id", "service.instance.id"), "shop.web-5d8f-a.main");
        assert_eq!(resource("/by-id", "container.image.name"), "example.org/shop/web");
        assert_eq!(resource("/by-id", "service.version"), "1.2");
        let peers = ["/at-once", "/by-id", "/relabelled", "/nobody", "/reused"].map(peer);
        assert_eq!(peers, ["", "web", "front", "", "db-0"], "{}", agent.stderr());
    }
}

/// A container is selected when the API says what it is, and no longer when that changes.
#[test]
fn containers_are_selected_by_what_their_pods_say() {
    let Some(cluster) = Cluster::start() else { return skipped("no kube-apiserver, or no etcd") };
    cluster.grant(&["pods"]);
    cluster.namespace("shop", &json!({}));
    let uid = cluster.pod("shop", "n1", &json!({"name": "web"}));
    let Some(group) = Group::make(&uid, &id(3)) else { return skipped("no control group can be made") };
    let (address, port) = (Address::add("10.254.1.8"), free_port());
    let _server = group.start(&server(port));
    listening(port);
    let variables = cluster.variables("n1");
    let select = ["container.name=main".to_owned()];
    let mut agents: Vec<_> =
        granted().into_iter().map(|backend| Agent::start_with("run", backend, &select, &[], &variables)).collect();
    sleep(EFFECT);
    address.ask(port, "/before");
    cluster.runs("shop", "web", "10.254.1.8", &id(3));
    sleep(EFFECT);
    address.ask(port, "/after");
    sleep(EFFECT);
    for agent in &mut agents {
        let spans = agent.finish().servers();
        assert_eq!(spans.texts("url.path"), ["/after"], "{}", agent.stderr());
        assert_eq!(spans.only().resource["service.name"], "web");
        let told = agent.stderr();
        for refused in ["nodes", "namespaces", "services", "endpointslices"] {
            let line = format!("{refused} of Kubernetes are not known");
            assert_eq!(told.matches(&line).count(), 1, "{told}");
        }
    }
}
