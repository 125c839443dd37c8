//! Networks of a test: two namespaces and a link between them that delays what passes, or loses it.
//!
//! Where the kernel has `tc netem`, [`Network::new`] uses it over a veth pair. Elsewhere, and where a test decides which
//! packets are lost ([`Network::controlled`]), the link is a [`line`] of our own between two TUN devices. Everything goes
//! with the value that stands for it; names carry the id of the test's process.

mod line;
mod namespace;
mod tun;

use std::process::{Command, Stdio};
use std::time::Duration;

pub use line::Rules;
pub use namespace::Namespace;

use line::Line;

/// The client's address.
pub const CLIENT: &str = "10.77.0.1";
/// The server's address.
pub const SERVER: &str = "10.77.0.2";
/// The interface's name on both sides.
pub const INTERFACE: &str = "wire";

/// A client's and a server's namespace with a link between them.
pub struct Network {
    /// Where clients run, as [`CLIENT`].
    pub client: Namespace,
    /// Where servers run, as [`SERVER`].
    pub server: Namespace,
    line: Option<Line>,
}

impl Network {
    /// A link that delays each packet, each way, by so much.
    ///
    /// # Errors
    /// What this machine refuses.
    pub fn new(delay: Duration) -> Result<Self, String> {
        let (client, server) = (Namespace::new()?, Namespace::new()?);
        let network = Self { client, server, line: None };
        if network.netem(delay).is_ok() {
            return Ok(network);
        }
        drop(network);
        Self::controlled(delay)
    }

    /// [`Network::new`] with a line whose [`Rules`] a test can change.
    ///
    /// # Errors
    /// What this machine refuses.
    pub fn controlled(delay: Duration) -> Result<Self, String> {
        let (client, server) = (Namespace::new()?, Namespace::new()?);
        let ends = (tun::open(&client, CLIENT, SERVER)?, tun::open(&server, SERVER, CLIENT)?);
        let line = Line::new(ends, delay);
        Ok(Self { client, server, line: Some(line) })
    }

    /// What a controlled line does to packets.
    ///
    /// # Panics
    /// When the network was not made by [`Network::controlled`].
    #[must_use]
    pub fn rules(&self) -> &Rules {
        let Some(line) = &self.line else { panic!("the link is the kernel's") };
        line.rules()
    }

    fn netem(&self, delay: Duration) -> Result<(), String> {
        let (here, there) = (self.client.name(), self.server.name());
        let pair = ["type", "veth", "peer", "name", INTERFACE, "netns", there];
        ip(&[&["-n", here, "link", "add", INTERFACE][..], &pair].concat())?;
        for (namespace, address) in [(here, CLIENT), (there, SERVER)] {
            ip(&["-n", namespace, "addr", "add", &format!("{address}/30"), "dev", INTERFACE])?;
            ip(&["-n", namespace, "link", "set", INTERFACE, "up"])?;
            let delay = format!("{}us", delay.as_micros());
            let netem = ["qdisc", "add", "dev", INTERFACE, "root", "netem", "delay", &delay, "limit", "100000"];
            call("tc", &[&["-n", namespace][..], &netem].concat())?;
        }
        Ok(())
    }
}

/// Runs `ip`.
fn ip(arguments: &[&str]) -> Result<(), String> {
    call("ip", arguments)
}

fn call(program: &str, arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new(program);
    let output =
        command.args(arguments).stdin(Stdio::null()).output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{program} {}`: {}", arguments.join(" "), said.trim()))
}
