//! What the agent serves over HTTP, on a thread of its own: `/metrics` for Prometheus, `/livez` and `/readyz` for whoever
//! restarts programs or sends them work.
//!
//! Layout: [`server`]: connections and their limits; [`routes`]: what is answered; [`health`]: what the main loop tells; [`notify`]: what
//! systemd is told of it.
//!
//! Nothing here waits for the main loop but a scrape, and the main loop waits for nothing here.

pub mod health;
pub mod notify;
mod routes;
mod server;

pub use health::Health;
pub use routes::Served;
pub use server::Server;

#[cfg(test)]
mod tests;
