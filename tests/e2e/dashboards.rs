//! `deploy/grafana` and `deploy/prometheus`: every query has an answer where a real Prometheus has scraped a traced shop.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::connections::dns::Resolver;
use crate::harness::agent::granted;
use crate::harness::certificates::Authority;
use crate::harness::postgres::Postgres;
use crate::harness::process::free_port;
use crate::harness::promql::{Prometheus, deployed, files};
use crate::harness::receiver::Receiver;
use crate::harness::servers::{self, Server, nginx_tls, which};
use crate::harness::{Agent, Folder, run, skipped, workload};

/// How long queries may stay without an answer: a quiet machine needs less than 20 s.
const PATIENCE: Duration = Duration::from_secs(120);
/// What a kernel shows only where fexit may be attached (docs/metrics.md): a query of it may be empty elsewhere.
const NOT_EVERYWHERE: &str = "wirespan_tcp_accept_duration_seconds";
/// What is left out on purpose, and files that a server sends (their lengths are known): nobody is to be alerted.
const NO_LOSS: &str = "ignored|undecided|shed|shed_exchanges|unreadable_splice";

/// Bytes of a span over OTLP/HTTP with gzip, heads of requests included: what docs/scale.md reckons with, and some more.
const HEAVY: u64 = 120;

/// A shop with its database, its cache and its web servers, and much that goes wrong.
struct Shop {
    database: Postgres,
    cache: Server,
    gateway: Server,
    /// A gateway to where nobody listens.
    broken: Server,
    /// Who resets every connection.
    trouble: Server,
    tls: Server,
    names: Resolver,
    mark: String,
    _behind: [Server; 2],
}

impl Shop {
    #[track_caller]
    fn open() -> Result<Self, String> {
        let names = Resolver::start("")?;
        let (database, cache) = (Postgres::start(), servers::redis());
        let stock = servers::program("fast_api.py", &[]);
        let ports = [cache.port, stock.port].map(|port| port.to_string());
        let shop = servers::program("shop.py", &[&database.dsn(), &ports[0], &ports[1]]);
        Ok(Self {
            gateway: servers::nginx(Some(shop.port)),
            broken: servers::nginx(None),
            trouble: servers::program("trouble_server.py", &["reset"]),
            tls: nginx_tls("127.0.0.1", &Authority::new().sign(), "1.2 TLSv1.3"),
            mark: free_port().to_string(),
            _behind: [stock, shop],
            database,
            cache,
            names,
        })
    }

    fn selectors(&self) -> Vec<String> {
        let servers = [&self.cache, &self.gateway, &self.broken, &self.trouble, &self.tls];
        let servers = servers.into_iter().chain(&self._behind);
        let ports = servers.map(|server| server.port).chain([self.database.port]);
        ports.map(|port| format!("port={port}")).chain([format!("env.TESTED={}", self.mark)]).collect()
    }

    /// Some customers. Much of it fails, as it should.
    fn open_for_a_while(&self) {
        let url = |server: &Server, path: &str| format!("http://127.0.0.1:{}{path}", server.port);
        let secure = format!("https://127.0.0.1:{}/", self.tls.port);
        let mut urls: Vec<String> = (0..5).map(|order| url(&self.gateway, &format!("/up/orders/{order}"))).collect();
        urls.extend(["/big", "/status/404", "/status/503"].map(|path| url(&self.gateway, path)));
        urls.extend([url(&self.broken, "/up/"), url(&self.trouble, "/"), secure.clone()]);
        for more in [&["--data", "something"][..], &["--insecure", "--tls-max", "1.2"], &[]] {
            // A certificate that nobody vouches for is refused without `--insecure`.
            self.try_to(Command::new("curl").args(["-s", "--noproxy", "*", "--max-time", "5"]).args(more).args(&urls));
        }
        for statement in ["SELECT note FROM orders WHERE id = 1", "SELECT 1 / 0"] {
            self.try_to(Command::new("psql").args(["-X", "-q", "-d", &self.database.dsn(), "-c", statement]));
        }
        for command in [&["SET", "word", "value"][..], &["HGET", "word", "field"]] {
            self.try_to(Command::new("redis-cli").args(["-p", &self.cache.port.to_string()]).args(command));
        }
        for name in ["shop.test", "nobody.test"] {
            let mut lookups = self.names.network.client.command("python3");
            let program = workload("lookups.py");
            self.try_to(lookups.args(program.get_args()).arg(name));
        }
    }

    fn try_to(&self, command: &mut Command) {
        command.env("TESTED", &self.mark).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().unwrap();
    }
}

fn rule_files() -> Vec<PathBuf> {
    [".rules.yml", ".alerts.yml"].iter().flat_map(|end| files(&deployed("prometheus"), end)).collect()
}

/// Names of variables, and what stands for all of their values.
fn variables(dashboard: &Value) -> BTreeMap<String, String> {
    let list = dashboard["templating"]["list"].as_array().unwrap().iter();
    let variable = |one: &Value| Some((format!("${}", one["name"].as_str()?), one["allValue"].as_str()?.to_owned()));
    let mut variables: BTreeMap<_, _> = list.filter_map(variable).collect();
    variables.insert("$__rate_interval".to_owned(), "20s".to_owned());
    variables
}

