//! Loads the kernel programs, and what is asked of them while they run. Everything lives in file descriptors of this process:
//! nothing is pinned, so nothing is left behind however the agent ends.

mod counting;
pub(super) mod object;

use super::attach::{Context, choose, describe_kernel, heaviest, reason};
use super::capabilities;
use super::hooks::{OPTIONAL, QUEUE_TIME, REQUIRED};
use super::policies::Policies;
use super::propagate;
use super::reader::Reader;
use super::report::{HookReport, Report};
use super::ring::Ring;
use super::runtimes::Runtimes;
use super::selection::{Selected, Selection};
use super::spans::Spans;
use super::uprobes::Uprobes;
use super::working::{Place, Threads};
use crate::process::Site;
use crate::process::discovery::in_initial_namespace;
use aya::maps::{Array, HashMap, Map, MapData, PerCpuArray, SockHash};
use aya::programs::Program;
use aya::{Btf, Ebpf};
use std::cell::Cell;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::path::PathBuf;
use std::time::Instant;
use wirespan_common::counters::Counter;
use wirespan_common::limits::{CONNECTION_BYTES, CONNECTION_ID_AT, MAX_CONNECTIONS, MAX_PAYLOAD, RING_BYTES};
use wirespan_common::record::{Directive, NO_REPLACE, POLICY_REFUSE, PORT_LISTENED, PORT_SELECTED};
use wirespan_common::shed::INHERITS;

/// The kernel programs, built by `cargo xtask build`; empty when the agent was built without them.
static OBJECT: &[u8] = crate::object::OBJECT;

/// Where the running kernel describes its types.
pub(super) const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

/// How to capture.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name of the backend to force; the best that is granted when `None`.
    pub backend: Option<String>,
    /// Payload bytes copied per turn.
    pub turn_budget: u32,
    /// Size of the ring buffer, bytes; a power of two.
    pub ring_bytes: u32,
    /// What the programs must know of who is traced.
    pub selection: Selection,
    /// Whether the arrival of data at a socket is looked at: it costs something per segment.
    pub queue_time: bool,
    /// Whether probes may be put into programs (uprobes).
    pub uprobes: bool,
    /// Whether a `traceparent` is put into HTTP requests that have none.
    pub propagate: bool,
    /// Whether such a header may begin a trace: the sampler takes all.
    pub new_traces: bool,
    /// The BPF file system in which profilers look for the spans that threads work for.
    pub profiles: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            backend: None,
            turn_budget: MAX_PAYLOAD as u32,
            ring_bytes: RING_BYTES,
            selection: Selection::default(),
            queue_time: true,
            uprobes: true,
            propagate: false,
            new_traces: false,
            profiles: None,
        }
    }
}

/// Why capturing cannot start. The text says what is missing and how to get it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Built without `ebpf/`.
    #[error("this wirespan was built without its kernel programs: build it with `cargo xtask build --release`")]
    NoObject,
    /// The kernel's process ids mean other processes here.
    #[error(
        "this is a PID namespace of its own, in which wirespan would take one process for another: start it in the host's (docker run --pid=host, hostPID: true in Kubernetes)"
    )]
    PidNamespace,
    /// No BTF.
    #[error(
        "{KERNEL_BTF} is missing: this needs a kernel with CONFIG_DEBUG_INFO_BTF=y (Linux 5.10 or newer of any large distribution)"
    )]
    NoBtf(#[source] std::io::Error),
    /// BTF that cannot be read.
    #[error("{KERNEL_BTF} cannot be used: {0}")]
    BadBtf(String),
    /// Not privileged.
    #[error(
        "the kernel refuses to load programs ({0}): run as root, or with CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"
    )]
    NotPermitted(String),
    /// A map or a program was refused for another reason.
    #[error("{0}")]
    Load(String),
    /// No backend works.
    #[error("no capture backend works on this kernel: {0}")]
    NoBackend(String),
    /// There is no backend of that name.
    #[error("unknown backend `{0}`: it is `sockets` or `syscalls`")]
    UnknownBackend(String),
}

