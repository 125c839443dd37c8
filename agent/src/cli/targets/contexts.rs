//! What will be known of who makes a process's calls, and what keeps more from being known: in words, by the same questions that
//! `run` asks ([`runtime::of`], [`Binding`]).

use wirespan_common::context::{
    JVM_VTHREAD, RUNTIME_CPYTHON, RUNTIME_GO, RUNTIME_JVM, RUNTIME_NODE, RUNTIME_THREADS, Runtime,
};

use crate::process::Program;
use crate::runtime;
use crate::trace::context::Binding;

/// What a parent of a call is found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contexts {
    /// A word for programs.
    pub(super) by: &'static str,
    /// A few words for people.
    pub(super) how: String,
    /// What is missing for more, if there is more.
    pub(super) but: Option<String>,
}

/// What the configuration and the kernel let be known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Means {
    /// The backend in use stamps contexts on records.
    pub(super) stamps: bool,
    /// Programs may be probed.
    pub(super) probes: bool,
}

/// Of a process of this runtime (`process.runtime.name`) that runs this program.
pub(super) fn of(name: Option<&str>, program: &Program, binding: Binding, means: Means) -> Contexts {
    let known = runtime::of(program, means.probes)
        .filter(|runtime| runtime.kind != RUNTIME_THREADS && *runtime != starting(runtime.kind));
    match known {
        Some(runtime) if means.stamps => stamped(runtime, program, means),
        Some(_) => beside(binding, Some("contexts are read with the backend `sockets` alone (Linux 6.3)".to_owned())),
        None => beside(binding, name.and_then(|name| missing(name, program, means))),
    }
}

/// What is put in place of a runtime of which nothing is known yet.
fn starting(kind: u32) -> Runtime {
    Runtime { kind, ..Runtime::default() }
}

/// Contexts that the kernel programs see.
fn stamped(runtime: Runtime, program: &Program, means: Means) -> Contexts {
    let told = |by, how: String, but: Option<&str>| Contexts { by, how, but: but.map(str::to_owned) };
    let count = program.sites.len();
    let probes = if count == 1 { "1 probe".to_owned() } else { format!("{count} probes") };
    match runtime.kind {
        RUNTIME_GO => match (count, means.probes) {
            (0, _) => told("goroutine", "goroutines".to_owned(), None),
            (_, true) => told("goroutine", format!("goroutines; calls of net/http by {probes}"), None),
            (_, false) => {
                told("goroutine", "goroutines".to_owned(), Some("calls of net/http: `wirespan.uprobes` is `none`"))
            }
        },
        RUNTIME_CPYTHON => {
            let python = program.python.unwrap_or_default();
            let beside = [(python.has_uvloop, " on uvloop"), (python.has_gevent, " and greenlets (gevent)")];
            let beside: String = beside.iter().filter_map(|(is_there, text)| is_there.then_some(*text)).collect();
            let pools = if python.has_queues { ", tasks of thread pools" } else { "" };
            told("context", format!("contexts (contextvars){beside}{pools} by {probes}, else threads"), None)
        }
        RUNTIME_NODE => match (count, means.probes) {
            (0, _) => told("callback", "callbacks of what was received".to_owned(), None),
            (_, true) => told("callback", format!("callbacks of what was received; HTTP/2 by {probes}"), None),
            (_, false) => {
                let but = Some("what HTTP/2 asks: `wirespan.uprobes` is `none`");
                told("callback", "callbacks of what was received".to_owned(), but)
            }
        },
        RUNTIME_JVM if runtime.places.get(JVM_VTHREAD) != Some(&0) => {
            told("thread", "threads and virtual threads".to_owned(), None)
        }
        RUNTIME_JVM => told("thread", "threads".to_owned(), None),
        _ => told("context", "contexts".to_owned(), None),
    }
}

