//! What setting a connection up costs, and how it fails.

mod churn;
mod clients;
mod dns;
mod failures;
mod link;
mod pools;
mod queue;
mod tls;
mod transports;
