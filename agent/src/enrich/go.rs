//! The version of Go that built a program: section `.go.buildinfo` (`debug/buildinfo` of the Go library). Since Go 1.18
//! the version stands in the section itself; older programs point elsewhere and are left alone.

use object::read::elf::ElfFile64;
use object::{Endianness, Object as _, ObjectSection as _, ReadCache};
use std::fs::File;
use std::path::Path;

const MAGIC: &[u8] = b"\xff Go buildinf:";
/// Set in the flags when the strings stand in the section.
const INLINE: u8 = 2;
const FLAGS_AT: usize = 15;
const STRINGS_AT: usize = 32;
/// Longest version that is believed: `go1.26.0 X:experiments` may be long.
const MAX_VERSION: usize = 255;

/// The version (`go1.22.1`), if the program is Go's.
pub(super) fn version(path: &Path) -> Option<Box<str>> {
    let file = File::open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let cache = ReadCache::new(file);
    let elf = ElfFile64::<Endianness, _>::parse(&cache).ok()?;
    let section = elf.section_by_name(".go.buildinfo")?;
    let length = section.size().min((STRINGS_AT + 2 + MAX_VERSION) as u64);
    in_section(section.data_range(section.address(), length).ok()??)
}

fn in_section(section: &[u8]) -> Option<Box<str>> {
    if !section.starts_with(MAGIC) || section.get(FLAGS_AT)? & INLINE == 0 {
        return None;
    }
    // A varint: the version is short, so one or two bytes.
    let (length, rest) = match section.get(STRINGS_AT..)? {
        [length @ 0..=0x7f, rest @ ..] => (usize::from(*length), rest),
        [low, high @ 0..=0x7f, rest @ ..] => (usize::from(low & 0x7f) | usize::from(*high) << 7, rest),
        _ => return None,
    };
    let text = std::str::from_utf8(rest.get(..length.min(MAX_VERSION + 1))?).ok()?;
    (length <= MAX_VERSION && text.starts_with("go")).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(version: &str) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([8, INLINE]);
        bytes.resize(STRINGS_AT, 0);
        bytes.push(u8::try_from(version.len()).unwrap());
        bytes.extend(version.bytes());
        bytes
    }

    #[test]
    fn the_version_stands_in_the_section() {
        assert_eq!(in_section(&section("go1.22.1")).as_deref(), Some("go1.22.1"));
        assert_eq!(in_section(&section("devel")), None);
        let whole = section("go1.22.1");
        for end in 0..whole.len() {
            assert_eq!(in_section(&whole[..end]), None);
        }
    }

    #[test]
    fn other_programs_have_none() {
        assert_eq!(version(&std::env::current_exe().unwrap()), None);
        assert_eq!(version(Path::new("/etc/passwd")), None);
        assert_eq!(version(Path::new("/dev/zero")), None);
    }
}
