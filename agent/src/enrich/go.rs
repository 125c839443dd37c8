//! The version of Go that built a program: section `.go.buildinfo` (`debug/buildinfo` of the Go library). Since Go 1.18
//! the version stands in the section itself; older programs point elsewhere and are left alone.

use object::elf::FileHeader64;
use object::read::elf::{FileHeader as _, SectionHeader as _};
use object::{Endianness, ReadCache, ReadRef as _};
use std::fs::File;
use std::path::Path;

const MAGIC: &[u8] = b"\xff Go buildinf:";
/// Set in the flags when the strings stand in the section.
const INLINE: u8 = 2;
const FLAGS_AT: usize = 15;
const STRINGS_AT: usize = 32;
/// Longest version that is believed: `go1.26.0 X:experiments` may be long.
const MAX_VERSION: usize = 255;
/// Most sections of a program that is looked at.
const MAX_SECTIONS: u16 = 1024;

/// The version (`go1.22.1`), if the program is Go's.
pub(super) fn version(path: &Path) -> Option<Box<str>> {
    let file = File::open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    // Only the table of sections is read: symbols of a large program would take milliseconds.
    let cache = ReadCache::new(file);
    let header = FileHeader64::<Endianness>::parse(&cache).ok()?;
    let endian = header.endian().ok()?;
    if header.e_shnum(endian) > MAX_SECTIONS {
        return None;
    }
    let (_, section) = header.sections(endian, &cache).ok()?.section_by_name(endian, b".go.buildinfo")?;
    let length = section.sh_size(endian).min((STRINGS_AT + 2 + MAX_VERSION) as u64);
    in_section((&cache).read_bytes_at(section.sh_offset(endian), length).ok()?)
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

    /// An ELF file of three sections: none, the names, and the one that is looked for.
    fn program(section: &[u8]) -> Vec<u8> {
        let names = b"\0.shstrtab\0.go.buildinfo\0";
        let (names_at, section_at) = (64, 64 + names.len());
        let table_at = section_at + section.len();
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(16, 0);
        bytes.extend([2, 0, 62, 0, 1, 0, 0, 0]);
        bytes.resize(40, 0);
        bytes.extend((table_at as u64).to_le_bytes());
        bytes.extend([0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 64, 0, 3, 0, 1, 0]);
        bytes.extend(names);
        bytes.extend(section);
        for (name, kind, at, length) in
            [(0, 0, 0, 0), (1, 3, names_at, names.len()), (11, 1, section_at, section.len())]
        {
            let start = bytes.len();
            bytes.extend([name, 0, 0, 0, kind, 0, 0, 0]);
            bytes.resize(start + 24, 0);
            bytes.extend((at as u64).to_le_bytes());
            bytes.extend((length as u64).to_le_bytes());
            bytes.resize(start + 64, 0);
        }
        bytes
    }

    #[test]
    fn the_section_is_found_in_a_program() {
        let path = std::env::temp_dir().join(format!("wirespan-go-{}", std::process::id()));
        let whole = program(&section("go1.26.8"));
        std::fs::write(&path, &whole).unwrap();
        let found = version(&path);
        for end in (0..whole.len()).step_by(7) {
            std::fs::write(&path, &whole[..end]).unwrap();
            assert_eq!(version(&path), None, "cut at {end}");
        }
        std::fs::remove_file(path).unwrap();
        assert_eq!(found.as_deref(), Some("go1.26.8"));
    }

    #[test]
    fn other_programs_have_none() {
        assert_eq!(version(&std::env::current_exe().unwrap()), None);
        assert_eq!(version(Path::new("/etc/passwd")), None);
        assert_eq!(version(Path::new("/dev/zero")), None);
    }
}
