//! What setting a connection up costs, and how it fails.

mod churn;
pub mod clients;
pub(crate) mod dns;
mod failures;
mod link;
mod pools;
mod queue;
mod tls;
mod transports;
