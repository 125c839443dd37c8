//! `wirespan targets`: which processes `run` would trace, which selector chose each, and what would be known of its calls.
//!
//! One look at all processes, with the resolver and the table that `run` uses; nothing is attached. What running agents have probed
//! is seen from outside. [`contexts`] has the words for runtimes, [`report`] the two ways to answer.

mod contexts;
mod report;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::args;
use super::selection::{self, Chosen};
use crate::capture::probed::Probed;
use crate::capture::{self, load};
use crate::config::{self, Config, Uprobes};
use crate::enrich::{Host, Resources};
use crate::process::rules::Reason;
use crate::process::table::ProcessTable;
use crate::process::{Process, Site, Verdict};
use crate::resolve::Resolver;
use crate::trace::context::Binding;
use crate::trace::span::Resource;
use crate::trace::treatment::reads_tls;
use contexts::{Contexts, Means};
use wirespan_semconv as semconv;

/// Longest wait for the look at all processes.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the kernel counts how often probes are hit, if an agent has set any.
const COUNTING: Duration = Duration::from_secs(1);

/// An agent is no target of another one.
const OWN: Verdict = Verdict { traced: false, reason: Reason::Own };

/// What was found.
struct Survey {
    /// Kernel release, and the backend that would be used.
    kernel: String,
    backend: Option<&'static str>,
    /// Who is traced, in a few words.
    selection: String,
    /// Agents that run.
    agents: Vec<u32>,
    targets: Vec<Target>,
    /// Processes that would not be traced.
    others: Vec<Other>,
}

/// A process that would be traced.
struct Target {
    process: Process,
    resource: Arc<Resource>,
    labels: BTreeMap<String, Vec<String>>,
    /// What takes it in.
    why: String,
    contexts: Contexts,
    probes: Vec<Probe>,
    /// What it encrypts with TLS is to be read.
    decrypts: bool,
}

/// An instruction before which a kernel program is to run.
struct Probe {
    site: Site,
    /// The file, as the process names it.
    path: String,
    /// Whether a running agent has set it; `None` where the kernel does not tell.
    is_set: Option<bool>,
    /// Hits of its program at all places within [`COUNTING`], where one has.
    hits: Option<u64>,
}

/// A process that would not be traced, and why.
struct Other {
    process: Process,
    labels: BTreeMap<String, Vec<String>>,
    why: String,
}

/// Looks, and tells.
///
/// # Errors
/// Mistakes in the configuration; a look that takes too long.
pub fn targets(arguments: &args::Targets) -> anyhow::Result<()> {
    let config = config::load(arguments.settings.layer()?, &super::variable)?;
    super::log::plain(&config);
    super::selection::fits(&config)?;
    let survey = survey(&config)?;
    super::log::answer(&match arguments.output {
        args::Report::Text => report::text(&survey, arguments.all),
        args::Report::Json => report::json(&survey, arguments.all),
    })
}

/// What `wirespan targets --output json` answers.
///
/// # Errors
/// A look that takes too long.
pub(super) fn found(config: &Config) -> anyhow::Result<String> {
    Ok(report::json(&survey(config)?, true))
}

fn survey(config: &Config) -> anyhow::Result<Survey> {
    let Chosen { rules, treatments } = selection::chosen(config);
    let mut table = ProcessTable::live(rules).with_limit(config.limits.processes as usize);
    let mut resolver = Resolver::start_with(table.rules(), true)?;
    let mut is_done = false;
    resolver.scan();
    resolver.wait_for_scan(PATIENCE, |found| {
        is_done = true;
        table.learn(found);
    });
    anyhow::ensure!(is_done, "looking at all processes took longer than {} s", PATIENCE.as_secs());
    let backend = config.backend.forced().or_else(capture::declared_backend);
    let means = Means { stamps: backend == Some("sockets"), probes: config.uprobes != Uprobes::None };
    let mut processes: Vec<_> = table.all().collect();
    processes.sort_by_key(|process| process.pid);
    let agents: Vec<u32> = processes.iter().copied().filter(|one| is_agent(one)).map(|one| one.pid).collect();
    let reads_secrets = |resource: &Resource| reads_tls(resource.treatment.as_ref(), config.tls);
    let mut resources = Resources::new(Host::read()).with_treatments(treatments);
    let (mut targets, mut others) = (Vec::new(), Vec::new());
    for process in processes {
        let is_agent = agents.contains(&process.pid);
        let process = if is_agent { Process { verdict: OWN, ..process.clone() } } else { process.clone() };
        let (why, labels) = (table.why(&process), table.labels(&process));
        if !process.verdict.traced {
            others.push(Other { process, labels, why });
            continue;
        }
        let process = &process;
        let resource = resources.of(process);
        let runtime = attribute(&resource, semconv::PROCESS_RUNTIME_NAME);
        let contexts = contexts::of(runtime, &process.program, Binding::of(&resource), means);
        let secrets = process.program.tls.iter().filter(|_| reads_secrets(&resource)).flat_map(|one| one.sites.iter());
        let sites = process.program.sites.iter().filter(|_| means.stamps).chain(secrets).filter(|_| means.probes);
        let probes =
            sites.map(|site| Probe { site: site.clone(), path: path(process, site), is_set: None, hits: None });
        let (probes, decrypts) = (probes.collect(), reads_secrets(&resource));
        targets.push(Target { process: process.clone(), resource, labels, why, contexts, probes, decrypts });
    }
    see_probes(&mut targets, &agents);
    let selection = super::log::outline(config);
    Ok(Survey { kernel: load::kernel_release(), backend, selection, agents, targets, others })
}

/// Sees which of the probes running agents have set, and how often they are hit.
fn see_probes(targets: &mut [Target], agents: &[u32]) {
    let first = Probed::of(agents);
    let counting = if first.is_empty() { None } else { aya::sys::enable_stats(aya::sys::Stats::RunTime).ok() };
    let (earlier, now) = if counting.is_some() {
        let earlier = Probed::of(agents);
        std::thread::sleep(COUNTING);
        (Some(earlier), Probed::of(agents))
    } else {
        (None, first)
    };
    for probe in targets.iter_mut().flat_map(|target| &mut target.probes) {
        let place = (probe.site.file.device, probe.site.file.inode, probe.site.offset);
        probe.is_set = now.has(place);
        probe.hits = earlier.as_ref().and_then(|earlier| now.runs_since(earlier, place));
    }
}

/// Whether a process is an agent of this program.
fn is_agent(process: &Process) -> bool {
    process.executable_name() == Some("wirespan") && process.pid != std::process::id()
}

/// The file of a site: the executable, or a library that the process has mapped.
fn path(process: &Process, site: &Site) -> String {
    let link = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&site.file.fd));
    let held = std::fs::read_link(link).ok().map(|path| path.to_string_lossy().into_owned());
    held.or_else(|| process.exe.as_deref().map(str::to_owned)).unwrap_or_default()
}

/// A text among the attributes of a resource.
fn attribute<'a>(resource: &'a Resource, key: &str) -> Option<&'a str> {
    resource.attributes.iter().find(|(name, _)| name == key).and_then(|(_, value)| value.as_str())
}
