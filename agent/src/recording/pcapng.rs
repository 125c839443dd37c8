//! pcapng files (draft-ietf-opsawg-pcapng): sections of either byte order, several interfaces, enhanced, simple and
//! obsolete packet blocks. Other blocks are passed over.

use std::io::Read;

use anyhow::bail;

use super::input::{Input, Order};
use super::packet::{Frame, Link};
use super::pcap::{Frames, MAX_FRAME};

/// First bytes of a file, the same in both byte orders.
pub const MAGIC: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

mod block {
    pub(super) const SECTION: u32 = 0x0a0d_0d0a;
    pub(super) const INTERFACE: u32 = 1;
    pub(super) const OBSOLETE_PACKET: u32 = 2;
    pub(super) const SIMPLE_PACKET: u32 = 3;
    pub(super) const ENHANCED_PACKET: u32 = 6;
}

/// Longest block that is held in memory: a frame, its fields and options.
const MAX_BLOCK: usize = MAX_FRAME + (64 << 10);
/// Interfaces of one section.
const MAX_INTERFACES: usize = 1024;
/// Type, length, and length again.
const FRAMING: usize = 12;

/// How an interface tells time, and what its frames begin with.
#[derive(Clone, Copy, Debug)]
struct Interface {
    link: Option<Link>,
    snap_len: usize,
    /// Units per second.
    units: u64,
    offset_s: i64,
}

impl Interface {
    /// Section 4.2: link type, reserved, snap length, options.
    fn parse(body: &[u8], order: Order) -> Self {
        let snap_len = match usize::try_from(order.u32(body, 4)).unwrap_or(usize::MAX) {
            0 => usize::MAX,
            limit => limit,
        };
        let mut interface = Self { link: Link::of(order.u16(body, 0)), snap_len, units: 1_000_000, offset_s: 0 };
        let mut options = body.get(8..).unwrap_or_default();
        while options.len() >= 4 {
            let (code, len) = (order.u16(options, 0), usize::from(order.u16(options, 2)));
            let Some(value) = options.get(4..4 + len) else { break };
            match (code, value) {
                (0, _) => break,
                // if_tsresol: a power of ten, or of two with the highest bit.
                (9, [power]) => interface.units = resolution(*power),
                // if_tsoffset: seconds to be added.
                (14, value) if len == 8 => {
                    let (low, high) = (u64::from(order.u32(value, 0)), u64::from(order.u32(value, 4)));
                    let seconds = if order == Order::Little { high << 32 | low } else { low << 32 | high };
                    interface.offset_s = seconds.cast_signed();
                }
                _ => {}
            }
            options = options.get(4 + len.next_multiple_of(4)..).unwrap_or_default();
        }
        interface
    }

    fn unix_ns(&self, high: u32, low: u32) -> u64 {
        let units = u128::from(u64::from(high) << 32 | u64::from(low));
        let ns = units * 1_000_000_000 / u128::from(self.units);
        let ns = i128::try_from(ns).unwrap_or(i128::MAX).saturating_add(i128::from(self.offset_s) * 1_000_000_000);
        u64::try_from(ns.max(0)).unwrap_or(u64::MAX)
    }
}

/// Units per second; a resolution that does not fit 64 bits is taken for the finest that does.
fn resolution(power: u8) -> u64 {
    let exponent = u32::from(power & 0x7f);
    if power & 0x80 == 0 {
        10_u64.checked_pow(exponent).unwrap_or(10_u64.pow(19))
    } else {
        1_u64.checked_shl(exponent).unwrap_or(1 << 63)
    }
}

/// A pcapng file.
pub struct Blocks<R> {
    input: Input<R>,
    order: Order,
    interfaces: Vec<Interface>,
    body: Vec<u8>,
    last_ns: u64,
}

/// Where in a block's body its frame is.
struct Place {
    interface: usize,
    time: Option<(u32, u32)>,
    captured: usize,
    original: usize,
    begin: usize,
}

impl<R: Read> Blocks<R> {
    /// Reads the rest of the first section header, of which the block type is read already.
    ///
    /// # Errors
    /// When it is cut off or damaged.
    pub fn new(input: Input<R>) -> anyhow::Result<Self> {
        let mut blocks = Self { input, order: Order::Little, interfaces: Vec::new(), body: Vec::new(), last_ns: 0 };
        let mut length = [0; 4];
        blocks.input.need(&mut length)?;
        blocks.section(length)?;
        Ok(blocks)
    }