/// What is known without contexts.
fn beside(binding: Binding, but: Option<String>) -> Contexts {
    let (by, how) = match binding {
        Binding::Thread | Binding::Handed => ("thread", "threads"),
        Binding::Waiting => ("thread", "threads that wait for what they ask; a proxy's calls by what they ask"),
        Binding::Last => ("process", "the process: one request after the other"),
        Binding::Told | Binding::Nothing => ("none", "nothing: calls have no parent, unless a header names it"),
    };
    Contexts { by, how: how.to_owned(), but }
}

/// Why the contexts of a runtime that has some are not known.
fn missing(name: &str, program: &Program, means: Means) -> Option<String> {
    let version = program.runtime_version.as_deref().unwrap_or("its version");
    Some(match name {
        "go" => format!("the goroutines of {version} are not known: 1.18 to 1.26 are"),
        "cpython" => match program.python {
            Some(python) if runtime::cpython::of(python).is_none() => {
                format!("the contexts of CPython 3.{} are not known: those of 3.8 to 3.14 are", python.minor)
            }
            Some(_) if !means.probes => "contexts take probes, and `wirespan.uprobes` is `none`".to_owned(),
            _ => "no interpreter was recognised in its executable or its libraries (yet)".to_owned(),
        },
        "nodejs" => "this build of Node.js does not show its callbacks (Debian's has it in a library)".to_owned(),
        "java" => "this JVM's structures cannot be read (yet), or it is not HotSpot".to_owned(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Python;

    const ALL: Means = Means { stamps: true, probes: true };

    fn told(name: &str, program: &Program, binding: Binding, means: Means) -> (&'static str, String) {
        let Contexts { by, how, but } = of(Some(name), program, binding, means);
        (by, [how, but.unwrap_or_default()].join(" | "))
    }

    fn go(version: &str) -> Program {
        Program { runtime: Some("go".into()), runtime_version: Some(version.into()), ..Program::default() }
    }

    #[test]
    fn what_is_known_is_told_and_what_is_missing() {
        let (by, text) = told("go", &go("go1.26.1"), Binding::Nothing, ALL);
        assert_eq!((by, text.as_str()), ("goroutine", "goroutines | "));
        let (by, text) = told("go", &go("go1.17.2"), Binding::Nothing, ALL);
        assert!(by == "none" && text.contains("go1.17.2 are not known"), "{text}");
        let python = |minor| Program { python: Some(Python { minor, ..Python::default() }), ..Program::default() };
        let told = |program: &Program, means| told("cpython", program, Binding::Thread, means);
        assert_eq!(told(&python(11), ALL).0, "context");
        let (by, text) = told(&python(11), Means { probes: false, ..ALL });
        assert!(by == "thread" && text.contains("wirespan.uprobes"), "{text}");
        let (by, text) = told(&python(15), ALL);
        assert!(by == "thread" && text.contains("3.15"), "{text}");
        let (by, text) = told(&python(11), Means { stamps: false, ..ALL });
        assert!(by == "thread" && text.contains("sockets"), "{text}");
    }

    #[test]
    fn a_jvm_that_is_not_up_is_not_known() {
        let java =
            |places| Program { contexts: Some(Runtime { places, ..starting(RUNTIME_JVM) }), ..Program::default() };
        assert_eq!(told("java", &java([0; 7]), Binding::Told, ALL).0, "none");
        assert_eq!(told("java", &java([816, 0, 0, 0, 0, 0, 0]), Binding::Told, ALL).1, "threads | ");
        let mut places = [816, 0, 0, 0, 0, 0, 0];
        places[JVM_VTHREAD] = 900;
        assert_eq!(told("java", &java(places), Binding::Told, ALL).1, "threads and virtual threads | ");
    }

    #[test]
    fn programs_without_contexts_have_threads() {
        let none = of(None, &Program::default(), Binding::Waiting, ALL);
        assert_eq!((none.by, none.but), ("thread", None));
        assert_eq!(of(Some("fpm-fcgi"), &Program::default(), Binding::Last, ALL).by, "process");
    }
}
