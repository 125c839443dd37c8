//! What the agent serves over HTTP, on a thread of its own: `/metrics` for Prometheus, `/livez` and `/readyz` for whoever
//! restarts programs or sends them work, `/debug/targets` for whoever looks for a process; and the page for whoever looks.
//!
//! Layout: [`server`]: connections and their limits; [`routes`]: what is answered; [`health`]: what the main loop tells; [`notify`]: what
//! systemd is told of it. Of the page: [`page`]: its files; [`guard`]: who may read it; [`api`]: what it asks; [`events`]: what it hears of.
//!
//! Nothing here waits for the main loop but a scrape, a question for processes and what the page asks, and the main loop waits for nothing here.

mod api;
mod events;
mod guard;
pub mod health;
pub mod notify;
mod page;
mod routes;
mod server;

pub use health::Health;
pub use routes::{Page, Served};
pub use server::Server;

#[cfg(test)]
mod looked_tests;
#[cfg(test)]
mod tests;
