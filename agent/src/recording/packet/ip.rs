//! IPv4 (RFC 791) and IPv6 with its extension headers (RFC 8200).

use std::net::IpAddr;

use etherparse::{
    IpAuthHeaderSlice, IpNumber, Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6Header, Ipv6HeaderSlice,
    Ipv6RawExtHeaderSlice,
};

use super::{Layer, Skipped};

/// Extension headers that are followed.
const MAX_EXTENSIONS: usize = 8;

/// An IP packet, or the first fragment of a UDP datagram.
pub(super) struct IpPacket<'a> {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    /// What is in it, behind extension headers.
    pub(super) protocol: IpNumber,
    pub(super) payload: Layer<'a>,
}

/// The packet that begins here, without padding.
pub(super) fn packet(layer: Layer<'_>) -> Result<IpPacket<'_>, Skipped> {
    match layer.bytes.first().ok_or(Skipped::Malformed)? >> 4 {
        4 => v4(layer),
        6 => v6(layer),
        _ => Err(Skipped::OtherProtocol),
    }
}

/// Refuses fragments, but for the first one of a datagram: its UDP header tells what all of it is.
fn whole(protocol: IpNumber, offset: u16, more: bool) -> Result<(), Skipped> {
    match protocol {
        IpNumber::UDP if offset == 0 => Ok(()),
        IpNumber::TCP | IpNumber::UDP | IpNumber::GRE | IpNumber::IPV4 | IpNumber::IPV6 => {
            if offset > 0 || more {
                Err(Skipped::Fragment)
            } else {
                Ok(())
            }
        }
        _ => Err(Skipped::OtherProtocol),
    }
}

fn v4(layer: Layer<'_>) -> Result<IpPacket<'_>, Skipped> {
    let header = Ipv4HeaderSlice::from_slice(layer.bytes).map_err(|_| Skipped::Malformed)?;
    whole(header.protocol(), header.fragments_offset().value(), header.more_fragments())?;
    // Segmentation offload leaves the length empty.
    let packet = match usize::from(header.total_len()) {
        0 => layer,
        total => layer.up_to(total),
    };
    Ok(IpPacket {
        source: header.source_addr().into(),
        destination: header.destination_addr().into(),
        protocol: header.protocol(),
        payload: packet.after(header.slice().len())?,
    })
}

fn v6(layer: Layer<'_>) -> Result<IpPacket<'_>, Skipped> {
    let header = Ipv6HeaderSlice::from_slice(layer.bytes).map_err(|_| Skipped::Malformed)?;
    let body = layer.after(Ipv6Header::LEN)?;
    // Empty for jumbograms and with segmentation offload.
    let body = match usize::from(header.payload_length()) {
        0 => body,
        len => body.up_to(len),
    };
    let (protocol, payload) = behind_extensions(header.next_header(), body)?;
    Ok(IpPacket {
        source: header.source_addr().into(),
        destination: header.destination_addr().into(),
        protocol,
        payload,
    })
}

/// What follows the extension headers: its protocol, and where it is. They are read one by one: the iterator that
/// `etherparse` 0.21 has for them trusts lengths that nothing has checked after a header that is refused.
fn behind_extensions(mut next: IpNumber, mut layer: Layer<'_>) -> Result<(IpNumber, Layer<'_>), Skipped> {
    for _ in 0..MAX_EXTENSIONS {
        let bytes = layer.bytes;
        let (following, len) = match next {
            IpNumber::IPV6_HEADER_HOP_BY_HOP | IpNumber::IPV6_ROUTE_HEADER | IpNumber::IPV6_DESTINATION_OPTIONS => {
                let header = Ipv6RawExtHeaderSlice::from_slice(bytes).map_err(|_| Skipped::Malformed)?;
                (header.next_header(), header.slice().len())
            }
            IpNumber::AUTHENTICATION_HEADER => {
                let header = IpAuthHeaderSlice::from_slice(bytes).map_err(|_| Skipped::Malformed)?;
                (header.next_header(), header.slice().len())
            }
            IpNumber::IPV6_FRAGMENTATION_HEADER => {
                let header = Ipv6FragmentHeaderSlice::from_slice(bytes).map_err(|_| Skipped::Malformed)?;
                if header.is_fragmenting_payload() {
                    whole(header.next_header(), header.fragment_offset().value(), header.more_fragments())?;
                }
                (header.next_header(), header.slice().len())
            }
            _ => return Ok((next, layer)),
        };
        next = following;
        layer = layer.after(len)?;
    }
    Err(Skipped::Malformed)
}
