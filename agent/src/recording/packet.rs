//! A TCP segment or a UDP datagram out of a captured frame: link layer, VLAN tags, IPv4 or IPv6 with extension headers.
//!
//! Lengths come from the IP header, since a capture may have cut the frame short and Ethernet may have padded it.
//! Checksums are not verified: offloading leaves them unfilled in captures of the sending host.

use std::net::{IpAddr, SocketAddr};

/// Link layers that are understood, by their `LINKTYPE_` numbers (tcpdump.org/linktypes.html).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// 1.
    Ethernet,
    /// 0 and 108: four bytes of address family, in the one or the other byte order.
    Loopback,
    /// 101, 228, 229, and 12 and 14 as some systems write it: IP without anything before it.
    RawIp,
    /// 113: Linux "any" device.
    Cooked1,
    /// 276: Linux "any" device, second version.
    Cooked2,
}

impl Link {
    /// The link layer of a number, if it is understood.
    #[must_use]
    pub fn of(number: u16) -> Option<Self> {
        match number {
            0 | 108 => Some(Self::Loopback),
            1 => Some(Self::Ethernet),
            12 | 14 | 101 | 228 | 229 => Some(Self::RawIp),
            113 => Some(Self::Cooked1),
            276 => Some(Self::Cooked2),
            _ => None,
        }
    }
}

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
}

impl Skipped {
    /// Every reason, in the order of their discriminants.
    pub const ALL: [Self; 4] = [Self::UnknownLink, Self::OtherProtocol, Self::Fragment, Self::Malformed];

    /// For the summary.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownLink => "frames of an unknown link layer",
            Self::OtherProtocol => "frames that are neither TCP nor DNS over UDP",
            Self::Fragment => "IP fragments",
            Self::Malformed => "frames with cut or malformed headers",
        }
    }
}

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
/// 802.1Q, 802.1ad, and the number that came before the latter.
const ETHERTYPE_VLAN: [u16; 3] = [0x8100, 0x88a8, 0x9100];
/// Tags within tags, and extension headers, that are followed.
const MAX_NESTING: usize = 8;

const PROTOCOL_TCP: u8 = 6;
const PROTOCOL_UDP: u8 = 17;
const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// The segment or datagram in a frame.
///
/// # Errors
/// Why there is none.
pub fn packet<'a>(frame: &Frame<'a>) -> Result<Packet<'a>, Skipped> {
    let bytes = frame.bytes;
    let header = match frame.link.ok_or(Skipped::UnknownLink)? {
        Link::RawIp => 0,
        Link::Loopback => 4,
        Link::Ethernet => tagged(bytes, 12)?,
        Link::Cooked1 => tagged(bytes, 14)?,
        // The protocol comes first here, so that tags cannot be where the payload begins to be something else.
        Link::Cooked2 => match be16(bytes, 0)? {
            tag if ETHERTYPE_VLAN.contains(&tag) => tagged(bytes, 22)?,
            ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => 20,
            _ => return Err(Skipped::OtherProtocol),
        },
    };
    let bytes = bytes.get(header..).ok_or(Skipped::Malformed)?;
    let original = frame.original_len.max(bytes.len()).saturating_sub(header);
    match bytes.first().ok_or(Skipped::Malformed)? >> 4 {
        4 => ipv4(bytes, original),
        6 => ipv6(bytes, original),
        _ => Err(Skipped::OtherProtocol),
    }
}

/// Where the payload begins after an EtherType at `at` and any VLAN tags.
fn tagged(bytes: &[u8], mut at: usize) -> Result<usize, Skipped> {
    for _ in 0..MAX_NESTING {
        match be16(bytes, at)? {
            tag if ETHERTYPE_VLAN.contains(&tag) => at += 4,
            ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => return Ok(at + 2),
            _ => break,
        }
    }
    Err(Skipped::OtherProtocol)
}

/// RFC 791, section 3.1.
fn ipv4(packet: &[u8], original: usize) -> Result<Packet<'_>, Skipped> {
    let fixed: &[u8; 20] = packet.first_chunk().ok_or(Skipped::Malformed)?;
    let header = usize::from(fixed[0] & 0x0f) * 4;
    let protocol = fixed[9];
    if !matches!(protocol, PROTOCOL_TCP | PROTOCOL_UDP) {
        return Err(Skipped::OtherProtocol);
    }
    // More fragments, or an offset. The first fragment of a datagram tells what all of it is.
    let fragment = be16(packet, 6)? & 0x3fff;
    if fragment != 0 && (protocol == PROTOCOL_TCP || fragment & 0x1fff != 0) {
        return Err(Skipped::Fragment);
    }
    // Segmentation offload leaves the length empty.
    let total = match usize::from(be16(packet, 2)?) {
        0 => original,
        total => total.min(original),
    };
    if header < 20 || total < header {
        return Err(Skipped::Malformed);
    }
    let [.., a, b, c, d, e, f, g, h] = *fixed;
    let (source, destination) = (IpAddr::from([a, b, c, d]), IpAddr::from([e, f, g, h]));
    if protocol == PROTOCOL_UDP {
        return udp(packet, header, total, source, destination);
    }
    tcp(packet, header, total, source, destination)
}

