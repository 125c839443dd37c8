//! Events out of packets, which own their bytes.

use wirespan_protocols::stream::Actor;

use super::assembly::Piece;
use crate::event::{Data, Event, Flow, Open, Shed, State};

/// An event that owns its bytes.
#[derive(Clone, Debug)]
pub enum Owned {
    /// Times are Unix times.
    Clock,
    /// Time passed.
    Tick(u64),
    /// A connection.
    Open(Box<Open>),
    /// Its bytes.
    Data(u64, Flow, Piece),
    /// Its end.
    State(State),
}

impl Owned {
    /// As everyone else sees it.
    #[must_use]
    pub fn event(&self) -> Event<'_> {
        match self {
            Self::Clock => Event::Clock { offset_ns: 0 },
            Self::Tick(at_ns) => Event::Tick { at_ns: *at_ns },
            Self::Open(open) => Event::Open(Open::clone(open)),
            Self::State(state) => Event::State(*state),
            Self::Data(connection, flow, piece) => Event::Data(Data {
                shed: Shed::default(),
                connection: *connection,
                flow: *flow,
                position: piece.position,
                len: piece.len,
                head: &piece.bytes,
                tail: &[],
                first_ns: piece.at_ns,
                last_ns: piece.at_ns,
                arrived_ns: None,
                actor: Actor::default(),
            }),
        }
    }
}
