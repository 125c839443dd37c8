//! The archive that the kernel unpacks as its first file system: "newc" of cpio, uncompressed
//! (Linux, Documentation/driver-api/early-userspace/buffer-format.rst).

use std::io::{Result, Write};

const DIRECTORY: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const CHARACTER_DEVICE: u32 = 0o020_000;

/// Writes entries one after the other.
pub struct Archive<W: Write> {
    out: W,
    inode: u32,
    at: usize,
}

impl<W: Write> Archive<W> {
    /// An empty archive.
    pub fn new(out: W) -> Self {
        Self { out, inode: 0, at: 0 }
    }

    /// A folder; its parents come before it.
    pub fn directory(&mut self, name: &str) -> Result<()> {
        self.entry(name, DIRECTORY | 0o755, (0, 0), &[])
    }

    /// A file with the given permission bits.
    pub fn file(&mut self, name: &str, mode: u32, data: &[u8]) -> Result<()> {
        self.entry(name, FILE | mode, (0, 0), data)
    }

    /// A character device.
    pub fn device(&mut self, name: &str, number: (u32, u32)) -> Result<()> {
        self.entry(name, CHARACTER_DEVICE | 0o600, number, &[])
    }

    /// Ends the archive.
    pub fn finish(mut self) -> Result<()> {
        self.entry("TRAILER!!!", 0, (0, 0), &[])?;
        self.out.flush()
    }

    fn entry(&mut self, name: &str, mode: u32, device: (u32, u32), data: &[u8]) -> Result<()> {
        self.inode += 1;
        let size = u32::try_from(data.len()).map_err(std::io::Error::other)?;
        let name_size = u32::try_from(name.len() + 1).map_err(std::io::Error::other)?;
        // inode, mode, uid, gid, links, time, size, device of the file, device that it is, name, no checksum
        let fields = [self.inode, mode, 0, 0, 1, 0, size, 0, 0, device.0, device.1, name_size, 0];
        let mut header = String::from("070701");
        for field in fields {
            header.push_str(&format!("{field:08x}"));
        }
        self.put(header.as_bytes())?;
        self.put(name.as_bytes())?;
        self.put(&[0])?;
        self.pad()?;
        self.put(data)?;
        self.pad()
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.at += bytes.len();
        self.out.write_all(bytes)
    }

    fn pad(&mut self) -> Result<()> {
        let missing = self.at.next_multiple_of(4) - self.at;
        self.put(&[0; 3][..missing])
    }
}

#[cfg(test)]
mod tests {
    use super::Archive;

    #[test]
    fn names_and_contents_start_at_multiples_of_four() {
        let mut bytes = Vec::new();
        let mut archive = Archive::new(&mut bytes);
        archive.file("init", 0o755, b"hello").unwrap();
        archive.finish().unwrap();
        assert!(bytes.starts_with(b"0707010000000100008"));
        let at = bytes.windows(5).position(|w| w == b"hello").unwrap();
        assert_eq!(at, 116, "110 bytes of header, `init` and its end, one byte to the next multiple of four");
        assert_eq!(&bytes[124..130], b"070701");
        assert_eq!(bytes.len() % 4, 0);
    }
}
