//! The page in a real browser: Debian's Chromium, driven by `workloads/browser.js` over the agent's own server, while a shop has customers.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use crate::harness::agent::granted;
use crate::harness::parts::{part, workload_path};
use crate::harness::postgres::Postgres;
use crate::harness::process::{eventually, free_port};
use crate::harness::servers::{self, Server, which};
use crate::harness::{Agent, skipped};

/// What a page must not take for its own.
const HOSTILE: &str = "/<img/src=x/onerror=alert(1)>\u{202e}gnp.exe";

/// A shop with its database, its cache and its stock behind a gateway, another gateway to where nobody listens, and scripts that open a
/// connection for each operation.
struct Shop {
    database: Postgres,
    cache: Server,
    gateway: Server,
    broken: Server,
    behind: [Server; 2],
    mark: String,
}

impl Shop {
    fn open() -> Self {
        let (database, cache) = (Postgres::start(), servers::redis());
        let stock = servers::program("fast_api.py", &[]);
        let ports = [cache.port, stock.port].map(|port| port.to_string());
        let shop = servers::program("shop.py", &[&database.dsn(), &ports[0], &ports[1]]);
        Self {
            gateway: servers::nginx(Some(shop.port)),
            broken: servers::nginx(None),
            behind: [stock, shop],
            mark: free_port().to_string(),
            database,
            cache,
        }
    }

    fn selectors(&self) -> Vec<String> {
        let servers = [&self.cache, &self.gateway, &self.broken].into_iter().chain(&self.behind);
        let ports = servers.map(|server| server.port).chain([self.database.port]);
        ports.map(|port| format!("port={port}")).chain([format!("env.TESTED={}", self.mark)]).collect()
    }

    /// A customer with much to ask; some of it fails.
    fn serve_one(&self, number: u32) {
        for order in 0..4 {
            servers::curl(self.gateway.port, &format!("/up/orders/{}", number * 4 + order), &[]);
        }
        let failing = if number.is_multiple_of(4) { "/status/503" } else { "/big" };
        servers::curl(self.gateway.port, failing, &["--output", "/dev/null"]);
        if number.is_multiple_of(2) {
            servers::curl(self.broken.port, "/up/", &[]);
        }
        self.ask_hostile();
        let mut script = Command::new("psql");
        script.args([
            "-X",
            "-q",
            "-o",
            "/dev/null",
            "-d",
            &self.database.dsn(),
            "-c",
            "SELECT note FROM orders WHERE id = 1",
        ]);
        let _ = script.env("TESTED", &self.mark).status();
    }

    /// No client that knows what it does asks so: it would encode the path.
    fn ask_hostile(&self) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.gateway.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.write_all(format!("GET {HOSTILE} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

/// Where pictures are kept, for people.
fn screenshots() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn a_browser_shows_it() {
    let Some(chromium) = which("chromium") else { return skipped("chromium is missing") };
    let Some(modules) = part("browser/node_modules") else { return skipped("test part browser is missing") };
    let shop = Shop::open();
    let address = format!("127.0.0.1:{}", free_port());
    let mut agent = Agent::run(granted()[0], &shop.selectors(), &["--web-listen", &address]);
    assert!(agent.stderr().contains(&format!("look at http://{address}/")), "{}", agent.stderr());
    let is_over = AtomicBool::new(false);
    let told = std::thread::scope(|scope| {
        let customers = scope.spawn(|| {
            for number in 0_u32.. {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                shop.serve_one(number);
            }
        });
        let mut browser = Command::new("node");
        browser.env("NODE_PATH", modules).env("NO_PROXY", "*").arg(workload_path("browser.js"));
        browser.arg(format!("http://{address}/")).arg(chromium).arg(screenshots());
        let told = browser.output().unwrap();
        is_over.store(true, Ordering::Relaxed);
        customers.join().unwrap();
        told
    });
    let said = [told.stdout, told.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(told.status.success(), "{said}");
    print!("{said}");
    agent.stop();
}

/// Who may not look is told so before anything is attached.
#[test]
fn other_hosts_need_a_token() {
    let told = crate::harness::agent::wirespan().args(["run", "--web-listen", "0.0.0.0:0"]).output().unwrap();
    let said = String::from_utf8_lossy(&told.stderr).into_owned();
    assert_eq!((told.status.code(), said.trim().lines().count()), (Some(2), 1), "{said}");
    assert!(said.contains("without a token"), "{said}");
}

/// Nobody who reads the page keeps the agent from its work, or from its end.
#[test]
fn it_ends_while_somebody_looks() {
    let address = format!("127.0.0.1:{}", free_port());
    let mut agent = Agent::run(granted()[0], &["comm=nobody-at-all".to_owned()], &["--web-listen", &address]);
    let mut looking = TcpStream::connect(&address).unwrap();
    looking.write_all(format!("GET /api/events HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes()).unwrap();
    let mut heard = Vec::new();
    eventually("news are told", || {
        let mut buffer = [0; 1024];
        let length = looking.read(&mut buffer).unwrap();
        heard.extend_from_slice(&buffer[..length]);
        String::from_utf8_lossy(&heard).contains("data: {")
    });
    assert!(agent.end_by(Signal::TERM).success(), "{}", agent.stderr());
}
