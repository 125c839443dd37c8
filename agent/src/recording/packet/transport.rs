//! TCP (RFC 9293, section 3.1) and UDP (RFC 768).

use std::net::SocketAddr;

use etherparse::err::tcp::HeaderSliceError;
use etherparse::{TcpHeader, TcpHeaderSlice, UdpHeader, UdpHeaderSlice};

use super::ip::IpPacket;
use super::{Datagram, Layer, Segment, Skipped};

/// The segment in a packet.
pub(super) fn tcp<'a>(packet: &IpPacket<'a>) -> Result<Segment<'a>, Skipped> {
    let bytes = packet.payload.bytes;
    let mut room = [0; TcpHeader::MAX_LEN];
    let header = match TcpHeaderSlice::from_slice(bytes) {
        // The capture may have cut the options off: nothing is read of them.
        Err(HeaderSliceError::Len(_)) if bytes.len() >= TcpHeader::MIN_LEN => {
            room.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            TcpHeaderSlice::from_slice(&room)
        }
        header => header,
    };
    let header = header.map_err(|_| Skipped::Malformed)?;
    let payload = packet.payload.after(header.slice().len())?;
    Ok(Segment {
        source: SocketAddr::new(packet.source, header.source_port()),
        destination: SocketAddr::new(packet.destination, header.destination_port()),
        seq: header.sequence_number(),
        ack: header.ack().then_some(header.acknowledgment_number()),
        syn: header.syn(),
        fin: header.fin(),
        rst: header.rst(),
        len: u32::try_from(payload.len).map_err(|_| Skipped::Malformed)?,
        payload: payload.bytes,
    })
}

/// The datagram in a packet, and its payload. Its own length counts: a fragment is shorter.
pub(super) fn udp<'a>(packet: &IpPacket<'a>) -> Result<(Datagram<'a>, Layer<'a>), Skipped> {
    let header = UdpHeaderSlice::from_slice(packet.payload.bytes).map_err(|_| Skipped::Malformed)?;
    let body = packet.payload.after(UdpHeader::LEN)?;
    let len = match usize::from(header.length()) {
        // Jumbograms (RFC 2675).
        0 => body.len,
        len => len.checked_sub(UdpHeader::LEN).ok_or(Skipped::Malformed)?,
    };
    let payload = Layer { bytes: body.up_to(len).bytes, len };
    let datagram = Datagram {
        source: SocketAddr::new(packet.source, header.source_port()),
        destination: SocketAddr::new(packet.destination, header.destination_port()),
        len: u32::try_from(len).map_err(|_| Skipped::Malformed)?,
        payload: payload.bytes,
    };
    Ok((datagram, payload))
}
