//! Reading with a position, so that an error can say where the damage is.

use std::io::{ErrorKind, Read};

use anyhow::{Context as _, bail};

/// A reader that counts.
pub struct Input<R> {
    reader: R,
    offset: u64,
}

impl<R: Read> Input<R> {
    /// Counts from here.
    pub fn new(reader: R) -> Self {
        Self { reader, offset: 0 }
    }

    /// Bytes read so far.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Fills `buffer`; false when the input ends exactly here.
    ///
    /// # Errors
    /// When reading fails, or the input ends within the buffer.
    pub fn fill(&mut self, buffer: &mut [u8]) -> anyhow::Result<bool> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.reader.read(rest) {
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) => bail!("the file is cut off at byte {}", self.offset),
                Ok(len) => {
                    filled += len;
                    self.offset += len as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(error).with_context(|| format!("reading failed at byte {}", self.offset));
                }
            }
        }
        Ok(true)
    }

    /// Fills `buffer`; the input must not end before.
    ///
    /// # Errors
    /// When it does, or reading fails.
    pub fn need(&mut self, buffer: &mut [u8]) -> anyhow::Result<()> {
        if !buffer.is_empty() && !self.fill(buffer)? {
            bail!("the file is cut off at byte {}", self.offset);
        }
        Ok(())
    }

    /// Reads past `len` bytes.
    ///
    /// # Errors
    /// When the input ends before, or reading fails.
    pub fn pass(&mut self, mut len: u64) -> anyhow::Result<()> {
        let mut scratch = [0; 4096];
        while len > 0 {
            let part = scratch.len().min(usize::try_from(len).unwrap_or(usize::MAX));
            self.need(&mut scratch[..part])?;
            len -= part as u64;
        }
        Ok(())
    }
}

/// Byte order of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl Order {
    /// Two bytes at `at`; 0 beyond the end.
    #[must_use]
    pub fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let Some(field) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else { return 0 };
        match self {
            Self::Little => u16::from_le_bytes(*field),
            Self::Big => u16::from_be_bytes(*field),
        }
    }

    /// Four bytes at `at`; 0 beyond the end.
    #[must_use]
    pub fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let Some(field) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else { return 0 };
        match self {
            Self::Little => u32::from_le_bytes(*field),
            Self::Big => u32::from_be_bytes(*field),
        }
    }
}
