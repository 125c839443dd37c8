//! From records (`wirespan_common::record`) to events. A record that does not have the size of its kind is an error
//! of ours, counted, never a panic.

use crate::event::{Change, Data, Endpoint, Event, Flow, Open, Process, ProcessChange, Role, State, Vantage};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use wirespan_common::record::{self, FAMILY_INET, FAMILY_UNIX};
use wirespan_protocols::stream::Actor;
use zerocopy::FromBytes;

/// Kernel time by which records are ordered: the first byte of data, the moment of everything else.
#[must_use]
pub fn order(bytes: &[u8]) -> Option<u64> {
    match *bytes.first()? {
        record::KIND_DATA => Some(record::Data::read_from_prefix(bytes).ok()?.0.first_ns),
        record::KIND_OPEN => Some(record::Open::read_from_prefix(bytes).ok()?.0.started_ns),
        record::KIND_STATE => Some(record::State::read_from_prefix(bytes).ok()?.0.at_ns),
        record::KIND_PROCESS => Some(record::Process::read_from_prefix(bytes).ok()?.0.at_ns),
        _ => None,
    }
}

/// Decodes one record.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Event<'_>> {
    match *bytes.first()? {
        record::KIND_DATA => {
            let (data, payload) = record::Data::read_from_prefix(bytes).ok()?;
            data_event(&data, payload)
        }
        record::KIND_OPEN => Some(Event::Open(open_event(&record::Open::read_from_prefix(bytes).ok()?.0))),
        record::KIND_STATE => state_event(&record::State::read_from_prefix(bytes).ok()?.0),
        record::KIND_PROCESS => process_event(&record::Process::read_from_prefix(bytes).ok()?.0).map(Event::Process),
        _ => None,
    }
}

fn data_event<'a>(data: &record::Data, payload: &'a [u8]) -> Option<Event<'a>> {
    let (head, rest) = payload.split_at_checked(data.head_len as usize)?;
    Some(Event::Data(Data {
        connection: data.connection,
        flow: if data.direction == record::SEND { Flow::Sent } else { Flow::Received },
        position: data.position,
        len: data.len,
        head,
        tail: rest.get(..data.tail_len as usize)?,
        first_ns: data.first_ns,
        last_ns: data.last_ns.max(data.first_ns),
        actor: Actor { pid: data.pid, tid: data.tid, context: data.context },
    }))
}

fn open_event(open: &record::Open) -> Open {
    let (local, remote) = if open.family == FAMILY_UNIX {
        let path = unix_path(open);
        if open.role == record::ROLE_CLIENT {
            (Endpoint::Unix("".into()), Endpoint::Unix(path))
        } else {
            (Endpoint::Unix(path), Endpoint::Unix("".into()))
        }
    } else {
        (
            Endpoint::Inet(address(open.family, &open.local_address, open.local_port)),
            Endpoint::Inet(address(open.family, &open.remote_address, open.remote_port)),
        )
    };
    Open {
        connection: open.connection,
        sock: open.sock,
        pid: open.pid,
        role: match open.role {
            record::ROLE_CLIENT => Some(Role::Client),
            record::ROLE_SERVER => Some(Role::Server),
            _ => None,
        },
        vantage: Vantage::Socket,
        from_start: open.midway == 0,
        at_ns: open.started_ns,
        first_sent: open.first_sent,
        first_received: open.first_received,
        local,
        remote,
        network_namespace: open.network_namespace,
    }
}

fn address(family: u8, bytes: &[u8; 16], port: u16) -> SocketAddr {
    let ip = if family == FAMILY_INET {
        IpAddr::V4(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]))
    } else {
        // A dual-stack socket shows an IPv4 peer as `::ffff:a.b.c.d`.
        IpAddr::V6(Ipv6Addr::from(*bytes)).to_canonical()
    };
    SocketAddr::new(ip, port)
}

fn unix_path(open: &record::Open) -> std::sync::Arc<str> {
    let bytes = open.path.get(..open.path_len as usize).unwrap_or_default();
    if let [0, name @ ..] = bytes {
        return format!("@{}", String::from_utf8_lossy(name).trim_end_matches('\0')).into();
    }
    text(bytes).into()
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn state_event(state: &record::State) -> Option<Event<'static>> {
    let change = match state.what {
        record::STATE_SENT_FIN => Change::SentFin,
        record::STATE_RECEIVED_FIN => Change::ReceivedFin,
        record::STATE_CLOSED => Change::Closed,
        record::STATE_RESET_BY_PEER | record::STATE_RESET_BY_SELF | record::STATE_FAILED => Change::Reset,
        record::STATE_LISTEN => return Some(Event::Listen { pid: state.pid, port: state.port }),
        _ => return None,
    };
    Some(Event::State(State { connection: state.connection, change, at_ns: state.at_ns }))
}

fn process_event(process: &record::Process) -> Option<Process> {
    let change = match process.what {
        record::PROCESS_FORK => ProcessChange::Fork { parent: process.parent },
        record::PROCESS_EXEC => ProcessChange::Exec { file: text(&process.file).into() },
        record::PROCESS_EXIT => ProcessChange::Exit,
        _ => return None,
    };
    Some(Process {
        pid: process.pid,
        change,
        comm: text(&process.comm).into(),
        user: process.user,
        at_ns: process.at_ns,
    })
}
