//! Recorded events: wirespan's own recordings, and packet captures of plain traffic, as streams of [`Event`]s.
//!
//! Layout:
//! - [`file`](self::file) (and [`codec`]): the recording format, written by `wirespan record`;
//! - [`blank`]: secrets are blanked before they are written;
//! - [`pcap`] and [`pcapng`]: frames out of capture files; [`packet`]: a TCP segment or UDP datagram out of a frame;
//! - [`assembly`]: the bytes of one direction in order; [`tcp`], [`udp`]: connections; [`wire`]: a capture as events,
//!   each an [`owned`] one.
//!
//! [`open`] tells the formats apart by their first bytes. Everything is streamed: memory does not grow with the file.

pub mod assembly;
pub mod blank;
pub mod codec;
pub mod file;
pub mod input;
pub mod keylog;
pub mod owned;
pub mod packet;
pub mod pcap;
pub mod pcapng;
pub mod tcp;
pub mod udp;
pub mod wire;

use std::io::Read;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::event::Event;
use input::Input;

/// A stream of events. The first one is always `Event::Clock`.
pub trait EventSource {
    /// The next event, which borrows from the source; `None` at the end. After an error there is nothing more, but
    /// all that came before the damage has been delivered.
    ///
    /// # Errors
    /// When the source cannot be read, is cut off or damaged: one line that says where.
    fn next(&mut self) -> anyhow::Result<Option<Event<'_>>>;

    /// What was left out, and why: name and count, non-zero ones only.
    fn left_out(&self) -> Vec<(&'static str, u64)>;
}

/// Opens a recording or a capture; `-` is standard input.
///
/// # Errors
/// When the file cannot be opened, or is neither.
pub fn open(path: &Path) -> anyhow::Result<Box<dyn EventSource>> {
    let reader: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?)
    };
    from_reader(reader).with_context(|| format!("cannot read {}", path.display()))
}

/// Like [`open`], on anything that can be read.
///
/// # Errors
/// When it is neither a recording nor a capture that is understood.
pub fn from_reader(reader: impl Read + 'static) -> anyhow::Result<Box<dyn EventSource>> {
    let mut input = Input::new(std::io::BufReader::with_capacity(1 << 16, reader));
    let mut magic = [0; 4];
    if !input.fill(&mut magic)? {
        bail!("the file is empty");
    }
    if magic == file::MAGIC[..4] {
        return Ok(Box::new(file::Reader::new(input)?));
    }
    if let Some(variant) = pcap::Variant::of(magic) {
        return Ok(Box::new(wire::Wire::new(pcap::Classic::new(input, variant)?)));
    }
    if magic == pcapng::MAGIC {
        return Ok(Box::new(wire::Wire::new(pcapng::Blocks::new(input)?)));
    }
    if magic[..2] == [0x1f, 0x8b] || magic == [0x28, 0xb5, 0x2f, 0xfd] {
        bail!("the file is compressed: unpack it first, for example `zcat FILE | wirespan replay -`");
    }
    bail!("neither a wirespan recording nor a pcap or pcapng capture (it begins with {magic:02x?})");
}

#[cfg(test)]
mod tests;
