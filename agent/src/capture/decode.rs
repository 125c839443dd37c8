//! From records (`wirespan_common::record`) to events. A record that does not have the size of its kind is an error
//! of ours, counted, never a panic.

use crate::event::{
    Asks, Change, Data, Endpoint, Event, Flow, Open, Process, ProcessChange, Role, Shed, Spoken, State, Stats, Told,
    Transport, Vantage,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use wirespan_common::record::{self, FAMILY_INET, FAMILY_UNIX};
use wirespan_protocols::plain::{Secret, SecretKind};
use wirespan_protocols::stream::Actor;
use zerocopy::FromBytes;

/// Kernel time by which records are ordered: the first byte of data, the moment of everything else.
#[must_use]
pub fn order(bytes: &[u8]) -> Option<u64> {
    match *bytes.first()? {
        record::KIND_DATA => Some(record::Data::read_from_prefix(bytes).ok()?.0.first_ns),
        record::KIND_OPEN => Some(record::Open::read_from_prefix(bytes).ok()?.0.started_ns),
        record::KIND_STATE => Some(record::State::read_from_prefix(bytes).ok()?.0.at_ns),
        record::KIND_STATS => Some(record::Stats::read_from_prefix(bytes).ok()?.0.at_ns),
        record::KIND_SECRET => Some(record::Secret::read_from_prefix(bytes).ok()?.0.at_ns),
        record::KIND_SPAN => Some(record::Span::read_from_prefix(bytes).ok()?.0.at_ns),
        record::KIND_ASKS => Some(record::Asks::read_from_prefix(bytes).ok()?.0.at_ns),
        record::KIND_PROCESS => Some(record::Process::read_from_prefix(bytes).ok()?.0.at_ns),
        _ => None,
    }
}

/// Decodes a record of a process; `None` for every other one.
#[must_use]
pub fn process(bytes: &[u8]) -> Option<Process> {
    if *bytes.first()? != record::KIND_PROCESS {
        return None;
    }
    process_event(&record::Process::read_from_prefix(bytes).ok()?.0)
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
        record::KIND_STATS => Some(stats_event(&record::Stats::read_from_prefix(bytes).ok()?.0)),
        record::KIND_SPAN => Some(span_event(&record::Span::read_from_prefix(bytes).ok()?.0)),
        record::KIND_ASKS => Some(asks_event(&record::Asks::read_from_prefix(bytes).ok()?.0)),
        record::KIND_SECRET => secret_event(&record::Secret::read_from_prefix(bytes).ok()?.0),
        record::KIND_PROCESS => process(bytes).map(Event::Process),
        _ => None,
    }
}

fn data_event<'a>(data: &record::Data, payload: &'a [u8]) -> Option<Event<'a>> {
    let (head, rest) = payload.split_at_checked(data.head_len as usize)?;
    Some(Event::Data(Data {
        shed: Shed { rejected: data.rejected, skipped: data.direction & record::AFTER_SHED != 0 },
        connection: data.connection,
        flow: if data.direction & !record::AFTER_SHED == record::SEND { Flow::Sent } else { Flow::Received },
        position: data.position,
        len: data.len,
        head,
        tail: rest.get(..data.tail_len as usize)?,
        first_ns: data.first_ns,
        last_ns: data.last_ns.max(data.first_ns),
        arrived_ns: seen(data.arrived_ns),
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
        peer_sock: open.peer_sock,
        vantage: Vantage::Socket,
        from_start: open.midway == 0,
        at_ns: open.started_ns,
        established_ns: seen(open.established_ns),
        accepted_ns: seen(open.accepted_ns),
        syn_retransmits: open.syn_retransmits,
        tid: open.tid,
        context: open.context,
        transport: match (open.family, open.transport) {
            (FAMILY_UNIX, _) => Transport::Unix,
            (_, record::TRANSPORT_UDP) => Transport::Udp,
            _ => Transport::Tcp,
        },
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
        record::STATE_RESET_BY_PEER => Change::ResetByPeer,
        record::STATE_RESET_BY_SELF => Change::ResetBySelf,
        record::STATE_FAILED => Change::Failed,
        record::STATE_LISTEN => return Some(Event::Listen { pid: state.pid, port: state.port }),
        _ => return None,
    };
    Some(Event::State(State { connection: state.connection, change, error: state.error, at_ns: state.at_ns }))
}

fn stats_event(stats: &record::Stats) -> Event<'static> {
    let small = |value: u32| (value != u32::MAX).then_some(value);
    let large = |value: u64| (value != u64::MAX).then_some(value);
    Event::Stats(Stats {
        connection: stats.connection,
        at_ns: stats.at_ns,
        last: stats.last != 0,
        rtt_us: small(stats.rtt_us),
        rtt_deviation_us: small(stats.rtt_deviation_us),
        bytes_sent: large(stats.bytes_sent),
        bytes_received: large(stats.bytes_received),
        segments_sent: small(stats.segments_sent),
        segments_received: small(stats.segments_received),
        retransmits: small(stats.retransmits),
        zero_window: stats.zero_window != 0,
        turns: stats.turns,
    })
}