/// The loaded and attached programs. Dropping it detaches everything.
pub struct Capture {
    /// What was granted.
    pub report: Report,
    /// Which processes are traced.
    pub policies: Policies,
    /// Into whose runtime is looked.
    pub runtimes: Runtimes,
    /// Whose SDK says which span a thread is in.
    pub spans: Spans,
    uprobes: Uprobes,
    /// For which request each thread works, where somebody wants to know.
    pub threads: Option<Threads>,
    /// Sockets of connections into which a header may be put: without the map they are as all others.
    _propagated: Option<SockHash<MapData, u64>>,
    directives: HashMap<MapData, u64, [u8; size_of::<Directive>()]>,
    shedding: Array<MapData, u32>,
    /// How many there were: whoever writes one raises it, so that the kernel programs look.
    directed: Array<MapData, u64>,
    directives_given: u64,
    selected: Selected,
    ports: HashMap<MapData, u16, u32>,
    ports_refused: u64,
    connections: HashMap<MapData, u64, [u8; CONNECTION_BYTES]>,
    counters: PerCpuArray<MapData, u64>,
    /// Runs that the programs had missed when they were detached.
    missed: u64,
    evicted: Cell<u64>,
    /// Connections that were taken out of the table here.
    forgotten: u64,
    ebpf: Ebpf,
}

pub(super) fn load_error(error: impl std::error::Error + 'static) -> StartError {
    let (text, refused) = reason(&error);
    if refused { StartError::NotPermitted(text) } else { StartError::Load(text) }
}

impl Capture {
    /// Loads, chooses a backend, attaches.
    ///
    /// # Errors
    /// [`StartError`], one line for a person.
    pub fn start(options: &Options) -> Result<(Self, Reader), StartError> {
        if OBJECT.is_empty() {
            return Err(StartError::NoObject);
        }
        if !in_initial_namespace() {
            return Err(StartError::PidNamespace);
        }
        let (layout, present) = describe_kernel()?;
        let kernel_btf = Btf::from_sys_fs().map_err(|error| StartError::BadBtf(error.to_string()))?;
        let queue_time = options.queue_time && present.has(&QUEUE_TIME);
        let loading = tracing::info_span!("load").entered();
        let place = options.profiles.as_deref().map(Place::find).transpose().unwrap_or_else(|why| {
            tracing::warn!("profiles: {why}");
            None
        });
        let mut ebpf = object::load(options, (queue_time, place.as_ref()), &layout, &kernel_btf)?;
        let mut report = Report {
            kernel: kernel_release(),
            absent: layout.missing().collect(),
            capabilities: capabilities::held(),
            ..Report::default()
        };
        let context = Context { present, kernel: &kernel_btf };
        let events = ring(&mut ebpf, "EVENTS")?;
        let urgent = ring(&mut ebpf, "URGENT")?;
        let mut ports = HashMap::try_from(take(&mut ebpf, "PORTS")?).map_err(load_error)?;
        for port in &options.selection.ports {
            ports.insert(port, PORT_SELECTED, 0).map_err(load_error)?;
        }
        let selected = Selected::of(&mut ebpf, &options.selection)?;
        let mut policies = Policies::new(
            HashMap::try_from(take(&mut ebpf, "DECISIONS")?).map_err(load_error)?,
            HashMap::try_from(take(&mut ebpf, "MARKS")?).map_err(load_error)?,
            Array::try_from(take(&mut ebpf, "POLICY_CHANGE")?).map_err(load_error)?,
        );
        policies.decide(std::process::id(), POLICY_REFUSE, 0);
        // None is attached before all of these are there: the order of attaching is what it was.
        context.load_at_once(&mut ebpf, heaviest(&context, options.backend.as_deref()));
        drop(loading);
        let _attaching = tracing::info_span!("attach").entered();
        for hook in REQUIRED {
            let granted = context.attach(&mut ebpf, hook);
            if let Err(why) = granted {
                return Err(StartError::NoBackend(format!("{} (since Linux {}): {why}", hook.name, hook.since)));
            }
            report.hooks.push(HookReport { hook: *hook, granted });
        }
        for hook in OPTIONAL.iter().chain(options.queue_time.then_some(&QUEUE_TIME)) {
            report.hooks.push(HookReport { hook: *hook, granted: context.attach(&mut ebpf, hook) });
        }
        choose(&context, &mut ebpf, options, &mut report)?;
        let propagated = options.propagate.then(|| propagate::attach(&mut ebpf)).transpose().unwrap_or_else(|why| {
            tracing::warn!("propagate: {why}; no header is put into requests");
            None
        });
        let is_watched = place.is_some() || propagated.is_some();
        let working = HashMap::try_from(take(&mut ebpf, "WORKING")?).map_err(load_error)?;
        // The other backend has no room to look into runtimes.
        let uprobes = Uprobes::new(options.uprobes, report.backend == super::sockets::BACKEND.name);
        let capture = Self {
            report,
            policies,
            runtimes: Runtimes::new(
                HashMap::try_from(take(&mut ebpf, "RUNTIMES")?).map_err(load_error)?,
                Array::try_from(take(&mut ebpf, "RUNTIMES_KNOWN")?).map_err(load_error)?,
            ),
            spans: Spans::new(
                HashMap::try_from(take(&mut ebpf, "SPANS")?).map_err(load_error)?,
                Array::try_from(take(&mut ebpf, "SPANS_KNOWN")?).map_err(load_error)?,
            ),
            uprobes,
            threads: is_watched.then(|| Threads::new(working, place)),
            _propagated: propagated,
            directives: HashMap::try_from(take(&mut ebpf, "DIRECTIVES")?).map_err(load_error)?,
            shedding: Array::try_from(take(&mut ebpf, "SHEDDING")?).map_err(load_error)?,
            directed: Array::try_from(take(&mut ebpf, "DIRECTED")?).map_err(load_error)?,
            directives_given: 0,
            selected,
            ports,
            ports_refused: 0,
            connections: HashMap::try_from(take(&mut ebpf, "CONNECTIONS")?).map_err(load_error)?,
            counters: PerCpuArray::try_from(take(&mut ebpf, "COUNTERS")?).map_err(load_error)?,
            missed: 0,
            evicted: Cell::new(0),
            forgotten: 0,
            ebpf,
        };
        Ok((capture, Reader::new(events, urgent)))
    }

