//! Connections as they stand, and the ports that they use.

use super::{Connection, Followed, Stages};
use crate::event::{Endpoint, Flow, Open, Role};
use crate::metrics::record::Standing;

impl Stages {
    /// An open connection of a selected process whose role is known.
    pub(in crate::pipeline) fn standing(&mut self, connection: &mut Connection<Followed>) -> Option<Standing> {
        let (role, protocol) = (connection.role?, connection.life.protocol());
        let (transport, last_flow) = (connection.open.transport, connection.last_flow);
        let resource = self.resource(connection.pid)?;
        let facts = &Followed::of(connection).facts;
        let towards_server = if role == Role::Client { Flow::Sent } else { Flow::Received };
        Some(Standing {
            resource,
            role,
            local: facts.local.clone(),
            remote: facts.remote.clone(),
            protocol,
            transport,
            is_used: (!connection.is_dark()).then_some(last_flow == Some(towards_server)),
        })
    }

    /// The port of a connection, at both ends that of the server. Where it is not known which end that is, one that selectors
    /// name.
    pub(in crate::pipeline) fn port(&self, open: &Open) -> Option<u16> {
        let (Endpoint::Inet(local), Endpoint::Inet(remote)) = (&open.local, &open.remote) else { return None };
        let is_server = match open.role {
            Some(role) => role == Role::Server,
            None => self.processes.names_port(local.port()),
        };
        Some(if is_server { local.port() } else { remote.port() })
    }

    /// A process may serve a connection that another one has accepted: it uses its port, too.
    pub(super) fn served(&mut self, connection: &Connection<Followed>, pid: u32) {
        if pid != 0
            && pid != connection.open.pid
            && self.processes.uses_ports()
            && let Some(port) = self.port(&connection.open)
        {
            self.recent = None;
            self.processes.connected(pid, port);
        }
    }
}
