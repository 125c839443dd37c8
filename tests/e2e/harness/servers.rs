//! nginx, Redis and programs of ours as servers.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;

use super::certificates::Identity;
use super::process::{Folder, Owned, eventually, free_port, listening, run};
use super::workload;

/// A server on a port of the loopback interface.
pub struct Server {
    process: Owned,
    pub folder: Folder,
    pub port: u16,
}

impl Server {
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Ends it as its user would.
    pub fn stop(&mut self) {
        self.process.stop();
    }

    pub fn select_port(&self) -> Vec<String> {
        vec![format!("port={}", self.port)]
    }

    /// A file of its folder.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }
}

/// One request of nginx's own account of them.
pub struct Logged {
    pub seconds: f64,
    pub status: i64,
    pub request: String,
}

/// nginx with two workers: `/` says hello, `/big` is a file of 3 MB by sendfile, `/status/N` answers so, `/up/` asks a
/// server on the port `upstream`.
pub fn nginx(upstream: Option<u16>) -> Server {
    // Where nobody listens.
    let upstream = upstream.unwrap_or(9);
    let (folder, port) = (Folder::new(), free_port());
    let root = folder.path().display().to_string();
    folder.write("big", vec![b'x'; 3_000_000]);
    let conf = format!(
        "daemon off; worker_processes 2; pid {root}/pid; error_log {root}/error.log; user root;
         events {{ worker_connections 512; }}
         http {{
           log_format times '$request_time $status $request';
           access_log {root}/access.log times;
           client_body_temp_path {root}; proxy_temp_path {root}; fastcgi_temp_path {root};
           uwsgi_temp_path {root}; scgi_temp_path {root};
           sendfile on; keepalive_requests 1000000; default_type text/plain;
           server {{
             listen 127.0.0.1:{port} reuseport; listen [::1]:{port};
             location = / {{ return 200 'hello\\n'; }}
             location = /big {{ root {root}; }}
             location = /status/404 {{ return 404; }}
             location = /status/503 {{ return 503; }}
             location /up/ {{ proxy_pass http://127.0.0.1:{upstream}/; proxy_http_version 1.1;
                              proxy_set_header Connection ''; }}
           }}
         }}"
    );
    let process = nginx_with(conf, &folder);
    listening(port);
    Server { process, folder, port }
}

fn nginx_with(conf: String, folder: &Folder) -> Owned {
    let conf = folder.write("nginx.conf", conf);
    let mut command = Command::new("nginx");
    command.arg("-c").arg(conf).arg("-e").arg(folder.join("error.log"));
    command.stdout(folder.output("stdout")).stderr(folder.output("stderr"));
    Owned::start(&mut command, Signal::TERM)
}

impl Server {
    /// nginx's access log, complete once nginx has ended.
    pub fn access_log(&mut self) -> Vec<Logged> {
        self.stop();
        let line = |line: &str| {
            let mut words = line.splitn(3, ' ');
            Logged {
                seconds: words.next().unwrap().parse().unwrap(),
                status: words.next().unwrap().parse().unwrap(),
                request: words.next().unwrap().to_owned(),
            }
        };
        self.read("access.log").lines().map(line).collect()
    }
}

/// Redis with a password for the user `secret`, on a port and a unix socket.
pub fn redis() -> Server {
    let (folder, port) = (Folder::new(), free_port());
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "::1", "--save", "", "--daemonize", "no"]);
    command.arg("--unixsocket").arg(folder.join("redis.sock")).arg("--dir").arg(folder.path());
    command.stdout(folder.output("log")).stderr(folder.output("stderr"));
    let process = Owned::start(&mut command, Signal::TERM);
    listening(port);
    eventually("the unix socket is there", || folder.join("redis.sock").exists());
    Server { process, folder, port }
}

/// Redis with TLS alone and a password, on an address.
pub fn redis_tls(address: &str, identity: &Identity, password: &str) -> Server {
    let (folder, port) = (Folder::new(), free_port());
    let mut command = Command::new("redis-server");
    command.args([
        "--tls-port",
        &port.to_string(),
        "--port",
        "0",
        "--bind",
        address,
        "--save",
        "",
        "--daemonize",
        "no",
    ]);
    command.arg("--tls-cert-file").arg(&identity.certificate).arg("--tls-key-file").arg(&identity.key);
    command.arg("--tls-ca-cert-file").arg(&identity.certificate).args(["--tls-auth-clients", "no"]);
    command.args(["--requirepass", password, "--dir"]).arg(folder.path());
    command.stdout(folder.output("log")).stderr(folder.output("stderr"));
    let process = Owned::start(&mut command, Signal::TERM);
    eventually("Redis listens", || std::net::TcpStream::connect((address, port)).is_ok());
    Server { process, folder, port }
}

/// A program of `tests/workloads` as a server; its first argument is the port, then come `more`.
pub fn program(name: &str, more: &[&str]) -> Server {
    command_at(workload(name), more)
}