    /// Other processes are to be traced from now on. Decisions about single processes are others' business.
    ///
    /// # Errors
    /// One line: what the kernel refuses.
    pub fn select(&mut self, selection: &Selection) -> Result<(), String> {
        for port in &selection.ports {
            self.ports.insert(port, PORT_SELECTED, 0).map_err(|error| error.to_string())?;
        }
        self.selected.put(selection).map_err(|error| format!("the kernel refuses it: {error}"))?;
        self.policies.changed();
        Ok(())
    }

    /// Asks the kernel to copy `budget` payload bytes per turn of a connection (0: to ignore it, [`BUDGET_UNCHANGED`](wirespan_common::record::BUDGET_UNCHANGED): as many as
    /// before), and tells which of its turns may be left out when [`shed`](Self::shed) says how many: a rule of [`wirespan_common::shed`]. Best
    /// effort: it is obeyed at one of the next turns, and a full table only costs what it would save.
    pub fn direct(&mut self, sock: u64, directive: Directive) {
        let value: [u8; size_of::<Directive>()] = zerocopy::transmute!(directive);
        let _ = self.directives.insert(sock, value, 0);
        self.directives_given += 1;
        let _ = self.directed.set(0, self.directives_given, 0);
    }

    /// Whether turns can be left out: the programs of the other backend have no room for it.
    #[must_use]
    pub fn sheds(&self) -> bool {
        self.report.backend == super::sockets::BACKEND.name
    }

    /// Of 256 turns of the connections that allow it leave out so many from now on. `inherits`: what a thread asks of others
    /// goes with the request that it handles. False when the kernel refuses.
    pub fn shed(&mut self, rejected: u8, inherits: bool) -> bool {
        let word = u32::from(rejected) | if inherits { INHERITS } else { 0 };
        self.shedding.set(0, word, 0).is_ok()
    }

