//! Threads of the agent. Each has a duty, and may do no more than that takes ([`crate::lockdown`]). One that dies of a mistake
//! of ours is not missed silently: the main loop sees it and ends.

use std::io;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use crate::lockdown::{self, Duty};

static DIED: OnceLock<String> = OnceLock::new();

struct Watched(String);

impl Drop for Watched {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The first one is the cause; others may have died of it.
            let _ = DIED.set(std::mem::take(&mut self.0));
        }
    }
}

/// Starts a thread whose death is known to [`died`]. It begins with what the thread that calls this may do.
///
/// # Errors
/// When the system grants no thread.
pub fn spawn(name: String, duty: Duty, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let watched = Watched(name.clone());
    std::thread::Builder::new().name(name).spawn(move || {
        if let Err(refused) = lockdown::narrow(&duty) {
            tracing::error!("{refused}");
            let _ = DIED.set(watched.0.clone());
            return;
        }
        let _watched = watched;
        body();
    })
}

/// Does all of this at once, the first part on this thread and each other one on a thread of its own, and waits for all. Those threads
/// may do what the caller may, and are gone when this returns: it is for the start, before anything is given up. What the system grants
/// no thread for is left undone.
pub fn at_once(parts: impl IntoIterator<Item = impl FnOnce() + Send>) {
    let mut parts = parts.into_iter();
    let Some(first) = parts.next() else { return };
    std::thread::scope(|scope| {
        for part in parts {
            // Waited for by the scope.
            let _ = std::thread::Builder::new().name("ws-start".into()).spawn_scoped(scope, part);
        }
        first();
    });
}

type Request = (String, Box<dyn FnOnce() + Send>, Sender<io::Result<()>>);

/// A thread that starts others of its duty, for whoever may not do any more what they need.
#[derive(Clone, Debug)]
pub struct Nursery(Sender<Request>);

impl Nursery {
    /// Starts the thread that starts others. It ends when nobody is there to ask it.
    ///
    /// # Errors
    /// When the system grants no thread.
    pub fn start(name: String, duty: Duty) -> io::Result<Self> {
        let (requests, asked): (Sender<Request>, Receiver<Request>) = channel();
        let own = duty.clone();
        spawn(name, duty, move || {
            for (name, body, answer) in asked {
                // Who asked is gone: nobody wants to know.
                let _ = answer.send(spawn(name, own.clone(), body).map(drop));
            }
        })?;
        Ok(Self(requests))
    }

    /// Starts a thread.
    ///
    /// # Errors
    /// When the system grants none.
    pub fn spawn(&self, name: String, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let (answer, told) = channel();
        self.0.send((name, Box::new(body), answer)).map_err(|_| io::ErrorKind::BrokenPipe)?;
        told.recv().map_err(io::Error::other)?
    }
}

/// The name of a thread that panicked, if one did.
#[must_use]
pub fn died() -> Option<&'static str> {
    DIED.get().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_panics_is_known() {
        assert!(spawn("ends-well".into(), Duty::Write, || {}).unwrap().join().is_ok());
        let _ = spawn("dies".into(), Duty::Write, || panic!("as it should")).unwrap().join();
        assert_eq!(died(), Some("dies"));
    }

    #[test]
    fn parts_are_done_at_once_and_waited_for() {
        // Each waits for all others.
        let all_are_there = std::sync::Barrier::new(3);
        let done = std::sync::atomic::AtomicUsize::new(0);
        at_once((0..3).map(|_| {
            || {
                all_are_there.wait();
                done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }));
        assert_eq!(done.into_inner(), 3);
    }

    #[test]
    fn others_can_start_threads() {
        let nursery = Nursery::start("nursery".into(), Duty::Read).unwrap();
        let (said, heard) = channel();
        nursery
            .spawn("child".into(), move || drop(said.send(std::thread::current().name().map(str::to_owned))))
            .unwrap();
        assert_eq!(heard.recv().unwrap().as_deref(), Some("child"));
    }
}