/// The same for a program that is there already.
pub fn command_at(mut command: Command, more: &[&str]) -> Server {
    let port = free_port();
    command.arg(port.to_string()).args(more);
    start(command, port)
}

/// A program on a port that was chosen before.
pub fn at(mut command: Command, port: u16) -> Server {
    command.arg(port.to_string());
    start(command, port)
}

/// [`program`] for one whose port comes last.
pub fn command(name: &str, before: &[&str]) -> Server {
    let port = free_port();
    let mut command = workload(name);
    command.args(before).arg(port.to_string());
    start(command, port)
}

/// A program with these arguments, of which one is the port.
pub fn of(mut command: Command, arguments: impl FnOnce(String) -> Vec<String>) -> Server {
    let port = free_port();
    command.args(arguments(port.to_string()));
    start(command, port)
}

fn start(mut command: Command, port: u16) -> Server {
    let folder = Folder::new();
    command.stdout(folder.output("stdout")).stderr(folder.output("stderr"));
    let mut process = Owned::start(&mut command, Signal::TERM);
    let ready = || {
        assert!(!process.has_ended(), "{}", fs::read_to_string(folder.join("stderr")).unwrap_or_default());
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
    };
    eventually("the server listens", ready);
    Server { process, folder, port }
}

/// curl, quiet, against a path of a server.
pub fn curl(port: u16, path: &str, more: &[&str]) -> String {
    let mut command = Command::new("curl");
    command.args(["-s", "--noproxy", "*", "--max-time", "20"]).args(more);
    run(command.arg(format!("http://127.0.0.1:{port}{path}")))
}

/// The path of a program.
pub fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// nginx in plain text and with TLS, on two ports, with HTTP/2 for those who ask for it: `/` says hello, `/big` is a file of 3 MB, `/status/N` answers so, `/take/` takes bodies.
pub struct Both {
    _server: Server,
    pub port: u16,
    pub tls_port: u16,
    pub h2c_port: u16,
}

pub fn nginx_both(address: &str, identity: &Identity) -> Both {
    let (folder, port, tls_port, h2c_port) = (Folder::new(), free_port(), free_port(), free_port());
    let root = folder.path().display().to_string();
    folder.write("big", vec![b'x'; 3_000_000]);
    let (key, certificate) = (identity.key.display(), identity.certificate.display());
    let conf = format!(
        "daemon off; worker_processes 2; pid {root}/pid; error_log {root}/error.log; user root;
         events {{ worker_connections 512; }}
         http {{
           access_log off; default_type text/plain; keepalive_requests 1000000; client_max_body_size 10m;
           client_body_temp_path {root}; proxy_temp_path {root}; fastcgi_temp_path {root};
           uwsgi_temp_path {root}; scgi_temp_path {root};
           server {{
             listen {address}:{port}; listen {address}:{tls_port} ssl http2; listen {address}:{h2c_port} http2;
             http2_max_concurrent_streams 128;
             ssl_certificate {certificate}; ssl_certificate_key {key};
             location = / {{ return 200 'hello\n'; }}
             location = /big {{ root {root}; }}
             location = /status/404 {{ return 404; }}
             location = /status/503 {{ return 503; }}
             location /take/ {{ return 200 'taken\n'; }}
           }}
         }}"
    );
    let process = nginx_with(conf, &folder);
    for port in [port, tls_port] {
        eventually("nginx listens", || std::net::TcpStream::connect((address, port)).is_ok());
    }
    Both { _server: Server { process, folder, port }, port, tls_port, h2c_port }
}

/// nginx with TLS of one version on an address, and tickets; it closes after each answer.
pub fn nginx_tls(address: &str, identity: &Identity, version: &str) -> Server {
    nginx_tls_with(address, identity, version, "")
}

/// [`nginx_tls`] with more settings of the server.
pub fn nginx_tls_with(address: &str, identity: &Identity, version: &str, more: &str) -> Server {
    let (folder, port) = (Folder::new(), free_port());
    let root = folder.path().display().to_string();
    let (key, certificate) = (identity.key.display(), identity.certificate.display());
    let conf = format!(
        "daemon off; worker_processes 1; pid {root}/pid; error_log {root}/error.log; user root;
         events {{ worker_connections 512; }}
         http {{
           access_log off; keepalive_timeout 0;
           client_body_temp_path {root}; proxy_temp_path {root}; fastcgi_temp_path {root};
           uwsgi_temp_path {root}; scgi_temp_path {root};
           server {{
             listen {address}:{port} ssl; ssl_protocols TLSv{version};
             ssl_certificate {certificate}; ssl_certificate_key {key};
             ssl_session_tickets on; ssl_session_cache shared:sessions:1m;
             location / {{ return 200 'hello\\n'; }}
             {more}
           }}
         }}"
    );
    let process = nginx_with(conf, &folder);
    eventually("nginx listens", || std::net::TcpStream::connect((address, port)).is_ok());
    Server { process, folder, port }
}
