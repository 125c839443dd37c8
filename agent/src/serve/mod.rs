//! What the agent serves over HTTP, on a thread of its own: `/metrics` for Prometheus, `/livez` and `/readyz` for whoever
//! restarts programs or sends them work, `/debug/targets` for whoever looks for a process.
//!
//! Layout: [`server`]: connections and their limits; [`routes`]: what is answered; [`health`]: what the main loop tells; [`notify`]: what
//! systemd is told of it.
//!
//! Nothing here waits for the main loop but a scrape and a question for processes, and the main loop waits for nothing here.

pub mod health;
pub mod notify;
mod routes;
mod server;

pub use health::Health;
pub use routes::Served;
pub use server::Server;

#[cfg(test)]
mod tests;
