//! ClientHello and ServerHello (RFC 8446, sections 4.1.2 and 4.1.3; RFC 5246, section 7.4.1).

use crate::plain::Random;

/// Most application protocols that are kept of an offer.
const MAX_PROTOCOLS: usize = 8;
/// Longest server name.
const MAX_NAME: usize = 255;

const SERVER_NAME: u16 = 0;
const APPLICATION_PROTOCOLS: u16 = 16;
const ENCRYPT_THEN_MAC: u16 = 22;
const PRE_SHARED_KEY: u16 = 41;
const EARLY_DATA: u16 = 42;
const SUPPORTED_VERSIONS: u16 = 43;

/// The random of a ServerHello that is a HelloRetryRequest: SHA-256 of that word.
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What is kept of a ClientHello.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ClientHello {
    pub random: Option<Random>,
    pub server_name: Option<Box<str>>,
    pub protocols: Vec<Box<str>>,
    /// Application data may follow before the client's Finished.
    pub early_data: bool,
}

/// What is kept of a ServerHello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerHello {
    /// Negotiated version, `0x0303` for TLS 1.2.
    pub version: u16,
    pub suite: u16,
    pub protocol: Option<Box<str>>,
    pub takes_key: bool,
    pub random: Random,
    /// Records in blocks are authenticated as they are on the wire (RFC 7366).
    pub encrypt_then_mac: bool,
    /// Records are compressed.
    pub compresses: bool,
    pub is_retry: bool,
}

/// Reads big-endian numbers and vectors with a length in front.
#[derive(Clone, Copy)]
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn short(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// A vector of at most 255 bytes.
    fn small(&mut self) -> Option<Self> {
        let len = self.byte()?;
        self.take(usize::from(len)).map(Self)
    }

    /// A vector of at most 65,535 bytes.
    fn large(&mut self) -> Option<Self> {
        let len = self.short()?;
        self.take(usize::from(len)).map(Self)
    }

    /// The next extension.
    fn extension(&mut self) -> Option<(u16, Self)> {
        Some((self.short()?, self.large()?))
    }
}

impl ClientHello {
    /// Reads the body of the message; what is malformed is left out.
    pub fn read(body: &[u8]) -> Self {
        let mut hello = Self::default();
        let mut fields = Fields(body);
        hello.random = body.get(2..34).and_then(|random| random.try_into().ok());
        let Some(mut extensions) = skip_to_extensions(&mut fields) else { return hello };
        while let Some((kind, mut data)) = extensions.extension() {
            match kind {
                SERVER_NAME => hello.server_name = data.large().and_then(server_name),
                APPLICATION_PROTOCOLS => hello.protocols = data.large().map(protocols).unwrap_or_default(),
                EARLY_DATA => hello.early_data = true,
                _ => {}
            }
        }
        hello
    }
}

/// Over version, random, session, suites and compression methods of a ClientHello.
fn skip_to_extensions<'a>(fields: &mut Fields<'a>) -> Option<Fields<'a>> {
    fields.take(2 + 32)?;
    fields.small()?;
    fields.large()?;
    fields.small()?;
    fields.large()
}

fn server_name(mut list: Fields<'_>) -> Option<Box<str>> {
    while let Some(kind) = list.byte() {
        let name = list.large()?;
        if kind == 0 {
            return text(name.0);
        }
    }
    None
}

/// Names are ASCII (RFC 6066, section 3); what is not printable is none.
fn text(bytes: &[u8]) -> Option<Box<str>> {
    let good = !bytes.is_empty() && bytes.len() <= MAX_NAME && bytes.iter().all(u8::is_ascii_graphic);
    good.then(|| std::str::from_utf8(bytes).ok().map(Into::into)).flatten()
}

/// Names of a list, GREASE (RFC 8701) and what is no text left out.
fn protocols(mut list: Fields<'_>) -> Vec<Box<str>> {
    let mut names = Vec::new();
    while names.len() < MAX_PROTOCOLS
        && let Some(name) = list.small()
    {
        names.extend(text(name.0));
    }
    names
}

impl ServerHello {
    /// Reads the body of the message.
    pub fn read(body: &[u8]) -> Option<Self> {
        let mut fields = Fields(body);
        let version = fields.short()?;
        let random: Random = fields.take(32)?.try_into().ok()?;
        fields.small()?;
        let suite = fields.short()?;
        let compresses = fields.byte()? != 0;
        let mut hello = Self {
            version,
            suite,
            protocol: None,
            takes_key: false,
            random,
            encrypt_then_mac: false,
            compresses,
            is_retry: random == RETRY,
        };
        // Without extensions the message ends here.
        let mut extensions = fields.large().unwrap_or(Fields(&[]));
        while let Some((kind, mut data)) = extensions.extension() {
            match kind {
                SUPPORTED_VERSIONS => hello.version = data.short()?,
                APPLICATION_PROTOCOLS => {
                    hello.protocol = data.large().and_then(|list| protocols(list).into_iter().next())
                }
                ENCRYPT_THEN_MAC => hello.encrypt_then_mac = true,
                PRE_SHARED_KEY => hello.takes_key = true,
                _ => {}
            }
        }
        Some(hello)
    }
}
