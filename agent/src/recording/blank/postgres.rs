//! The password messages of PostgreSQL: type `p`, whatever the way of signing in.

use super::blank;

/// Longest message that is one of a sign-in.
const LONGEST: usize = 64 * 1024;
/// Codes that follow the length of a first packet: protocol 3.x, a request for TLS, one for GSSAPI.
const CODES: [[u8; 4]; 4] = [[0, 3, 0, 0], [0, 3, 0, 2], [4, 210, 22, 47], [4, 210, 22, 48]];

/// Blanks a call that is one message of this kind and nothing else: a client waits for the answer. This needs no
/// beginning of the connection.
pub(super) fn password(len: u32, head: &mut [u8]) -> u64 {
    let [b'p', a, b, c, d, body @ ..] = head else { return 0 };
    let told = u32::from_be_bytes([*a, *b, *c, *d]);
    if told >= 4 && told.checked_add(1) == Some(len) { blank(body) } else { 0 }
}

/// The first messages of a client, up to the one that is none of a sign-in.
#[derive(Debug, Default)]
pub(super) enum SignIn {
    /// Not PostgreSQL, or over.
    #[default]
    No,
    /// In the head of a message.
    Head { bytes: [u8; 5], have: usize },
    /// In its body.
    Body { left: usize, is_secret: bool },
}

impl SignIn {
    /// Whether a connection that begins so speaks PostgreSQL. Some servers read the first length alone.
    pub(super) fn begins(bytes: &[u8]) -> Self {
        match bytes {
            [0, rest @ ..] if rest.len() < 7 => Self::Head { bytes: [0; 5], have: 0 },
            [0, _, _, _, code @ ..] if CODES.iter().any(|known| code.starts_with(known)) => {
                Self::Head { bytes: [0; 5], have: 0 }
            }
            _ => Self::No,
        }
    }

    /// Takes in bytes; how many were part of a sign-in, and how many of those were blanked.
    pub(super) fn run(&mut self, bytes: &mut [u8]) -> (usize, u64) {
        let (mut at, mut blanked) = (0, 0);
        while at < bytes.len() {
            match self {
                Self::No => break,
                Self::Body { left, is_secret } => {
                    let end = (at + *left).min(bytes.len());
                    if *is_secret {
                        blanked += blank(bytes.get_mut(at..end).unwrap_or_default());
                    }
                    *left -= end - at;
                    at = end;
                    if *left == 0 {
                        *self = Self::Head { bytes: [0; 5], have: 0 };
                    }
                }
                Self::Head { bytes: head, have } => {
                    let Some((byte, place)) = bytes.get(at).zip(head.get_mut(*have)) else { break };
                    if *have == 0 && !matches!(byte, 0 | b'p') {
                        *self = Self::No;
                        break;
                    }
                    *place = *byte;
                    *have += 1;
                    at += 1;
                    let is_secret = head[0] == b'p';
                    let length = match (is_secret, *have, *head) {
                        (false, 4, [a, b, c, d, _]) | (true, 5, [_, a, b, c, d]) => u32::from_be_bytes([a, b, c, d]),
                        _ => continue,
                    };
                    let left = (length as usize).saturating_sub(4);
                    *self = match left {
                        0 => Self::Head { bytes: [0; 5], have: 0 },
                        1..=LONGEST => Self::Body { left, is_secret },
                        _ => Self::No,
                    };
                }
            }
        }
        (at, blanked)
    }
}
