//! Where functions begin in a program of Go, also in one without symbols: the runtime's own table of functions (`pclntab`;
//! runtime/symtab.go, `pcHeader`; runtime/runtime2.go, `_func`), in the form that it has since Go 1.18.
//!
//! A probe between two instructions is harmless, one in the middle of an instruction breaks the program. So a place counts only behind
//! the instructions with which the functions of Go begin.

use object::elf::{EM_AARCH64, EM_X86_64};

use crate::resolve::program::elf::{CHUNK, Elf, Part};

/// The beginnings of the table in Go 1.18, and since 1.20.
const MAGICS: [[u8; 4]; 2] = [[0xf0, 0xff, 0xff, 0xff], [0xf1, 0xff, 0xff, 0xff]];
/// What follows: two zeroes, the smallest size of an instruction (x86-64, arm64), the size of a pointer.
const SIZES: [[u8; 4]; 2] = [[0, 0, 1, 8], [0, 0, 4, 8]];
/// Words of its header.
const WORDS: usize = 9;
/// Word of `moduledata` that holds the beginning of the code; word 0 is the address of the table. Used from Go 1.26 on, which has a
/// section for it.
const MODULE_TEXT: u64 = 22;
/// Alignment of the table, bytes.
const ALIGNMENT: usize = 16;
/// Most bytes that are looked through for a table without a section of its own.
const MAX_SEARCHED: u64 = 256 * 1024 * 1024;
/// Most bytes of the names of functions, and of their descriptions.
const MAX_TABLE: u64 = 256 * 1024 * 1024;
/// Most functions.
const MAX_FUNCTIONS: u64 = 4 * 1024 * 1024;
/// Most bytes of the beginning of a function that are looked at.
const BEGINNING: u64 = 24;

/// The functions of a program.
pub(super) struct Functions<'a> {
    elf: &'a Elf<'a>,
    table: Part,
    header: Header,
}

impl<'a> Functions<'a> {
    /// `None`: there is no table that can be read.
    pub(super) fn read(elf: &'a Elf<'a>) -> Option<Self> {
        let table = Some(elf).filter(|elf| elf.is_little_endian()).and_then(table)?;
        Some(Self { elf, table, header: Header::read(elf, table)? })
    }

    /// Where the function of this name is linked to.
    pub(super) fn address(&self, name: &str) -> Option<u64> {
        let named = self.header.name(self.elf, name)?;
        let from = self.header.find(self.elf, named)?;
        text(self.elf, self.table, &self.header)?.checked_add(u64::from(from))
    }

    /// Where in the file the function of this name can be probed, before it has done anything.
    pub(super) fn probed(&self, name: &str) -> Option<u64> {
        let at = self.elf.code(self.address(name)?)?;
        at.checked_add(place(self.elf.machine(), &self.elf.bytes(at, BEGINNING)?)?)
    }
}

/// The table: a section, or within the data of a program that C's linker has made movable.
fn table(elf: &Elf<'_>) -> Option<Part> {
    if let Some(own) = [".gopclntab", ".data.rel.ro.gopclntab"].iter().find_map(|name| elf.section(name)) {
        return Some(own);
    }
    let data = elf.section(".data.rel.ro")?;
    let size = data.size.min(MAX_SEARCHED);
    let mut done = 0;
    while done < size {
        let chunk = elf.bytes(data.at.checked_add(done)?, CHUNK.min(size - done))?;
        // It is aligned, and so are the chunks: it is never cut.
        let found = chunk.chunks_exact(ALIGNMENT).position(is_magic);
        if let Some(found) = found {
            let skip = done + (found * ALIGNMENT) as u64;
            return Some(Part {
                address: data.address.checked_add(skip)?,
                at: data.at.checked_add(skip)?,
                size: data.size - skip,
            });
        }
        done += CHUNK;
    }
    None
}

fn is_magic(bytes: &[u8]) -> bool {
    bytes.first_chunk().is_some_and(|magic| MAGICS.contains(magic))
        && bytes.get(4..8).is_some_and(|sizes| SIZES.iter().any(|known| known == sizes))
}

/// What of its header is needed.
struct Header {
    functions: u64,
    /// The beginning of the code as the table has it; 0 where the program is movable, and since Go 1.26.
    text: u64,
    names: Part,
    /// Pairs (offset in the code, place of the description in this part), then descriptions: offset in the code, name, more.
    descriptions: Part,
}

