//! A real Prometheus that scrapes an agent, and what it answers.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use super::process::{Folder, Owned, eventually, free_port, run};

/// A server, and its data.
pub struct Prometheus {
    _process: Owned,
    _folder: Folder,
    pub port: u16,
}

impl Prometheus {
    /// Scrapes an agent twice a second.
    pub fn start(program: PathBuf, target: u16) -> Self {
        Self::with_rules(program, Some(target), &[])
    }

    /// The same (or nothing is scraped, and others write to it), with files of rules, evaluated every second.
    pub fn with_rules(program: PathBuf, target: Option<u16>, rules: &[PathBuf]) -> Self {
        let (folder, port) = (Folder::new(), free_port());
        let mut config =
            "global: {scrape_interval: 500ms, scrape_timeout: 400ms, evaluation_interval: 1s}\n".to_owned();
        if !rules.is_empty() {
            config.push_str("rule_files:\n");
            rules.iter().for_each(|file| writeln!(config, "  - {}", file.display()).unwrap());
        }
        if let Some(target) = target {
            let targets = format!("[{{targets: ['127.0.0.1:{target}']}}]");
            write!(config, "scrape_configs:\n  - job_name: wirespan\n    static_configs: {targets}\n").unwrap();
        }
        let config = folder.write("prometheus.yml", config);
        let mut command = Command::new(program);
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.join("data").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}")).arg("--enable-feature=exemplar-storage");
        command.arg("--web.enable-remote-write-receiver");
        command.stdout(folder.output("stdout")).stderr(folder.output("stderr"));
        let prometheus = Self { _process: Owned::start(&mut command, Signal::TERM), _folder: folder, port };
        eventually("Prometheus is ready", || {
            let mut curl = Command::new("curl");
            curl.args(["-sf", "--noproxy", "*"]).arg(format!("http://127.0.0.1:{port}/-/ready"));
            curl.stdout(Stdio::null()).status().is_ok_and(|status| status.success())
        });
        prometheus
    }

    /// The answer of its API: `what` is `query` or `query_exemplars`.
    #[track_caller]
    pub fn ask(&self, what: &str, query: &str) -> Value {
        let mut curl = Command::new("curl");
        // An error is an answer, too.
        curl.args(["-s", "--noproxy", "*", "-G", "--data-urlencode", &format!("query={query}")]);
        if what == "query_exemplars" {
            curl.args(["--data-urlencode", "start=0", "--data-urlencode", "end=9999999999"]);
        }
        let told = run(curl.arg(format!("http://127.0.0.1:{}/api/v1/{what}", self.port)));
        serde_json::from_str(&told).unwrap()
    }

    /// The numbers that a query gives now: those that are none (`NaN`) are left out.
    ///
    /// # Errors
    /// What is wrong with the query.
    pub fn numbers(&self, query: &str) -> Result<Vec<f64>, String> {
        let answer = self.ask("query", query);
        if answer["status"] != "success" {
            return Err(answer["error"].to_string());
        }
        let samples = answer["data"]["result"].as_array().into_iter().flatten();
        let numbers = samples.filter_map(|sample| sample["value"][1].as_str()?.parse::<f64>().ok());
        Ok(numbers.filter(|number| !number.is_nan()).collect())
    }
}

/// A folder below `deploy`.
pub fn deployed(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(folder)
}

/// Its files whose names end so, in order.
pub fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.to_string_lossy().ends_with(end)).collect();
    files.sort();
    assert!(!files.is_empty(), "no {end} in {}", folder.display());
    files
}
