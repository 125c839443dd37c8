//! What the kernel told, before anything is made of it: the events of `wirespan record`.

use std::path::Path;

use wirespan::event::{Change, Data, Endpoint, Event, Flow, Listener, Open, Stats};

/// A call that moved data.
pub struct Moved {
    pub connection: u64,
    pub flow: Flow,
    /// Bytes that the call moved.
    pub len: usize,
    /// What was copied of its beginning, and of its end.
    pub bytes: Vec<u8>,
    pub tail: Vec<u8>,
    /// Time between arrival and read, ns.
    pub waited: Option<u64>,
    pub tid: u32,
}

/// Events of a recording, by kind.
#[derive(Default)]
pub struct Recorded {
    pub opens: Vec<Open>,
    pub data: Vec<Moved>,
    /// Connection, change and errno.
    pub changes: Vec<(u64, Change, u32)>,
    pub stats: Vec<Stats>,
    pub listeners: Vec<Listener>,
}

impl Recorded {
    pub fn read(path: &Path) -> Self {
        let mut source = wirespan::recording::open(path).unwrap();
        let mut recorded = Self::default();
        while let Some(event) = source.next().unwrap() {
            match event {
                Event::Open(open) => recorded.opens.push(open),
                Event::Data(data) => recorded.data.push(moved(&data)),
                Event::State(state) => recorded.changes.push((state.connection, state.change, state.error)),
                Event::Stats(stats) => recorded.stats.push(stats),
                Event::Listener(listener) => recorded.listeners.push(listener),
                _ => {}
            }
        }
        recorded
    }

    /// The one connection to (or accepted on) a port.
    #[track_caller]
    pub fn only(&self, role: wirespan::event::Role, port: u16) -> &Open {
        let of = |end: &Endpoint| matches!(end, Endpoint::Inet(address) if address.port() == port);
        let mut found = self.opens.iter().filter(|open| {
            open.role == Some(role)
                && if role == wirespan::event::Role::Client { of(&open.remote) } else { of(&open.local) }
        });
        let first = found.next().unwrap_or_else(|| panic!("no {role:?} of port {port}"));
        assert!(found.next().is_none(), "more than one {role:?} of port {port}");
        first
    }

    /// What became of a connection.
    pub fn changes(&self, open: &Open) -> Vec<(Change, u32)> {
        let of = self.changes.iter().filter(|(connection, ..)| *connection == open.connection);
        of.map(|(_, change, error)| (*change, *error)).collect()
    }

    /// What was moved over a connection.
    pub fn data(&self, open: &Open) -> Vec<&Moved> {
        self.data.iter().filter(|moved| moved.connection == open.connection).collect()
    }
}

fn moved(data: &Data<'_>) -> Moved {
    Moved {
        connection: data.connection,
        flow: data.flow,
        len: data.len as usize,
        bytes: data.head.to_vec(),
        tail: data.tail.to_vec(),
        waited: data.arrived_ns.map(|arrived| data.first_ns - arrived),
        tid: data.actor.tid,
    }
}