impl Header {
    fn read(elf: &Elf<'_>, table: Part) -> Option<Self> {
        let bytes = elf.bytes(table.at, (WORDS * 8) as u64)?;
        if !is_magic(&bytes) {
            return None;
        }
        let word = |index: usize| bytes.get(index * 8..)?.first_chunk().copied().map(u64::from_le_bytes);
        let part = |from: u64, to: u64| {
            let size = to.checked_sub(from).filter(|size| to <= table.size && *size <= MAX_TABLE)?;
            Some(Part { address: table.address.checked_add(from)?, at: table.at.checked_add(from)?, size })
        };
        let functions = word(1).filter(|functions| *functions <= MAX_FUNCTIONS)?;
        let from = word(8)?;
        // The last part has no end but the table's, which is not known where it has no section.
        let to = table.size.min(from.checked_add(MAX_TABLE)?);
        Some(Self { functions, text: word(3)?, names: part(word(4)?, word(5)?)?, descriptions: part(from, to)? })
    }

    /// Where a name begins among the names.
    fn name(&self, elf: &Elf<'_>, name: &str) -> Option<u32> {
        let wanted = [b"\0", name.as_bytes(), b"\0"].concat();
        u32::try_from(elf.places(self.names, &wanted, 1).first()? + 1).ok()
    }

    /// Where the function with this name begins, counted from the beginning of the code.
    fn find(&self, elf: &Elf<'_>, name: u32) -> Option<u32> {
        let mut pairs = Window::of(self.descriptions);
        let mut descriptions = Window::of(self.descriptions);
        let mut last = 0;
        for index in 0..self.functions {
            let [from, at] = pairs.words(elf, index * 8)?;
            // In order, so that each is read once.
            let at = u64::from(at);
            if at < last {
                return None;
            }
            last = at;
            let [again, its] = descriptions.words(elf, at)?;
            if its == name {
                return (again == from).then_some(from);
            }
        }
        None
    }
}

/// A part of the file that is read from its beginning to its end.
struct Window {
    part: Part,
    from: u64,
    bytes: Vec<u8>,
}

impl Window {
    fn of(part: Part) -> Self {
        Self { part, from: 0, bytes: Vec::new() }
    }

    /// Two 32-bit words.
    fn words(&mut self, elf: &Elf<'_>, at: u64) -> Option<[u32; 2]> {
        let is_there = at >= self.from && at + 8 <= self.from + self.bytes.len() as u64;
        if !is_there {
            let left = self.part.size.checked_sub(at).filter(|left| *left >= 8)?;
            self.bytes = elf.bytes(self.part.at.checked_add(at)?, left.min(CHUNK))?;
            self.from = at;
        }
        let bytes: [u8; 8] = *self.bytes.get(usize::try_from(at - self.from).ok()?..)?.first_chunk()?;
        let both = u64::from_le_bytes(bytes);
        Some([both as u32, (both >> 32) as u32])
    }
}

/// The address that the code begins at.
fn text(elf: &Elf<'_>, table: Part, header: &Header) -> Option<u64> {
    if header.text != 0 {
        return Some(header.text);
    }
    // Since Go 1.26 `moduledata` alone has it.
    if let Some(module) = elf.section(".go.module") {
        let at = MODULE_TEXT * 8;
        let word = elf.bytes(module.at.checked_add(at)?, 8)?;
        let text = u64::from_le_bytes(*word.first_chunk()?);
        return if text == 0 { elf.relocated(module.address.checked_add(at)?) } else { Some(text) };
    }
    elf.relocated(table.address.checked_add(3 * 8)?)
}

/// How far from the beginning of a function of Go that needs a stack it can be probed, where its arguments are still in their
/// registers; `None` if it does not begin like that: it compares the stack pointer with the bound that stands in `g` (`stackguard0`,
/// at 16).
///
/// On x86-64 at the jump that follows: the kernel executes a jump itself, and most other instructions in a copy, by a single step, which
/// costs a second trap. (Whoever needs a larger stack comes there twice.)
fn place(machine: u16, bytes: &[u8]) -> Option<u64> {
    /// `cmp 16(%r14), %rsp`
    const SMALL: &[u8] = &[0x49, 0x3b, 0x66, 0x10];
    /// `cmp 16(%r14), %r12`
    const LARGE: &[u8] = &[0x4d, 0x3b, 0x66, 0x10];
    /// `ldr x16, [x28, #16]`
    const ARM: u32 = 0xf940_0b90;
    if machine == EM_AARCH64 {
        return bytes.starts_with(&ARM.to_le_bytes()).then_some(0);
    }
    if machine != EM_X86_64 {
        return None;
    }
    let compared = match bytes {
        // `lea n(%rsp), %r12` with a long and with a short n.
        [0x4c, 0x8d, 0xa4, 0x24, _, _, _, _, rest @ ..] | [0x4c, 0x8d, 0x64, 0x24, _, rest @ ..] => {
            rest.strip_prefix(LARGE)?
        }
        rest => rest.strip_prefix(SMALL)?,
    };
    match compared {
        // `jbe` with a long and with a short distance.
        [0x0f, 0x86, ..] | [0x76, ..] => Some((bytes.len() - compared.len()) as u64),
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests;
