//! How other threads ask: a question is run by the main thread between two looks at the kernel's records, and answers with what it
//! took out. The main thread never waits for them.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use tokio::sync::oneshot;

use super::Store;
use crate::advise::report::Report;
use crate::trace::clock::Clock;

/// Longest wait for an answer.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// The agent's account of itself. Numbers are since its start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    /// Processes that are traced.
    pub targets: u64,
    /// Calls that moved bytes.
    pub calls: u64,
    /// Requests that were understood.
    pub requests: u64,
    /// Spans that were made.
    pub spans: u64,
    /// Spans that were delivered.
    pub exported: u64,
    /// Spans that were not, and exchanges that the kernel had no room for.
    pub dropped: u64,
    /// Exchanges that became no spans because they were not to.
    pub filtered: u64,
    /// Largest share of the ring buffer that was filled lately, 0 to 1.
    pub ring_fill: f64,
    /// Processor time used, s.
    pub cpu_seconds: f64,
    /// Resident memory, bytes.
    pub memory: f64,
    /// Connections that are followed.
    pub connections: u64,
    /// How data is captured.
    pub backend: String,
    /// The kernel.
    pub kernel: String,
    /// What is missing, a line each.
    pub missing: Vec<String>,
    /// What was lost or left out, by name; nothing that is 0.
    pub losses: Vec<(String, u64)>,
    /// Hooks, and whether each is attached.
    pub hooks: Vec<(String, bool)>,
    /// What the kernel half counted, by name; nothing that is 0.
    pub counters: Vec<(String, u64)>,
}

/// What is asked besides the store. A recording has none of it.
pub trait Host {
    /// The agent's account of itself.
    fn account(&mut self) -> Account {
        Account::default()
    }

    /// Processes, and why they are traced or not: the JSON of `/debug/targets`.
    fn targets(&mut self) -> String {
        "{}".to_owned()
    }

    /// Why there is nothing to show, in a sentence.
    fn silence(&mut self) -> String {
        "nothing that wirespan reads was in this recording".to_owned()
    }

    /// What slows callers down.
    fn advice(&mut self) -> Report {
        Report::default()
    }
}

/// What a question is put to.
pub struct Source<'a> {
    /// What was seen lately.
    pub store: &'a Store,
    /// From event times to Unix times.
    pub clock: Clock,
    /// The rest.
    pub host: &'a mut dyn Host,
}

type Question = Box<dyn FnOnce(&mut Source<'_>) + Send>;

/// Asks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Asker(Sender<Question>);

/// Answers.
#[derive(Debug)]
pub struct Questions(Receiver<Question>);

/// Both ends.
#[must_use]
pub fn channel_of_questions() -> (Asker, Questions) {
    let (sender, receiver) = channel();
    (Asker(sender), Questions(receiver))
}

/// Most questions that are answered in a turn.
const PER_TURN: usize = 16;

impl Questions {
    /// Answers what was asked since.
    pub fn answer(&self, mut with: impl FnMut(Question)) {
        self.0.try_iter().take(PER_TURN).for_each(&mut with);
    }
}

impl Asker {
    /// Asks; the answer comes later, or never if the receiver is closed.
    pub fn put<T: Send + 'static>(&self, question: impl FnOnce(&mut Source<'_>) -> T + Send + 'static) -> Receiver<T> {
        let (answer, told) = channel();
        // Who would answer is gone: then so is the answer.
        let _ = self.0.send(Box::new(move |source| drop(answer.send(question(source)))));
        told
    }

    /// Asks and waits; `None` when there will be no answer. Not for the main thread.
    pub fn ask<T: Send + 'static>(&self, question: impl FnOnce(&mut Source<'_>) -> T + Send + 'static) -> Option<T> {
        self.put(question).recv_timeout(PATIENCE).ok()
    }

    /// As [`ask`](Self::ask), for whoever does something else meanwhile.
    pub async fn asked<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Source<'_>) -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, told) = oneshot::channel();
        self.0.send(Box::new(move |source| drop(answer.send(question(source))))).ok()?;
        tokio::time::timeout(PATIENCE, told).await.ok()?.ok()
    }
}

/// A recording, with what was advised about it.
#[derive(Debug)]
pub struct Recorded(pub Arc<Report>);

impl Host for Recorded {
    fn advice(&mut self) -> Report {
        Report::clone(&self.0)
    }
}
