//! What container runtimes and Kubernetes say of the containers of processes.
//!
//! A thread of its own asks them ([`Containers`]): the main loop hands over which containers there are, and takes what was found
//! out whenever it is there. It never waits: a process whose container is not known yet is traced, and named later.
//!
//! - [`facts`]: what each source says; `knowledge`: what they say together;
//! - `worker`: the thread; `runtimes`: which runtimes there are, and when they are asked;
//! - `docker`, `containerd`, `cri`: how each of them is asked, over the socket that `unix` connects to;
//! - [`super::kubernetes`]: pods, and whose addresses are.

mod containerd;
mod cri;
mod docker;
pub(super) mod facts;
mod grpc;
mod knowledge;
mod runtimes;
mod said;
#[cfg(test)]
mod tests;
mod unix;
mod worker;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use super::kubernetes;
use crate::lockdown::Duty;
use crate::process::container::{Described, Placement};
use crate::trace::peers::Claims;

pub(super) use said::Said;
pub(super) use tokio::sync::mpsc::Sender;

/// Most questions that may wait: containers are at most as many.
const QUESTIONS: usize = 1024;
/// Most answers that may wait for the main loop; the thread pauses then.
const ANSWERS: usize = 1024;
/// Most answers that are taken at once, so that the main loop goes on.
const AT_ONCE: usize = 256;

/// Who is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether container runtimes are asked.
    pub runtimes: bool,
    /// Their sockets; those of the usual places if there are none.
    pub sockets: Vec<PathBuf>,
    /// Kubernetes.
    pub kubernetes: kubernetes::Settings,
}

impl Settings {
    /// Whether nobody is asked.
    #[must_use]
    pub fn is_off(&self) -> bool {
        !self.runtimes && self.kubernetes.enabled == kubernetes::Enabled::False
    }

    /// Whether somebody is there now who can be asked.
    #[must_use]
    pub fn are_answered(&self) -> bool {
        self.kubernetes.is_reachable() || self.runtimes && runtimes::are_there(&self.sockets)
    }
}

/// What the main loop tells.
#[derive(Clone, Debug)]
enum Question {
    /// A container has its first process.
    Entered(Placement),
    /// Its last one has left.
    Left(Arc<str>),
}

/// What the thread has found out.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Of a container.
    Described(Described),
    /// Of addresses.
    Claims(Claims),
}

/// The thread that asks. It ends after this is dropped.
#[derive(Debug)]
pub struct Containers {
    questions: Sender<Question>,
    /// Questions for which there was no room yet.
    waiting: VecDeque<Question>,
    answers: mpsc::Receiver<Answer>,
    failures: Arc<AtomicU64>,
}

impl Containers {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system grants no thread.
    pub fn start(settings: Settings) -> std::io::Result<Self> {
        let (questions, asked) = mpsc::channel(QUESTIONS);
        let (told, answers) = mpsc::channel(ANSWERS);
        let failures = Arc::<AtomicU64>::default();
        let said = Said::new(Arc::clone(&failures));
        crate::threads::spawn("ws-containers".into(), Duty::Ask(Vec::new()), move || {
            worker::run(settings, asked, told, said)
        })?;
        Ok(Self { questions, waiting: VecDeque::new(), answers, failures })
    }

    /// Containers came and went.
    pub fn moved(&mut self, entered: impl Iterator<Item = Placement>, left: impl Iterator<Item = Arc<str>>) {
        // A container that was left may be entered again: in that order.
        self.waiting.extend(left.map(Question::Left));
        self.waiting.extend(entered.map(Question::Entered));
        while let Some(question) = self.waiting.pop_front() {
            if let Err(error) = self.questions.try_send(question) {
                if let mpsc::error::TrySendError::Full(question) = error {
                    self.waiting.push_front(question);
                }
                return;
            }
        }
    }

    /// What was found out by now.
    pub fn answers(&mut self) -> impl Iterator<Item = Answer> {
        std::iter::from_fn(|| self.answers.try_recv().ok()).take(AT_ONCE)
    }

    /// Questions to runtimes and to Kubernetes that failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}
