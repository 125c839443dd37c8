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
    fn others_can_start_threads() {
        let nursery = Nursery::start("nursery".into(), Duty::Read).unwrap();
        let (said, heard) = channel();
        nursery
            .spawn("child".into(), move || drop(said.send(std::thread::current().name().map(str::to_owned))))
            .unwrap();
        assert_eq!(heard.recv().unwrap().as_deref(), Some("child"));
    }
}
