//! What the files and the command line of a process tell about its program: its runtime and what it is called.

mod elf;
mod frames;
mod go;
mod java;
mod jvm;
mod node;
mod probed;
mod python;
mod queues;
mod runs;
mod tls;
mod tokio;
mod uvloop;

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError, Weak};

pub use go::GoProgram;
use node::NodeProgram;
use python::Found;
use tokio::TokioProgram;

use super::files::{self, Identity, Root};
use crate::process::pinned::Pinned;
use crate::process::{Held, Process, Program, Site, environment};
use crate::runtime::threads;

/// Most bytes of a command line that are read.
const MAX_COMMAND: u64 = 64 * 1024;
/// Most bytes of a `package.json` that are read.
const MAX_PACKAGE: u64 = 256 * 1024;
/// Most bytes of the list of a process's mappings that are read.
const MAX_MAPS: u64 = 64 * 1024;
/// The same, where all libraries are looked for.
const MAX_ALL_MAPS: u64 = 4 << 20;
/// Most executables that are remembered.
const MAX_PROGRAMS: usize = 1024;

/// What is known of files: most processes share theirs with others.
#[derive(Clone, Debug)]
pub(super) struct Cache<T>(HashMap<Identity, T>);

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Clone> Cache<T> {
    /// What is known, without a look.
    pub(super) fn get(&self, identity: Identity) -> Option<T> {
        self.0.get(&identity).cloned()
    }

    pub(super) fn get_or(&mut self, identity: Identity, find: impl FnOnce() -> T) -> T {
        if self.0.len() >= MAX_PROGRAMS {
            self.0.clear();
        }
        self.0.entry(identity).or_insert_with(find).clone()
    }
}

/// What is known of executables and libraries.
#[derive(Clone, Debug, Default)]
pub(super) struct Programs {
    go: Cache<(Option<GoProgram>, Weak<Held>)>,
    node: Cache<(Option<NodeProgram>, Weak<Held>)>,
    tokio: Cache<(Option<TokioProgram>, Weak<Held>)>,
    python: python::Known,
    /// Libraries of TLS are looked for.
    pub(super) reads_secrets: bool,
    /// Files are searched for them that were not yet, which takes a while.
    pub(super) searches: bool,
    /// The same for all who look.
    tls: Arc<Mutex<tls::Libraries>>,
}

impl Programs {
    /// Nothing yet. `reads_secrets`: libraries of TLS are looked for.
    pub(super) fn new(reads_secrets: bool) -> Self {
        Self { reads_secrets, searches: true, ..Self::default() }
    }
}

/// What is known of the executable of a process, and the file itself where it is to be probed: the same for all of its processes.
fn executable<T: Clone>(
    known: &mut Cache<(Option<T>, Weak<Held>)>,
    pinned: &Pinned,
    find: impl FnOnce(&File) -> Option<T>,
    is_probed: impl FnOnce(&T) -> bool,
) -> Option<(T, Option<Arc<Held>>)> {
    let held = pinned.target("exe").ok()?;
    let identity = files::identity(&held)?;
    if known.0.len() >= MAX_PROGRAMS {
        known.0.clear();
    }
    let (program, file) =
        known.0.entry(identity).or_insert_with(|| (files::open(&held).and_then(|file| find(&file)), Weak::new()));
    let program = program.as_ref()?.clone();
    if !is_probed(&program) {
        return Some((program, None));
    }
    let file = file.upgrade().or_else(|| {
        let held = Arc::new(files::hold(held)?);
        *file = Arc::downgrade(&held);
        Some(held)
    });
    Some((program, file))
}

