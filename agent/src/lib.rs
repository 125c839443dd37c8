//! wirespan: watches a host from the kernel and turns the traffic of unmodified programs into OpenTelemetry spans.
//!
//! Floors, imports only downward: `wirespan-common`, `wirespan-protocols`, [`shown`], [`lockdown`] → [`threads`] → [`event`], [`recording`], [`capture`], [`process`], [`conn`] → [`trace`] →
//! [`enrich`], [`export`] → [`serve`], [`telemetry`] → [`pipeline`] → `main`. `ARCHITECTURE.md` has the map.

pub mod advise;
pub mod capture;
pub mod cli;
pub mod config;
pub mod conn;
pub mod enrich;
pub mod event;
pub mod export;
pub mod files;
pub mod lockdown;
pub mod mcp;
pub mod metrics;
mod object;
pub mod pipeline;
pub mod process;
pub mod recording;
pub mod report;
pub mod resolve;
pub mod runtime;
pub mod serve;
pub mod shown;
pub mod telemetry;
pub mod terminal;
pub mod threads;
pub mod top;
pub mod trace;
pub mod view;
