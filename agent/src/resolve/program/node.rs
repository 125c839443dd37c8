//! Where in a program the method lies through which Node.js handles what it has read: `node::LibuvStreamWrap::OnUvRead`. Programs
//! that carry Node.js export its methods for add-ons, so the table that the loader uses has it, also in a stripped file, and a
//! renamed program is known by it.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use object::Endianness;
use object::elf::{EM_X86_64, ET_DYN, FileHeader64, PT_LOAD, ProgramHeader64, SHT_GNU_HASH, SectionHeader64, Sym64};
use object::pod::{Pod, from_bytes};
use object::read::elf::{FileHeader as _, ProgramHeader as _, SectionHeader as _, Sym as _};

use crate::resolve::elf::table;

/// The method's name, as compilers write it on Linux.
const METHOD: &[u8] = b"_ZN4node15LibuvStreamWrap8OnUvReadElPK8uv_buf_t";
/// Most names of one bucket that are compared.
const MAX_CHAIN: u32 = 256;
/// Mappings begin at multiples of this.
const PAGE: u64 = 4096;
/// Longest method that is believed, bytes.
const MAX_LENGTH: u64 = 64 * 1024;
/// What a function begins with that keeps a frame pointer: `push %rbp; mov %rsp,%rbp`, with `endbr64` before it or not.
const KEEPS_FRAMES: [&[u8]; 2] = [b"\x55\x48\x89\xe5", b"\xf3\x0f\x1e\xfa\x55\x48\x89\xe5"];

/// Where the method lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Method {
    /// First byte and the one after the last, as addresses in the program.
    place: [u64; 2],
    /// Of a program that may be loaded anywhere: the lowest address in it.
    lowest: Option<u64>,
}

impl Method {
    /// Its addresses in a process whose program begins there.
    pub(super) fn in_process(self, begins: impl FnOnce() -> Option<u64>) -> Option<[u64; 2]> {
        let Some(lowest) = self.lowest else { return Some(self.place) };
        let moved = begins()?.checked_sub(lowest & !(PAGE - 1))?;
        let [start, end] = self.place;
        Some([start.checked_add(moved)?, end.checked_add(moved)?])
    }
}

/// Finds the method in a program, if its functions keep frame pointers.
///
/// The program's author wrote the tables as he liked: every length in them has a limit.
pub(super) fn method(file: &File) -> Option<Method> {
    let header: FileHeader64<Endianness> = part(file, 0)?;
    let header = FileHeader64::<Endianness>::parse(object::pod::bytes_of(&header)).ok()?;
    let endian = header.endian().ok()?;
    let segments: Vec<ProgramHeader64<Endianness>> = table(file, header.e_phoff(endian), header.e_phnum(endian))?;
    let sections: Vec<SectionHeader64<Endianness>> = table(file, header.e_shoff(endian), header.e_shnum(endian))?;
    let symbol = symbol(file, &sections, endian)?;
    let (start, length) = (symbol.st_value(endian), symbol.st_size(endian));
    if start == 0 || length == 0 || length > MAX_LENGTH {
        return None;
    }
    let loaded = segments.iter().filter(|segment| segment.p_type(endian) == PT_LOAD);
    let lowest = loaded.clone().map(|segment| segment.p_vaddr(endian)).min()?;
    let holds = |segment: &&ProgramHeader64<Endianness>| {
        start.checked_sub(segment.p_vaddr(endian)).is_some_and(|at| at < segment.p_filesz(endian))
    };
    let segment = loaded.clone().find(holds)?;
    let at = segment.p_offset(endian).checked_add(start - segment.p_vaddr(endian))?;
    // Elsewhere (arm64) all functions that call others do.
    if header.e_machine(endian) == EM_X86_64 {
        let begins: [u8; 8] = part(file, at)?;
        KEEPS_FRAMES.iter().find(|first| begins.starts_with(first))?;
    }
    let lowest = (header.e_type(endian) == ET_DYN).then_some(lowest);
    Some(Method { place: [start, start.checked_add(length)?], lowest })
}

/// The method among the symbols that the loader looks up by their hash (`.gnu.hash`): four words, a Bloom filter, the first
/// symbol of each bucket, and of each symbol its hash, whose lowest bit ends a bucket.
fn symbol(file: &File, sections: &[SectionHeader64<Endianness>], endian: Endianness) -> Option<Sym64<Endianness>> {
    let table = sections.iter().find(|section| section.sh_type(endian) == SHT_GNU_HASH)?;
    let symbols = sections.get(usize::try_from(table.sh_link(endian)).ok()?)?;
    let names = sections.get(usize::try_from(symbols.sh_link(endian)).ok()?)?;
    let table = table.sh_offset(endian);
    let word = |at: u64| Some(part::<object::U32<Endianness>>(file, at)?.get(endian));
    let [buckets, first, filters] = [0, 4, 8].map(|at| table.checked_add(at).and_then(word));
    let (buckets, first, filters) = (buckets.filter(|buckets| *buckets != 0)?, first?, filters?);
    let hash = object::elf::gnu_hash(METHOD);
    let starts = table.checked_add(16 + 8 * u64::from(filters))?;
    let chains = starts.checked_add(4 * u64::from(buckets))?;
    let of_bucket = word(starts.checked_add(4 * u64::from(hash % buckets))?)?;
    for index in of_bucket..of_bucket.saturating_add(MAX_CHAIN) {
        let other = word(chains.checked_add(4 * u64::from(index.checked_sub(first)?))?)?;
        if other | 1 == hash | 1 {
            let at = size_of::<Sym64<Endianness>>() as u64 * u64::from(index);
            let symbol: Sym64<Endianness> = part(file, symbols.sh_offset(endian).checked_add(at)?)?;
            let name = names.sh_offset(endian).checked_add(u64::from(symbol.st_name(endian)))?;
            let name: [u8; METHOD.len() + 1] = part(file, name)?;
            if name.split_last() == Some((&0, METHOD)) {
                return Some(symbol);
            }
        }
        if other & 1 != 0 {
            return None;
        }
    }
    None
}

/// A structure that stands at a place of a file.
fn part<T: Pod>(file: &File, at: u64) -> Option<T> {
    let mut bytes = vec![0; size_of::<T>()];
    file.read_exact_at(&mut bytes, at).ok()?;
    from_bytes(&bytes).ok().map(|(part, _)| *part)
}
