//! The handshake of one connection, record by record, up to its last byte at this socket.
//!
//! Up to TLS 1.2 it is over when both sides have sent a handshake record after their ChangeCipherSpec, their Finished:
//! the server's comes last in a full handshake, the client's in a resumed one (RFC 5246, section 7.3). In TLS 1.3 all
//! that follows the ServerHello is encrypted. The client's Finished comes last, and is known by its length, which the
//! hash of the suite decides: alone if no certificate was asked for, else at the end of a flight.

use std::ops::RangeInclusive;

use super::decrypt::Agreed;
use super::hello::{ClientHello, ServerHello};
use super::message::{self, Message, Messages};
use super::names::{self, Lengths, TLS13};
use super::record::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, Record};
use crate::phase::{Phase, PhaseKind, TlsHandshake};
use crate::plain::Random;
use crate::stream::{Direction, Stamp};

/// Records of a client's last flight among which its Finished is looked for.
const MAX_FLIGHT: u8 = 16;
/// Versions whose handshakes are known: SSL 3.0 to TLS 1.3.
const VERSIONS: RangeInclusive<u16> = 0x0300..=TLS13;
/// Warning, and the one that ends a connection (RFC 8446, section 6).
const WARNING: u8 = 1;
const CLOSE_NOTIFY: u8 = 0;

/// What one side has shown.
#[derive(Debug, Default)]
struct Side {
    messages: Messages,
    /// It has sent ChangeCipherSpec, and that meant something (up to TLS 1.2).
    encrypts: bool,
    /// It has sent its Finished (up to TLS 1.2).
    finished: bool,
    /// Bytes of an alert in clear.
    alert: [u8; 2],
    alert_have: u8,
    /// Its last record has the length of an encrypted alert: what follows tells whether it was one.
    suspect: Option<Stamp>,
    /// Padding of its records (TLS 1.3).
    padding: u16,
}

/// Where the handshake stands after a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It goes on.
    Open,
    /// It was over with the byte of this stamp.
    Done(Stamp),
    /// It failed, for that reason.
    Failed(Stamp, Failure),
    /// Nothing more can be said of it.
    Lost,
}

/// Why a handshake failed, as the wire shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    Alert(u8),
    EncryptedAlert,
    /// The answer was no TLS.
    Mismatch,
}

impl Failure {
    /// In the words of `error.type`.
    pub fn name(self) -> Box<str> {
        match self {
            Self::Alert(code) => names::alert(code),
            Self::EncryptedAlert => "encrypted_alert".into(),
            Self::Mismatch => "protocol_mismatch".into(),
        }
    }
}

/// The handshake.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    client: Side,
    server: Side,
    /// First byte of the ClientHello.
    start: Option<Stamp>,
    /// Version and suite of the ServerHello.
    agreed: Option<(u16, u16)>,
    client_random: Option<Random>,
    /// What keys depend on.
    keying: Option<Agreed>,
    /// The client announced early data, or sent application data before the ServerHello came: until its Finished nothing
    /// tells early data from messages of the handshake. A server may read it after its own flight.
    early_data: bool,
    /// The server chose a version that is none (a draft of TLS 1.3), or said what cannot be read.
    unknown: bool,
    /// First record of a client's last flight that does not begin with its Finished, and the number of records so far.
    flight: Option<(Stamp, u8)>,
    facts: TlsHandshake,
}

