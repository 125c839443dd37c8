//! Servers, clients and agents of a test; each ends with the value that stands for it, also when a test fails.
//!
//! - [`process`]: child processes, and ports and folders for them;
//! - [`agent`]: `wirespan run` with both backends at once over the same traffic;
//! - [`servers`], [`postgres`]: nginx, Redis, Python servers; PostgreSQL;
//! - [`databases`]: what the tests of both databases ask of spans;
//! - [`parts`]: what is installed.

pub mod agent;
pub mod databases;
pub mod parts;
pub mod postgres;
pub mod process;
pub mod servers;

pub use agent::{Agent, trace};
pub use parts::{python, skipped, workload};
pub use process::{Folder, run};
