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
mod docker;
mod export;
mod governor;
mod handed_over;
mod hosts;
mod http;
mod identity;
mod kernel;
mod kubernetes;
mod kubernetes_churn;
mod metrics;
mod own;
mod parents;
mod parents_go;
mod parents_java;
mod parents_node;
mod parents_python;
mod postgres;
mod profiles;
mod program;
mod propagate;
mod published;
mod redis;
mod sdk;
mod strangers;
mod targets;
mod undecided;
mod vectors;
