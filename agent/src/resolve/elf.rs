//! ELF files of other programs, as far as probes need them: what they export, and where it lies in the file. Their authors wrote
//! them as they liked: every length has a limit.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use object::Endianness;
use object::elf::{
    EM_X86_64, FileHeader64, PF_X, PT_LOAD, ProgramHeader64, R_X86_64_RELATIVE, Rela64, SHF_ALLOC, SHN_UNDEF,
    SHT_DYNSYM, SHT_RELA, SectionHeader64, Sym64,
};
use object::pod::{Pod, slice_from_bytes};
use object::read::StringTable;
use object::read::elf::{FileHeader as _, ProgramHeader as _, SectionHeader as _, Sym as _};

/// Size of the header of a file, and of a section.
const HEADER: usize = 64;
/// Most sections, and most segments, of a file that is looked at.
const MAX_HEADERS: u16 = 1024;
/// Most bytes of exported symbols, and of their names.
const MAX_SYMBOLS: u64 = 2 << 20;
/// Most bytes of a table of relocations.
const MAX_RELOCATIONS: u64 = 16 << 20;

/// A file of this machine's kind.
pub(super) struct Elf<'a> {
    file: &'a File,
    endian: Endianness,
    segments: Vec<ProgramHeader64<Endianness>>,
    symbols: Vec<u8>,
    names: Vec<u8>,
    /// Offset and length of the table for data that the loader makes.
    relocations: Option<(u64, u64)>,
}

impl<'a> Elf<'a> {
    /// `None`: it is of another kind, exports nothing, or is odd.
    pub(super) fn read(file: &'a File) -> Option<Self> {
        let bytes = read(file, 0, HEADER as u64)?;
        let header = FileHeader64::<Endianness>::parse(&*bytes).ok()?;
        let endian = header.endian().ok()?;
        // The only machine whose instructions are read.
        if header.e_machine(endian) != EM_X86_64 {
            return None;
        }
        let segments: Vec<ProgramHeader64<_>> = table(file, header.e_phoff(endian), header.e_phnum(endian))?;
        let sections: Vec<SectionHeader64<_>> = table(file, header.e_shoff(endian), header.e_shnum(endian))?;
        let symbols = sections.iter().find(|section| section.sh_type(endian) == SHT_DYNSYM)?;
        let names = sections.get(symbols.sh_link(endian) as usize)?;
        let content = |section: &SectionHeader64<_>| {
            let length = section.sh_size(endian);
            (length <= MAX_SYMBOLS).then(|| read(file, section.sh_offset(endian), length))?
        };
        let relocations = sections.iter().find(|section| {
            section.sh_type(endian) == SHT_RELA && section.sh_flags(endian) & u64::from(SHF_ALLOC) != 0
        });
        let relocations = relocations.map(|section| (section.sh_offset(endian), section.sh_size(endian)));
        Some(Self { file, endian, segments, symbols: content(symbols)?, names: content(names)?, relocations })
    }

    /// The addresses of these exports, in their order.
    pub(super) fn exports<const N: usize>(&self, wanted: [&str; N]) -> [Option<u64>; N] {
        let mut found = [None; N];
        let count = self.symbols.len() / size_of::<Sym64<Endianness>>();
        let Ok((symbols, _)) = slice_from_bytes::<Sym64<Endianness>>(&self.symbols, count) else { return found };
        let names = StringTable::new(&*self.names, 0, self.names.len() as u64);
        for symbol in symbols.iter().filter(|symbol| symbol.st_shndx(self.endian) != SHN_UNDEF) {
            let Ok(name) = symbol.name(self.endian, names) else { continue };
            if let Some(at) = wanted.iter().position(|wanted| wanted.as_bytes() == name) {
                found[at] = Some(symbol.st_value(self.endian));
            }
        }
        found
    }

    /// Where in the file the byte of an address lies, and how many of its segment follow. `is_code`: only what is executed.
    pub(super) fn place(&self, address: u64, is_code: bool) -> Option<(u64, u64)> {
        let endian = self.endian;
        self.segments.iter().find_map(|segment| {
            let at = address.checked_sub(segment.p_vaddr(endian))?;
            let left = segment.p_filesz(endian).checked_sub(at).filter(|left| *left > 0)?;
            let fits = segment.p_type(endian) == PT_LOAD && (!is_code || segment.p_flags(endian) & PF_X != 0);
            fits.then(|| Some((segment.p_offset(endian).checked_add(at)?, left)))?
        })
    }

