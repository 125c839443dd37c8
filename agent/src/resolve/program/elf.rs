//! The tables of a program's file: sections, segments, relocations. Its author wrote them as he liked: every length in them has a
//! limit, and of the file itself no more is read at once than a [`CHUNK`].

use std::fs::File;

use memchr::memmem;
use object::Endianness;
use object::elf::{
    EM_AARCH64, EM_X86_64, ET_DYN, FileHeader64, PF_X, PT_LOAD, PT_TLS, ProgramHeader64, R_AARCH64_RELATIVE,
    R_X86_64_RELATIVE, Rela64, SHN_UNDEF, SHN_XINDEX, SHT_DYNSYM, SHT_RELA, SHT_SYMTAB, STT_FUNC, SectionHeader64,
    Sym64,
};
use object::pod::slice_from_bytes;
use object::read::StringTable;
use object::read::elf::{FileHeader as _, SectionHeader as _, Sym as _};

use crate::resolve::elf::{in_block, read};

/// Most bytes that are read at once.
pub(super) const CHUNK: u64 = 64 * 1024;
/// Most sections and segments of a program that is looked at.
const MAX_PARTS: u16 = 1024;
/// Most bytes of the names of its sections.
const MAX_NAMES: u64 = 64 * 1024;
/// Most bytes of its relocations.
const MAX_RELOCATIONS: u64 = 64 * 1024 * 1024;
/// Most bytes of a part that is searched.
const MAX_SEARCHED: u64 = 512 << 20;
/// Most places of a name in a table of names: names share the ends of others.
const MAX_SAME_END: usize = 16;
/// Most places of a text inside of names, and most bytes of a name before it.
const MAX_NAMED: usize = 256;
const MAX_NAME: u64 = 512;
/// Size of the header of a file, and of a section.
const HEADER: usize = 64;
/// Size of a segment's header.
const SEGMENT: usize = 56;
/// Size of a relocation.
const RELOCATION: usize = size_of::<Rela64<Endianness>>();

/// A program's file with its tables.
pub(super) struct Elf<'a> {
    file: &'a File,
    endian: Endianness,
    machine: u16,
    is_movable: bool,
    sections: Vec<SectionHeader64<Endianness>>,
    segments: Vec<ProgramHeader64<Endianness>>,
    /// Those of the sections.
    names: Vec<u8>,
}

/// A function, or a variable of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Symbol {
    /// Where it is linked to; of a variable, bytes from the beginning of a thread's block.
    pub(super) address: u64,
    /// Bytes.
    pub(super) size: u64,
}

/// A part of a file that lies somewhere in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Where it is linked to.
    pub(super) address: u64,
    /// Where it begins in the file.
    pub(super) at: u64,
    /// Bytes.
    pub(super) size: u64,
}

impl<'a> Elf<'a> {
    /// The tables of a 64-bit program.
    pub(super) fn read(file: &'a File) -> Option<Self> {
        let bytes = read(file, 0, HEADER as u64)?;
        let header = FileHeader64::<Endianness>::parse(&*bytes).ok()?;
        let endian = header.endian().ok()?;
        let (count, names) = (header.e_shnum(endian), header.e_shstrndx(endian));
        // More than 65,279 sections have their number elsewhere; no program that is looked for has so many.
        if count == 0 || count > MAX_PARTS || names == SHN_XINDEX || usize::from(header.e_shentsize(endian)) != HEADER {
            return None;
        }
        let table = read(file, header.e_shoff(endian), u64::from(count) * HEADER as u64)?;
        let sections = slice_from_bytes::<SectionHeader64<_>>(&table, usize::from(count)).ok()?.0.to_vec();
        let named = sections.get(usize::from(names))?;
        let names = read(file, named.sh_offset(endian), named.sh_size(endian).min(MAX_NAMES))?;
        let count = header.e_phnum(endian);
        let has_segments = count <= MAX_PARTS && usize::from(header.e_phentsize(endian)) == SEGMENT;
        let count = if has_segments { count } else { 0 };
        let table = read(file, header.e_phoff(endian), u64::from(count) * SEGMENT as u64)?;
        let segments = slice_from_bytes::<ProgramHeader64<_>>(&table, usize::from(count)).ok()?.0.to_vec();
        let (machine, is_movable) = (header.e_machine(endian), header.e_type(endian) == ET_DYN);
        Some(Self { file, endian, machine, is_movable, sections, segments, names })
    }

    /// The machine that it is made for: one of `EM_`.
    pub(super) fn machine(&self) -> u16 {
        self.machine
    }

    /// Whether it may be loaded anywhere.
    pub(super) fn is_movable(&self) -> bool {
        self.is_movable
    }

