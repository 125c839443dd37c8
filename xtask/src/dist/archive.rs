//! Tar files that are the same bytes whenever and wherever they are made: names in order, one time, one owner, no name of a user.

use std::io::{Read as _, Write};
use std::path::Path;

use anyhow::{Context as _, Result};
use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

/// What a tar file has inside.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its path, without a slash at the beginning.
    pub name: String,
    /// Permissions.
    pub mode: u32,
    /// The content of a file; a folder has none.
    pub content: Option<Vec<u8>>,
}

impl Entry {
    /// A file that everybody may read.
    pub fn file(name: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), mode: 0o644, content: Some(content.into()) }
    }

    /// A program.
    pub fn program(name: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self { mode: 0o755, ..Self::file(name, content) }
    }

    /// A folder.
    pub fn folder(name: impl Into<String>) -> Self {
        Self { name: name.into(), mode: 0o755, content: None }
    }

    /// A file of this machine.
    pub fn read(name: impl Into<String>, path: &Path) -> Result<Self> {
        let content = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self::file(name, content))
    }
}

/// A tar file of the entries, which are sorted by name; all are of `time`, seconds since 1970, and belong to root.
pub fn tar(entries: &[Entry], time: u64) -> Result<Vec<u8>> {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut builder = Builder::new(Vec::new());
    for entry in sorted {
        let content = entry.content.as_deref().unwrap_or_default();
        let mut header = Header::new_ustar();
        header.set_entry_type(if entry.content.is_some() { EntryType::Regular } else { EntryType::Directory });
        header.set_mode(entry.mode);
        header.set_mtime(time);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, &entry.name, content)?;
    }
    Ok(builder.into_inner()?)
}

/// The same bytes for the same bytes: without a name and a time.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// What a compressed section holds (zlib).
pub fn inflate(bytes: &[u8]) -> Result<Vec<u8>> {
    /// No list of packages is that long.
    const MOST: u64 = 16 << 20;
    let mut content = Vec::new();
    flate2::read::ZlibDecoder::new(bytes).take(MOST).read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_machine_do_not_matter() {
        let entries = [Entry::program("b/c", "#!/bin/sh\n"), Entry::folder("b"), Entry::file("a", "text")];
        let mut turned = entries.to_vec();
        turned.reverse();
        let archive = tar(&entries, 1_700_000_000).unwrap();
        assert_eq!(archive, tar(&turned, 1_700_000_000).unwrap());
        assert_eq!(gzip(&archive).unwrap(), gzip(&archive).unwrap());
        assert_eq!(gzip(&archive).unwrap()[4..8], [0; 4], "no time of the compression");
        let mut read = tar::Archive::new(&*archive);
        let told: Vec<_> = read
            .entries()
            .unwrap()
            .map(|entry| {
                let header = entry.unwrap().header().clone();
                let name = header.path().unwrap().to_string_lossy().into_owned();
                (name, header.mode().unwrap(), header.mtime().unwrap(), header.uid().unwrap())
            })
            .collect();
        let time = 1_700_000_000;
        assert_eq!(
            told,
            [("a".into(), 0o644, time, 0), ("b".into(), 0o755, time, 0), ("b/c".into(), 0o755, time, 0)]
                as [(String, u32, u64, u64); 3]
        );
    }
}