    /// At most so many bytes from an address on, to the end of their segment.
    pub(super) fn bytes(&self, address: u64, most: u64, is_code: bool) -> Option<Vec<u8>> {
        let (at, left) = self.place(address, is_code)?;
        read(self.file, at, left.min(most))
    }

    /// So many words of data at most, to the end of their segment, as they are when the file is loaded at address 0.
    pub(super) fn words(&self, address: u64, most: usize) -> Option<Vec<u64>> {
        let bytes = self.bytes(address, most as u64 * 8, false)?;
        let mut words: Vec<u64> = bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let Some((at, length)) = self.relocations else { return Some(words) };
        let relocations = (length <= MAX_RELOCATIONS).then(|| read(self.file, at, length))??;
        let count = relocations.len() / size_of::<Rela64<Endianness>>();
        for relocation in slice_from_bytes::<Rela64<Endianness>>(&relocations, count).ok()?.0 {
            let past = relocation.r_offset.get(self.endian).wrapping_sub(address);
            if relocation.r_type(self.endian, false) == R_X86_64_RELATIVE
                && past.is_multiple_of(8)
                && let Some(word) = usize::try_from(past / 8).ok().and_then(|at| words.get_mut(at))
            {
                *word = relocation.r_addend.get(self.endian).cast_unsigned();
            }
        }
        Some(words)
    }
}

/// So many entries of a table: at least one, and no more than there can be headers.
pub(super) fn table<T: Pod + Clone>(file: &File, at: u64, count: u16) -> Option<Vec<T>> {
    if count == 0 || count > MAX_HEADERS {
        return None;
    }
    let bytes = read(file, at, u64::from(count) * size_of::<T>() as u64)?;
    Some(slice_from_bytes(&bytes, usize::from(count)).ok()?.0.to_vec())
}

/// So many bytes of a file, or nothing.
pub(super) fn read(file: &File, at: u64, length: u64) -> Option<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).ok()?];
    file.read_exact_at(&mut bytes, at).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use rustix::fs::{MemfdFlags, memfd_create};

    use super::*;

    /// Where the only segment is in memory: the whole file.
    const BASE: u64 = 0x1000;
    /// Where data, relocations and sections stand in the file.
    const DATA: u64 = 120;
    const RELOCATIONS: u64 = DATA + 24;
    const SECTIONS: u64 = RELOCATIONS + 48;

    /// A library with three words of data: the loader changes the second one, and the third one in a way that is not looked at.
    fn library() -> File {
        let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0".to_vec();
        let mut words = |words: &[u64]| bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        let end = SECTIONS + 4 * 64;
        words(&[0, 64, SECTIONS, 64 << 32 | 56 << 48, 1 | 64 << 16 | 4 << 32]);
        // A segment that can be read: kind and rights, offset, address twice, size twice, alignment.
        words(&[1 | 4 << 32, 0, BASE, BASE, end, end, 8]);
        words(&[7, 8, 9]);
        words(&[BASE + DATA + 8, 8, 0x1234, BASE + DATA + 16, 6, 0x5678]);
        // Sections: nothing, symbols with their names in the third, names, relocations; all of them empty but the last.
        let section = |kind: u64, at: u64, size: u64, link: u64| [kind << 32, 2, 0, at, size, link, 8, 24];
        for [kind, at, size, link] in [[0; 4], [11, DATA, 0, 2], [3, DATA, 0, 0], [4, RELOCATIONS, 48, 1]] {
            words(&section(kind, at, size, link));
        }
        let mut file = File::from(memfd_create("library", MemfdFlags::CLOEXEC).unwrap());
        file.write_all(&bytes).unwrap();
        file
    }

    #[test]
    fn words_are_what_the_loader_makes_of_them() {
        let file = library();
        let elf = Elf::read(&file).unwrap();
        assert_eq!(elf.words(BASE + DATA, 3).unwrap(), [7, 0x1234, 9]);
        assert_eq!(elf.words(BASE + DATA + 8, 1).unwrap(), [0x1234]);
        // To the end of the segment, and not beyond it.
        assert_eq!(elf.words(BASE + SECTIONS + 4 * 64 - 8, 9).unwrap(), [24]);
        assert_eq!(elf.words(BASE + SECTIONS + 4 * 64, 1), None);
    }
}