fn span_event(span: &record::Span) -> Event<'static> {
    let &record::Span { connection, position, at_ns, pid, trace_id, span_id, flags, .. } = span;
    Event::Spoken(Spoken { connection, position, at_ns, pid, trace_id, span_id, flags })
}

fn asks_event(asks: &record::Asks) -> Event<'static> {
    let &record::Asks { connection, at_ns, pid, tid, context, stream, .. } = asks;
    Event::Asks(Asks { connection, stream: u64::from(stream), at_ns, actor: Actor { pid, tid, context } })
}

fn secret_event(told: &record::Secret) -> Option<Event<'static>> {
    let label = told.label.split(|byte| *byte == 0).next().unwrap_or_default();
    let bytes = told.secret.get(..usize::from(told.len))?;
    let secret = SecretKind::labelled(label).and_then(|kind| Secret::new(kind, bytes));
    let &record::Secret { pid, at_ns, random, is_live, .. } = told;
    Some(Event::Secret(Told { pid, at_ns, random, is_live: is_live != 0, secret }))
}

/// A time that is zero was not seen.
fn seen(at_ns: u64) -> Option<u64> {
    (at_ns != 0).then_some(at_ns)
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

#[cfg(test)]
mod tests {
    use super::*;
    use wirespan_common::limits::MAX_UNIX_PATH;
    use zerocopy::IntoBytes;

    fn open() -> record::Open {
        record::Open {
            kind: record::KIND_OPEN,
            family: FAMILY_INET,
            role: record::ROLE_CLIENT,
            midway: 0,
            pid: 7,
            connection: 1,
            sock: 2,
            peer_sock: 0,
            started_ns: 100,
            established_ns: 0,
            accepted_ns: 0,
            first_sent: 3,
            first_received: 4,
            local_address: [0; 16],
            remote_address: [0; 16],
            local_port: 40000,
            remote_port: 53,
            network_namespace: 5,
            inode: 6,
            path_len: 0,
            path: [0; MAX_UNIX_PATH],
            tid: 8,
            syn_retransmits: 2,
            context: 0,
            transport: record::TRANSPORT_TCP,
            reserved: [0; 3],
        }
    }

    fn decoded(open: &record::Open) -> Open {
        match decode(open.as_bytes()) {
            Some(Event::Open(open)) => open,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn times_that_were_not_seen_are_none() {
        let failed = decoded(&open());
        assert_eq!((failed.established_ns, failed.accepted_ns, failed.tid, failed.syn_retransmits), (None, None, 8, 2));
        let set_up = decoded(&record::Open { established_ns: 150, accepted_ns: 160, ..open() });
        assert_eq!((set_up.established_ns, set_up.accepted_ns), (Some(150), Some(160)));
        // However late it is told, it belongs before what came after it began.
        assert_eq!(order(open().as_bytes()), Some(100));
    }

    #[test]
    fn the_transport_is_that_of_the_socket() {
        let transport = |open: record::Open| decoded(&open).transport;
        assert_eq!(transport(open()), Transport::Tcp);
        assert_eq!(transport(record::Open { transport: record::TRANSPORT_UDP, ..open() }), Transport::Udp);
        assert_eq!(transport(record::Open { transport: 0, family: FAMILY_UNIX, ..open() }), Transport::Unix);
    }

    #[test]
    fn what_the_kernel_does_not_tell_is_none() {
        let mut stats =
            record::Stats { kind: record::KIND_STATS, last: 1, at_ns: 9, turns: 4, ..record::Stats::default() };
        stats.rtt_us = u32::MAX;
        stats.bytes_sent = u64::MAX;
        stats.segments_sent = 12;
        let Some(Event::Stats(told)) = decode(stats.as_bytes()) else { panic!("no event") };
        assert_eq!((told.rtt_us, told.bytes_sent, told.segments_sent), (None, None, Some(12)));
        assert_eq!((told.last, told.turns, told.retransmits), (true, 4, Some(0)));
        assert_eq!(order(stats.as_bytes()), Some(9));
    }

    /// Lengths that are not those of the payload, and records that are cut short.
    #[test]
    fn a_record_of_another_size_is_none() {
        let data =
            record::Data { kind: record::KIND_DATA, len: 10, head_len: 8, tail_len: 2, ..record::Data::default() };
        let bytes = [data.as_bytes(), b"0123456789"].concat();
        let Some(Event::Data(told)) = decode(&bytes) else { panic!("no event") };
        assert_eq!((told.head, told.tail, told.arrived_ns), (&b"01234567"[..], &b"89"[..], None));
        for len in 0..bytes.len() {
            assert!(decode(&bytes[..len]).is_none(), "{len}");
        }
        for len in 1..size_of::<record::Open>() {
            assert!(decode(&open().as_bytes()[..len]).is_none(), "{len}");
        }
    }

    #[test]
    fn a_span_keeps_its_call_and_its_ids() {
        let span = record::Span {
            kind: record::KIND_SPAN,
            pid: 7,
            connection: 3,
            position: 17,
            at_ns: 40,
            trace_id: [1; 16],
            span_id: [2; 8],
            valid: 1,
            flags: 1,
            ..record::Span::default()
        };
        let Some(Event::Spoken(told)) = decode(span.as_bytes()) else { panic!("no event") };
        let expected =
            Spoken { connection: 3, position: 17, at_ns: 40, pid: 7, trace_id: [1; 16], span_id: [2; 8], flags: 1 };
        assert_eq!((told, order(span.as_bytes())), (expected, Some(40)));
        assert!(decode(&span.as_bytes()[..63]).is_none());
    }

    #[test]
    fn who_asks_keeps_the_stream() {
        let asks = record::Asks {
            kind: record::KIND_ASKS,
            pid: 7,
            connection: 3,
            at_ns: 40,
            context: 1 << 62,
            stream: 5,
            tid: 8,
            ..record::Asks::default()
        };
        let actor = Actor { pid: 7, tid: 8, context: 1 << 62 };
        let expected = Event::Asks(Asks { connection: 3, stream: 5, at_ns: 40, actor });
        assert_eq!((decode(asks.as_bytes()), order(asks.as_bytes())), (Some(expected), Some(40)));
        assert!(decode(&asks.as_bytes()[..39]).is_none());
    }

    #[test]
    fn a_call_keeps_its_direction_and_its_times() {
        for (direction, flow) in [(record::SEND, Flow::Sent), (record::RECEIVE, Flow::Received)] {
            let data = record::Data {
                kind: record::KIND_DATA,
                direction,
                connection: 3,
                position: 17,
                len: 2,
                head_len: 2,
                first_ns: 40,
                last_ns: 50,
                arrived_ns: 30,
                pid: 7,
                tid: 8,
                ..record::Data::default()
            };
            let bytes = [data.as_bytes(), b"ab"].concat();
            let Some(Event::Data(told)) = decode(&bytes) else { panic!("no event") };
            assert_eq!((told.flow, told.connection, told.position, told.len), (flow, 3, 17, 2));
            assert_eq!((told.first_ns, told.last_ns, told.arrived_ns), (40, 50, Some(30)));
            assert_eq!((told.actor.pid, told.actor.tid, told.head), (7, 8, &b"ab"[..]));
            assert_eq!(order(&bytes), Some(40));
        }
    }
}
