//! Where functions begin in a program without symbols: the table by which stacks are unwound has them all, in order (`.eh_frame_hdr`; Linux
//! Standard Base, "The .eh_frame_hdr section"). It is needed at run time, so it is never stripped.

use iced_x86::{Decoder, DecoderOptions, Instruction};

use super::elf::{Elf, Part};

/// The beginning of a table of 32-bit numbers that count from the table itself: version; how the address of the unwinding data, the
/// number of entries, and the entries are written.
const BEGINNING: [u8; 4] = [1, 0x1b, 0x03, 0x3b];
/// Bytes before the entries, and of each.
const HEADER: u64 = 12;
const ENTRY: u64 = 8;
/// Most bytes of a function that are decoded.
const MAX_FUNCTION: u64 = 256 << 10;

/// The instructions of the function around an address, from its beginning up to that one; `None` where no instruction begins there.
pub(super) fn instructions_to(elf: &Elf<'_>, address: u64) -> Option<Vec<Instruction>> {
    let begin = begin(elf, address)?;
    let length = address.checked_sub(begin).filter(|length| *length < MAX_FUNCTION)?;
    let bytes = elf.code_from(begin, length + LONGEST)?;
    let mut decoder = Decoder::with_ip(64, &bytes, begin, DecoderOptions::NONE);
    let mut instructions = Vec::new();
    while decoder.ip() <= address && decoder.can_decode() {
        let instruction = decoder.decode();
        if instruction.is_invalid() {
            return None;
        }
        instructions.push(instruction);
    }
    (instructions.last()?.ip() == address).then_some(instructions)
}

/// Longest instruction.
const LONGEST: u64 = 15;

/// Where the function around an address begins.
fn begin(elf: &Elf<'_>, address: u64) -> Option<u64> {
    let table = elf.section(".eh_frame_hdr").filter(|table| table.size > HEADER)?;
    let header = elf.bytes(table.at, HEADER)?;
    if !header.starts_with(&BEGINNING) {
        return None;
    }
    let count = u64::from(u32::from_le_bytes(*header.last_chunk()?)).min((table.size - HEADER) / ENTRY);
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if entry(elf, table, middle)? <= address { low = middle + 1 } else { high = middle }
    }
    entry(elf, table, low.checked_sub(1)?)
}

fn entry(elf: &Elf<'_>, table: Part, index: u64) -> Option<u64> {
    let bytes = elf.bytes(table.at.checked_add(HEADER + index * ENTRY)?, ENTRY)?;
    Some(table.address.wrapping_add_signed(i64::from(i32::from_le_bytes(*bytes.first_chunk()?))))
}