/// Every query of a dashboard, with what it is for.
fn queries(path: &Path) -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(dashboard["id"], Value::Null, "{}: another Grafana has given that id away", path.display());
    let variables = variables(&dashboard);
    let mut found = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{target:#}");
            let mut query = target["expr"].as_str().unwrap().to_owned();
            variables.iter().for_each(|(name, value)| query = query.replace(name, value));
            // `$1` is what a regular expression has found.
            assert!(query.split('$').skip(1).all(|rest| rest.starts_with('1')), "an unknown variable: {query}");
            found.push((format!("{}: {}", path.display(), panel["title"]), query));
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        let Some(values) = variable["query"]["query"].as_str() else { continue };
        let inner = values.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')')).unwrap();
        let (metric, label) = inner.split_once(", ").unwrap();
        found.push((format!("{}: variable {label}", path.display()), format!("count({metric}{{{label}!=\"\"}})")));
    }
    found
}

/// Recorded series, and the metrics that alerts look at; all rules have been evaluated without an error.
#[track_caller]
fn rules(prometheus: &Prometheus) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let answer = prometheus.ask("rules", "");
    for rule in answer["data"]["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap())
    {
        assert_ne!(rule["health"], "err", "{rule:#}");
        let (name, query) = (rule["name"].as_str().unwrap(), rule["query"].as_str().unwrap());
        if rule["type"] == "recording" {
            found.push((format!("rule {name}"), name.to_owned()));
            continue;
        }
        let end = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':');
        let starts = query.match_indices(['{', '[']).map(|(at, _)| query[..at].rsplit(end).next().unwrap_or_default());
        let recorded = query.split(end).filter(|word| word.contains(':'));
        let metrics: BTreeSet<&str> = starts.chain(recorded).filter(|word| !word.is_empty()).collect();
        found.extend(metrics.into_iter().map(|metric| (format!("alert {name}"), metric.to_owned())));
    }
    found
}

#[test]
fn every_query_has_an_answer() {
    let Some(program) = which("prometheus") else {
        return skipped("prometheus is missing");
    };
    let shop = match Shop::open() {
        Ok(shop) => shop,
        Err(why) => return skipped(&why),
    };
    let (folder, port) = (Folder::new(), free_port());
    let config = "file_format: \"1.0\"\nwirespan: {advisor: {interval: 1000}}\n";
    let config = folder.write("config.yaml", config);
    let listen = format!("127.0.0.1:{port}");
    let more = ["--config", config.to_str().unwrap(), "--prometheus-listen", &listen];
    let receiver = Receiver::start();
    let variables = [
        // A limit that is never reached: what is used of it is told.
        ("WIRESPAN_LIMITS_CPU", "100%".to_owned()),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", format!("http://127.0.0.1:{}/v1/traces", receiver.port)),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip".to_owned()),
    ];
    let mut agent = Agent::start_with("run", granted()[0], &shop.selectors(), &more, &variables);
    let deployed = [deployed("grafana"), deployed("prometheus")];
    let prometheus = Prometheus::with_rules(program, Some(port), &rule_files());
    let mut open: Vec<_> = files(&deployed[0], ".json").iter().flat_map(|path| queries(path)).collect();
    open.extend(rules(&prometheus));
    let all = open.len();
    let closed = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !closed.load(Ordering::Relaxed) {
                shop.open_for_a_while();
            }
        });
        let begin = Instant::now();
        while !open.is_empty() && begin.elapsed() < PATIENCE {
            thread::sleep(Duration::from_secs(1));
            open.retain(|(of, query)| match prometheus.numbers(query) {
                Ok(numbers) => numbers.is_empty(),
                Err(why) => panic!("{of}: {why}\n{query}"),
            });
            // Those that this kernel has nothing for.
            if open.iter().all(|(_, query)| query.contains(NOT_EVERYWHERE)) {
                break;
            }
        }
        println!("{} of {all} answered after {:?}", all - open.len(), begin.elapsed());
        closed.store(true, Ordering::Relaxed);
    });
    let alerted = fs::read_to_string(deployed[1].join("agent.alerts.yml")).unwrap();
    let alerted = alerted.split("reason=~\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0));
    let known = alerted.chain([NO_LOSS]).collect::<Vec<_>>().join("|");
    let unknown = prometheus.ask("query", &format!("wirespan_capture_left_out_total{{reason!~\"{known}\"}}"));
    rules(&prometheus);
    agent.stop();
    println!("{}", agent.stderr());
    let (spans, bytes) = (agent.told("otlp: exported"), receiver.bytes());
    println!("{bytes} bytes for {spans} spans: {} each", bytes / spans);
    assert!(spans > 500 && bytes / spans < HEAVY, "{bytes} bytes for {spans} spans");
    open.retain(|(_, query)| !query.contains(NOT_EVERYWHERE));
    assert!(open.is_empty(), "without an answer: {open:#?}");
    assert_eq!(unknown["data"]["result"].as_array().map(Vec::len), Some(0), "no alert for {unknown:#}");
}

/// Each alert fires, and does not.
#[test]
fn rules_pass_their_tests() {
    let Some(promtool) = which("promtool") else {
        return skipped("promtool is missing");
    };
    let folder = deployed("prometheus");
    let promtool =
        |words: &[&str], more: &[PathBuf]| run(Command::new(&promtool).current_dir(&folder).args(words).args(more));
    promtool(&["check", "config", "prometheus.yml"], &[]);
    let rules = rule_files();
    promtool(&["check", "rules"], &rules);
    println!("{}", promtool(&["test", "rules"], &files(&folder.join("tests"), ".test.yml")));
    let text = |files: &[PathBuf]| files.iter().map(|file| fs::read_to_string(file).unwrap()).collect::<String>();
    let tests = text(&files(&folder.join("tests"), ".test.yml"));
    let rules = text(&rules);
    for alert in rules.split("- alert: ").skip(1).filter_map(|rest| rest.lines().next()) {
        assert!(tests.contains(alert), "{alert} has no test");
    }
}
