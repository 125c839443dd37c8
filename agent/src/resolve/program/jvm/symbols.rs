//! What a library exports, found in the memory of the process that has loaded it (ELF-64, System V ABI).

use std::collections::HashMap;

use crate::resolve::memory::Memory;

const DYNAMIC: u32 = 2;
const END: u64 = 0;
const STRINGS: u64 = 5;
const SYMBOLS: u64 = 6;
const STRINGS_SIZE: u64 = 10;
/// Sizes of a program header, of an entry of the dynamic section and of a symbol.
const HEADER: u64 = 56;
const ENTRY: u64 = 16;
const SYMBOL: usize = 24;
/// Most of the first two that are looked at.
const MAX_HEADERS: u16 = 64;
const MAX_ENTRIES: u64 = 128;
/// Most bytes of symbols, and of their names; a `libjvm.so` has 10 KB of each.
const MAX_BYTES: u64 = 256 * 1024;

/// Where the symbols of the library that is mapped at `base` lie whose names begin so.
pub(super) fn read<F>(memory: &Memory<F>, base: u64, prefix: &str) -> Option<HashMap<String, u64>>
where
    F: Fn(u64, &mut [u8]) -> bool,
{
    let (symbols, strings, size) = tables(memory, base)?;
    // The names come behind the symbols, whose number is told nowhere else.
    let length = strings.checked_sub(symbols).filter(|length| *length <= MAX_BYTES)?;
    let names = memory.block(strings, Some(size).filter(|size| *size <= MAX_BYTES)?)?;
    let symbols = memory.block(symbols, length)?;
    let exported = symbols.chunks_exact(SYMBOL).filter_map(|symbol| {
        let (name, value) = (symbol.get(..4)?.try_into().ok()?, symbol.get(8..16)?.try_into().ok()?);
        let name = names.get(usize::try_from(u32::from_le_bytes(name)).ok()?..)?;
        let name = name.strip_prefix(prefix.as_bytes())?.split(|byte| *byte == 0).next()?;
        Some((std::str::from_utf8(name).ok()?.to_owned(), base.checked_add(u64::from_le_bytes(value))?))
    });
    Some(exported.collect())
}

/// Where the symbols and their names lie, and how many bytes those are.
fn tables<F: Fn(u64, &mut [u8]) -> bool>(memory: &Memory<F>, base: u64) -> Option<(u64, u64, u64)> {
    let at = |distance: u64| base.checked_add(distance);
    if memory.bytes(base)? != *b"\x7fELF\x02\x01" {
        return None;
    }
    let (headers, count) = (at(memory.word(at(32)?)?)?, u16::from_le_bytes(memory.bytes(at(56)?)?));
    let dynamic = (0..count.min(MAX_HEADERS)).find_map(|index| {
        let header = headers.checked_add(u64::from(index) * HEADER)?;
        (memory.half(header)? == DYNAMIC).then(|| at(memory.word(header.checked_add(16)?)?))?
    })?;
    let (mut symbols, mut strings, mut size) = (None, None, None);
    for index in 0..MAX_ENTRIES {
        let entry = dynamic.checked_add(index * ENTRY)?;
        let value = memory.word(entry.checked_add(8)?)?;
        // glibc puts addresses there where the file has distances.
        let address = if value < base { at(value) } else { Some(value) };
        match memory.word(entry)? {
            END => break,
            STRINGS => strings = address,
            SYMBOLS => symbols = address,
            STRINGS_SIZE => size = Some(value),
            _ => {}
        }
    }
    Some((symbols?, strings?, size?))
}
