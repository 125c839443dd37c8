//! From a process to the OpenTelemetry resource that its spans belong to.
//!
//! One [`Resource`] per process and program: built when its first span needs it, then shared. It is made of what is known
//! of the process already. What others know of it, its container's runtime and Kubernetes, is asked for on a thread of its own
//! ([`containers`], [`kubernetes`]) and comes to the process, and to the names of peers, through the main loop.

mod attributes;
mod contained;
pub mod containers;
pub mod host;
pub mod kubernetes;
mod naming;
mod resource;

use std::collections::HashMap;
use std::sync::Arc;

pub use host::Host;

use crate::process::Process;
use crate::process::rules::Reason;
use crate::trace::span::Resource;
use crate::trace::treatment::Treatment;

/// Most bytes of resources that are kept, estimated; beyond it those of the past are built anew when asked for.
const MAX_BYTES: usize = 24 << 20;

/// What makes a resource another one: the process id was given to another process, or it executed another program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    start_time: Option<u64>,
    seen_ns: u64,
    generation: u32,
    revision: u32,
}

/// Resources by process.
#[derive(Debug)]
pub struct Resources {
    host: Host,
    unknown: Arc<Resource>,
    known: HashMap<u32, (Identity, Arc<Resource>)>,
    /// Their estimated size.
    bytes: usize,
    /// What the rules say, in their order.
    treatments: Vec<Arc<Treatment>>,
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
        Self { host, unknown, known: HashMap::new(), bytes: 0, treatments: Vec::new() }
    }

    /// With what the rules say about the processes that they take in.
    #[must_use]
    pub fn with_treatments(mut self, treatments: Vec<Arc<Treatment>>) -> Self {
        self.treat(treatments);
        self
    }

    /// What the rules say, in their order.
    #[must_use]
    pub fn treatments(&self) -> &[Arc<Treatment>] {
        &self.treatments
    }

    /// Replaces what the rules say. Resources are built anew.
    pub fn treat(&mut self, treatments: Vec<Arc<Treatment>>) {
        self.treatments = treatments;
        self.known.clear();
        self.bytes = 0;
    }

    /// What the rule that takes a process in says about it.
    #[must_use]
    pub fn treatment(&self, process: &Process) -> Option<&Arc<Treatment>> {
        match process.verdict.reason {
            Reason::Rule(place) => self.treatments.get(place),
            _ => None,
        }
    }

    /// The resource of a process.
    pub fn of(&mut self, process: &Process) -> Arc<Resource> {
        let &Process { start_time, seen_ns, generation, revision, .. } = process;
        let identity = Identity { start_time, seen_ns, generation, revision };
        if let Some((known, resource)) = self.known.get(&process.pid)
            && *known == identity
        {
            return Arc::clone(resource);
        }
        let resource = Arc::new(resource::build(process, &self.host, self.treatment(process)));
        self.forget(process.pid);
        self.bytes += size(&resource);
        if self.bytes > MAX_BYTES {
            self.known.clear();
            self.bytes = size(&resource);
        }
        self.known.insert(process.pid, (identity, Arc::clone(&resource)));
        resource
    }

    /// The resource of what no process is known of (a pcap).
    #[must_use]
    pub fn unknown(&self) -> Arc<Resource> {
        Arc::clone(&self.unknown)
    }

    /// Lets go of the resource of a process that is no longer known.
    pub fn forget(&mut self, pid: u32) {
        if let Some((_, resource)) = self.known.remove(&pid) {
            self.bytes -= size(&resource);
        }
    }

    /// Number of resources that are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

/// Bytes that a resource takes, about.
fn size(resource: &Resource) -> usize {
    let texts: usize =
        resource.attributes.iter().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len) + 96).sum();
    texts + resource.service_name.len() + 128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_goes_with_its_process() {
        let mut resources = Resources::new(Host::default());
        let process = Process { pid: 7, exe: Some("/bin/a".into()), ..Process::default() };
        let first = resources.of(&process);
        assert!(Arc::ptr_eq(&first, &resources.of(&process)));
        let known = Process { revision: 1, exe: Some("/bin/b".into()), ..process };
        assert_eq!(&*resources.of(&known).service_name, "b", "more is known of it");
        assert_eq!(resources.len(), 1);
        resources.forget(7);
        resources.forget(8);
        assert_eq!((resources.len(), resources.bytes), (0, 0));
    }

    #[test]
    fn resources_have_a_limit_in_bytes() {
        let mut resources = Resources::new(Host::default());
        let long: Arc<str> = "x".repeat(100_000).into();
        for pid in 1..2000 {
            resources.of(&Process { pid, exe: Some(Arc::clone(&long)), ..Process::default() });
            assert!(resources.bytes <= MAX_BYTES);
        }
        assert!(!resources.is_empty());
    }
}
