//! A Kubernetes API server with its etcd, for as long as they are wanted. No kubelet, no controllers: what is accepted is stored, and
//! nothing comes of it.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::{apt, paths, sh};

/// What is known of the one who asks: a member of the group that may do everything.
const TOKEN: &str = "of-this-test-alone";
/// Longest time that it may take to start.
const STARTING: Duration = Duration::from_secs(90);

/// Both programs; they end with it.
pub struct Server {
    folder: PathBuf,
    port: u16,
    programs: Vec<Program>,
}

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    /// Starts both, and waits until they answer.
    pub fn start(program: &Path) -> Result<Self> {
        if !program.is_file() {
            bail!("there is no API server at {}: `cargo xtask test --install-only` builds it", program.display());
        }
        apt::install(&["etcd-server"])?;
        let folder = paths::target().join("charts/server");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let ports = free_ports::<3>()?;
        let mut server = Self { folder, port: ports[2], programs: Vec::new() };
        sh::step(format!("starting etcd and {}", program.display()));
        server.etcd(ports[0], ports[1])?;
        server.api_server(program, ports[0])?;
        server.wait()?;
        Ok(server)
    }

    /// A file that tells clients how to reach it.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Who asks.
    pub fn token(&self) -> &'static str {
        TOKEN
    }

    fn etcd(&mut self, client: u16, peer: u16) -> Result<()> {
        let (client, peer) = (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
        let mut cmd = Command::new("etcd");
        cmd.arg("--data-dir").arg(self.folder.join("etcd")).arg("--unsafe-no-fsync");
        cmd.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        cmd.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        cmd.args(["--initial-cluster", &format!("default={peer}")]);
        self.spawn(cmd, "etcd")
    }

    fn api_server(&mut self, program: &Path, etcd: u16) -> Result<()> {
        let path = |name: &str| self.folder.join(name);
        sh::run_logged(
            Command::new("openssl").args(["genrsa", "-out"]).arg(path("accounts.key")).arg("2048"),
            &path("openssl.log"),
        )?;
        fs::write(path("tokens.csv"), format!("{TOKEN},test,test,\"system:masters\"\n"))?;
        let url = self.url();
        fs::write(
            self.kubeconfig(),
            format!(
                "apiVersion: v1\nkind: Config\ncurrent-context: test\nclusters:\n- name: test\n  cluster: {{server: '{url}', \
                 insecure-skip-tls-verify: true}}\n\
                 users:\n- name: test\n  user: {{token: '{TOKEN}'}}\ncontexts:\n- name: test\n  context: {{cluster: test, user: test}}\n"
            ),
        )?;
        let mut cmd = Command::new(program);
        cmd.arg(format!("--etcd-servers=http://127.0.0.1:{etcd}")).arg(format!("--secure-port={}", self.port));
        cmd.args([
            "--bind-address=127.0.0.1",
            "--allow-privileged=true",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.0.0.0/24",
        ]);
        cmd.args([
            "--disable-admission-plugins=ServiceAccount",
            "--service-account-issuer=https://kubernetes.default.svc",
        ]);
        for (flag, file) in [
            ("cert-dir", "certificates"),
            ("token-auth-file", "tokens.csv"),
            ("service-account-key-file", "accounts.key"),
            ("service-account-signing-key-file", "accounts.key"),
        ] {
            cmd.arg(format!("--{flag}={}", path(file).display()));
        }
        self.spawn(cmd, "kube-apiserver")
    }

    fn spawn(&mut self, mut cmd: Command, name: &str) -> Result<()> {
        let log = File::create(self.folder.join(format!("{name}.log")))?;
        cmd.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = cmd.spawn().with_context(|| format!("cannot run `{}`", sh::shown(&cmd)))?;
        // The API server ends before the etcd that it writes to.
        self.programs.insert(0, Program(child));
        Ok(())
    }

    fn wait(&mut self) -> Result<()> {
        let last = Instant::now() + STARTING;
        let asked = format!("{}/readyz", self.url());
        while !sh::succeeds(Command::new("curl").args([
            "-ksf",
            "-H",
            &format!("Authorization: Bearer {TOKEN}"),
            &asked,
        ])) {
            for Program(child) in &mut self.programs {
                if let Some(status) = child.try_wait()? {
                    bail!("one of etcd and kube-apiserver has ended ({status}): {}/*.log", self.folder.display());
                }
            }
            if Instant::now() > last {
                bail!("the API server is not ready after {} s: {}/*.log", STARTING.as_secs(), self.folder.display());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }
}

/// Ports that nobody listens on right now.
fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut listeners = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        *port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok(ports)
}
