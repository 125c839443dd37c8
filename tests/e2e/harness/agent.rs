//! `wirespan run`, once with each backend over the same traffic, so that what they tell can be compared.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use wirespan_tests::spans::Spans;
use wirespan_tests::{registered, span};

use super::process::{Folder, Owned, eventually};

/// The two ways to capture.
pub const BACKENDS: [&str; 2] = ["sockets", "syscalls"];
/// How far two backends' times of one event may be apart: on a busy machine a thread may lose its processor between the two
/// hooks.
const TOLERANCE: Duration = Duration::from_millis(150);

/// A running agent that writes OTLP JSON.
pub struct Agent {
    process: Owned,
    folder: Folder,
}

/// The agent's binary, untouched by the variables of whoever runs the tests.
pub fn wirespan() -> Command {
    let mut command = Command::new(wirespan_tests::binary());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OTEL_") || name.starts_with("WIRESPAN_")) {
        command.env_remove(name);
    }
    // A busy machine must not make it leave anything out.
    command.env("WIRESPAN_LIMITS_CPU", "none");
    command
}

impl Agent {
    /// Starts `wirespan run` and waits until it is attached.
    #[track_caller]
    pub fn run(backend: &str, select: &[String], more: &[&str]) -> Self {
        Self::start("run", backend, select, more)
    }

    /// Starts a command (`run` or `record`) and waits until it is attached.
    #[track_caller]
    pub fn start(verb: &str, backend: &str, select: &[String], more: &[&str]) -> Self {
        Self::start_with(verb, backend, select, more, &[])
    }

    /// [`Agent::start`] with environment variables.
    #[track_caller]
    pub fn start_with(
        verb: &str,
        backend: &str,
        select: &[String],
        more: &[&str],
        variables: &[(&str, String)],
    ) -> Self {
        let folder = Folder::new();
        let mut command = wirespan();
        command.args([verb, "--backend", backend]);
        command.args(select.iter().flat_map(|selector| ["--select", selector]));
        match verb {
            "run" if !more.contains(&"--output") => {
                command.args(["--output", "otlp-json", "--output-file"]).arg(folder.join("spans"))
            }
            "record" => command.arg("-o").arg(folder.join("recording")),
            _ => &mut command,
        };
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command.args(more).stdout(folder.output("stdout")).stderr(folder.output("stderr"));
        let process = Owned::start(&mut command, Signal::TERM);
        let mut agent = Self { process, folder };
        eventually("the agent is attached", || {
            assert!(!agent.process.has_ended(), "the agent ended at once: {}", agent.stderr());
            agent.stderr().contains("capture backend ")
        });
        agent
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// A file that it writes.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join(name)).unwrap_or_default()).into_owned()
    }

    /// What it said so far.
    pub fn stderr(&self) -> String {
        self.read("stderr")
    }

    /// What it printed so far.
    pub fn stdout(&self) -> String {
        self.read("stdout")
    }

    /// What it wrote so far, raw.
    pub fn raw(&self) -> String {
        self.read("spans")
    }

    /// The number that stands behind a name in the account that it gave at its end; what it does not mention is zero.
    pub fn told(&self, name: &str) -> u64 {
        let told = self.stderr();
        let number = told.rsplit_once(&format!("{name} ")).map(|(_, rest)| rest);
        number.map_or(0, |rest| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap())
    }

    /// Ends it by SIGTERM, and sees that it ends well and has written nothing that the telemetry registry does not have.
    #[track_caller]
    pub fn stop(&mut self) {
        self.end();
        registered::lines(&self.raw());
    }

    #[track_caller]
    fn end(&mut self) {
        let status = self.process.stop();
        assert!(status.success(), "{status}: {}", self.stderr());
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Ends it by a signal.
    #[track_caller]
    pub fn end_by(&mut self, signal: Signal) -> std::process::ExitStatus {
        self.process.signal(signal);
        self.process.wait()
    }

    /// Ends it without asking.
    pub fn kill(&mut self) {
        self.process.signal(Signal::KILL);
        self.process.wait();
    }

    /// Ends it; the spans that it has written.
    #[track_caller]
    pub fn finish(&mut self) -> Spans {
        self.end();
        span::parse(&self.raw()).into()
    }
}

/// Runs some traffic under an agent of each backend; the spans of `sockets`, after it was seen that `syscalls` tells the
/// same. A kernel without the socket layer's tracepoints (before Linux 6.3) has only `syscalls`.
#[track_caller]
pub fn trace<T>(select: &[String], traffic: impl FnOnce() -> T) -> (Spans, T) {
    trace_within(TOLERANCE, select, traffic)
}

/// [`trace`] with another tolerance for times.
#[track_caller]
pub fn trace_within<T>(tolerance: Duration, select: &[String], traffic: impl FnOnce() -> T) -> (Spans, T) {
    traced(select, traffic, |first, other| first.agrees_with(other, tolerance))
}

/// [`trace`] of calls that may be told so late that a server's has no parent.
#[track_caller]
pub fn trace_late<T>(select: &[String], traffic: impl FnOnce() -> T) -> (Spans, T) {
    traced(select, traffic, |first, other| first.without_parents().agrees_with(&other.without_parents(), TOLERANCE))
}

#[track_caller]
fn traced<T>(select: &[String], traffic: impl FnOnce() -> T, agree: impl Fn(&Spans, &Spans)) -> (Spans, T) {
    let mut agents: Vec<_> = granted().into_iter().map(|backend| Agent::run(backend, select, &[])).collect();
    let result = traffic();
    let mut spans: Vec<_> = agents.iter_mut().map(Agent::finish).collect();
    for agent in &agents {
        // Shown when the test fails.
        println!("{}", agent.stderr());
        assert!(!agent.stderr().contains("panicked"));
    }
    let first = spans.remove(0);
    for other in &spans {
        agree(&first, other);
    }
    (first, result)
}

/// The backends that this kernel has.
pub fn granted() -> Vec<&'static str> {
    static ANSWER: std::sync::OnceLock<Vec<&str>> = std::sync::OnceLock::new();
    let probe = |backend: &&&str| {
        let mut command = wirespan();
        command.args(["run", "--duration", "0.05", "--select", "pid=1", "--output", "none", "--backend", backend]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let find = || BACKENDS.iter().filter(probe).copied().collect::<Vec<_>>();
    let found = ANSWER.get_or_init(find).clone();
    assert!(found.contains(&"syscalls"), "the backend that works everywhere does not: {found:?}");
    found
}
