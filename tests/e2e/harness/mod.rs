//! Servers, clients and agents of a test; each ends with the value that stands for it, also when a test fails.
//!
//! - [`process`]: child processes, and ports and folders for them;
//! - [`agent`]: `wirespan run` with both backends at once over the same traffic;
//! - [`recorded`]: what the kernel told, of `wirespan record`;
//! - [`servers`], [`postgres`]: nginx, Redis, Python servers; PostgreSQL;
//! - [`certificates`], [`capture`]: an authority; what the packets show;
//! - [`kubernetes`]: an API server over etcd;
//! - [`prometheus`], [`promql`]: what the agent's own end point tells; a Prometheus that scrapes it;
//! - [`setups`]: traces of connections that were set up;
//! - [`databases`]: what the tests of both databases ask of spans;
//! - [`receiver`]: what exports weigh;
//! - [`parts`]: what is installed.

pub mod agent;
pub mod capture;
pub mod certificates;
pub mod databases;
pub mod kubernetes;
pub mod parts;
pub mod postgres;
pub mod process;
pub mod prometheus;
pub mod promql;
pub mod receiver;
pub mod recorded;
pub mod servers;
pub mod setups;

pub use agent::{Agent, trace};
pub use parts::{skipped, workload, workload_path};
pub use process::{Folder, run};
