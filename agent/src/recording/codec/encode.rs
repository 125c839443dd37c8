//! Events to bytes.

use std::net::IpAddr;

use super::{MAX_PAYLOAD, MAX_STRING, tag};
use crate::event::{
    Asks, Change, Data, Endpoint, Event, Flow, Listener, Open, Process, ProcessChange, Role, Spoken, Stats, Transport,
    Vantage,
};

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
                Change::ResetByPeer => 3,
                Change::ResetBySelf => 4,
                Change::Failed => 5,
                Change::Unseen => 6,
            });
            number(u64::from(state.error), out);
            number(state.at_ns, out);
        }
        Event::Stats(stats) => encode_stats(stats, out),
        Event::Spoken(spoken) => encode_spoken(spoken, out),
        Event::Asks(Asks { connection, stream, at_ns, actor }) => {
            out.push(tag::ASKS);
            for field in [*connection, *stream, *at_ns, u64::from(actor.pid), u64::from(actor.tid), actor.context] {
                number(field, out);
            }
        }
        // Whoever has it can read what was encrypted.
        Event::Secret(_) => {}
        Event::Listener(listener) => encode_listener(listener, out),
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
    let flags = u8::from(open.vantage == Vantage::Wire) << 2 | u8::from(open.from_start) << 3;
    out.push(role | flags | u8::from(open.peer_sock != 0) << 4 | u8::from(open.context != 0) << 5);
    out.push(match open.transport {
        Transport::Tcp => 0,
        Transport::Udp => 1,
        Transport::Unix => 2,
    });
    let small = |value: u32| u64::from(value);
    for field in [open.connection, open.sock, small(open.pid), small(open.tid), open.at_ns] {
        number(field, out);
    }
    for field in [open.established_ns, open.accepted_ns] {
        optional(field, out);
    }
    for field in [small(open.syn_retransmits), open.first_sent, open.first_received, small(open.network_namespace)] {
        number(field, out);
    }
    endpoint(&open.local, out);
    endpoint(&open.remote, out);
    for field in [open.peer_sock, open.context] {
        if field != 0 {
            number(field, out);
        }
    }
}

fn encode_data(data: &Data<'_>, out: &mut Vec<u8>) {
    out.push(tag::DATA);
    out.push(u8::from(data.flow == Flow::Received));
    for field in [data.connection, data.position, u64::from(data.len), data.first_ns] {
        number(field, out);
    }
    signed(data.last_ns.wrapping_sub(data.first_ns).cast_signed(), out);
    optional(data.arrived_ns, out);
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

fn encode_spoken(spoken: &Spoken, out: &mut Vec<u8>) {
    out.push(tag::SPOKEN);
    for field in [spoken.connection, spoken.position, spoken.at_ns, u64::from(spoken.pid)] {
        number(field, out);
    }
    out.extend(spoken.trace_id);
    out.extend(spoken.span_id);
    out.push(spoken.flags);
}

fn encode_stats(stats: &Stats, out: &mut Vec<u8>) {
    out.push(tag::STATS);
    out.push(u8::from(stats.last) | u8::from(stats.zero_window) << 1);
    for field in [stats.connection, stats.at_ns, u64::from(stats.turns)] {
        number(field, out);
    }
    for field in [stats.bytes_sent, stats.bytes_received] {
        optional(field, out);
    }
    let small = [stats.rtt_us, stats.rtt_deviation_us, stats.segments_sent, stats.segments_received, stats.retransmits];
    for field in small {
        optional(field.map(u64::from), out);
    }
}

fn encode_listener(listener: &Listener, out: &mut Vec<u8>) {
    out.push(tag::LISTENER);
    let small = |value: u32| u64::from(value);
    let (port, namespace) = (u64::from(listener.port), small(listener.network_namespace));
    for field in [port, namespace, listener.at_ns, small(listener.queued), small(listener.limit), listener.drops] {
        number(field, out);
    }
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

/// A number that may be missing: one more than it is, or nothing.
fn optional(value: Option<u64>, out: &mut Vec<u8>) {
    number(value.map_or(0, |value| value.saturating_add(1)), out);
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