    /// Calls that the programs looked at so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.counter(Counter::Seen)
    }

    /// Takes a connection out of the kernel's table: it is announced anew when it speaks again. Another one that has its
    /// socket by now stays. (One that takes the socket between the look and the removal is announced a second time, as one
    /// that was joined midway: the kernel has no removal with a condition.)
    pub fn forget(&mut self, sock: u64, connection: u64) {
        let entry = self.connections.get(&sock, 0);
        if entry.is_ok_and(|entry| entry[CONNECTION_ID_AT..].starts_with(&connection.to_ne_bytes())) {
            let is_gone = self.connections.remove(&sock).is_ok();
            self.forgotten += u64::from(is_gone);
        }
    }

    /// Has the kernel programs run at these places of a process, and at no others. False if one of those that show contexts cannot.
    pub fn probe(&mut self, pid: u32, contexts: &[Site], secrets: &[&Site]) -> bool {
        self.uprobes.set(&mut self.ebpf, pid, contexts, secrets)
    }

    /// Has the kernel programs run at these places of a process, too, until [`Capture::close_sessions`]. How many do.
    pub fn open_sessions(&mut self, pid: u32, sites: &[Site]) -> usize {
        self.uprobes.open(&mut self.ebpf, pid, sites)
    }

    /// Ends that.
    pub fn close_sessions(&mut self, pid: u32) {
        self.uprobes.close(&mut self.ebpf, pid);
    }

    /// Takes probes out that none of these processes uses any more, now and then.
    pub fn sweep_probes(&mut self, now: Instant, is_used: impl FnOnce(&mut dyn FnMut(u32))) {
        self.uprobes.sweep(&mut self.ebpf, now, is_used);
    }

    /// Names a port on which a target listens, so that its connections are known from their set-up.
    pub fn add_port(&mut self, port: u16) {
        if self.ports.insert(port, PORT_LISTENED, NO_REPLACE).is_err() && self.ports.get(&port, 0).is_err() {
            self.ports_refused += 1;
        }
    }

    /// Detaches every program. The maps stay, with what they hold.
    pub fn detach(&mut self) {
        self.missed += self.missed();
        // Calls come first: without the probes, contexts would be taken for those that were at their addresses before.
        self.detach_where(|program| !matches!(program, Program::UProbe(_)));
        self.detach_where(|program| matches!(program, Program::UProbe(_)));
    }

    fn detach_where(&mut self, is_one: impl Fn(&Program) -> bool) {
        for (_, program) in self.ebpf.programs_mut().filter(|(_, program)| is_one(program)) {
            // One that was never loaded cannot be unloaded.
            let _ = match program {
                Program::BtfTracePoint(program) => program.unload(),
                Program::FEntry(program) => program.unload(),
                Program::FExit(program) => program.unload(),
                Program::UProbe(program) => program.unload(),
                _ => Ok(()),
            };
        }
    }

    /// Runs of the programs that the kernel left out (since Linux 5.12 it tells).
    fn missed(&self) -> u64 {
        let of = |program: &Program| {
            let fd = program.fd().ok()?.as_fd().as_raw_fd();
            let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix("recursion_misses:"))?;
            line.trim().parse::<u64>().ok()
        };
        self.ebpf.programs().filter_map(|(_, program)| of(program)).sum()
    }

    /// Run time of all programs so far, ns: of what the kernel has measured ([`Measuring`](super::measuring::Measuring)).
    #[must_use]
    pub fn run_ns(&self) -> u64 {
        let of = |program: &Program| u64::try_from(program.info().ok()?.run_time().as_nanos()).ok();
        self.ebpf.programs().filter_map(|(_, program)| of(program)).sum()
    }

    /// Names and ids of the attached programs, for measurements of their run time.
    pub fn programs(&self) -> impl Iterator<Item = (&str, u32)> {
        self.ebpf.programs().filter_map(|(name, program)| program.info().ok().map(|info| (name, info.id())))
    }
}

pub(super) fn take(ebpf: &mut Ebpf, name: &str) -> Result<Map, StartError> {
    ebpf.take_map(name).ok_or_else(|| StartError::Load(format!("the kernel object has no map {name}")))
}

/// A ring buffer, mapped. Its size is that of the kernel's map: aya makes it whole pages.
fn ring(ebpf: &mut Ebpf, name: &str) -> Result<Ring, StartError> {
    let Map::RingBuf(map) = map(ebpf, name)? else {
        return Err(StartError::Load(format!("{name} is no ring buffer")));
    };
    let size = map.info().map_err(load_error)?.max_entries();
    let fd = map.fd().as_fd().try_clone_to_owned().map_err(load_error)?;
    Ring::map(fd, size as usize)
        .map_err(|error| StartError::Load(format!("cannot map the ring buffer {name}: {error}")))
}

/// A map that stays where it is: the programs are still to be loaded.
fn map<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut Map, StartError> {
    ebpf.map_mut(name).ok_or_else(|| StartError::Load(format!("the kernel object has no map {name}")))
}

/// The release of the running kernel.
#[must_use]
pub fn kernel_release() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}
