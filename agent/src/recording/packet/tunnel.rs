//! Packets inside packets: VXLAN, Geneve, GRE, and IP in IP. `etherparse` has none of these headers.
//!
//! Which tunnel it was is not kept: a packet that was captured inside and outside of a tunnel (device "any") is the same one
//! twice.

use etherparse::{EtherType, IpNumber};

use super::ip::IpPacket;
use super::{Datagram, Layer, Skipped, link};

/// VXLAN's port (RFC 7348), and the one that Linux has used from before there was a number.
const VXLAN: [u16; 2] = [4789, 8472];
/// Geneve's port (RFC 8926).
const GENEVE: u16 = 6081;
/// An answer of a DNS server to a client that happens to use a port of a tunnel.
const DNS: u16 = 53;
/// What GRE and Geneve call Ethernet.
const TRANSPARENT_ETHERNET: EtherType = EtherType(0x6558);

/// The IP packet in the frame that a datagram carries, if it is one of a tunnel.
pub(super) fn in_datagram<'a>(datagram: &Datagram<'_>, payload: Layer<'a>) -> Result<Option<Layer<'a>>, Skipped> {
    if datagram.source.port() == DNS {
        return Ok(None);
    }
    match datagram.destination.port() {
        port if VXLAN.contains(&port) => vxlan(payload),
        GENEVE => geneve(payload),
        _ => Ok(None),
    }
}

/// The IP packet in a packet that is neither TCP nor UDP.
pub(super) fn in_packet<'a>(packet: &IpPacket<'a>) -> Result<Layer<'a>, Skipped> {
    match packet.protocol {
        // RFC 2003, RFC 4213.
        IpNumber::IPV4 | IpNumber::IPV6 => Ok(packet.payload),
        IpNumber::GRE => gre(packet.payload),
        _ => Err(Skipped::OtherProtocol),
    }
}

/// RFC 7348, section 5: flags, of which one says that there is a network identifier, and all others are zero.
fn vxlan(payload: Layer<'_>) -> Result<Option<Layer<'_>>, Skipped> {
    match payload.bytes {
        [0x08, 0, 0, 0, _, _, _, 0, ..] => link::ethernet(payload.after(8)?).map(Some),
        _ => Ok(None),
    }
}

/// RFC 8926, section 3.4: version and length of the options (in units of four bytes), two flags, the type of what follows.
fn geneve(payload: Layer<'_>) -> Result<Option<Layer<'_>>, Skipped> {
    let [first, flags, high, low, _, _, _, 0, ..] = *payload.bytes else { return Ok(None) };
    if first >> 6 != 0 || flags & 0x3f != 0 {
        return Ok(None);
    }
    let options = usize::from(first & 0x3f) * 4;
    inner(EtherType(u16::from_be_bytes([high, low])), payload.after(8 + options)?).map(Some)
}

/// RFC 2784, RFC 2890. Source routes and later versions (PPTP) are not followed.
fn gre(payload: Layer<'_>) -> Result<Layer<'_>, Skipped> {
    const CHECKSUM: u8 = 0x80;
    const ROUTING: u8 = 0x40;
    const KEY: u8 = 0x20;
    const SEQUENCE: u8 = 0x10;
    let [flags, version, high, low, ..] = *payload.bytes else { return Err(Skipped::Malformed) };
    if flags & ROUTING != 0 || version & 0x07 != 0 {
        return Err(Skipped::OtherProtocol);
    }
    let optional = [CHECKSUM, KEY, SEQUENCE].iter().filter(|flag| flags & **flag != 0).count();
    inner(EtherType(u16::from_be_bytes([high, low])), payload.after(4 + 4 * optional)?)
}

fn inner(kind: EtherType, layer: Layer<'_>) -> Result<Layer<'_>, Skipped> {
    if kind == TRANSPARENT_ETHERNET { link::ethernet(layer) } else { link::payload(kind, layer) }
}

#[cfg(test)]
mod tests;
