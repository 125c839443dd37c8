//! The hooks that see data and connection states. Each family of hooks is a file; all of them end in [`transfer`].

mod again;
mod datagram;
mod entry;
mod lifecycle;
mod queues;
mod sockets;
pub mod source;
mod syscalls;
mod transfer;
