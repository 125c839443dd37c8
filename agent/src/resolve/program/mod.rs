//! What the files and the command line of a process tell about its program: its runtime and what it is called.

mod go;
mod java;

use std::collections::HashMap;

use super::files::{self, Identity, Root};
use crate::process::pinned::Pinned;
use crate::process::{Process, Program};

/// Most executables that are remembered.
const MAX_PROGRAMS: usize = 1024;

/// What is known of executables: most processes share theirs with others.
#[derive(Clone, Debug, Default)]
pub(super) struct Programs(HashMap<Identity, Option<Box<str>>>);

impl Programs {
    /// The version of Go that built an executable, if it is Go's.
    fn go_version(&mut self, pinned: &Pinned) -> Option<Box<str>> {
        let held = pinned.target("exe").ok()?;
        let identity = files::identity(&held)?;
        if self.0.len() >= MAX_PROGRAMS {
            self.0.clear();
        }
        self.0.entry(identity).or_insert_with(|| go::version(&files::open(&held)?)).clone()
    }
}

/// Reads what there is to know.
pub(super) fn read(pinned: &Pinned, process: &Process, programs: &mut Programs) -> Program {
    let root = Root::of(pinned);
    let mut program =
        Program { started_as: root.as_ref().and_then(|root| linked(root, process)), ..Program::default() };
    match process.executable_name() {
        Some("java") => program.runtime_version = root.and_then(|root| java::version(&root, process.exe.as_deref()?)),
        Some(name) if crate::enrich::known_runtime(name).is_none() => {
            program.runtime_version = programs.go_version(pinned);
            program.runtime = program.runtime_version.is_some().then(|| "go".into());
        }
        _ => {}
    }
    program
}

/// The name by which a program with several was started: Debian's `redis-server` is a link to `redis-check-rdb`, and a
/// busybox is everything. Certain only where the command name is a link beside the executable that leads to it.
fn linked(root: &Root, process: &Process) -> Option<Box<str>> {
    let exe = process.exe.as_deref()?;
    let (folder, name) = exe.rsplit_once('/')?;
    let comm = &*process.comm;
    if comm.is_empty() || comm.contains('/') || name.starts_with(comm) {
        return None;
    }
    let (link, real) = (root.identity(&format!("{folder}/{comm}"))?, root.identity(exe)?);
    (link == real).then(|| comm.into())
}
