//! Passwords, blanked before bytes are recorded: messages of type `p`, whatever the way of signing in.

use crate::blank::{Blank, blank};

/// Longest message that is one of a sign-in.
const LONGEST: usize = 64 * 1024;
/// Codes that follow the length of a first packet: protocol 3.x, a request for TLS, one for GSSAPI.
const CODES: [[u8; 4]; 4] = [[0, 3, 0, 0], [0, 3, 0, 2], [4, 210, 22, 47], [4, 210, 22, 48]];

/// Blanks a call that is one message of this kind and nothing else: a client waits for the answer. This needs no
/// beginning of the connection.
fn password(len: u32, head: &mut [u8]) -> u64 {
    let [b'p', a, b, c, d, body @ ..] = head else { return 0 };
    let told = u32::from_be_bytes([*a, *b, *c, *d]);
    if told >= 4 && told.checked_add(1) == Some(len) { blank(body) } else { 0 }
}

/// The first messages of a client, up to the one that is none of a sign-in.
#[derive(Debug, Default)]
enum SignIn {
    /// Another protocol, or over.
    #[default]
    No,
    /// In the head of a message.
    Head { bytes: [u8; 5], have: usize },
    /// In its body.
    Body { left: usize, is_secret: bool },
}

impl SignIn {
    /// The state of a connection that begins so. Some servers read the first length alone.
    fn begins(bytes: &[u8]) -> Self {
        match bytes {
            [0, rest @ ..] if rest.len() < 7 => Self::Head { bytes: [0; 5], have: 0 },
            [0, _, _, _, code @ ..] if CODES.iter().any(|known| code.starts_with(known)) => {
                Self::Head { bytes: [0; 5], have: 0 }
            }
            _ => Self::No,
        }
    }

    /// Takes in bytes, and tells how many of them were blanked.
    fn run(&mut self, bytes: &mut [u8]) -> u64 {
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
        blanked
    }
}

/// One direction of a connection.
#[derive(Debug, Default)]
struct Passwords {
    has_begun: bool,
    sign_in: SignIn,
}

/// Blanks one direction.
pub(super) fn passwords() -> Box<dyn Blank> {
    Box::new(Passwords::default())
}

impl Blank for Passwords {
    fn call(&mut self, len: u32, head: &mut [u8]) -> u64 {
        password(len, head)
    }

    fn bytes(&mut self, bytes: &mut [u8]) -> u64 {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.sign_in = SignIn::begins(bytes);
        }
        self.sign_in.run(bytes)
    }

    fn skipped(&mut self) {
        self.sign_in = SignIn::No;
    }
}
