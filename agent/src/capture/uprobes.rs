//! Probes in the programs of others: a kernel program that runs before an instruction of a file, in every process that maps the
//! file (uprobes). Each place is probed once for all processes that use it, and let go of when none of them is left.
//!
//! A probe costs each process that maps the file a trap a hit, also those that are not traced: the kernel programs return at once
//! there. Nothing is written into files; the kernel puts its instruction into the memory of the processes, and takes it
//! out when the agent ends, however that happens.

use std::collections::{HashMap, HashSet};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use aya::Ebpf;
use aya::programs::uprobe::{UProbeAttachPoint, UProbeLinkId, UProbeScope};
use aya::programs::{ProgramError, UProbe};

use super::attach::refused;
use crate::process::Site;

/// Most places that are probed at once.
const MAX_PLACES: usize = 256;
/// How long places that show secrets stay when nobody uses them: programs that live for a moment make their handshake before anybody has
/// looked at them.
const KEPT: Duration = Duration::from_secs(600);
/// Time between two looks for places that nobody uses.
const SWEEP: Duration = Duration::from_secs(10);

/// Program, device, inode, offset.
type Key = (&'static str, u64, u64, u64);

/// A place that is probed.
struct Place {
    link: UProbeLinkId,
    /// How long it stays when nobody uses it.
    kept: Duration,
    used: Instant,
}

/// What is probed.
pub struct Uprobes {
    is_on: bool,
    /// Somebody looks at contexts.
    sees_contexts: bool,
    places: HashMap<Key, Place>,
    /// The places of each process.
    users: HashMap<u32, HashSet<Key>>,
    /// Those that it has for a short time.
    sessions: HashMap<u32, HashSet<Key>>,
    /// Programs that the kernel does not take: it is asked once.
    refusing: HashSet<&'static str>,
    refused: u64,
    has_told: bool,
    swept: Instant,
}

impl Uprobes {
    /// None yet; never any, unless they `may` be. `sees_contexts`: those that show contexts are of use.
    #[must_use]
    pub fn new(may: bool, sees_contexts: bool) -> Self {
        Self {
            is_on: may,
            sees_contexts,
            places: HashMap::new(),
            users: HashMap::new(),
            sessions: HashMap::new(),
            refusing: HashSet::new(),
            refused: 0,
            has_told: false,
            swept: Instant::now(),
        }
    }

    /// Probes that could not be.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// Probes these places for a process, and no others for it: those that show contexts, and those that show secrets. False if one of the
    /// first cannot be; the others are all the same.
    pub fn set(&mut self, ebpf: &mut Ebpf, pid: u32, contexts: &[Site], secrets: &[&Site]) -> bool {
        self.users.remove(&pid);
        if !self.is_on {
            return contexts.is_empty();
        }
        let mut used = HashSet::new();
        let mut is_whole = self.sees_contexts || contexts.is_empty();
        let contexts = if self.sees_contexts { contexts } else { &[] };
        let mut probe = |site: &Site, kept: Duration| {
            let is_probed = self.put(ebpf, site, kept);
            if is_probed {
                used.insert(site.key());
            }
            is_probed
        };
        for site in contexts {
            is_whole &= probe(site, Duration::ZERO);
        }
        secrets.iter().for_each(|site| _ = probe(site, KEPT));
        if !used.is_empty() {
            self.users.insert(pid, used);
        }
        is_whole
    }

    /// Lets go of what no process uses any more, when it is time to look. `used` tells the processes that are there.
    pub fn sweep(&mut self, ebpf: &mut Ebpf, now: Instant, used: impl FnOnce(&mut dyn FnMut(u32))) {
        if self.places.is_empty() || now.duration_since(self.swept) < SWEEP {
            return;
        }
        self.swept = now;
        let mut there = HashSet::new();
        used(&mut |pid| _ = there.insert(pid));
        self.users.retain(|pid, _| there.contains(pid));
        let (users, sessions) = (&self.users, &self.sessions);
        let mut unused = Vec::new();
        for (key, place) in &mut self.places {
            if users.values().chain(sessions.values()).any(|keys| keys.contains(key)) {
                place.used = now;
            } else if now.duration_since(place.used) >= place.kept {
                unused.push(*key);
            }
        }
        unused.into_iter().for_each(|key| self.take_out(ebpf, key));
    }

    /// Probes these places for a process, beside those of [`Uprobes::set`], until [`Uprobes::close`]: how many are.
    pub fn open(&mut self, ebpf: &mut Ebpf, pid: u32, sites: &[Site]) -> usize {
        if !self.is_on {
            return 0;
        }
        let is_probed = |site: &&Site| self.put(ebpf, site, Duration::ZERO);
        let probed: HashSet<Key> = sites.iter().filter(is_probed).map(Site::key).collect();
        let count = probed.len();
        self.sessions.insert(pid, probed);
        count
    }

    /// Takes out at once what was probed for a process by [`Uprobes::open`], and for no other.
    pub fn close(&mut self, ebpf: &mut Ebpf, pid: u32) {
        for key in self.sessions.remove(&pid).unwrap_or_default() {
            if !self.users.values().chain(self.sessions.values()).any(|keys| keys.contains(&key)) {
                self.take_out(ebpf, key);
            }
        }
    }

    fn take_out(&mut self, ebpf: &mut Ebpf, key: Key) {
        if let Some(Place { link, .. }) = self.places.remove(&key)
            && let Ok(program) = program(ebpf, key.0)
        {
            // It is gone with the program in any case.
            let _ = program.detach(link);
        }
    }

    /// Probes a place, unless it is probed already. False if it cannot be.
    fn put(&mut self, ebpf: &mut Ebpf, site: &Site, kept: Duration) -> bool {
        if self.places.contains_key(&site.key()) {
            return true;
        }
        if self.places.len() >= MAX_PLACES || self.refusing.contains(site.program) {
            self.refused += 1;
            return false;
        }
        match attach(ebpf, site) {
            Ok(link) => {
                self.places.insert(site.key(), Place { link, kept, used: Instant::now() });
                true
            }
            Err(refusal) => {
                self.refused += 1;
                if matches!(refusal, Refusal::Program(_)) {
                    self.refusing.insert(site.program);
                }
                let (Refusal::Program(error) | Refusal::Place(error)) = refusal;
                let why = refused(site.program, &error);
                if !std::mem::replace(&mut self.has_told, true) {
                    tracing::warn!("{} cannot be attached, and what it would show stays unseen: {why}", site.program);
                }
                false
            }
        }
    }
}

/// What is refused: the program, wherever it should run, or this place.
enum Refusal {
    Program(ProgramError),
    Place(ProgramError),
}

fn attach(ebpf: &mut Ebpf, site: &Site) -> Result<UProbeLinkId, Refusal> {
    let program = program(ebpf, site.program).map_err(Refusal::Program)?;
    if program.fd().is_err() {
        program.load().map_err(Refusal::Program)?;
    }
    // The file that is held, whatever stands at its path by now.
    let path = format!("/proc/self/fd/{}", site.file.fd.as_raw_fd());
    let point = UProbeAttachPoint { location: site.offset.into(), cookie: site.cookie };
    program.attach(point, path, UProbeScope::AllProcesses).map_err(Refusal::Place)
}

fn program<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut UProbe, ProgramError> {
    ebpf.program_mut(name).ok_or(ProgramError::NotLoaded)?.try_into()
}
