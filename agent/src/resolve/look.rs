//! One look at a process, and one at all of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::executed;
use super::lane::{Desktop, Job};
use super::program::{self, Programs};
use super::published::{self, Variables};
use crate::capture::reader::monotonic_ns;
use crate::process::discovery::{Attendant, Facts, Proc};
use crate::process::pinned::Pinned;
use crate::process::table::{Ask, Found, Look, Said, What};
use crate::process::{Process, Rules, Users};
use wirespan_semconv::WIRESPAN_SCAN_PROCESSES;

/// Most processes that are remembered for having held a look.
const MAX_HUNG: usize = 1024;

/// Processes that held a look for too long, with the time of their start as soon as it is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Hung(Arc<Mutex<HashMap<u32, Option<u64>>>>);

impl Hung {
    pub(super) fn add(&self, pid: u32) {
        let mut hung = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if hung.len() >= MAX_HUNG {
            hung.clear();
        }
        hung.insert(pid, None);
    }

    /// Whether it is that process, and not another one with its id.
    fn holds(&self, pid: u32, start_time: impl FnOnce() -> Option<u64>) -> bool {
        let mut hung = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = hung.get_mut(&pid) else { return false };
        let started = start_time();
        if known.is_none() {
            *known = started;
        }
        let is_it = *known == started;
        if !is_it {
            hung.remove(&pid);
        }
        is_it
    }
}

/// What is looked for, by whoever looks: it may change at any time.
#[derive(Clone)]
pub(super) struct Wanted {
    rules: Arc<Mutex<Arc<Rules>>>,
    /// Ports are looked for whether rules need them or not.
    always_ports: bool,
}

impl Wanted {
    pub(super) fn new(rules: &Rules, always_ports: bool) -> Self {
        Self { rules: Arc::new(Mutex::new(Arc::new(rules.clone()))), always_ports }
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks by these rules from the next look on.
    pub(super) fn replace(&self, rules: &Rules) {
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules.clone());
    }
}

/// How to look at all processes, or at any; and at one that has just executed a program.
fn procs(rules: &Rules, always_ports: bool) -> (Proc, Proc) {
    let facts = rules.wanted();
    let all = Facts { ports: facts.ports || always_ports, ..facts };
    let fresh = Facts { ports: false, ..facts };
    (Proc::new(rules.variables(), all), Proc::new(rules.variables(), fresh))
}

/// Who looks.
#[derive(Clone)]
pub(super) struct Looker {
    proc: Proc,
    /// For programs that were just executed. Which ports they use is told by the kernel when they do; the tables of all
    /// sockets take tens of milliseconds, and a program may not live as long.
    fresh: Proc,
    wanted: Wanted,
    rules: Arc<Rules>,
    users: Users,
    programs: Programs,
    variables: Variables,
    hung: Hung,
}

impl Looker {
    pub(super) fn new(wanted: Wanted, hung: Hung) -> Self {
        let rules = wanted.rules();
        let (proc, fresh) = procs(&rules, wanted.always_ports);
        let reads_secrets = rules.reads_secrets();
        Self {
            proc,
            fresh,
            wanted,
            rules,
            users: Users::read(),
            programs: Programs::new(reads_secrets),
            variables: Variables::default(),
            hung,
        }
    }

    /// Takes over what is wanted by now.
    fn renew(&mut self) {
        let rules = self.wanted.rules();
        if !Arc::ptr_eq(&rules, &self.rules) {
            (self.proc, self.fresh) = procs(&rules, self.wanted.always_ports);
            self.programs.reads_secrets = rules.reads_secrets();
            self.rules = rules;
        }
    }

    pub(super) fn look(&mut self, job: &Job, desk: &Desktop) -> Found {
        self.renew();
        match job {
            Job::Look(Ask { pid, at_ns, look }) => {
                let what = match look {
                    Look::Start => self.proc.start_time(*pid).map_or(What::Gone { exe: None }, What::Start),
                    Look::Published => What::Published(self.published(*pid, desk)),
                    Look::Whole { file } => self.whole(*pid, file, desk),
                };
                Found { pid: *pid, at_ns: *at_ns, what }
            }
            Job::Scan { at_ns, span } => {
                let proc = self.proc.clone();
                // Hundreds of processes at once: those that are traced are looked at again. Who only wants to know has no second look.
                self.programs.searches = self.wanted.always_ports;
                let processes = proc.processes_with(&mut Companion { looker: self, desk, is_fresh: false });
                self.programs.searches = true;
                span.record(WIRESPAN_SCAN_PROCESSES, processes.len() as u64);
                Found { pid: 0, at_ns: *at_ns, what: What::All(processes) }
            }
        }
    }

    /// What a process publishes of itself. One that has held a look publishes nothing.
    fn published(&mut self, pid: u32, desk: &Desktop) -> Option<Said> {
        desk.turn_to(pid);
        let found_ns = monotonic_ns();
        let (pinned, start_time) = self.proc.pinned(pid)?;
        let may_read = !self.hung.holds(pid, || Some(start_time));
        let published = may_read.then(|| published::read(&pinned, &mut self.variables)).flatten().map(Arc::new);
        Some(Said { start_time, found_ns, published })
    }

    fn whole(&mut self, pid: u32, file: &str, desk: &Desktop) -> What {
        let is_fresh = !file.is_empty();
        let proc = if is_fresh { self.fresh.clone() } else { self.proc.clone() };
        match proc.process_with(pid, &mut Companion { looker: self, desk, is_fresh }) {
            Some(mut process) => {
                process.found_ns = monotonic_ns();
                // One that is just exiting has lost its executable, but still a line in the table.
                if process.exe.is_none() {
                    process.exe = executed::real(file);
                }
                What::Process(Box::new(process))
            }
            None => What::Gone { exe: executed::real(file) },
        }
    }
}

/// Goes along with each look.
struct Companion<'a> {
    looker: &'a mut Looker,
    desk: &'a Desktop,
    /// It has just executed a program, and publishes nothing yet.
    is_fresh: bool,
}

impl Attendant for Companion<'_> {
    fn begin(&mut self, pid: u32) -> bool {
        self.desk.turn_to(pid);
        let Looker { proc, hung, .. } = &self.looker;
        !hung.holds(pid, || proc.start_time(pid))
    }

    fn complete(&mut self, pinned: &Pinned, process: &mut Process) {
        let Looker { rules, users, programs, variables, .. } = &mut *self.looker;
        if let Some(user) = process.user {
            users.learn(user);
            process.user_name = users.name(user);
        }
        if rules.may_match(process, users) {
            process.program = Arc::new(program::read(pinned, process, programs));
            process.published = (!self.is_fresh).then(|| published::read(pinned, variables)).flatten().map(Arc::new);
        }
        process.found_ns = monotonic_ns();
    }
}
