//! One DNS message (RFC 1035, section 4): header, question and the addresses of the answer.
//!
//! A message counts only when it is well formed to its end, or as far as it was captured. Names may point backwards
//! only (RFC 1035, section 4.1.4), so following them ends.

use std::net::IpAddr;

/// Bytes of the header.
pub(super) const HEADER: usize = 12;
/// Longest name on the wire, root label included (RFC 1035, section 2.3.4).
const MAX_NAME: usize = 255;
/// Addresses that are kept.
const MAX_ADDRESSES: usize = 16;

const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const CLASS_IN: u16 = 1;

/// What is kept of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub id: u16,
    pub is_response: bool,
    /// Kind of query; 0 is the usual one.
    pub opcode: u8,
    /// Whether an answer was cut to fit into its datagram.
    pub truncated: bool,
    /// `RCODE` of the header.
    pub response_code: u8,
    /// Numbers of entries: questions, answers, authorities, additional ones.
    pub counts: [u16; 4],
    /// The question, if there is exactly one.
    pub question: Option<Question>,
    /// Addresses of the answer section.
    pub addresses: Vec<IpAddr>,
}

/// A question as it is compared: labels in lower case with their lengths, without the root label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub name: Box<[u8]>,
    pub kind: u16,
    pub class: u16,
}

impl Question {
    /// The name as people write it, in at most 255 bytes: without the last dot, what is not printable as `\DDD`
    /// (RFC 1035, section 5.1). The root is `.`.
    pub fn text(&self) -> Box<str> {
        let mut text = String::with_capacity(self.name.len());
        let mut rest = &*self.name;
        while let Some((&len, after)) = rest.split_first() {
            let (label, after) = after.split_at(usize::from(len).min(after.len()));
            rest = after;
            if !text.is_empty() {
                text.push('.');
            }
            for byte in label {
                match byte {
                    b'.' | b'\\' => text.extend(['\\', char::from(*byte)]),
                    b'!'..=b'~' => text.push(char::from(*byte)),
                    _ => text.push_str(&format!("\\{byte:03}")),
                }
            }
        }
        if text.is_empty() {
            text.push('.');
        }
        text.truncate(MAX_NAME);
        text.into()
    }
}

/// Why reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// The rest was not captured.
    Cut,
    /// The message ends here.
    End,
    /// It is no message.
    Malformed,
}

/// A place in a message.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// What running out of bytes means.
    end: Stop,
}

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Stop> {
        let taken = self.bytes.get(self.at..).and_then(|rest| rest.get(..len)).ok_or(self.end)?;
        self.at += len;
        Ok(taken)
    }

    fn u16(&mut self) -> Result<u16, Stop> {
        self.take(2).map(|field| u16::from_be_bytes([field[0], field[1]]))
    }

    /// Reads past a name; its labels go to `labels`.
    fn name(&mut self, mut labels: Option<&mut Vec<u8>>) -> Result<(), Stop> {
        let mut len = 1;
        // Labels of one pointer's target lie before it, so each jump must go further back than the one before.
        let (mut limit, mut back) = (self.at, None);
        let stopped = loop {
            match self.take(1)?[0] {
                0 => break Ok(()),
                size @ 1..=63 => {
                    len += 1 + usize::from(size);
                    let label = self.take(usize::from(size))?;
                    if len > MAX_NAME {
                        break Err(Stop::Malformed);
                    }
                    if let Some(labels) = &mut labels {
                        labels.push(size);
                        labels.extend(label.iter().map(u8::to_ascii_lowercase));
                    }
                }
                high @ 0xc0.. => {
                    let target = usize::from(high & 0x3f) << 8 | usize::from(self.take(1)?[0]);
                    if target < HEADER || target >= limit {
                        break Err(Stop::Malformed);
                    }
                    back.get_or_insert(self.at);
                    if labels.is_none() {
                        break Ok(());
                    }
                    (limit, self.at) = (target, target);
                }
                _ => break Err(Stop::Malformed),
            }
        };
        self.at = back.unwrap_or(self.at);
        stopped
    }

    /// Reads a resource record; an address goes to `addresses`.
    fn record(&mut self, addresses: Option<&mut Vec<IpAddr>>) -> Result<(), Stop> {
        self.name(None)?;
        let (kind, class) = (self.u16()?, self.u16()?);
        self.take(4)?;
        let len = usize::from(self.u16()?);
        let data = self.take(len)?;
        let address = match (kind, class) {
            (TYPE_A, CLASS_IN) => Some(data.try_into().map(|four: [u8; 4]| IpAddr::from(four))),
            (TYPE_AAAA, CLASS_IN) => Some(data.try_into().map(|sixteen: [u8; 16]| IpAddr::from(sixteen))),
            _ => None,
        };
        let address = match address.transpose() {
            Ok(address) => address,
            // Updates name records without their data (RFC 2136, section 2.4.1).
            Err(_) if data.is_empty() => None,
            Err(_) => return Err(Stop::Malformed),
        };
        if let (Some(address), Some(addresses)) = (address, addresses)
            && addresses.len() < MAX_ADDRESSES
        {
            addresses.push(address);
        }
        Ok(())
    }
}

/// Reads a message of `len` bytes of which `bytes`, from the first on, were captured. `None` if it is malformed, or cut
/// before the end of its question.
pub(super) fn message(bytes: &[u8], len: usize) -> Option<Message> {
    let end = if bytes.len() < len { Stop::Cut } else { Stop::End };
    let mut reader = Reader { bytes, at: 0, end };
    let header: &[u8; HEADER] = reader.take(HEADER).ok()?.try_into().ok()?;
    let field = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let counts = [field(4), field(6), field(8), field(10)];
    let mut message = Message {
        id: field(0),
        is_response: header[2] & 0x80 != 0,
        opcode: header[2] >> 3 & 0xf,
        truncated: header[2] & 2 != 0,
        response_code: header[3] & 0xf,
        counts,
        question: None,
        addresses: Vec::new(),
    };
    for _ in 0..counts[0] {
        let mut name = Vec::new();
        reader.name(Some(&mut name)).ok()?;
        let (kind, class) = (reader.u16().ok()?, reader.u16().ok()?);
        message.question = (counts[0] == 1).then(|| Question { name: name.into(), kind, class });
    }
    match records(&mut reader, &mut message) {
        Ok(()) if reader.at == len || end == Stop::Cut => Some(message),
        Err(Stop::Cut) => Some(message),
        // Servers cut an answer that does not fit at a record, or anywhere.
        Err(Stop::End) if message.truncated => Some(message),
        _ => None,
    }
}

fn records(reader: &mut Reader<'_>, message: &mut Message) -> Result<(), Stop> {
    let [_, answers, authorities, additional] = message.counts;
    for _ in 0..answers {
        reader.record(Some(&mut message.addresses))?;
    }
    for _ in 0..u32::from(authorities) + u32::from(additional) {
        reader.record(None)?;
    }
    Ok(())
}

/// Whether this is, beyond doubt, a query or an answer of a look-up; for telling DNS from other protocols.
pub(super) fn is_certain(message: &Message) -> bool {
    let [questions, answers, authorities, _] = message.counts;
    let known_class = |question: &Question| matches!(question.class, 1 | 3 | 4 | 254 | 255);
    let question = message.question.as_ref().is_some_and(known_class);
    let asks = answers == 0 && authorities == 0 && message.response_code == 0 && !message.truncated;
    message.opcode == 0 && questions == 1 && question && (message.is_response || asks)
}
