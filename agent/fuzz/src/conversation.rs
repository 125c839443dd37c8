//! Arbitrary bytes as a conversation: a script of data, gaps and ends in both directions over one session.
//!
//! Script: one flag byte for the whole (bit 0: followed from the start; bit 1: secrets may come), then steps of an operation byte
//! and its operand. The low bits of the operation choose what happens, the next ones in which direction:
//!
//! | low 3 bits | operand | meaning |
//! |---|---|---|
//! | 0–3 | a length byte, then that many bytes | data (bit 4: the chunk does not end its call) |
//! | 4 | a length byte (times 64 with bit 4) | gap |
//! | 5 | none; with bit 4: a byte for the kind, a length byte, that many bytes | half-close; with bit 4: a secret |
//! | 6 | none | time passes by a minute, then expire (bit 4: by half a second, then rest) |
//! | 7 | none | close (bit 4: reset; with direction to the client: abandoned first) and the end |

use wirespan_protocols::plain::{PlainBytes, Secret, SecretKind};
use wirespan_protocols::protocol::{Context, Opening, Protocol};
use wirespan_protocols::registry::PROTOCOLS;
use wirespan_protocols::session::{Close, Output, Reason};
use wirespan_protocols::stream::{Actor, Chunk, Direction, Stamp};

/// No session may hold more than this for one connection, whatever it is fed.
const MAX_HEAP: usize = 4 << 20;

/// Plays `data` over a fresh session of `protocol`, and asserts what must hold for every input.
///
/// # Panics
/// When the session holds too much memory or reports an exchange that ends before it begins; that is the finding.
pub fn drive(protocol: &Protocol, data: &[u8]) {
    let Some((&flags, mut script)) = data.split_first() else { return };
    let opening =
        Opening { from_start: flags & 1 != 0, before: None, may_decrypt: flags & 2 != 0, registry: PROTOCOLS };
    let mut session = (protocol.open)(&opening);
    let mut out = Output::default();
    let mut ends = [0u64; 2];
    let mut now = 1_000_000_000;
    while let Some((&operation, rest)) = script.split_first() {
        script = rest;
        now += 1_000;
        let direction = if operation & 8 == 0 { Direction::ToServer } else { Direction::ToClient };
        let end = &mut ends[usize::from(operation & 8 != 0)];
        let flag = operation & 16 != 0;
        let stamp = Stamp {
            first_ns: now,
            last_ns: now + 10,
            actor: Actor { pid: 1, tid: 1, context: 0 },
            arrived_ns: 0,
            rejected: 0,
        };
        match operation & 7 {
            0..=3 => {
                let bytes = operand(&mut script);
                if bytes.is_empty() {
                    continue;
                }
                let context = Context { direction: Some(direction), from_start: *end == 0 };
                let _ = (protocol.probe)(bytes, context);
                session.data(direction, &Chunk { pos: *end, bytes, ends_call: !flag, stamp }, &mut out);
                *end += bytes.len() as u64;
            }
            4 => {
                let Some((&len, rest)) = script.split_first() else { break };
                script = rest;
                let len = (u64::from(len) + 1) * if flag { 64 } else { 1 };
                session.gap(direction, len, stamp, &mut out);
                *end += len;
            }
            5 if flag => {
                let Some((&kind, rest)) = script.split_first() else { break };
                script = rest;
                let kind = SecretKind::ALL[usize::from(kind) % SecretKind::ALL.len()];
                if let Some(secret) = Secret::new(kind, operand(&mut script)) {
                    session.secret(&secret, now, &mut out);
                }
            }
            5 => session.half_close(direction, now, &mut out),
            6 if flag => {
                now += 500_000_000;
                session.rest(now, &mut out);
            }
            6 => {
                now += 60_000_000_000;
                session.expire(now - 30_000_000_000, &mut out);
            }
            _ => {
                if direction == Direction::ToClient {
                    session.abandon(Reason::Forgotten, &mut out);
                }
                session.close(if flag { Close::Reset } else { Close::Orderly }, now, &mut out);
                break;
            }
        }
        assert!(session.heap_bytes() <= MAX_HEAP, "the session holds {} bytes", session.heap_bytes());
        for exchange in out.exchanges.drain(..) {
            assert!(exchange.end_ns >= exchange.request.first_ns, "ends before it begins: {exchange:?}");
            assert!(exchange.end_ns <= now + 10, "ends in the future: {exchange:?}");
        }
        for phase in out.phases.drain(..) {
            assert!(phase.end_ns >= phase.start_ns, "ends before it begins: {phase:?}");
            assert!(phase.end_ns <= now + 10, "ends in the future: {phase:?}");
        }
        for piece in &out.plain.pieces {
            if let PlainBytes::Shown { range, .. } = &piece.what {
                assert!(!range.is_empty() && range.end <= out.plain.bytes.len(), "of bytes that are there: {piece:?}");
            }
        }
        out.plain.clear();
        out.requests.clear();
        if out.left {
            break;
        }
    }
}

/// A script: what a client and a server say in turns, followed from the start.
#[must_use]
pub fn script(turns: &[(Direction, &[u8])]) -> Vec<u8> {
    let mut script = vec![1];
    for (direction, bytes) in turns {
        for part in bytes.chunks(255) {
            script.push(if *direction == Direction::ToServer { 0 } else { 8 });
            script.push(part.len() as u8);
            script.extend_from_slice(part);
        }
    }
    script
}

/// A script of a conversation whose secrets are told before the call with this number.
#[must_use]
pub fn script_with_secrets(turns: &[(Direction, &[u8])], secrets: &[(usize, Secret)]) -> Vec<u8> {
    let mut all = vec![3];
    for (index, turn) in turns.iter().enumerate() {
        for (_, secret) in secrets.iter().filter(|(at, _)| *at == index) {
            all.extend([5 | 16, secret.kind as u8, secret.bytes().len() as u8]);
            all.extend_from_slice(secret.bytes());
        }
        all.extend_from_slice(&script(&[*turn])[1..]);
    }
    all
}

/// A length byte and as many bytes as there are of it.
fn operand<'a>(script: &mut &'a [u8]) -> &'a [u8] {
    let Some((&len, rest)) = script.split_first() else { return &[] };
    let (bytes, rest) = rest.split_at(usize::from(len).min(rest.len()));
    *script = rest;
    bytes
}
