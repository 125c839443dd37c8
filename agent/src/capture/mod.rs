//! Getting events out of the kernel: probe what it grants, choose a backend, load, attach, read the ring buffer.
//!
//! - [`btf`]: offsets of kernel structure members; [`hooks`]: the table of hooks and what each one shows;
//! - [`sockets`], [`syscalls`]: the backends, twins of the files in `ebpf/src/capture`;
//! - [`load`]: loads, maps and counters; `attach`: attaches hooks, chooses the backend; [`report`]: what was granted, for people; [`trial`]: tries the rest;
//! - [`listeners`]: listen queues, which no hook tells;
//! - [`measuring`]: what the programs cost;
//! - `propagate`: headers in requests; `inserted`: those in the records; `working`: for which spans threads work;
//! - [`uprobes`]: probes in programs; [`probed`]: those that other agents have set;
//! - [`decode`]: records to events; [`ring`]: the ring buffer's records; [`reader`]: those, in the order of kernel times.

mod attach;
pub mod btf;
pub mod capabilities;
pub mod decode;
pub mod hooks;
mod inserted;
pub mod listeners;
pub mod load;
pub mod measuring;
pub mod memory;
mod pace;
pub mod policies;
pub mod probed;
mod propagate;
pub mod reader;
pub mod report;
pub mod ring;
pub mod runtimes;
pub mod selection;
pub mod sockets;
pub mod spans;
pub mod syscalls;
pub mod trial;
pub mod uprobes;
mod working;

pub use attach::declared_backend;
pub use load::{Capture, Options, StartError};
pub use reader::Reader;
