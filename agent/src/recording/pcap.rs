//! Classic pcap files (tcpdump.org/manpages/pcap-savefile.5.html): both byte orders, µs and ns.

use std::io::Read;

use anyhow::bail;

use super::input::{Input, Order};
use super::packet::{Frame, Link};

/// Longest frame that is believed. Captures of offloaded segments reach half of it.
pub const MAX_FRAME: usize = 1 << 20;

/// Something that gives frames.
pub trait Frames {
    /// The next frame; `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read, is cut off or damaged.
    fn next(&mut self) -> anyhow::Result<Option<Frame<'_>>>;
}

/// What the magic number tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    order: Order,
    /// Nanoseconds of one unit of the fraction.
    unit_ns: u64,
}

impl Variant {
    /// The variant that begins with these bytes.
    #[must_use]
    pub fn of(magic: [u8; 4]) -> Option<Self> {
        let (order, unit_ns) = match magic {
            [0xd4, 0xc3, 0xb2, 0xa1] => (Order::Little, 1000),
            [0xa1, 0xb2, 0xc3, 0xd4] => (Order::Big, 1000),
            [0x4d, 0x3c, 0xb2, 0xa1] => (Order::Little, 1),
            [0xa1, 0xb2, 0x3c, 0x4d] => (Order::Big, 1),
            _ => return None,
        };
        Some(Self { order, unit_ns })
    }
}

/// A classic pcap file.
pub struct Classic<R> {
    input: Input<R>,
    variant: Variant,
    link: Link,
    buffer: Vec<u8>,
}

impl<R: Read> Classic<R> {
    /// Reads the rest of the header, of which the magic is read already.
    ///
    /// # Errors
    /// When the header is cut off, or its link layer is not understood.
    pub fn new(mut input: Input<R>, variant: Variant) -> anyhow::Result<Self> {
        let mut header = [0; 20];
        input.need(&mut header)?;
        // The upper half of the field tells the length of a frame check sequence.
        let number = variant.order.u32(&header, 16) & 0xffff;
        let Some(link) = u16::try_from(number).ok().and_then(Link::of) else {
            bail!(
                "link type {number} is not understood (Ethernet, raw IP, Linux cooked v1 and v2, and loopback are): \
                 convert or capture again"
            );
        };
        Ok(Self { input, variant, link, buffer: Vec::new() })
    }
}

impl<R: Read> Frames for Classic<R> {
    fn next(&mut self) -> anyhow::Result<Option<Frame<'_>>> {
        let at = self.input.offset();
        let mut header = [0; 16];
        if !self.input.fill(&mut header)? {
            return Ok(None);
        }
        let field = |at| self.variant.order.u32(&header, at);
        let (seconds, fraction) = (u64::from(field(0)), u64::from(field(4)));
        let captured = usize::try_from(field(8)).unwrap_or(usize::MAX);
        let original = usize::try_from(field(12)).unwrap_or(usize::MAX);
        if captured > MAX_FRAME {
            bail!("the capture is damaged at byte {at}: a packet of {captured} bytes");
        }
        self.buffer.resize(captured, 0);
        self.input.need(&mut self.buffer)?;
        Ok(Some(Frame {
            at_ns: seconds * 1_000_000_000 + fraction * self.variant.unit_ns,
            link: Some(self.link),
            original_len: original.max(captured),
            bytes: &self.buffer,
        }))
    }
}

#[cfg(test)]
mod tests;
