//! Real servers and real clients, traced by the real binary. `cargo xtask test --only e2e` runs them, as root.
//!
//! Nearly every test runs its traffic under one agent of each backend at the same time, requires that both tell the same,
//! and then looks at what they tell ([`harness::trace`]).

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests, outside of test functions"
)]

mod harness;

mod accounts;
mod agent;
mod capabilities;
mod connections;
mod containers;
mod counts;
mod dashboards;
mod docker;
mod doctor;
mod export;
mod gateways;
mod governor;
mod handed_over;
mod hosts;
mod http;
mod http2;
mod identity;
mod kernel;
mod kubernetes;
mod kubernetes_churn;
mod lockdown;
mod look;
mod metrics;
mod own;
mod page;
mod parents;
mod parents_go;
mod parents_java;
mod parents_node;
mod parents_python;
mod parents_tokio;
mod pod;
mod postgres;
mod profiles;
mod program;
mod propagate;
mod published;
mod redis;
mod rules;
mod sdk;
mod service;
mod strangers;
mod targets;
mod tls;
mod undecided;
mod untouched;
mod vectors;
