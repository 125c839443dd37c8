//! Has the kernel measure its programs (`BPF_ENABLE_STATS`, Linux 5.8), now and then. That takes `CAP_SYS_ADMIN`, which the main
//! thread does not keep: a thread that can do nothing else asks for it.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::lockdown::Duty;
use crate::threads;

/// The thread that asks. Dropping it ends the thread.
#[derive(Debug)]
pub struct Measuring {
    asks: Sender<()>,
    granted: Receiver<Option<OwnedFd>>,
}

impl Measuring {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system grants no thread.
    pub fn start() -> io::Result<Self> {
        let (asks, asked) = channel();
        let (grants, granted) = channel();
        threads::spawn("ws-measure".into(), Duty::Measure, move || {
            while let Ok(()) = asked.recv() {
                if grants.send(aya::sys::enable_stats(aya::sys::Stats::RunTime).ok()).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { asks, granted })
    }

    /// The kernel measures for as long as what is returned is kept; `None` where that is not permitted.
    #[must_use]
    pub fn begin(&self) -> Option<OwnedFd> {
        self.asks.send(()).ok()?;
        self.granted.recv().ok()?
    }
}
