//! The recording format.
//!
//! ```text
//! file    magic "WIRESPAN", version u32, record…, the last of which is the end record
//! record  length u32 of the body, CRC-32 (ISO-HDLC, as gzip) u32 of the body, body
//! body    an event (see `codec`), or the end: tag 0xff and the number of events as u64
//! ```
//! All fixed-width numbers are little-endian. A recording without its end record was cut off (the agent was killed, the
//! disk was full): what is there is read, and then one error says so.

use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use anyhow::bail;

use super::input::Input;
use super::{EventSource, codec};
use crate::event::Event;

/// First bytes of a recording.
pub const MAGIC: [u8; 8] = *b"WIRESPAN";
/// The version written, and the only one read.
pub const VERSION: u32 = 2;
/// Longest body: two payloads at their limits and their fields.
const MAX_BODY: usize = (1 << 20) + 1024;
const END: u8 = 0xff;

/// Writes a recording.
pub struct Writer<W: Write> {
    out: W,
    body: Vec<u8>,
    events: u64,
}

impl Writer<BufWriter<std::fs::File>> {
    /// Creates the file for its owner alone, or empties it.
    ///
    /// # Errors
    /// When the file cannot be created or written.
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::new(BufWriter::with_capacity(1 << 16, crate::files::create(path)?))
    }
}

impl<W: Write> Writer<W> {
    /// Begins a recording.
    ///
    /// # Errors
    /// When the header cannot be written.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(&MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        Ok(Self { out, body: Vec::with_capacity(4096), events: 0 })
    }

    /// Appends an event. The first one should be `Event::Clock`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, event: &Event<'_>) -> io::Result<()> {
        if matches!(event, Event::Secret(_)) {
            return Ok(());
        }
        self.body.clear();
        codec::encode(event, &mut self.body);
        self.events += 1;
        self.record()
    }

    /// Where it is written to.
    pub const fn get_ref(&self) -> &W {
        &self.out
    }

    /// Ends the recording and flushes it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.body.clear();
        self.body.push(END);
        self.body.extend(self.events.to_le_bytes());
        self.record()?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn record(&mut self) -> io::Result<()> {
        let len = u32::try_from(self.body.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        self.out.write_all(&len.to_le_bytes())?;
        self.out.write_all(&crc32fast::hash(&self.body).to_le_bytes())?;
        self.out.write_all(&self.body)
    }
}

/// Reads a recording.
pub struct Reader<R> {
    input: Input<R>,
    body: Vec<u8>,
    events: u64,
    done: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the rest of a header of which the first four bytes are read already.
    ///
    /// # Errors
    /// When it is no recording, or of a version that this wirespan does not know.
    pub fn new(mut input: Input<R>) -> anyhow::Result<Self> {
        let mut header = [0; 8];
        input.need(&mut header)?;
        let (magic, version) = header.split_at(4);
        if *magic != MAGIC[4..] {
            bail!("not a wirespan recording");
        }
        if *version != VERSION.to_le_bytes() {
            bail!("a recording of version {version:?}: this wirespan reads version {VERSION}");
        }
        Ok(Self { input, body: Vec::new(), events: 0, done: false })
    }

    /// Reads the next body; false at the end of the recording.
    fn advance(&mut self) -> anyhow::Result<bool> {
        let at = self.input.offset();
        let mut header = [0; 8];
        if !self.input.fill(&mut header)? {
            bail!("the recording was cut off at byte {at}, after {} events", self.events);
        }
        let [a, b, c, d, sum @ ..] = header;
        let len = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if len == 0 || len > MAX_BODY {
            bail!("the recording is damaged at byte {at}: a record of {len} bytes");
        }
        self.body.resize(len, 0);
        self.input.need(&mut self.body)?;
        if crc32fast::hash(&self.body) != u32::from_le_bytes(sum) {
            bail!("the recording is damaged at byte {at}: wrong checksum");
        }
        if self.body.first() != Some(&END) {
            self.events += 1;
            return Ok(true);
        }
        if self.body[1..] != self.events.to_le_bytes() {
            bail!("the recording is damaged at byte {at}: events are missing");
        }
        if self.input.fill(&mut [0])? {
            bail!("the recording is damaged at byte {}: something follows its end", self.input.offset());
        }
        Ok(false)
    }
}

impl<R: Read> EventSource for Reader<R> {
    fn next(&mut self) -> anyhow::Result<Option<Event<'_>>> {
        if self.done {
            return Ok(None);
        }
        // Whatever goes wrong from here on is the end.
        self.done = true;
        if !self.advance()? {
            return Ok(None);
        }
        let Some(event) = codec::decode(&self.body) else {
            bail!("the recording is damaged before byte {}: no event", self.input.offset());
        };
        self.done = false;
        Ok(Some(event))
    }

    fn left_out(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
