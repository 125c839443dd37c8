//! Families of protocols: what floors above need of an exchange, whatever protocol of its family it was.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use super::spoken::Spoken;
use super::value::{Kind, Value};

/// What is known of names that nobody defined: they are one, `_OTHER`, as the conventions have it for methods.
pub const OTHER: &str = "_OTHER";

/// An exchange as its family has it.
#[derive(Clone, Copy, Debug)]
pub enum Family<'a> {
    /// HTTP, whatever its version.
    Http(Http<'a>),
    /// A call of a remote procedure.
    Rpc(Rpc<'a>),
    /// A database.
    Database(Database<'a>),
    /// A look-up of a name.
    Lookup(Lookup<'a>),
    /// Encrypted: only its times and sizes are known.
    Opaque(Opaque),
}

/// A request of HTTP and its response. Texts are as on the wire (lossy UTF-8), not redacted, and capped.
#[derive(Clone, Copy, Debug)]
pub struct Http<'a> {
    /// Request method as sent; any token is possible.
    pub method: &'a str,
    /// Request target as sent: origin, absolute, authority or asterisk form.
    pub target: &'a str,
    /// The target is longer than what was captured or kept.
    pub target_truncated: bool,
    /// Scheme, where the request says it besides its target.
    pub scheme: Option<&'a str>,
    /// As in `network.protocol.version`: `1.0`, `1.1`, `2`.
    pub version: &'static str,
    /// Status code of the final response; `None` when there was none.
    pub status: Option<u16>,
    /// `Host`, or what stands for it.
    pub host: Option<&'a str>,
    /// `User-Agent`.
    pub user_agent: Option<&'a str>,
    /// First address of `Forwarded: for=` or `X-Forwarded-For`, for `client.address`.
    pub forwarded_for: Option<&'a str>,
    /// Request body in bytes, without framing; `None` when that is uncertain.
    pub request_body: Option<u64>,
    /// Response body in bytes, without framing; `None` when that is uncertain, or there was no response.
    pub response_body: Option<u64>,
}

/// A call of a remote procedure and its answer.
#[derive(Clone, Copy, Debug)]
pub struct Rpc<'a> {
    /// `rpc.system.name`.
    pub system: &'static str,
    /// Full name of the method, `package.Service/Method`, as sent and capped; `None` when it is not known.
    pub method: Option<&'a str>,
    /// The server said, or its answer shows, that it has no such method: anybody can ask for anything.
    pub is_unknown: bool,
    /// Something was answered, be it an error.
    pub is_answered: bool,
    /// `rpc.response.status_code`: what the answer says of success or failure, if it says so.
    pub status: Option<&'static str>,
    /// What the client calls the server: name and perhaps port.
    pub authority: Option<&'a str>,
    /// As in `network.protocol.version`.
    pub version: &'static str,
    /// Messages of the client, if their number is known.
    pub requests: Option<u64>,
    /// Messages of the server, if their number is known.
    pub responses: Option<u64>,
    /// How long the client said that it waits, ns.
    pub timeout_ns: Option<u64>,
}

impl<'a> Rpc<'a> {
    /// The method as `kind` of its sides has it in metrics: of a server [`OTHER`] if it is unknown, or if nobody knows.
    #[must_use]
    pub fn method_label(&self, kind: Kind) -> Option<&'a str> {
        let is_real = kind == Kind::Client || (self.is_answered && !self.is_unknown);
        self.method.map(|method| if is_real { method } else { OTHER })
    }
}

/// What was asked of a database, and how it answered.
#[derive(Clone, Copy, Debug)]
pub struct Database<'a> {
    /// `db.system.name`.
    pub system: &'static str,
    /// `db.namespace`, as far as known.
    pub namespace: Option<Namespace<'a>>,
    /// `db.query.summary`: low in cardinality.
    pub summary: Option<&'a Arc<str>>,
    /// Command, or command tag of the answer, as sent: a peer can invent any number of them.
    pub operation: Option<&'a str>,
    /// Whether an operation is one that somebody defined.
    pub is_known: fn(&str) -> bool,
    /// It went together with others in one round trip.
    pub is_batched: bool,
    /// `db.response.status_code`: what the answer says of success or failure, if it says so.
    pub status: Option<&'a str>,
    /// Rows that came back, if that is known.
    pub returned_rows: Option<u64>,
    /// The port that goes without saying.
    pub usual_port: u16,
}

impl<'a> Database<'a> {
    /// The operation as a label of metrics: itself if somebody defined it, else [`OTHER`].
    #[must_use]
    pub fn operation_label(&self) -> Option<&'a str> {
        self.operation.map(|operation| if (self.is_known)(operation) { operation } else { OTHER })
    }

    /// What it was, low in cardinality: its summary, or its operation.
    #[must_use]
    pub fn title(&self) -> &'a str {
        self.summary.map(|summary| &**summary).or(self.operation).unwrap_or("statement")
    }
}

/// Which of a server's databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace<'a> {
    /// By its name.
    Name(&'a Arc<str>),
    /// By its number.
    Index(u32),
}

impl<'a> Namespace<'a> {
    /// As text; the usual number costs nothing.
    #[must_use]
    pub fn text(self) -> Cow<'a, str> {
        match self {
            Self::Name(name) => Cow::Borrowed(name),
            Self::Index(0) => Cow::Borrowed("0"),
            Self::Index(index) => Cow::Owned(index.to_string()),
        }
    }

    /// As a value of an attribute.
    #[must_use]
    pub fn value(self) -> Value {
        match self {
            Self::Name(name) => Value::shared(name),
            Self::Index(0) => Value::Static("0"),
            Self::Index(index) => Value::text(&index.to_string()),
        }
    }
}

/// A question for a name and its answer.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'a> {
    /// Name asked for, without the last dot, lower case.
    pub name: &'a str,
    /// Type of the question by its mnemonic: `A`, `AAAA`, `SRV`.
    pub question: &'a str,
    /// `RCODE` of the answer (RFC 1035, 4.1.1); `None` without one.
    pub response_code: Option<u8>,
    /// Addresses of the answer, in its order.
    pub addresses: &'a [IpAddr],
}

/// A round trip whose content is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opaque {
    /// What is known to speak inside.
    pub inside: Option<Spoken>,
    /// Plaintext bytes of the request, where they are known.
    pub request: Option<u64>,
    /// Plaintext bytes of the response, without what the encryption itself may have put before it.
    pub response: Option<u64>,
}