impl Handshake {
    fn side(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::ToServer => &mut self.client,
            Direction::ToClient => &mut self.server,
        }
    }

    fn is_tls13(&self) -> bool {
        self.agreed.is_some_and(|(version, _)| version == TLS13)
    }

    /// Version and suite, once the server has chosen them.
    pub fn agreed(&self) -> Option<(u16, u16)> {
        self.agreed
    }

    /// What names the handshake, once the client has said it.
    pub fn client_random(&self) -> Option<Random> {
        self.client_random
    }

    /// What keys depend on, once the server has said it.
    pub fn keying(&self) -> Option<Agreed> {
        self.keying
    }

    /// Bytes with which the client, and the server, pad their records.
    pub fn padding(&self) -> [u16; 2] {
        [self.client.padding, self.server.padding]
    }

    /// Application protocols that the client offered.
    pub fn offered(&self) -> &[Box<str>] {
        &self.facts.offered_protocols
    }

    /// Whether the client's certificate was asked for, as far as is known.
    pub fn certificate_asked(&self) -> Option<bool> {
        self.facts.client_certificate_asked
    }

    /// Whether anything was seen that may be reported.
    pub fn has_begun(&self) -> bool {
        self.start.is_some()
    }

    /// Notes the first byte of the client.
    pub fn begin(&mut self, stamp: Stamp) {
        self.start.get_or_insert(stamp);
    }

    /// Takes in bytes of the body of a record that is not over yet, or that are its last.
    pub fn body(&mut self, direction: Direction, kind: u8, mut bytes: &[u8]) {
        let side = self.side(direction);
        match kind {
            ALERT => {
                for byte in bytes {
                    if let Some(place) = side.alert.get_mut(usize::from(side.alert_have)) {
                        *place = *byte;
                    }
                    side.alert_have = side.alert_have.saturating_add(1);
                }
            }
            HANDSHAKE if !side.encrypts => {
                while !bytes.is_empty()
                    && let Some(message) = self.side(direction).messages.next(&mut bytes)
                {
                    self.message(direction, &message);
                }
            }
            _ => {}
        }
    }

    /// `len` bytes of the body of a record were lost; false when they mattered.
    pub fn hole(&mut self, direction: Direction, kind: u8, len: u64) -> bool {
        let side = self.side(direction);
        match kind {
            ALERT => !side.encrypts && side.alert_have >= 2,
            HANDSHAKE if !side.encrypts => match side.messages.gap(len) {
                Ok(message) => {
                    if let Some(message) = message {
                        self.message(direction, &message);
                    }
                    true
                }
                Err(()) => false,
            },
            CHANGE_CIPHER_SPEC | HANDSHAKE | APPLICATION_DATA => true,
            _ => false,
        }
    }

    fn message(&mut self, direction: Direction, message: &Message) {
        let facts = &mut self.facts;
        match (direction, message.kind) {
            (Direction::ToServer, message::CLIENT_HELLO) => {
                let hello = ClientHello::read(&message.body);
                self.early_data |= hello.early_data;
                self.client_random = hello.random;
                facts.server_name = hello.server_name;
                facts.offered_protocols = hello.protocols;
            }
            (Direction::ToClient, message::SERVER_HELLO) => self.server_hello(&message.body),
            (Direction::ToClient, message::CERTIFICATE | message::SERVER_KEY_EXCHANGE) => facts.resumed = Some(false),
            (Direction::ToClient, message::CERTIFICATE_REQUEST) => facts.client_certificate_asked = Some(true),
            (Direction::ToClient, message::SERVER_HELLO_DONE) => {
                facts.resumed = Some(false);
                facts.client_certificate_asked.get_or_insert(false);
            }
            (Direction::ToClient, message::NEW_SESSION_TICKET) => {}
            _ => {}
        }
    }

    fn server_hello(&mut self, body: &[u8]) {
        let Some(hello) = ServerHello::read(body).filter(|hello| VERSIONS.contains(&hello.version)) else {
            self.unknown = true;
            return;
        };
        self.facts.version = names::version(hello.version);
        self.facts.cipher = Some(names::suite(hello.suite));
        if hello.is_retry {
            self.facts.retried = true;
            return;
        }
        self.agreed = Some((hello.version, hello.suite));
        self.keying = self.client_random.map(|client_random| Agreed {
            version: hello.version,
            suite: hello.suite,
            client_random,
            server_random: hello.random,
            encrypt_then_mac: hello.encrypt_then_mac,
            compresses: hello.compresses,
        });
        if hello.version == TLS13 {
            self.facts.resumed = Some(hello.takes_key);
        } else {
            self.facts.chosen_protocol = hello.protocol;
        }
    }

    /// Takes in a record that is over.
    pub fn record(&mut self, direction: Direction, record: &Record) -> Progress {
        self.side(direction).suspect = None;
        if self.unknown {
            return Progress::Lost;
        }
        match record.kind {
            ALERT => self.alert(direction, record),
            CHANGE_CIPHER_SPEC => {
                if self.agreed.is_some_and(|(version, _)| version < TLS13) {
                    self.change_cipher(direction);
                }
                Progress::Open
            }
            HANDSHAKE if self.side(direction).encrypts => {
                self.side(direction).finished = true;
                let over = self.client.finished && self.server.finished;
                if over { self.done(record) } else { Progress::Open }
            }
            APPLICATION_DATA if self.is_tls13() => match direction {
                Direction::ToServer => self.client_flight(record),
                Direction::ToClient => self.server_flight(record),
            },
            APPLICATION_DATA if self.agreed.is_none() && direction == Direction::ToServer => {
                self.early_data = true;
                Progress::Open
            }
            _ => Progress::Open,
        }
    }

    fn done(&self, record: &Record) -> Progress {
        if record.timed { Progress::Done(record.last) } else { Progress::Lost }
    }

    /// From here on this side encrypts. A server that does so right after its ServerHello resumes a session.
    fn change_cipher(&mut self, direction: Direction) {
        self.side(direction).encrypts = true;
        if direction == Direction::ToClient && self.facts.resumed.is_none() {
            self.facts.resumed = Some(true);
            self.facts.client_certificate_asked = Some(false);
        }
    }

    fn alert(&mut self, direction: Direction, record: &Record) -> Progress {
        let side = self.side(direction);
        let have = std::mem::take(&mut side.alert_have);
        let [level, code] = side.alert;
        if side.encrypts || record.len != 2 || have != 2 {
            return Progress::Failed(record.last, Failure::EncryptedAlert);
        }
        if level == WARNING && code != CLOSE_NOTIFY {
            return Progress::Open;
        }
        Progress::Failed(record.last, Failure::Alert(code))
    }

    /// A record of the client after the ServerHello of TLS 1.3.
    fn client_flight(&mut self, record: &Record) -> Progress {
        let Some(lengths) = self.lengths() else { return Progress::Lost };
        if let Some(padding) = lengths.finished(record.len) {
            self.client.padding = padding;
            // A server that takes a key asks for no certificate (RFC 8446, section 4.3.2). Without one, early data that
            // it did not take and a certificate look alike.
            self.facts.client_certificate_asked = match self.facts.resumed {
                Some(true) => Some(false),
                _ if self.early_data => None,
                _ => Some(self.flight.is_some()),
            };
            return self.done(record);
        }
        if lengths.is_alert(record.len) {
            self.client.suspect = Some(record.last);
            return Progress::Open;
        }
        if self.early_data {
            // Early data that was under way, and its end, come before the flight.
            return Progress::Open;
        }
        if lengths.is_shorter(record.len) {
            self.facts.client_certificate_asked = Some(true);
        }
        let (_, count) = self.flight.get_or_insert((record.last, 0));
        *count += 1;
        if *count > MAX_FLIGHT { Progress::Lost } else { Progress::Open }
    }

    /// A record of the server after the ServerHello of TLS 1.3. After the client's flight it tells that this was over:
    /// its messages shared a record, or were padded, so that nothing tells what was in it.
    fn server_flight(&mut self, record: &Record) -> Progress {
        let lengths = self.lengths();
        // A server that refuses a certificate need not read on.
        let refuses = lengths.is_some_and(|lengths| lengths.is_alert(record.len));
        if let Some((stamp, _)) = self.flight
            && !refuses
        {
            return Progress::Done(stamp);
        }
        if let Some(lengths) = lengths {
            self.server.suspect = refuses.then_some(record.last);
            // Other messages may be as long; the Finished is the last one.
            self.server.padding = lengths.finished(record.len).unwrap_or(self.server.padding);
        }
        Progress::Open
    }

    fn lengths(&self) -> Option<Lengths> {
        self.agreed.and_then(|(_, suite)| Lengths::of(suite))
    }

    /// The record, if it was the last before an end, that had the length of an encrypted alert.
    pub fn suspect(&self) -> Option<Stamp> {
        self.client.suspect.or(self.server.suspect)
    }

    /// The name of the protocol that the server chose, else the one that the client would like best.
    pub fn best_offer(&self) -> Option<&str> {
        self.chosen().or(self.facts.offered_protocols.first().map(|name| &**name))
    }

    /// The name of the protocol that the server chose.
    pub fn chosen(&self) -> Option<&str> {
        self.facts.chosen_protocol.as_deref()
    }

    /// The phase, over at `end_ns`. Once. What is known of the inside is left to whoever knows it.
    pub fn phase(&mut self, end_ns: u64, error: Option<Box<str>>) -> Option<Phase> {
        let start = self.start.take()?;
        Some(Phase {
            start_ns: start.first_ns,
            end_ns: end_ns.max(start.first_ns),
            actor: start.actor,
            error,
            spoken: None,
            goes_on: false,
            kind: PhaseKind::Tls(Box::new(std::mem::take(&mut self.facts))),
        })
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        let names = self.facts.offered_protocols.iter().map(|name| name.len() + size_of::<Box<str>>()).sum::<usize>();
        self.client.messages.heap_bytes() + self.server.messages.heap_bytes() + names + 256
    }
}
