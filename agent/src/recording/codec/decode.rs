//! Bytes to events. They may come from anyone.

use std::net::{IpAddr, SocketAddr};

use wirespan_protocols::stream::Actor;

use super::{MAX_PAYLOAD, MAX_STRING, tag};
use crate::event::{
    Asks, Change, Data, Endpoint, Event, Flow, Listener, Open, Process, ProcessChange, Role, Shed, Spoken, State,
    Stats, Transport, Vantage,
};

/// The event that `bytes` hold, all of them; `None` when they hold none.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Event<'_>> {
    let mut cursor = Cursor(bytes);
    let event = match cursor.byte()? {
        tag::OPEN => Event::Open(cursor.open()?),
        tag::DATA => Event::Data(cursor.data()?),
        tag::STATE => Event::State(State {
            connection: cursor.number()?,
            change: match cursor.byte()? {
                0 => Change::SentFin,
                1 => Change::ReceivedFin,
                2 => Change::Closed,
                3 => Change::ResetByPeer,
                4 => Change::ResetBySelf,
                5 => Change::Failed,
                6 => Change::Unseen,
                _ => return None,
            },
            error: cursor.small()?,
            at_ns: cursor.number()?,
        }),
        tag::STATS => Event::Stats(cursor.stats()?),
        tag::SPOKEN => Event::Spoken(Spoken {
            connection: cursor.number()?,
            position: cursor.number()?,
            at_ns: cursor.number()?,
            pid: cursor.small()?,
            trace_id: cursor.octets()?,
            span_id: cursor.octets()?,
            flags: cursor.byte()?,
        }),
        tag::ASKS => Event::Asks(Asks {
            connection: cursor.number()?,
            stream: cursor.number()?,
            at_ns: cursor.number()?,
            actor: Actor { pid: cursor.small()?, tid: cursor.small()?, context: cursor.number()? },
        }),
        tag::LISTENER => Event::Listener(Listener {
            port: cursor.small()?,
            network_namespace: cursor.small()?,
            at_ns: cursor.number()?,
            queued: cursor.small()?,
            limit: cursor.small()?,
            drops: cursor.number()?,
        }),
        tag::PROCESS => Event::Process(cursor.process()?),
        tag::LISTEN => Event::Listen { pid: cursor.small()?, port: cursor.small()? },
        tag::CLOCK => Event::Clock { offset_ns: cursor.signed()? },
        tag::TICK => Event::Tick { at_ns: cursor.number()? },
        _ => return None,
    };
    cursor.0.is_empty().then_some(event)
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn optional(&mut self) -> Option<Option<u64>> {
        Some(self.number()?.checked_sub(1))
    }

    /// A number that may be missing and has to fit its field.
    fn optional_small(&mut self) -> Option<Option<u32>> {
        match self.optional()? {
            None => Some(None),
            Some(value) => u32::try_from(value).ok().map(Some),
        }
    }

    fn signed(&mut self) -> Option<i64> {
        let value = self.number()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// A number that has to fit its field.
    fn small<T: TryFrom<u64>>(&mut self) -> Option<T> {
        T::try_from(self.number()?).ok()
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn bytes(&mut self, limit: usize) -> Option<&'a [u8]> {
        let len: usize = self.small()?;
        if len > limit { None } else { self.take(len) }
    }

    fn string(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes(MAX_STRING)?).ok()
    }

    fn octets<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.first_chunk().copied()
    }

    fn open(&mut self) -> Option<Open> {
        let flags = self.byte()?;
        Some(Open {
            role: match flags & 3 {
                0 => None,
                1 => Some(Role::Client),
                2 => Some(Role::Server),
                _ => return None,
            },
            vantage: if flags & 4 == 0 { Vantage::Socket } else { Vantage::Wire },
            from_start: flags & 8 != 0,
            transport: match self.byte()? {
                0 => Transport::Tcp,
                1 => Transport::Udp,
                2 => Transport::Unix,
                _ => return None,
            },
            connection: self.number()?,
            sock: self.number()?,
            pid: self.small()?,
            tid: self.small()?,
            at_ns: self.number()?,
            established_ns: self.optional()?,
            accepted_ns: self.optional()?,
            syn_retransmits: self.small()?,
            first_sent: self.number()?,
            first_received: self.number()?,
            network_namespace: self.small()?,
            local: self.endpoint()?,
            remote: self.endpoint()?,
            // Older recordings have none of these.
            peer_sock: if flags & 16 == 0 { 0 } else { self.number()? },
            context: if flags & 32 == 0 { 0 } else { self.number()? },
        })
    }

    fn data(&mut self) -> Option<Data<'a>> {
        let flow = match self.byte()? {
            0 => Flow::Sent,
            1 => Flow::Received,
            _ => return None,
        };
        let (connection, position, len, first_ns) = (self.number()?, self.number()?, self.small()?, self.number()?);
        let last_ns = first_ns.wrapping_add_signed(self.signed()?);
        let arrived_ns = self.optional()?;
        let actor = Actor { pid: self.small()?, tid: self.small()?, context: self.number()? };
        let (head, tail) = (self.bytes(MAX_PAYLOAD)?, self.bytes(MAX_PAYLOAD)?);
        let sound = head.len() as u64 + tail.len() as u64 <= u64::from(len);
        sound.then_some(Data {
            connection,
            flow,
            position,
            len,
            head,
            tail,
            first_ns,
            last_ns,
            arrived_ns,
            shed: Shed::default(),
            actor,
        })
    }

    fn stats(&mut self) -> Option<Stats> {
        let flags = self.byte()?;
        Some(Stats {
            last: flags & 1 != 0,
            zero_window: flags & 2 != 0,
            connection: self.number()?,
            at_ns: self.number()?,
            turns: self.small()?,
            bytes_sent: self.optional()?,
            bytes_received: self.optional()?,
            rtt_us: self.optional_small()?,
            rtt_deviation_us: self.optional_small()?,
            segments_sent: self.optional_small()?,
            segments_received: self.optional_small()?,
            retransmits: self.optional_small()?,
        })
    }

    fn process(&mut self) -> Option<Process> {
        Some(Process {
            pid: self.small()?,
            change: match self.byte()? {
                0 => ProcessChange::Fork { parent: self.small()? },
                1 => ProcessChange::Exec { file: self.string()?.into() },
                2 => ProcessChange::Exit,
                _ => return None,
            },
            comm: self.string()?.into(),
            user: self.small()?,
            at_ns: self.number()?,
        })
    }

    fn endpoint(&mut self) -> Option<Endpoint> {
        let ip = match self.byte()? {
            1 => return Some(Endpoint::Unix(self.string()?.into())),
            4 => IpAddr::from(self.octets::<4>()?),
            6 => IpAddr::from(self.octets::<16>()?),
            _ => return None,
        };
        Some(Endpoint::Inet(SocketAddr::new(ip, self.small()?)))
    }
}
