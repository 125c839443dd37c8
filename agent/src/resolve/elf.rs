//! ELF files of other programs, as far as probes need them: what they export, and where it lies in the file. Their authors wrote
//! them as they liked: every length has a limit.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use object::Endianness;
use object::elf::{
    EM_X86_64, FileHeader64, PF_X, PT_LOAD, PT_TLS, ProgramHeader64, R_X86_64_RELATIVE, Rela64, SHF_ALLOC, SHN_UNDEF,
    SHT_DYNSYM, SHT_RELA, SHT_SYMTAB, STT_TLS, SectionHeader64, Sym64,
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
/// Most bytes of the variables of a thread, and their largest alignment.
const MAX_BLOCK: u64 = 1 << 24;
/// Most bytes of a table of relocations.
const MAX_RELOCATIONS: u64 = 16 << 20;

/// A file of this machine's kind.
pub(super) struct Elf<'a> {
    file: &'a File,
    endian: Endianness,
    segments: Vec<ProgramHeader64<Endianness>>,
    sections: Vec<SectionHeader64<Endianness>>,
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
        let (symbols, names) = symbols(file, endian, &sections, SHT_DYNSYM)?;
        let relocations = sections.iter().find(|section| {
            section.sh_type(endian) == SHT_RELA && section.sh_flags(endian) & u64::from(SHF_ALLOC) != 0
        });
        let relocations = relocations.map(|section| (section.sh_offset(endian), section.sh_size(endian)));
        Some(Self { file, endian, segments, sections, symbols, names, relocations })
    }

    /// The address of a symbol that need not be exported, in a file that has them still.
    pub(super) fn local(&self, wanted: &str) -> Option<u64> {
        let (symbols, names) = symbols(self.file, self.endian, &self.sections, SHT_SYMTAB)?;
        let names = StringTable::new(&*names, 0, names.len() as u64);
        let mut symbols = all::<Sym64<Endianness>>(&symbols).iter();
        let is_it = |symbol: &&Sym64<Endianness>| symbol.name(self.endian, names) == Ok(wanted.as_bytes());
        symbols.find(is_it).map(|symbol| symbol.st_value(self.endian))
    }

    /// The addresses of words of data that the loader makes point to this text, where it first stands among the first [`MAX_SYMBOLS`] bytes
    /// of a segment.
    pub(super) fn pointers_to(&self, text: &[u8]) -> Option<Vec<u64>> {
        let endian = self.endian;
        let segments = self.segments.iter().filter(|segment| segment.p_type(endian) == PT_LOAD);
        let mut texts = segments.filter_map(|segment| {
            let bytes = self.bytes(segment.p_vaddr(endian), MAX_SYMBOLS, false)?;
            // Where another text ends.
            let at = bytes.windows(text.len() + 1).position(|window| window[0] == 0 && window[1..] == *text)?;
            segment.p_vaddr(endian).checked_add(at as u64 + 1)
        });
        let text = texts.next()?.cast_signed();
        let relocations = self.relocations()??;
        let is_it = |relocation: &&Rela64<Endianness>| {
            relocation.r_type(endian, false) == R_X86_64_RELATIVE && relocation.r_addend.get(endian) == text
        };
        let relocations = all::<Rela64<Endianness>>(&relocations).iter().filter(is_it);
        Some(relocations.map(|relocation| relocation.r_offset.get(endian)).collect())
    }

    /// The addresses of these exports, in their order.
    pub(super) fn exports<const N: usize>(&self, wanted: [&str; N]) -> [Option<u64>; N] {
        let mut found = [None; N];
        let symbols = all::<Sym64<Endianness>>(&self.symbols);
        let names = StringTable::new(&*self.names, 0, self.names.len() as u64);
        for symbol in symbols.iter().filter(|symbol| symbol.st_shndx(self.endian) != SHN_UNDEF) {
            let Ok(name) = symbol.name(self.endian, names) else { continue };
            if let Some(at) = wanted.iter().position(|wanted| wanted.as_bytes() == name) {
                found[at] = Some(symbol.st_value(self.endian));
            }
        }
        found
    }

    /// Where an exported variable of threads lies, bytes from the thread pointer, in the executable of a process.
    pub(super) fn of_thread(&self, wanted: &str) -> Option<i64> {
        let endian = self.endian;
        let names = StringTable::new(&*self.names, 0, self.names.len() as u64);
        let mut symbols = all::<Sym64<Endianness>>(&self.symbols).iter();
        let symbol = symbols.find(|symbol| {
            symbol.st_type() == STT_TLS
                && symbol.st_shndx(endian) != SHN_UNDEF
                && symbol.name(endian, names) == Ok(wanted.as_bytes())
        })?;
        let block = self.segments.iter().find(|segment| segment.p_type(endian) == PT_TLS)?;
        in_block(block, endian, symbol.st_value(endian), 8)
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

    /// The table for data that the loader makes, if there is one; `None` in it if it is not to be read.
    fn relocations(&self) -> Option<Option<Vec<u8>>> {
        let (at, length) = self.relocations?;
        Some((length <= MAX_RELOCATIONS).then(|| read(self.file, at, length)).flatten())
    }

    /// So many words of data at most, to the end of their segment, as they are when the file is loaded at address 0.
    pub(super) fn words(&self, address: u64, most: usize) -> Option<Vec<u64>> {
        let bytes = self.bytes(address, most as u64 * 8, false)?;
        let mut words: Vec<u64> = bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let Some(relocations) = self.relocations() else { return Some(words) };
        let relocations = relocations?;
        for relocation in all::<Rela64<Endianness>>(&relocations) {
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

/// The symbols of a table, and their names.
fn symbols(
    file: &File,
    endian: Endianness,
    sections: &[SectionHeader64<Endianness>],
    kind: u32,
) -> Option<(Vec<u8>, Vec<u8>)> {
    let symbols = sections.iter().find(|section| section.sh_type(endian) == kind)?;
    let names = sections.get(symbols.sh_link(endian) as usize)?;
    Some((content(file, endian, symbols, MAX_SYMBOLS)?, content(file, endian, names, MAX_SYMBOLS)?))
}

/// The bytes of a section, if there are not too many.
fn content(file: &File, endian: Endianness, section: &SectionHeader64<Endianness>, most: u64) -> Option<Vec<u8>> {
    let length = section.sh_size(endian);
    (length <= most).then(|| read(file, section.sh_offset(endian), length))?
}

/// As many entries as bytes have.
fn all<T: Pod>(bytes: &[u8]) -> &[T] {
    slice_from_bytes(bytes, bytes.len() / size_of::<T>()).map_or(&[], |(all, _)| all)
}

/// So many entries of a table: at least one, and no more than there can be headers.
pub(super) fn table<T: Pod + Clone>(file: &File, at: u64, count: u16) -> Option<Vec<T>> {
    if count == 0 || count > MAX_HEADERS {
        return None;
    }
    let bytes = read(file, at, u64::from(count) * size_of::<T>() as u64)?;
    Some(slice_from_bytes(&bytes, usize::from(count)).ok()?.0.to_vec())
}

/// Where so many bytes at a place in the block of an executable's variables of threads lie, bytes from the thread pointer (ELF Handling For
/// Thread-Local Storage, variant II): the block ends at the thread pointer, its size rounded up to its alignment.
pub(super) fn in_block(block: &ProgramHeader64<Endianness>, endian: Endianness, at: u64, length: u64) -> Option<i64> {
    let (size, align) = (block.p_memsz(endian), block.p_align(endian).max(1));
    // A block that does not begin at its alignment is placed otherwise.
    if !align.is_power_of_two() || !block.p_vaddr(endian).is_multiple_of(align) || size.max(align) > MAX_BLOCK {
        return None;
    }
    let is_inside = at.checked_add(length).is_some_and(|end| end <= size);
    is_inside.then(|| at.cast_signed() - size.next_multiple_of(align).cast_signed())
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

    use proptest::prelude::*;
    use rustix::fs::{MemfdFlags, memfd_create};

    use super::*;

    /// Where the only segment is in memory: the whole file.
    const BASE: u64 = 0x1000;
    /// Where the parts of the file stand in it.
    const DATA: u64 = 120;
    const RELOCATIONS: u64 = DATA + 24;
    const SYMBOLS: u64 = RELOCATIONS + 48;
    const LOCALS: u64 = SYMBOLS + 48;
    const NAMES: u64 = LOCALS + 48;
    /// Where the second name is in memory.
    const OWN: u64 = BASE + NAMES + 3;
    const CODE: u64 = NAMES + 8;
    const SECTIONS: u64 = CODE + 16;
    const END: u64 = SECTIONS + 6 * 64;

    /// A library with three words of data: the loader changes the second one, and the third one in a way that is not looked at. It has
    /// a function `own`, and knows another one's `f`.
    fn library() -> File {
        let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0".to_vec();
        let mut words = |words: &[u64]| bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        words(&[0, 64, SECTIONS, 64 << 32 | 56 << 48, 1 | 64 << 16 | 6 << 32]);
        // A segment that can be read and executed: kind and rights, offset, address twice, size twice, alignment.
        words(&[1 | 5 << 32, 0, BASE, BASE, END, END, 8]);
        words(&[7, 8, 9]);
        words(&[BASE + DATA + 8, 8, OWN, BASE + DATA + 16, 6, 0x5678]);
        // Nothing, then a symbol: name and section, address, size.
        words(&[0, 0, 0, 1, 0, 0]);
        words(&[0, 0, 0, 3 | 5 << 48, BASE + CODE, 16]);
        words(&[u64::from_le_bytes(*b"\0f\0own\0\0")]);
        words(&[0; 2]);
        // Sections: nothing, symbols twice with their names in the fourth, names, relocations, code.
        let section = |[kind, at, size, link, entry]: [u64; 5]| [kind << 32, 2, BASE + at, at, size, link, 8, entry];
        words(&section([0; 5]));
        words(&section([11, SYMBOLS, 48, 3, 24]));
        words(&section([2, LOCALS, 48, 3, 24]));
        words(&section([3, NAMES, 8, 0, 0]));
        words(&section([4, RELOCATIONS, 48, 1, 24]));
        words(&section([1, CODE, 16, 0, 0]));
        let mut file = File::from(memfd_create("library", MemfdFlags::CLOEXEC).unwrap());
        file.write_all(&bytes).unwrap();
        file
    }

    #[test]
    fn functions_are_found_whether_exported_or_not() {
        let file = library();
        let elf = Elf::read(&file).unwrap();
        assert_eq!((elf.local("own"), elf.local("f"), elf.exports(["f", "own"])), (Some(BASE + CODE), None, [None; 2]));
        assert_eq!(elf.pointers_to(b"own\0"), Some(vec![BASE + DATA + 8]));
        assert_eq!((elf.pointers_to(b"wn\0"), elf.pointers_to(b"f\0")), (None, Some(Vec::new())));
    }

    #[test]
    fn words_are_what_the_loader_makes_of_them() {
        let file = library();
        let elf = Elf::read(&file).unwrap();
        assert_eq!(elf.words(BASE + DATA, 3).unwrap(), [7, OWN, 9]);
        assert_eq!(elf.words(BASE + DATA + 8, 1).unwrap(), [OWN]);
        // To the end of the segment, and not beyond it.
        assert_eq!(elf.words(BASE + END - 8, 9).unwrap(), [0]);
        assert_eq!(elf.words(BASE + END, 1), None);
    }

    /// An executable that exports a variable of threads, in a block of these.
    fn with_block(at: u64, begin: u64, size: u64, align: u64, section: u64) -> File {
        let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0".to_vec();
        let mut words = |words: &[u64]| bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        let (symbols, names) = (120_u64, 168);
        words(&[0, 64, 176, 64 << 32 | 56 << 48, 1 | 64 << 16 | 3 << 32]);
        words(&[7 | 4 << 32, 0, begin, begin, 0, size, align]);
        words(&[0, 0, 0, 1 | 0x16 << 32 | section << 48, at, 8]);
        words(&[u64::from_le_bytes(*b"\0own\0\0\0\0")]);
        let header = |[kind, at, size, link, entry]: [u64; 5]| [kind << 32, 2, at, at, size, link, 8, entry];
        words(&header([0; 5]));
        words(&header([11, symbols, 48, 2, 24]));
        words(&header([3, names, 8, 0, 0]));
        let mut file = File::from(memfd_create("executable", MemfdFlags::CLOEXEC).unwrap());
        file.write_all(&bytes).unwrap();
        file
    }

    #[test]
    fn variables_of_threads_lie_before_the_thread_pointer() {
        let place = |at, begin, size, align, section| {
            Elf::read(&with_block(at, begin, size, align, section)).unwrap().of_thread("own")
        };
        // As gcc and GNU ld make it of five words, and of a block that is aligned to 64 bytes.
        assert_eq!(place(0x20, 0x3dd0, 0x28, 8, 20), Some(-8));
        assert_eq!(place(0x20, 0x3dc0, 0x28, 64, 20), Some(-32));
        assert_eq!(place(0x20, 0x3dd0, 0x28, 64, 20), None, "it does not begin at its alignment");
        assert_eq!(place(0x28, 0x3dd0, 0x28, 8, 20), None, "not in the block");
        assert_eq!(place(0x20, 0x3dd0, 0x28, 8, 0), None, "that of another file");
    }

    proptest! {
        #[test]
        fn no_block_is_a_panic(at: u64, begin: u64, size: u64, align: u64, shift in 0..64_u32) {
            for align in [align, 1 << shift] {
                let place = Elf::read(&with_block(at, begin, size, align, 20)).unwrap().of_thread("own");
                prop_assert!(place.is_none_or(|place| (-(1 << 25)..0).contains(&place)));
                let near = Elf::read(&with_block(at & 0xff, 0, size & 0xffff, align, 20)).unwrap().of_thread("own");
                prop_assert!(near.is_none_or(|place| (-(1 << 25)..0).contains(&place)));
            }
        }
    }
}
