//! nginx with one worker, as a child: the HTTP server under load, and its own count of requests.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::child::end;
use crate::{paths, sh};

/// A running nginx. Dropping it ends it.
pub struct Nginx {
    child: Child,
    /// Where it serves.
    pub port: u16,
    /// Where it serves the same over TLS.
    pub tls_port: u16,
    log: PathBuf,
    counted: u64,
}

/// A port on which nobody listens now.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Waits until somebody listens there.
pub fn wait_for(port: u16) -> Result<()> {
    let begin = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if begin.elapsed() > Duration::from_secs(20) {
            bail!("nothing listens on port {port}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// A fresh folder for a server's files.
pub fn folder(name: &str) -> Result<PathBuf> {
    let dir = paths::target().join("bench").join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir)?;
    Ok(dir)
}

/// A key and a certificate, in files of a folder.
fn certificate(dir: &Path) -> Result<()> {
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-days", "2", "-nodes", "-subj", "/CN=localhost", "-newkey", "ec"]);
    openssl.args(["-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", "tls.key", "-out", "tls.crt"]);
    sh::output(openssl.current_dir(dir)).map(drop)
}

impl Nginx {
    /// Starts it; every request is answered with a short text.
    pub fn start() -> Result<Self> {
        let dir = folder("nginx")?;
        let (port, tls_port, status) = (free_port()?, free_port()?, free_port()?);
        let log = dir.join("access.log");
        certificate(&dir)?;
        let text = format!(
            "worker_processes 1; daemon off; error_log {dir}/error.log; pid {dir}/pid;\n\
             events {{ worker_connections 1024; }}\n\
             http {{\n\
               log_format times '$request_time $uri'; keepalive_requests 1000000000; client_body_temp_path {dir}/body;\n\
               ssl_certificate {dir}/tls.crt; ssl_certificate_key {dir}/tls.key;\n\
               server {{ listen 127.0.0.1:{port}; listen 127.0.0.1:{tls_port} ssl; access_log off;\n\
                 location / {{ return 200 \"a text of forty-eight bytes, as short answers are\"; }}\n\
                 location /files/ {{ root {dir}; sendfile on; access_log {dir}/requests.log; }}\n\
                 location /logged/ {{ access_log {log} times; return 200 logged; }} }}\n\
               server {{ listen 127.0.0.1:{status}; access_log off; location / {{ stub_status; }} }}\n\
             }}\n",
            dir = dir.display(),
            log = log.display(),
        );
        std::fs::create_dir(dir.join("files"))?;
        std::fs::write(dir.join("files/kibibyte"), "x".repeat(1024))?;
        std::fs::write(dir.join("files/page.html"), "A page of four kibibytes, ".repeat(160))?;
        let file = dir.join("nginx.conf");
        std::fs::write(&file, text)?;
        let program = sh::which("nginx").context("nginx is missing")?;
        let mut cmd = Command::new(program);
        cmd.arg("-c").arg(&file).arg("-e").arg(dir.join("error.log"));
        let child = cmd.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let nginx = Self { child, port, tls_port, log, counted: 0 };
        wait_for(port)?;
        std::fs::write(dir.join("status"), status.to_string())?;
        Ok(nginx)
    }

    /// A file of 4 KiB that is sent as nginx does by default: by `sendfile`, with a line in the access log.
    pub fn file_url(&self) -> String {
        format!("http://127.0.0.1:{}/files/page.html", self.port)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What selects it, and its worker.
    pub fn selector(&self) -> String {
        format!("comm=nginx,port={}", self.port)
    }

    /// Requests that it has served since it was asked last, by its own status page.
    pub fn requests_since(&mut self) -> Result<u64> {
        let now = self.requests()?;
        // The page counts the request for itself, too.
        let since = now.saturating_sub(self.counted + 1);
        self.counted = now;
        Ok(since)
    }

    fn requests(&self) -> Result<u64> {
        let status: u16 = std::fs::read_to_string(self.log.with_file_name("status"))?.parse()?;
        let mut stream = TcpStream::connect(("127.0.0.1", status))?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let numbers = text.lines().skip_while(|l| !l.starts_with("server accepts")).nth(1).unwrap_or_default();
        numbers.split_whitespace().nth(2).and_then(|n| n.parse().ok()).context("nginx's status page is odd")
    }

    /// `$request_time $uri` of the requests below `/logged/`.
    pub fn log(&self) -> &Path {
        &self.log
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        end(&mut self.child, libc::SIGTERM);
    }
}