    /// Section 4.1. The byte order is only known from the magic that follows the length.
    fn section(&mut self, length: [u8; 4]) -> anyhow::Result<()> {
        let at = self.input.offset();
        let mut magic = [0; 4];
        self.input.need(&mut magic)?;
        self.order = match magic {
            [0x4d, 0x3c, 0x2b, 0x1a] => Order::Little,
            [0x1a, 0x2b, 0x3c, 0x4d] => Order::Big,
            _ => bail!("the capture is damaged at byte {at}: no byte order"),
        };
        self.interfaces.clear();
        let length = self.order.u32(&length, 0);
        let Some(rest) = u64::from(length).checked_sub(16).filter(|_| length.is_multiple_of(4)) else {
            bail!("the capture is damaged at byte {at}: a section header of {length} bytes");
        };
        self.input.pass(rest)?;
        self.trailer(length)
    }

    fn trailer(&mut self, length: u32) -> anyhow::Result<()> {
        let mut trailer = [0; 4];
        self.input.need(&mut trailer)?;
        if self.order.u32(&trailer, 0) != length {
            bail!("the capture is damaged before byte {}: the lengths of a block differ", self.input.offset());
        }
        Ok(())
    }

    /// Reads a block; returns its type if its body is of interest and held, `Some(None)` if not, `None` at the end.
    fn block(&mut self) -> anyhow::Result<Option<Option<u32>>> {
        let at = self.input.offset();
        let mut header = [0; 8];
        if !self.input.fill(&mut header)? {
            return Ok(None);
        }
        let kind = self.order.u32(&header, 0);
        if kind == block::SECTION {
            let [.., a, b, c, d] = header;
            self.section([a, b, c, d])?;
            return Ok(Some(None));
        }
        let length = self.order.u32(&header, 4);
        let body =
            usize::try_from(length).unwrap_or(usize::MAX).checked_sub(FRAMING).filter(|body| body.is_multiple_of(4));
        let Some(body) = body else { bail!("the capture is damaged at byte {at}: a block of {length} bytes") };
        let wanted =
            matches!(kind, block::INTERFACE | block::OBSOLETE_PACKET | block::SIMPLE_PACKET | block::ENHANCED_PACKET);
        if wanted && body > MAX_BLOCK {
            bail!("the capture is damaged at byte {at}: a packet block of {length} bytes");
        }
        if wanted {
            self.body.resize(body, 0);
            self.input.need(&mut self.body)?;
        } else {
            self.input.pass(body as u64)?;
        }
        self.trailer(length)?;
        Ok(Some(wanted.then_some(kind)))
    }

    /// Sections 4.3, 4.4 and appendix A.
    fn place(&self, kind: u32) -> Place {
        let field = |at| self.order.u32(&self.body, at);
        let size = |at| usize::try_from(field(at)).unwrap_or(usize::MAX);
        match kind {
            block::SIMPLE_PACKET => {
                let snap_len = self.interfaces.first().map_or(usize::MAX, |interface| interface.snap_len);
                let captured = size(0).min(snap_len).min(self.body.len().saturating_sub(4));
                Place { interface: 0, time: None, captured, original: size(0), begin: 4 }
            }
            kind => {
                let interface = match kind {
                    block::OBSOLETE_PACKET => usize::from(self.order.u16(&self.body, 0)),
                    _ => size(0),
                };
                let time = Some((field(4), field(8)));
                Place { interface, time, captured: size(12), original: size(16), begin: 20 }
            }
        }
    }
}

impl<R: Read> Frames for Blocks<R> {
    fn next(&mut self) -> anyhow::Result<Option<Frame<'_>>> {
        let place = loop {
            match self.block()? {
                None => return Ok(None),
                Some(None) => {}
                Some(Some(block::INTERFACE)) => {
                    if self.interfaces.len() >= MAX_INTERFACES {
                        bail!("more than {MAX_INTERFACES} interfaces before byte {}", self.input.offset());
                    }
                    self.interfaces.push(Interface::parse(&self.body, self.order));
                }
                Some(Some(kind)) => break self.place(kind),
            }
        };
        let end = place.begin.saturating_add(place.captured);
        let (Some(interface), Some(bytes)) = (self.interfaces.get(place.interface), self.body.get(place.begin..end))
        else {
            bail!("the capture is damaged before byte {}: a packet that does not fit", self.input.offset());
        };
        // A simple packet has no time of its own.
        self.last_ns = place.time.map_or(self.last_ns, |(high, low)| interface.unix_ns(high, low));
        let original_len = place.original.max(bytes.len());
        Ok(Some(Frame { at_ns: self.last_ns, link: interface.link, original_len, bytes }))
    }
}