/// Where kernel programs run in a file.
fn sites(probed: &[(&'static str, u64)], file: Option<Arc<Held>>) -> Arc<[Site]> {
    let Some(file) = file else { return [].into() };
    probed.iter().map(|(program, at)| Site { program, file: file.clone(), offset: *at, cookie: None }).collect()
}

/// What is known of a program, if it is Go's.
#[must_use]
pub fn go_program(program: &File) -> Option<GoProgram> {
    go::program(program)
}

/// Reads what there is to know.
pub(super) fn read(pinned: &Pinned, process: &Process, programs: &mut Programs) -> Program {
    let root = Root::of(pinned);
    let arguments = runs::arguments(&pinned.read("cmdline", MAX_COMMAND).unwrap_or_default());
    let mut program = Program {
        started_as: root.as_ref().and_then(|root| linked(root, process, arguments.first()?)),
        runs: runs(pinned, process, &arguments, root.as_ref()),
        ..Program::default()
    };
    let mut go_program = None;
    match process.executable_name() {
        Some(name) if crate::process::known_runtime(name) == Some("cpython") => {
            let found = python::find(pinned, root.as_ref(), &mut programs.python);
            // Programs load their loop and their queues some time after they begin.
            let is_whole = |Found { python, .. }: &Found| (python.has_uvloop || python.has_gevent) && python.has_queues;
            program.is_unsettled = !found.as_ref().is_some_and(is_whole);
            match found {
                Some(Found { python, sites }) => (program.python, program.sites) = (Some(python), sites),
                None => program.contexts = Some(threads(true)),
            }
        }
        Some("java") => {
            program.runtime_version = root.as_ref().and_then(|root| java::version(root, process.exe.as_deref()?));
            program.contexts = Some(jvm::find(pinned).unwrap_or(jvm::STARTING));
        }
        Some(name) if crate::process::known_runtime(name) == Some("pypy") => program.contexts = Some(threads(true)),
        // Its reactors leave what they have given to threads in their sets.
        Some(name) if crate::process::known_runtime(name) == Some("ruby") => program.contexts = Some(threads(false)),
        Some(name) if matches!(crate::process::known_runtime(name), None | Some("nodejs")) => {
            if let Some((go, file)) = executable(&mut programs.go, pinned, go::program, |go| !go.probed.is_empty()) {
                program.sites = sites(&go.probed, file);
                program.sched = go.scheduler.and_then(|sched| sched.in_process(|| begins(pinned, process)));
                program.runtime_version = Some(go.version.clone());
                go_program = Some(go);
                program.runtime = Some("go".into());
            } else if let Some((node, file)) =
                executable(&mut programs.node, pinned, node::program, |node| !node.probed.is_empty())
            {
                program.runtime = Some("nodejs".into());
                program.contexts = node.in_process(|| begins(pinned, process));
                program.sites = sites(&node.probed, file);
            } else if let Some(contexts) = jvm::find(pinned) {
                program.runtime = Some("java".into());
                program.contexts = Some(contexts);
            } else if let Some((tokio, file)) =
                executable(&mut programs.tokio, pinned, tokio::program, |tokio| !tokio.probed.is_empty())
            {
                program.contexts = Some(tokio.contexts());
                program.sites = sites(&tokio.probed, file);
            }
        }
        _ => {}
    }
    if programs.reads_secrets
        && let Some(maps) = pinned.text("maps", MAX_ALL_MAPS)
    {
        let exe = (go_program.as_ref(), process.exe.as_deref().unwrap_or_default());
        // Whoever does not search does not wait for those who do.
        let known = match programs.searches {
            true => Some(programs.tls.lock().unwrap_or_else(PoisonError::into_inner)),
            false => programs.tls.try_lock().ok(),
        };
        let mut is_whole = false;
        if let Some(mut known) = known {
            (program.tls, is_whole) = tls::find(pinned, root.as_ref(), &maps, exe, (&mut known, programs.searches));
        }
        // Libraries are mapped some time after an exec, and others when they are needed.
        program.is_unsettled |= program.tls.is_empty() || !is_whole;
    }
    program
}

/// Where the executable of a process begins in its memory: its first mapping.
fn begins(pinned: &Pinned, process: &Process) -> Option<u64> {
    let exe = process.exe.as_deref()?;
    let maps = pinned.text("maps", MAX_MAPS)?;
    // 55d0a0000000-55d0a0400000 r--p 00000000 fe:01 1234 /usr/bin/node
    let mapping = maps.lines().find(|line| line.split_ascii_whitespace().nth(5) == Some(exe))?;
    u64::from_str_radix(mapping.split('-').next()?, 16).ok()
}

/// The name by which a program with several was started: Debian has one program for a server and its tools, and a
/// busybox is everything. Certain only where the command name, or its own name among its arguments, is a link that leads
/// to the executable.
fn linked(root: &Root, process: &Process, own: &str) -> Option<Box<str>> {
    let exe = process.exe.as_deref()?;
    let (folder, name) = exe.rsplit_once('/')?;
    let comm = &*process.comm;
    let file = own.rsplit('/').next()?;
    let beside = |name: &str| format!("{folder}/{name}");
    let mut real = None;
    for (candidate, path) in [(comm, beside(comm)), (file, beside(file)), (file, own.to_owned())] {
        let is_other = !candidate.is_empty() && !candidate.contains('/') && !name.starts_with(candidate);
        if !is_other || !path.starts_with('/') {
            continue;
        }
        let real = real.get_or_insert_with(|| root.identity(exe));
        if real.is_some() && root.identity(&path) == *real {
            return Some(environment::cut(candidate, environment::MAX_NAME).into());
        }
    }
    None
}

/// What an interpreter runs.
fn runs(pinned: &Pinned, process: &Process, arguments: &[String], root: Option<&Root>) -> Option<Box<str>> {
    let executable = process.executable_name().filter(|name| runs::is_interpreter(name))?;
    let folder = pinned.link("cwd").and_then(|folder| folder.into_string().ok());
    let package = |folder: &str| package(&root?.read(&format!("{folder}/package.json"), MAX_PACKAGE)?);
    let name = |arguments: &[String]| {
        runs::name(&runs::Command { executable, arguments, folder: folder.as_deref(), package: &package })
    };
    name(arguments).or_else(|| {
        // Python's workers are given their work over a pipe: they do that of their parent.
        if !arguments.iter().any(|argument| argument.starts_with("from multiprocessing.")) {
            return None;
        }
        let parent = pinned.parent(process.parent)?.read("cmdline", MAX_COMMAND)?;
        name(&runs::arguments(&parent))
    })
}

/// The name in a `package.json`.
fn package(bytes: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Package {
        name: Option<String>,
    }
    serde_json::from_slice::<Package>(bytes).ok()?.name
}
