//! Link layers, by their `LINKTYPE_` numbers (tcpdump.org/linktypes.html), and VLAN tags (IEEE 802.1Q).

use etherparse::{EtherType, Ethernet2Header, Ethernet2HeaderSlice, SingleVlanHeader, SingleVlanHeaderSlice};

use super::{Layer, Skipped};

/// Link layers that are understood.
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

    /// The IP packet in a frame of this link layer.
    ///
    /// The headers of Linux "any" devices are passed over here: `etherparse` has none of the second version, and refuses
    /// the first one of devices that it does not know, loopback among them.
    pub(super) fn network(self, frame: Layer<'_>) -> Result<Layer<'_>, Skipped> {
        match self {
            Self::RawIp => Ok(frame),
            Self::Loopback => frame.after(4),
            Self::Ethernet => ethernet(frame),
            Self::Cooked1 => payload(ether_type(frame, 14)?, frame.after(16)?),
            // The protocol comes first here, before the rest of the header.
            Self::Cooked2 => payload(ether_type(frame, 0)?, frame.after(20)?),
        }
    }
}

/// Tags within tags that are followed: customer and provider, and then some.
pub(super) const MAX_TAGS: usize = 8;

/// The IP packet in an Ethernet frame.
pub(super) fn ethernet(frame: Layer<'_>) -> Result<Layer<'_>, Skipped> {
    let header = Ethernet2HeaderSlice::from_slice(frame.bytes).map_err(|_| Skipped::Malformed)?;
    payload(header.ether_type(), frame.after(Ethernet2Header::LEN)?)
}

/// The IP packet in the payload of a given type, behind any VLAN tags.
pub(super) fn payload(mut kind: EtherType, mut layer: Layer<'_>) -> Result<Layer<'_>, Skipped> {
    for _ in 0..MAX_TAGS {
        match kind {
            EtherType::IPV4 | EtherType::IPV6 => return Ok(layer),
            EtherType::VLAN_TAGGED_FRAME | EtherType::PROVIDER_BRIDGING | EtherType::VLAN_DOUBLE_TAGGED_FRAME => {
                let tag = SingleVlanHeaderSlice::from_slice(layer.bytes).map_err(|_| Skipped::Malformed)?;
                kind = tag.ether_type();
                layer = layer.after(SingleVlanHeader::LEN)?;
            }
            _ => break,
        }
    }
    Err(Skipped::OtherProtocol)
}

/// The EtherType at `at`.
fn ether_type(layer: Layer<'_>, at: usize) -> Result<EtherType, Skipped> {
    let field = layer.bytes.get(at..).and_then(|rest| rest.first_chunk()).ok_or(Skipped::Malformed)?;
    Ok(EtherType(u16::from_be_bytes(*field)))
}
