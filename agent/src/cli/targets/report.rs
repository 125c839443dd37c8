//! The answer, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Other, Probe, Survey, Target, attribute};
use crate::pipeline::listing;
use crate::process::{Process, TlsLibrary};
use crate::shown::{self, shown};
use wirespan_semconv as semconv;

/// Most ports that are told to people.
const MAX_PORTS: usize = 8;

/// For people.
pub(super) fn text(survey: &Survey, all: bool) -> String {
    let mut text = String::new();
    let backend = survey.backend.map_or_else(|| "no backend".to_owned(), |name| format!("backend {name}"));
    let _ = writeln!(text, "Linux {}, {backend}; {}", shown(&survey.kernel), number(survey.targets.len(), "process"));
    if survey.agents.is_empty() {
        let _ = writeln!(text, "no agent is running");
    } else {
        let _ = writeln!(text, "running: {}", list(survey.agents.iter().map(|pid| format!("wirespan {pid}"))));
    }
    for target in &survey.targets {
        text.push_str(&of(target));
    }
    for Other { process, why, .. } in survey.others.iter().filter(|_| all) {
        let _ = writeln!(text, "\n{} {}\n  not traced: {}", process.pid, shown(name(process)), shown(why));
    }
    text
}

fn of(target: &Target) -> String {
    let Target { process, resource, why, labels, contexts, probes, decrypts } = target;
    let mut text = format!("\n{} {}\n", process.pid, shown(&resource.service_name));
    let mut line = |what: &str, told: &str| {
        if !told.is_empty() {
            let _ = writeln!(text, "  {what:<11} {}", shown(told));
        }
    };
    line("program", process.exe.as_deref().unwrap_or(&process.comm));
    line("traced as", why);
    line("unit", process.group.unit.as_deref().unwrap_or_default());
    line("container", process.group.container_id.as_deref().unwrap_or_default());
    line(
        "labels",
        &list(
            labels
                .iter()
                .filter(|(name, _)| is_news(name))
                .map(|(name, values)| format!("{name}={}", values.join("|"))),
        ),
    );
    line("runtime", &runtime(target));
    line("listens on", &ports(&process.listening));
    line("contexts", &contexts.how);
    line("", contexts.but.as_deref().unwrap_or_default());
    for library in process.program.tls.iter().filter(|_| *decrypts) {
        line("TLS", &encrypts(library));
    }
    for probe in probes {
        line("probe", &probed(probe));
    }
    text
}

/// Whether a label is not told in another line.
fn is_news(label: &str) -> bool {
    !matches!(label, "exe" | "comm" | "pid" | "port" | "systemd.unit" | semconv::CONTAINER_ID)
}

fn probed(probe: &Probe) -> String {
    let Probe { site, path, is_set, hits } = probe;
    let state = match (is_set, hits) {
        (Some(true), Some(hits)) => format!("set, its program ran {hits} times a second"),
        (Some(true), None) => "set".to_owned(),
        (Some(false), _) => "not set".to_owned(),
        (None, _) => "the kernel does not tell whether it is set".to_owned(),
    };
    format!("{path}+{:#x} {}: {state}", site.offset, site.program)
}

/// Whether what a library encrypts can be read, and why not.
fn encrypts(library: &TlsLibrary) -> String {
    let state = if !library.sites.is_empty() {
        "read by its secrets"
    } else {
        "opaque: the function that sees its secrets was not found"
    };
    format!("{} in {}: {state}", library.name, library.path)
}

/// For programs.
pub(super) fn json(survey: &Survey, all: bool) -> String {
    let mut answer = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "kernel": survey.kernel,
        "backend": survey.backend,
        "selection": survey.selection,
        "agents": survey.agents,
        "targets": survey.targets.iter().map(target).collect::<Vec<_>>(),
    });
    if all {
        let other = |Other { process, labels, why }: &Other| json!({ "pid": process.pid, "comm": process.comm, "exe": process.exe.as_deref(), "labels": labels, "why": why });
        answer["others"] = survey.others.iter().map(other).collect();
    }
    format!("{}\n", shown::json(&format!("{answer:#}")))
}

fn target(target: &Target) -> Value {
    let Target { process, resource, why, labels, contexts, probes, decrypts } = target;
    let probe = |Probe { site, path, is_set, hits }: &Probe| json!({ "program": site.program, "path": path, "offset": site.offset, "set": is_set, "hits_per_second": hits });
    let mut told = listing::told(process, resource);
    told["why"] = json!(why);
    told["labels"] = json!(labels);
    told["runtime"]["version"] = json!(version(target));
    told["contexts"] = json!({ "by": contexts.by, "how": contexts.how, "but": contexts.but });
    let library = |one: &TlsLibrary| json!({ "library": one.name, "path": one.path, "read": !one.sites.is_empty() });
    told["tls"] = process.program.tls.iter().filter(|_| *decrypts).map(library).collect();
    told["probes"] = probes.iter().map(probe).collect();
    told
}

fn runtime(target: &Target) -> String {
    let name = attribute(&target.resource, semconv::PROCESS_RUNTIME_NAME).unwrap_or_default();
    let version = version(target).unwrap_or_default();
    // Go's version has its name in it.
    if version.starts_with(name) { version } else { format!("{name} {version}").trim_end().to_owned() }
}

/// Of CPython the minor version is known.
fn version(target: &Target) -> Option<String> {
    let version = attribute(&target.resource, semconv::PROCESS_RUNTIME_VERSION).map(str::to_owned);
    version.or_else(|| target.process.program.python.map(|python| format!("3.{}", python.minor)))
}

fn name(process: &Process) -> &str {
    process.executable_name().unwrap_or(&process.comm)
}

fn ports(ports: &[u16]) -> String {
    let mut told = list(ports.iter().take(MAX_PORTS));
    if let Some(more @ 1..) = ports.len().checked_sub(MAX_PORTS) {
        let _ = write!(told, " and {more} more");
    }
    told
}

fn list<T: ToString>(items: impl Iterator<Item = T>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

fn number(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "es" })
}
