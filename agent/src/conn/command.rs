//! What is wanted of the capture layer.

use wirespan_protocols::session::Shedding;

/// What the tracker wants of the capture layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// What the programs are to do with this connection from now on.
    Direct {
        /// Key of the kernel's table.
        sock: u64,
        /// Connection id.
        connection: u64,
        /// Payload bytes to copy per turn, 0: nothing more; `None`: as many as before.
        budget: Option<u32>,
        /// Which of its turns may be left out to save work.
        shedding: Shedding,
    },
    /// Forget this connection; announce it when it speaks again.
    Forget {
        /// Key of the kernel's table.
        sock: u64,
        /// Connection id: another one may have the socket by now.
        connection: u64,
    },
}
