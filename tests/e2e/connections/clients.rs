//! TLS clients of many libraries, each of which makes some connections, one after the other.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use wirespan_tests::network::SERVER;

use crate::harness::certificates::NAME;
use crate::harness::servers::which;
use crate::harness::{Folder, run, workload};

/// Which library a client is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    OpenSsl,
    OpenSslTime,
    GnuTls,
    Curl,
    Python,
    Go,
    Java,
    Node,
    Rustls,
}

/// What a client is to do.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    pub port: u16,
    pub authority: &'a Path,
    /// `1.2` or `1.3`
    pub version: &'static str,
    pub resumed: bool,
    pub count: usize,
}

/// A connection by the client's own clock, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    pub connect: f64,
    pub handshake: f64,
}

impl Library {
    /// What this machine lacks for it.
    pub fn missing(self) -> Option<&'static str> {
        let needed: &[&str] = match self {
            Self::OpenSsl | Self::OpenSslTime => &["openssl"],
            Self::GnuTls => &["gnutls-cli"],
            Self::Curl => &["curl"],
            Self::Go => &["go"],
            Self::Java => &["java"],
            Self::Node => &["node"],
            Self::Python | Self::Rustls => &[],
        };
        needed.iter().copied().find(|program| which(program).is_none())
    }

    /// Whether its clock brackets the handshake and little else.
    pub fn clock_is_close(self) -> bool {
        matches!(self, Self::Python | Self::Go | Self::Rustls)
    }

    /// Makes the connections. Empty when the program has no clock of its own.
    #[track_caller]
    pub fn connect(self, plan: Plan<'_>) -> Vec<Told> {
        match self {
            Self::OpenSsl => s_client(plan),
            Self::OpenSslTime => s_time(plan),
            Self::GnuTls => gnutls_cli(plan),
            Self::Curl => curl(plan),
            Self::Python => own(workload("tls_client.py"), plan),
            Self::Node => own(workload("tls_client.js"), plan),
            Self::Go => own(workload("tls_client.go"), plan),
            Self::Java => {
                let mut java = Command::new("java");
                java.args(["-Xshare:auto", "-XX:TieredStopAtLevel=1"]);
                java.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/workloads/TlsClient.java"));
                own(java, plan)
            }
            Self::Rustls => own(Command::new(env!("CARGO_BIN_EXE_rustls-client")), plan),
        }
    }
}

/// Builds what needs building, so that a test's time does not count it.
pub fn prepare(library: Library) {
    if library == Library::Go {
        drop(workload("tls_client.go"));
    }
}

/// A program of ours: a line of JSON for each connection.
#[track_caller]
fn own(mut program: Command, plan: Plan<'_>) -> Vec<Told> {
    let mode = if plan.resumed { "resumed" } else { "full" };
    program.args([SERVER, &plan.port.to_string(), NAME]).arg(plan.authority);
    program.args([plan.version, mode, &plan.count.to_string()]);
    let line = |line: &str| {
        let told: Value = serde_json::from_str(line).unwrap();
        let seconds = |key: &str| told[key].as_f64().unwrap();
        Told { connect: seconds("connect"), handshake: seconds("handshake") }
    };
    run(&mut program).lines().map(line).collect()
}

/// curl, which closes after each answer since the server does; its sessions live as long as it.
#[track_caller]
fn curl(plan: Plan<'_>) -> Vec<Told> {
    let mut curl = Command::new("curl");
    curl.args(["-s", "--noproxy", "*", "--max-time", "20", "-o", "/dev/null", "--cacert"]).arg(plan.authority);
    curl.args([&format!("--tlsv{}", plan.version), "--tls-max", plan.version]);
    curl.args(["-w", "%{time_namelookup} %{time_connect} %{time_appconnect}\\n"]);
    curl.args(["--resolve", &format!("{NAME}:{}:{SERVER}", plan.port)]);
    if !plan.resumed {
        curl.arg("--no-sessionid");
    }
    let url = format!("https://{NAME}:{}/", plan.port);
    for number in 0..plan.count {
        if number > 0 {
            curl.args(["-o", "/dev/null"]);
        }
        curl.arg(&url);
    }
    let line = |line: &str| {
        let times: Vec<f64> = line.split(' ').map(|time| time.parse().unwrap()).collect();
        Told { connect: times[1] - times[0], handshake: times[2] - times[1] }
    };
    run(&mut curl).lines().map(line).collect()
}

/// Runs a program with a request on its standard input.
#[track_caller]
fn with_request(command: &mut Command, folder: &Folder) -> String {
    let request = folder.write("request", "GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
    let output = command.stdin(std::fs::File::open(request).unwrap()).stderr(Stdio::piped()).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
    out.into_owned()
}

#[track_caller]
fn s_client(plan: Plan<'_>) -> Vec<Told> {
    let folder = Folder::new();
    let session: PathBuf = folder.join("session");
    for number in 0..plan.count {
        let mut openssl = Command::new("openssl");
        openssl.args(["s_client", "-ign_eof", "-servername", NAME, "-CAfile"]).arg(plan.authority);
        openssl.args(["-connect", &format!("{SERVER}:{}", plan.port)]);
        openssl.arg(if plan.version == "1.2" { "-tls1_2" } else { "-tls1_3" });
        if plan.resumed {
            openssl.arg(if number == 0 { "-sess_out" } else { "-sess_in" }).arg(&session);
        }
        let said = with_request(&mut openssl, &folder);
        let expected = if plan.resumed && number > 0 { "Reused, " } else { "New, " };
        assert!(said.contains(expected), "{said}");
    }
    Vec::new()
}

/// As many connections as it makes in a second; `openssl s_time` has no count.
#[track_caller]
fn s_time(plan: Plan<'_>) -> Vec<Told> {
    let mut openssl = Command::new("openssl");
    openssl.args(["s_time", "-time", "1", "-www", "/", "-connect", &format!("{SERVER}:{}", plan.port)]);
    openssl.arg("-CAfile").arg(plan.authority);
    openssl.arg(if plan.resumed { "-reuse" } else { "-new" });
    openssl.arg(if plan.version == "1.2" { "-tls1_2" } else { "-tls1_3" });
    run(&mut openssl);
    Vec::new()
}

/// It resumes by itself, once a run.
#[track_caller]
fn gnutls_cli(plan: Plan<'_>) -> Vec<Told> {
    let folder = Folder::new();
    let runs = if plan.resumed { plan.count.div_ceil(2) } else { plan.count };
    for _ in 0..runs {
        let mut gnutls = Command::new("gnutls-cli");
        gnutls.arg("--x509cafile").arg(plan.authority);
        gnutls.args([&format!("--sni-hostname={NAME}"), &format!("--verify-hostname={NAME}")]);
        gnutls.args(["--priority", &format!("NORMAL:-VERS-ALL:+VERS-TLS{}", plan.version)]);
        if plan.resumed {
            gnutls.args(["--resume", "--waitresumption"]);
        }
        gnutls.args(["-p", &plan.port.to_string(), SERVER]);
        with_request(&mut gnutls, &folder);
    }
    Vec::new()
}