/// RFC 8200, sections 3 and 4.
fn ipv6(packet: &[u8], original: usize) -> Result<Packet<'_>, Skipped> {
    const HOP_BY_HOP: u8 = 0;
    const ROUTING: u8 = 43;
    const FRAGMENT: u8 = 44;
    const AUTHENTICATION: u8 = 51;
    const DESTINATION: u8 = 60;
    let fixed: &[u8; 40] = packet.first_chunk().ok_or(Skipped::Malformed)?;
    let address = |at: usize| fixed[at..].first_chunk::<16>().copied().map(IpAddr::from).ok_or(Skipped::Malformed);
    // Empty for jumbograms and with segmentation offload.
    let total = match usize::from(be16(packet, 4)?) {
        0 => original,
        len => (40 + len).min(original),
    };
    let (mut next, mut at) = (fixed[6], 40);
    for _ in 0..MAX_NESTING {
        match next {
            PROTOCOL_TCP => return tcp(packet, at, total, address(8)?, address(24)?),
            PROTOCOL_UDP => return udp(packet, at, total, address(8)?, address(24)?),
            HOP_BY_HOP | ROUTING | DESTINATION | AUTHENTICATION | FRAGMENT => {}
            _ => return Err(Skipped::OtherProtocol),
        }
        let [following, len] = *packet.get(at..).and_then(|rest| rest.first_chunk()).ok_or(Skipped::Malformed)?;
        at += match next {
            FRAGMENT => {
                // An atomic fragment is whole (RFC 6946); the first fragment of a datagram tells what all of it is.
                let fragment = be16(packet, at + 2)? & 0xfff9;
                if fragment > 1 || fragment == 1 && following != PROTOCOL_UDP {
                    return Err(Skipped::Fragment);
                }
                8
            }
            // Counted in units of four, less two (RFC 4302, section 2.2).
            AUTHENTICATION => (usize::from(len) + 2) * 4,
            _ => (usize::from(len) + 1) * 8,
        };
        next = following;
    }
    Err(Skipped::Malformed)
}

/// RFC 9293, section 3.1. `at`: where the TCP header begins; `total`: where the IP packet ends.
fn tcp(packet: &[u8], at: usize, total: usize, source: IpAddr, destination: IpAddr) -> Result<Packet<'_>, Skipped> {
    let fixed: &[u8; 20] = packet.get(at..).and_then(|rest| rest.first_chunk()).ok_or(Skipped::Malformed)?;
    let header = usize::from(fixed[12] >> 4) * 4;
    let begin = at + header;
    if header < 20 || begin > total {
        return Err(Skipped::Malformed);
    }
    let [s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, _, flags, ..] = *fixed;
    // What was captured ends where the capture ends, but never behind the IP packet (padding).
    let captured = packet.get(begin..total.min(packet.len())).unwrap_or_default();
    Ok(Packet::Tcp(Segment {
        source: SocketAddr::new(source, u16::from_be_bytes([s0, s1])),
        destination: SocketAddr::new(destination, u16::from_be_bytes([d0, d1])),
        seq: u32::from_be_bytes([q0, q1, q2, q3]),
        ack: (flags & ACK != 0).then_some(u32::from_be_bytes([a0, a1, a2, a3])),
        syn: flags & SYN != 0,
        fin: flags & FIN != 0,
        rst: flags & RST != 0,
        len: u32::try_from(total - begin).map_err(|_| Skipped::Malformed)?,
        payload: captured,
    }))
}

/// RFC 768. Its own length counts: a fragment is shorter.
fn udp(packet: &[u8], at: usize, total: usize, source: IpAddr, destination: IpAddr) -> Result<Packet<'_>, Skipped> {
    let header: &[u8; 8] = packet.get(at..).and_then(|rest| rest.first_chunk()).ok_or(Skipped::Malformed)?;
    let [s0, s1, d0, d1, l0, l1, ..] = *header;
    let begin = at + header.len();
    let len = match usize::from(u16::from_be_bytes([l0, l1])) {
        // Jumbograms (RFC 2675).
        0 => total.saturating_sub(at),
        len => len,
    };
    let len = len.checked_sub(header.len()).ok_or(Skipped::Malformed)?;
    let end = total.min(packet.len()).min(begin + len);
    Ok(Packet::Udp(Datagram {
        source: SocketAddr::new(source, u16::from_be_bytes([s0, s1])),
        destination: SocketAddr::new(destination, u16::from_be_bytes([d0, d1])),
        len: u32::try_from(len).map_err(|_| Skipped::Malformed)?,
        payload: packet.get(begin..end).unwrap_or_default(),
    }))
}

fn be16(bytes: &[u8], at: usize) -> Result<u16, Skipped> {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .map(|field| u16::from_be_bytes(*field))
        .ok_or(Skipped::Malformed)
}

#[cfg(test)]
mod tests;