    /// The lowest address that it is linked to.
    pub(super) fn lowest(&self) -> Option<u64> {
        let loaded = self.segments.iter().filter(|segment| segment.p_type.get(self.endian) == PT_LOAD);
        loaded.map(|segment| segment.p_vaddr.get(self.endian)).min()
    }

    /// Whether its numbers lie as those of this program do.
    pub(super) fn is_little_endian(&self) -> bool {
        self.endian == Endianness::Little
    }

    /// A section by its name.
    pub(super) fn section(&self, name: &str) -> Option<Part> {
        let names = StringTable::new(&*self.names, 0, self.names.len() as u64);
        let section = self.sections.iter().find(|one| one.name(self.endian, names) == Ok(name.as_bytes()))?;
        Some(self.part(section))
    }

    fn part(&self, section: &SectionHeader64<Endianness>) -> Part {
        let endian = self.endian;
        Part { address: section.sh_addr(endian), at: section.sh_offset(endian), size: section.sh_size(endian) }
    }

    /// What of the file lies in memory, code or all else: of files whose sections are not kept apart, it is code.
    pub(super) fn loaded(&self, is_code: bool) -> impl Iterator<Item = Part> {
        let endian = self.endian;
        let fits = move |segment: &&ProgramHeader64<Endianness>| {
            segment.p_type.get(endian) == PT_LOAD && (segment.p_flags.get(endian) & PF_X != 0) == is_code
        };
        self.segments.iter().filter(fits).map(move |segment| Part {
            address: segment.p_vaddr.get(endian),
            at: segment.p_offset.get(endian),
            size: segment.p_filesz.get(endian),
        })
    }

    /// The address of a function of this name, exported or not: its tables are read in pieces, whatever their size.
    pub(super) fn function(&self, name: &str) -> Option<u64> {
        let tables =
            [SHT_DYNSYM, SHT_SYMTAB].map(|kind| self.sections.iter().find(|one| one.sh_type(self.endian) == kind));
        tables.into_iter().flatten().find_map(|table| {
            let names = self.part(self.sections.get(table.sh_link(self.endian) as usize)?);
            self.symbol(self.part(table), &self.places(names, &[name.as_bytes(), b"\0"].concat(), MAX_SAME_END))
        })
    }

    /// Functions, or variables of threads (`kind`: one of `STT_`), whose names have this text inside, and which need not be exported: names
    /// of Rust begin with where a thing is found.
    pub(super) fn symbols(&self, text: &str, kind: u8) -> Vec<Symbol> {
        let table = self.sections.iter().find(|one| one.sh_type(self.endian) == SHT_SYMTAB);
        let found = table.and_then(|table| {
            let names = self.part(self.sections.get(table.sh_link(self.endian) as usize)?);
            let places = self.places(names, text.as_bytes(), MAX_NAMED);
            let begins: Vec<u64> = places.iter().filter_map(|at| self.name(names, *at)).collect();
            self.named(self.part(table), &begins, kind, usize::MAX)
        });
        found.unwrap_or_default()
    }

    /// The functions whose names have this text at their end, before a number that rustc adds and what LLVM does: not the closures in them.
    pub(super) fn functions(&self, text: &str) -> Vec<Symbol> {
        ["17h", ".", "\0"].iter().flat_map(|end| self.symbols(&format!("{text}{end}"), STT_FUNC)).collect()
    }

    /// Where the name begins in the middle of which this place of a table of names is.
    fn name(&self, names: Part, at: u64) -> Option<u64> {
        let length = at.min(MAX_NAME);
        let before = self.bytes(names.at.checked_add(at - length)?, length)?;
        before.iter().rposition(|byte| *byte == 0).map(|end| at - length + end as u64 + 1)
    }

    /// What these names name: no more is looked for once so many are found.
    fn named(&self, table: Part, names: &[u64], kind: u8, enough: usize) -> Option<Vec<Symbol>> {
        const SYMBOL: u64 = size_of::<Sym64<Endianness>>() as u64;
        let size = table.size.min(MAX_SEARCHED) / SYMBOL * SYMBOL;
        let (step, mut done, mut found) = (CHUNK / SYMBOL * SYMBOL, 0, Vec::new());
        while done < size && !names.is_empty() && found.len() < enough {
            let length = step.min(size - done);
            let bytes = self.bytes(table.at.checked_add(done)?, length)?;
            let count = usize::try_from(length / SYMBOL).ok()?;
            let (symbols, _) = slice_from_bytes::<Sym64<Endianness>>(&bytes, count).ok()?;
            let is_it = |symbol: &&Sym64<Endianness>| {
                symbol.st_type() == kind
                    && symbol.st_shndx(self.endian) != SHN_UNDEF
                    && names.contains(&u64::from(symbol.st_name(self.endian)))
            };
            let symbol = |symbol: &Sym64<Endianness>| Symbol {
                address: symbol.st_value(self.endian),
                size: symbol.st_size(self.endian),
            };
            found.extend(symbols.iter().filter(is_it).map(symbol));
            done += length;
        }
        Some(found)
    }

