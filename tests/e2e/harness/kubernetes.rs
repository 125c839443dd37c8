//! A Kubernetes API server over etcd, on loopback: without kubelets and controllers, so that a test says what there is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::parts::part;
use super::process::{Folder, Owned, eventually, free_port};
use super::servers::which;

/// Who may do everything.
const ADMIN: &str = "admin-token";
/// Who may do what [`Cluster::grant`] says.
const AGENT: &str = "agent-token";

/// The server and what it needs.
pub struct Cluster {
    port: u16,
    folder: Folder,
    server: Owned,
    _etcd: Owned,
}

impl Cluster {
    /// Starts one; `None` if the parts are not there.
    pub fn start() -> Option<Self> {
        let (program, etcd) = (part("kube-apiserver/kube-apiserver")?, which("etcd")?);
        let folder = Folder::new();
        let [client, peer, port] = [free_port(), free_port(), free_port()];
        let mut command = Command::new(etcd);
        let (client, peer) = (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
        command.arg("--data-dir").arg(folder.join("etcd"));
        command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", &format!("default={peer}"), "--unsafe-no-fsync"]);
        command.stdout(folder.output("etcd.out")).stderr(folder.output("etcd.err"));
        let etcd = Owned::start(&mut command, Signal::KILL);
        let tokens = format!("{ADMIN},admin,1,system:masters\n{AGENT},wirespan,2\n");
        let mut command = Command::new(program);
        command.args(["--etcd-servers", &client, "--bind-address", "127.0.0.1", "--secure-port", &port.to_string()]);
        command.arg("--cert-dir").arg(folder.join("certificates"));
        command.arg("--token-auth-file").arg(folder.write("tokens.csv", tokens));
        let key = folder.join("accounts.key");
        super::run(Command::new("openssl").args(["genrsa", "-out"]).arg(&key).arg("2048").stderr(Stdio::null()));
        for flag in ["--service-account-key-file", "--service-account-signing-key-file"] {
            command.arg(flag).arg(&key);
        }
        command.args(["--service-account-issuer", "https://kubernetes.default.svc"]);
        command.args(["--service-cluster-ip-range", "10.96.0.0/16", "--authorization-mode", "RBAC"]);
        command.args(["--disable-admission-plugins", "ServiceAccount"]);
        let audited = json!({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
            "rules": [{"level": "Metadata", "users": ["wirespan"]}, {"level": "None"}]});
        command.arg("--audit-policy-file").arg(folder.write("audit.yaml", audited.to_string()));
        command.arg("--audit-log-path").arg(folder.join("audit.log"));
        command.stdout(folder.output("server.out")).stderr(folder.output("server.err"));
        let server = Owned::start(&mut command, Signal::KILL);
        let mut cluster = Self { port, folder, server, _etcd: etcd };
        eventually("the API server is ready", || {
            let told = fs::read_to_string(cluster.folder.join("server.err")).unwrap_or_default();
            assert!(!cluster.server.has_ended(), "{told}");
            // Its own roles are made a moment after it listens.
            cluster.ask("GET", "/readyz", None).is_some_and(|answer| answer == "ok")
        });
        Some(cluster)
    }

    /// Asks as the administrator; the answer, or `None` if it is an error. What is no JSON is a text.
    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Value> {
        let mut command = Command::new("curl");
        command.args([
            "-s",
            "-k",
            "-f",
            "--noproxy",
            "*",
            "-X",
            method,
            "-H",
            &format!("Authorization: Bearer {ADMIN}"),
        ]);
        let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        command.args(["-H", &format!("Content-Type: {kind}"), &format!("https://127.0.0.1:{}{path}", self.port)]);
        if body.is_some() {
            command.args(["--data-binary", "@-"]);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        if let Some(body) = body {
            child.stdin.as_mut().unwrap().write_all(body.to_string().as_bytes()).unwrap();
        }
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        output.status.success().then(|| serde_json::from_str(&text).unwrap_or(Value::from(text)))
    }

    /// Makes an object in the collection at a path; it, as the server has it.
    #[track_caller]
    pub fn create(&self, path: &str, object: &Value) -> Value {
        self.ask("POST", path, Some(object)).unwrap_or_else(|| panic!("POST {path}: {object}"))
    }

    /// Changes an object.
    #[track_caller]
    pub fn patch(&self, path: &str, change: &Value) {
        self.ask("PATCH", path, Some(change)).unwrap_or_else(|| panic!("PATCH {path}: {change}"));
    }

    /// Deletes an object at once.
    #[track_caller]
    pub fn delete(&self, path: &str) {
        let now = json!({"gracePeriodSeconds": 0});
        self.ask("DELETE", path, Some(&now)).unwrap_or_else(|| panic!("DELETE {path}"));
    }

    /// What the agent has asked: verbs and resources, and how often.
    pub fn asked(&self) -> BTreeMap<String, usize> {
        let mut asked = BTreeMap::<_, BTreeSet<String>>::new();
        for line in fs::read_to_string(self.folder.join("audit.log")).unwrap_or_default().lines() {
            // The last line may not be whole.
            let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
            let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            let what = format!("{} {}", text(&event["verb"]), text(&event["objectRef"]["resource"]));
            asked.entry(what).or_default().insert(text(&event["auditID"]));
        }
        asked.into_iter().map(|(what, requests)| (what, requests.len())).collect()
    }

    /// Makes a namespace with these labels.
    pub fn namespace(&self, name: &str, labels: &Value) {
        self.create("/api/v1/namespaces", &json!({"metadata": {"name": name, "labels": labels}}));
    }

    /// Makes a node with an address.
    pub fn node(&self, name: &str, labels: &Value, address: &str) {
        self.create("/api/v1/nodes", &json!({"metadata": {"name": name, "labels": labels}}));
        let addresses = json!([{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}]);
        self.patch(&format!("/api/v1/nodes/{name}/status"), &json!({"status": {"addresses": addresses}}));
    }

    /// Makes a pod of one container `main` on a node; its UID.
    pub fn pod(&self, namespace: &str, node: &str, metadata: &Value) -> String {
        let spec = json!({"nodeName": node, "containers": [{"name": "main", "image": "example.org/shop/web:1.2"}]});
        let pod = json!({"metadata": metadata, "spec": spec});
        let made = self.create(&format!("/api/v1/namespaces/{namespace}/pods"), &pod);
        made["metadata"]["uid"].as_str().unwrap().to_owned()
    }

    /// Says what a kubelet would: that a pod runs, at this address, in this container.
    pub fn runs(&self, namespace: &str, pod: &str, address: &str, container: &str) {
        let container = json!({"name": "main", "image": "example.org/shop/web:1.2", "imageID": "", "ready": true,
            "restartCount": 0, "containerID": format!("containerd://{container}")});
        let status = json!({"phase": "Running", "podIP": address, "podIPs": [{"ip": address}],
            "startTime": now(), "containerStatuses": [container]});
        self.patch(&format!("/api/v1/namespaces/{namespace}/pods/{pod}/status"), &json!({"status": status}));
    }

    /// Lets the agent see these resources (`apiGroup/resource`).
    pub fn grant(&self, resources: &[&str]) {
        let rules: Vec<Value> = resources
            .iter()
            .map(|resource| {
                let (group, resource) = resource.rsplit_once('/').unwrap_or(("", resource));
                json!({"apiGroups": [group], "resources": [resource], "verbs": ["get", "list", "watch"]})
            })
            .collect();
        let path = "/apis/rbac.authorization.k8s.io/v1";
        self.create(&format!("{path}/clusterroles"), &json!({"metadata": {"name": "wirespan"}, "rules": rules}));
        let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "wirespan"});
        let who = json!([{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "wirespan"}]);
        let binding = json!({"metadata": {"name": "wirespan"}, "roleRef": role, "subjects": who});
        self.create(&format!("{path}/clusterrolebindings"), &binding);
    }

    /// The kubeconfig of the agent, and other settings, as variables.
    pub fn variables(&self, node: &str) -> Vec<(&'static str, String)> {
        vec![
            ("WIRESPAN_KUBERNETES_KUBECONFIG", self.kubeconfig().display().to_string()),
            ("WIRESPAN_KUBERNETES_NODE", node.to_owned()),
            ("WIRESPAN_CONTAINERS_ENABLED", "false".to_owned()),
        ]
    }

    fn kubeconfig(&self) -> PathBuf {
        let authority = self.folder.join("certificates/apiserver.crt");
        let server = format!("https://127.0.0.1:{}", self.port);
        let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority": authority}}],
            "users": [{"name": "wirespan", "user": {"token": AGENT}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "wirespan"}}]});
        self.folder.write("kubeconfig", config.to_string())
    }
}

/// The time, as Kubernetes writes it.
fn now() -> String {
    super::run(Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ"])).trim().to_owned()
}
