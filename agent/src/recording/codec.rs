//! One event as bytes. Numbers are LEB128, strings and payloads are length-prefixed; each event stands alone.

use std::net::{IpAddr, SocketAddr};

use wirespan_protocols::stream::Actor;

use crate::event::{Change, Data, Endpoint, Event, Flow, Open, Process, ProcessChange, Role, State, Vantage};

/// Longest string of an event: a path, a command name.
const MAX_STRING: usize = 4096;
/// Longest captured head, and tail, of one call.
const MAX_PAYLOAD: usize = 512 << 10;

mod tag {
    pub(super) const OPEN: u8 = 1;
    pub(super) const DATA: u8 = 2;
    pub(super) const STATE: u8 = 3;
    pub(super) const PROCESS: u8 = 4;
    pub(super) const LISTEN: u8 = 5;
    pub(super) const CLOCK: u8 = 6;
    pub(super) const TICK: u8 = 7;
}

/// Appends `event` to `out`. A string or payload beyond its limit is cut.
pub fn encode(event: &Event<'_>, out: &mut Vec<u8>) {
    match event {
        Event::Open(open) => encode_open(open, out),
        Event::Data(data) => encode_data(data, out),
        Event::State(state) => {
            out.push(tag::STATE);
            number(state.connection, out);
            out.push(match state.change {
                Change::SentFin => 0,
                Change::ReceivedFin => 1,
                Change::Closed => 2,
                Change::Reset => 3,
            });
            number(state.at_ns, out);
        }
        Event::Process(process) => encode_process(process, out),
        Event::Listen { pid, port } => {
            out.push(tag::LISTEN);
            number(u64::from(*pid), out);
            number(u64::from(*port), out);
        }
        Event::Clock { offset_ns } => {
            out.push(tag::CLOCK);
            signed(*offset_ns, out);
        }
        Event::Tick { at_ns } => {
            out.push(tag::TICK);
            number(*at_ns, out);
        }
    }
}

fn encode_open(open: &Open, out: &mut Vec<u8>) {
    out.push(tag::OPEN);
    let role = match open.role {
        None => 0,
        Some(Role::Client) => 1,
        Some(Role::Server) => 2,
    };
    out.push(role | u8::from(open.vantage == Vantage::Wire) << 2 | u8::from(open.from_start) << 3);
    let pid = u64::from(open.pid);
    let namespace = u64::from(open.network_namespace);
    for field in [open.connection, open.sock, pid, open.at_ns, open.first_sent, open.first_received, namespace] {
        number(field, out);
    }
    endpoint(&open.local, out);
    endpoint(&open.remote, out);
}

fn encode_data(data: &Data<'_>, out: &mut Vec<u8>) {
    out.push(tag::DATA);
    out.push(u8::from(data.flow == Flow::Received));
    for field in [data.connection, data.position, u64::from(data.len), data.first_ns] {
        number(field, out);
    }
    signed(data.last_ns.wrapping_sub(data.first_ns).cast_signed(), out);
    for field in [u64::from(data.actor.pid), u64::from(data.actor.tid), data.actor.context] {
        number(field, out);
    }
    bytes(data.head, MAX_PAYLOAD, out);
    bytes(data.tail, MAX_PAYLOAD, out);
}

fn encode_process(process: &Process, out: &mut Vec<u8>) {
    out.push(tag::PROCESS);
    number(u64::from(process.pid), out);
    match &process.change {
        ProcessChange::Fork { parent } => {
            out.push(0);
            number(u64::from(*parent), out);
        }
        ProcessChange::Exec { file } => {
            out.push(1);
            string(file, out);
        }
        ProcessChange::Exit => out.push(2),
    }
    string(&process.comm, out);
    number(u64::from(process.user), out);
    number(process.at_ns, out);
}

fn endpoint(endpoint: &Endpoint, out: &mut Vec<u8>) {
    match endpoint {
        Endpoint::Inet(address) => {
            match address.ip() {
                IpAddr::V4(ip) => {
                    out.push(4);
                    out.extend(ip.octets());
                }
                IpAddr::V6(ip) => {
                    out.push(6);
                    out.extend(ip.octets());
                }
            }
            number(u64::from(address.port()), out);
        }
        Endpoint::Unix(path) => {
            out.push(1);
            string(path, out);
        }
    }
}

fn number(mut value: u64, out: &mut Vec<u8>) {
    while value > 0x7f {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn signed(value: i64, out: &mut Vec<u8>) {
    number(((value << 1) ^ (value >> 63)).cast_unsigned(), out);
}

fn bytes(value: &[u8], limit: usize, out: &mut Vec<u8>) {
    let kept = value.get(..limit).unwrap_or(value);
    number(kept.len() as u64, out);
    out.extend_from_slice(kept);
}

fn string(value: &str, out: &mut Vec<u8>) {
    let mut end = value.len().min(MAX_STRING);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    bytes(&value.as_bytes()[..end], MAX_STRING, out);
}

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
                3 => Change::Reset,
                _ => return None,
            },
            at_ns: cursor.number()?,
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
            connection: self.number()?,
            sock: self.number()?,
            pid: self.small()?,
            at_ns: self.number()?,
            first_sent: self.number()?,
            first_received: self.number()?,
            network_namespace: self.small()?,
            local: self.endpoint()?,
            remote: self.endpoint()?,
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
        let actor = Actor { pid: self.small()?, tid: self.small()?, context: self.number()? };
        let (head, tail) = (self.bytes(MAX_PAYLOAD)?, self.bytes(MAX_PAYLOAD)?);
        let sound = head.len() as u64 + tail.len() as u64 <= u64::from(len);
        sound.then_some(Data { connection, flow, position, len, head, tail, first_ns, last_ns, actor })
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

#[cfg(test)]
mod tests;