    /// Where a variable of threads of so many bytes lies that stands there in the block of an executable, bytes from the thread pointer.
    pub(super) fn of_thread(&self, at: u64, length: u64) -> Option<i64> {
        let endian = self.endian;
        let block = self.segments.iter().find(|segment| segment.p_type.get(endian) == PT_TLS)?;
        in_block(block, endian, at, length)
    }

    /// Where this text stands in a part, bytes from its beginning; so many places at most.
    pub(super) fn places(&self, part: Part, text: &[u8], most: usize) -> Vec<u64> {
        let finder = memmem::Finder::new(text);
        let (mut places, mut done) = (Vec::new(), 0);
        let size = part.size.min(MAX_SEARCHED);
        while done < size {
            let length = (CHUNK + text.len() as u64 - 1).min(size - done);
            let Some(bytes) = part.at.checked_add(done).and_then(|at| self.bytes(at, length)) else { break };
            places.extend(finder.find_iter(&bytes).map(|at| done + at as u64).take(most - places.len()));
            if places.len() >= most {
                break;
            }
            done += CHUNK;
        }
        places
    }

    /// The address of a function whose name stands at one of these places.
    fn symbol(&self, table: Part, names: &[u64]) -> Option<u64> {
        self.named(table, names, STT_FUNC, 1)?.first().map(|symbol| symbol.address)
    }

    /// So many bytes of the file, or nothing.
    pub(super) fn bytes(&self, at: u64, length: u64) -> Option<Vec<u8>> {
        read(self.file, at, length)
    }

    /// Where code lies in the file that is linked to an address.
    pub(super) fn code(&self, address: u64) -> Option<u64> {
        self.code_left(address).map(|(at, _)| at)
    }

    /// The same, and how many bytes follow to the end of its segment.
    fn code_left(&self, address: u64) -> Option<(u64, u64)> {
        self.loaded(true).find_map(|part| {
            let from = address.checked_sub(part.address)?;
            let left = part.size.checked_sub(from).filter(|left| *left > 0)?;
            Some((part.at.checked_add(from)?, left))
        })
    }

    /// At most so many bytes of code that is linked to an address, to the end of its segment.
    pub(super) fn code_from(&self, address: u64, most: u64) -> Option<Vec<u8>> {
        let (at, left) = self.code_left(address)?;
        self.bytes(at, most.min(left))
    }

    /// So many bytes that are linked to an address, whether they are code or not, or nothing.
    pub(super) fn linked(&self, address: u64, length: u64) -> Option<Vec<u8>> {
        let part = self.loaded(false).chain(self.loaded(true)).find_map(|part| {
            let from = address.checked_sub(part.address)?;
            from.checked_add(length).filter(|end| *end <= part.size)?;
            part.at.checked_add(from)
        });
        self.bytes(part?, length)
    }

    /// The pointer that is linked to stand at an address, where a program that is moved gets it from a relocation.
    pub(super) fn relocated(&self, address: u64) -> Option<u64> {
        let relative = match self.machine {
            EM_X86_64 => R_X86_64_RELATIVE,
            EM_AARCH64 => R_AARCH64_RELATIVE,
            _ => return None,
        };
        let mut left = MAX_RELOCATIONS;
        let tables = self.sections.iter().filter(|section| section.sh_type(self.endian) == SHT_RELA);
        for table in tables.map(|section| self.part(section)) {
            let size = table.size.min(left) / RELOCATION as u64 * RELOCATION as u64;
            left -= size;
            let step = CHUNK / RELOCATION as u64 * RELOCATION as u64;
            let mut done = 0;
            while done < size {
                let length = step.min(size - done);
                let bytes = self.bytes(table.at.checked_add(done)?, length)?;
                let (entries, _) =
                    slice_from_bytes::<Rela64<Endianness>>(&bytes, usize::try_from(length).ok()? / RELOCATION).ok()?;
                let entry = entries.iter().find(|entry| entry.r_offset.get(self.endian) == address);
                if let Some(entry) = entry.filter(|entry| entry.r_type(self.endian, false) == relative) {
                    return u64::try_from(entry.r_addend.get(self.endian)).ok();
                }
                done += length;
            }
        }
        None
    }
}
