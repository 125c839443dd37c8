//! A TCP segment or a UDP datagram out of a captured frame.
//!
//! Layout: [`link`]: link layers and VLAN tags; [`ip`]: IPv4, and IPv6 with extension headers; [`transport`]: TCP and UDP;
//! [`tunnel`]: packets inside packets, of which the innermost counts. `etherparse` reads the headers; what it has none for
//! is here (Linux "any" devices, loopback, tunnels).
//!
//! Lengths come from the IP header, since a capture may have cut the frame short and Ethernet may have padded it.
//! Checksums are not verified: offloading leaves them unfilled in captures of the sending host.

use std::net::SocketAddr;

use etherparse::IpNumber;

mod ip;
mod link;
mod transport;
mod tunnel;

pub use link::Link;

/// A captured frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Unix time, ns.
    pub at_ns: u64,
    /// Its link layer; `None` when it is none of ours.
    pub link: Option<Link>,
    /// Length before the capture cut it; at least `bytes.len()`.
    pub original_len: usize,
    /// What was captured.
    pub bytes: &'a [u8],
}

/// A TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Who sent it.
    pub source: SocketAddr,
    /// To whom.
    pub destination: SocketAddr,
    /// Sequence number of its first byte (or of its SYN).
    pub seq: u32,
    /// Acknowledgement number, where the flag says that it is one.
    pub ack: Option<u32>,
    /// Begins a connection.
    pub syn: bool,
    /// Ends a direction.
    pub fin: bool,
    /// Ends the connection.
    pub rst: bool,
    /// Payload bytes on the wire.
    pub len: u32,
    /// Those of them that were captured, from the first on.
    pub payload: &'a [u8],
}

/// A UDP datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Who sent it.
    pub source: SocketAddr,
    /// To whom.
    pub destination: SocketAddr,
    /// Payload bytes on the wire.
    pub len: u32,
    /// Those of them that were captured, from the first on.
    pub payload: &'a [u8],
}

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// A TCP segment.
    Tcp(Segment<'a>),
    /// A UDP datagram, or its first fragment.
    Udp(Datagram<'a>),
}

/// Why a frame holds no packet that is of interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Skipped {
    /// Of a link layer that is not understood.
    UnknownLink,
    /// Neither TCP nor UDP over IP.
    OtherProtocol,
    /// A fragment of an IP datagram.
    Fragment,
    /// Headers are cut off or contradict themselves.
    Malformed,
    /// In more tunnels than are followed.
    Nested,
}

impl Skipped {
    /// Every reason, in the order of their discriminants.
    pub const ALL: [Self; 5] = [Self::UnknownLink, Self::OtherProtocol, Self::Fragment, Self::Malformed, Self::Nested];

    /// For the summary.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownLink => "frames of an unknown link layer",
            Self::OtherProtocol => "frames that are neither TCP nor DNS over UDP",
            Self::Fragment => "IP fragments",
            Self::Malformed => "frames with cut or malformed headers",
            Self::Nested => "frames in more than four tunnels",
        }
    }
}

/// Tunnels within tunnels that are followed.
const MAX_TUNNELS: usize = 4;

/// A layer of a packet: what was captured of it, and how long it was on the wire.
#[derive(Clone, Copy, Debug)]
struct Layer<'a> {
    bytes: &'a [u8],
    len: usize,
}

impl<'a> Layer<'a> {
    /// What follows the first `header` bytes.
    fn after(self, header: usize) -> Result<Self, Skipped> {
        let len = self.len.checked_sub(header).ok_or(Skipped::Malformed)?;
        Ok(Self { bytes: self.bytes.get(header..).unwrap_or_default(), len })
    }

    /// Without what comes after the first `len` bytes (padding).
    fn up_to(self, len: usize) -> Self {
        Self { bytes: self.bytes.get(..len).unwrap_or(self.bytes), len: self.len.min(len) }
    }
}

/// The segment or datagram in a frame; the innermost one, if it is in tunnels.
///
/// # Errors
/// Why there is none.
pub fn packet<'a>(frame: &Frame<'a>) -> Result<Packet<'a>, Skipped> {
    let link = frame.link.ok_or(Skipped::UnknownLink)?;
    let mut layer = link.network(Layer { bytes: frame.bytes, len: frame.original_len.max(frame.bytes.len()) })?;
    for _ in 0..=MAX_TUNNELS {
        let packet = ip::packet(layer)?;
        layer = match packet.protocol {
            IpNumber::TCP => return transport::tcp(&packet).map(Packet::Tcp),
            IpNumber::UDP => {
                let (datagram, payload) = transport::udp(&packet)?;
                match tunnel::in_datagram(&datagram, payload)? {
                    Some(inner) => inner,
                    None => return Ok(Packet::Udp(datagram)),
                }
            }
            _ => tunnel::in_packet(&packet)?,
        };
    }
    Err(Skipped::Nested)
}

#[cfg(test)]
mod tests;
