//! Containers that a test makes: namespaces and a control group of their own, as a container runtime would make them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;

use crate::harness::agent::granted;
use crate::harness::process::{Owned, eventually, free_port, settle};
use crate::harness::{Agent, skipped, workload};

const ID: &str = "4f1a7c0e9d2b4f1a7c0e9d2b4f1a7c0e9d2b4f1a7c0e9d2b";

/// A control group that is named as container runtimes do.
struct Group(PathBuf);

impl Group {
    /// Of a container with this id; `None` if this host lets nobody make one.
    fn make(id: &str) -> Option<Self> {
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let at = fields.filter(|fields| fields[2] == "cgroup2").map(|fields| PathBuf::from(fields[1])).next()?;
        let group = at.join(format!("docker-{id}.scope"));
        fs::create_dir(&group).ok()?;
        Some(Self(group))
    }

    /// A command that runs in it, in namespaces of its own.
    fn command(&self, program: &Command) -> Command {
        let mut command = Command::new("sh");
        let enter = "echo $$ > \"$0\"/cgroup.procs && exec unshare --pid --fork --kill-child --mount-proc --uts --ipc --net \
                     --cgroup -- \"$@\"";
        command.args(["-c", enter]).arg(&self.0).arg(program.get_program()).args(program.get_args());
        command
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The last process leaves it a moment after its end.
        eventually("the control group is empty", || fs::remove_dir(&self.0).is_ok() || !self.0.exists());
    }
}

/// A server that listens in a network namespace of its own.
struct Contained {
    process: Owned,
    port: u16,
}

impl Contained {
    fn start(group: &Group) -> Self {
        let port = free_port();
        let mut program = workload("contained.py");
        program.arg(port.to_string());
        let process = Owned::start(&mut group.command(&program), Signal::KILL);
        let started = Self { process, port };
        eventually("the server listens", || started.pid().is_some() && started.ask("/ready").is_some());
        started
    }

    /// The id of the process itself, as this host knows it; within, it is 1.
    fn pid(&self) -> Option<u32> {
        let runner = self.process.pid();
        let children = fs::read_to_string(format!("/proc/{runner}/task/{runner}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }

    /// Asks from inside its network namespace.
    fn ask(&self, path: &str) -> Option<()> {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.pid()?)).args(["curl", "-s", "-f", "-o", "/dev/null"]);
        command.arg(format!("http://127.0.0.1:{}{path}", self.port)).status().unwrap().success().then_some(())
    }
}

/// Selected by its id, or by its port, or by being a container; started before the agent, and after it. Its process has
/// the id that the host knows, and nobody outside of it is told of.
#[test]
fn a_container_is_selected_by_what_it_is() {
    let ids = [format!("{ID}{:016x}", 1), format!("{ID}{:016x}", 2)];
    let groups: Option<Vec<Group>> = ids.iter().map(|id| Group::make(id)).collect();
    let Some(groups) = groups else { return skipped("no control group can be made") };
    let early = Contained::start(&groups[0]);
    let port = format!("port={},container", early.port);
    let by_id = ids.iter().map(|id| format!("container.id={id}")).collect::<Vec<_>>();
    let ways = [("id", by_id), ("port", vec![port]), ("any", vec!["container".to_owned()])];
    for (way, select) in ways {
        let mut agents: Vec<_> =
            granted().into_iter().map(|backend| (backend, Agent::run(backend, &select, &[]))).collect();
        early.ask("/early").unwrap();
        let late = Contained::start(&groups[1]);
        late.ask("/late").unwrap();
        let pids = [early.pid().unwrap(), late.pid().unwrap()];
        settle();
        for (backend, agent) in &mut agents {
            let told = agent.finish().servers();
            for (number, path) in ["/early", "/late"].into_iter().enumerate() {
                let spans = told.pick(|span| span.text("url.path") == path);
                if way == "port" && number == 1 {
                    let _ = spans.count(0);
                    continue;
                }
                let span = spans.only();
                assert_eq!(span.resource["process.pid"], pids[number], "{way}, {backend}");
                assert_eq!(span.resource["container.id"], ids[number].as_str(), "{way}, {backend}");
            }
        }
    }
}
