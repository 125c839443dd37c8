//! From a process to the OpenTelemetry resource that its spans belong to.
//!
//! One [`Resource`] per process and program: built when its first span needs it, then shared.

mod attributes;
mod go;
pub mod host;
mod resource;
mod runtime;

use std::collections::HashMap;
use std::sync::Arc;

pub use host::Host;

use crate::process::Process;
use crate::trace::span::Resource;

/// Resources that are kept; beyond it those of the past are built anew when asked for.
const MAX_RESOURCES: usize = 32 * 1024;

/// What makes a resource another one: the process id was given to another process, or it executed another program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    start_time: Option<u64>,
    seen_ns: u64,
    generation: u32,
}

/// Resources by process.
#[derive(Debug)]
pub struct Resources {
    host: Host,
    unknown: Arc<Resource>,
    known: HashMap<u32, (Identity, Arc<Resource>)>,
}

/// The resource of the agent itself: of its own metrics, and of what belongs to the host. One agent runs on a host, so
/// that its instance is the host's id.
#[must_use]
pub fn agent(host: &Host, variable: &dyn Fn(&str) -> Option<String>) -> Resource {
    resource::agent(host, variable)
}

impl Resources {
    /// Resources of processes on this host. For a replay on another host: [`Host::default`].
    #[must_use]
    pub fn new(host: Host) -> Self {
        let unknown = Arc::new(resource::unknown(&host));
        Self { host, unknown, known: HashMap::new() }
    }

    /// The resource of a process.
    pub fn of(&mut self, process: &Process) -> Arc<Resource> {
        let identity =
            Identity { start_time: process.start_time, seen_ns: process.seen_ns, generation: process.generation };
        if let Some((known, resource)) = self.known.get(&process.pid)
            && *known == identity
        {
            return Arc::clone(resource);
        }
        if self.known.len() >= MAX_RESOURCES {
            self.known.clear();
        }
        let resource = Arc::new(resource::build(process, &self.host));
        self.known.insert(process.pid, (identity, Arc::clone(&resource)));
        resource
    }

    /// The resource of what no process is known of (a pcap).
    #[must_use]
    pub fn unknown(&self) -> Arc<Resource> {
        Arc::clone(&self.unknown)
    }

    /// Lets go of the resource of a process that has exited.
    pub fn forget(&mut self, pid: u32) {
        self.known.remove(&pid);
    }
}
