//! A queue of looks and the thread that does them. A look that takes too long is given up: its thread is left to itself
//! until the kernel lets it go, another one takes over, and the process that held it is not looked at so closely again.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::look::{Hung, Looker};
use crate::process::table::{Ask, Found};
use crate::threads::Nursery;

/// Most time for a look at one process.
pub(super) const LIMIT: Duration = Duration::from_secs(1);
/// Looks that may wait.
const QUEUE: usize = 4096;
/// Threads that may be left to themselves; with more of them nobody looks until one comes back.
const MAX_LEFT: usize = 16;

/// What is to be done.
#[derive(Clone, Debug)]
pub(super) enum Job {
    /// Look at one process.
    Look(Ask),
    /// Look at all of them.
    Scan {
        /// Kernel time at which it was asked for, ns.
        at_ns: u64,
        /// Over when the look is.
        span: tracing::Span,
    },
}

/// What a thread is at.
#[derive(Debug, Default)]
struct Desk {
    job: Option<Job>,
    /// The process that is being looked at, and since when.
    at: Option<(u32, Instant)>,
}

/// A [`Desk`], seen from both sides.
#[derive(Clone, Debug, Default)]
pub(super) struct Desktop(Arc<Mutex<Desk>>);

impl Desktop {
    fn lock(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, job: Job) {
        self.lock().job = Some(job);
    }

    /// Another process is being looked at.
    pub(super) fn turn_to(&self, pid: u32) {
        self.lock().at = Some((pid, Instant::now()));
    }

    /// `false`: it was given up meanwhile.
    fn finish(&self) -> bool {
        let mut desk = self.lock();
        desk.at = None;
        desk.job.take().is_some()
    }

    /// Takes the job of a thread that is at one process for too long.
    fn give_up(&self) -> Option<(Job, u32)> {
        let mut desk = self.lock();
        let (pid, since) = desk.at?;
        if since.elapsed() < LIMIT {
            return None;
        }
        desk.at = None;
        Some((desk.job.take()?, pid))
    }
}

/// The queue, and the thread at its end.
pub(super) struct Lane {
    name: &'static str,
    nursery: Nursery,
    jobs: SyncSender<Job>,
    taken: Arc<Mutex<Receiver<Job>>>,
    looker: Looker,
    told: Sender<Found>,
    hung: Hung,
    desk: Desktop,
    /// Threads that were left to themselves.
    left: Arc<AtomicUsize>,
    is_manned: bool,
    unanswered: Vec<Job>,
}

impl Lane {
    pub(super) fn start(
        name: &'static str,
        nursery: Nursery,
        looker: Looker,
        told: Sender<Found>,
        hung: Hung,
    ) -> io::Result<Self> {
        let (jobs, taken) = sync_channel(QUEUE);
        let mut lane = Self {
            name,
            nursery,
            jobs,
            taken: Arc::new(Mutex::new(taken)),
            looker,
            told,
            hung,
            desk: Desktop::default(),
            left: Arc::default(),
            is_manned: false,
            unanswered: Vec::new(),
        };
        lane.man()?;
        Ok(lane)
    }

    /// Queues a job. One without room, or without anybody to do it, is [`unanswered`](Self::unanswered).
    pub(super) fn give(&mut self, job: Job) {
        if !self.is_manned {
            self.unanswered.push(job);
            return;
        }
        match self.jobs.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => self.unanswered.push(job),
        }
    }

    /// Jobs that nobody will do.
    pub(super) fn unanswered(&mut self) -> std::vec::Drain<'_, Job> {
        self.unanswered.drain(..)
    }

    /// Looks after the thread. How many looks were given up: one of a single process is unanswered, that of all begins
    /// again without the one that held it.
    pub(super) fn watch(&mut self) -> u64 {
        let mut given_up = 0;
        if self.is_manned
            && let Some((job, pid)) = self.desk.give_up()
        {
            given_up = 1;
            self.hung.add(pid);
            self.left.fetch_add(1, Ordering::Relaxed);
            self.is_manned = false;
            match job {
                Job::Look(_) => self.unanswered.push(job),
                Job::Scan { .. } => {
                    if let Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) = self.jobs.try_send(job) {
                        self.unanswered.push(job);
                    }
                }
            }
        }
        if !self.is_manned && self.man().is_err() {
            // Nobody comes for a while: what waits is not left waiting.
            let waiting = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            self.unanswered.extend(waiting.try_iter());
        }
        given_up
    }

    /// Starts a thread at the end of the queue.
    fn man(&mut self) -> io::Result<()> {
        if self.left.load(Ordering::Relaxed) >= MAX_LEFT {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let desk = Desktop::default();
        let worker = Worker {
            jobs: Arc::clone(&self.taken),
            looker: self.looker.clone(),
            told: self.told.clone(),
            desk: desk.clone(),
            left: Arc::clone(&self.left),
        };
        self.nursery.spawn(self.name.into(), move || worker.serve())?;
        self.desk = desk;
        self.is_manned = true;
        Ok(())
    }
}

struct Worker {
    jobs: Arc<Mutex<Receiver<Job>>>,
    looker: Looker,
    told: Sender<Found>,
    desk: Desktop,
    left: Arc<AtomicUsize>,
}

impl Worker {
    fn serve(mut self) {
        loop {
            // Nobody else waits here: the lock is free while a job is done.
            let job = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = job else { return };
            self.desk.begin(job.clone());
            let found = self.looker.look(&job, &self.desk);
            // The span of a look ends before its answer is there.
            drop(job);
            if !self.desk.finish() {
                self.left.fetch_sub(1, Ordering::Relaxed);
                return;
            }
            if self.told.send(found).is_err() {
                return;
            }
        }
    }
}
