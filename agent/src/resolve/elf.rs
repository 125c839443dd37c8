//! ELF files of other programs, as far as probes need them: what they export, and where it lies in the file. Their authors wrote
//! them as they liked: every length has a limit.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use object::Endianness;
use object::elf::{
    EM_X86_64, FileHeader64, PF_X, PT_LOAD, ProgramHeader64, SHN_UNDEF, SHT_DYNSYM, SectionHeader64, Sym64,
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

/// A file of this machine's kind.
pub(super) struct Elf<'a> {
    file: &'a File,
    endian: Endianness,
    segments: Vec<ProgramHeader64<Endianness>>,
    symbols: Vec<u8>,
    names: Vec<u8>,
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
        Some(Self { file, endian, segments, symbols: content(symbols)?, names: content(names)? })
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
}

/// So many entries of a table.
fn table<T: Pod + Clone>(file: &File, at: u64, count: u16) -> Option<Vec<T>> {
    if count == 0 || count > MAX_HEADERS {
        return None;
    }
    let bytes = read(file, at, u64::from(count) * size_of::<T>() as u64)?;
    Some(slice_from_bytes(&bytes, usize::from(count)).ok()?.0.to_vec())
}

/// So many bytes of a file, or nothing.
fn read(file: &File, at: u64, length: u64) -> Option<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).ok()?];
    file.read_exact_at(&mut bytes, at).ok()?;
    Some(bytes)
}
