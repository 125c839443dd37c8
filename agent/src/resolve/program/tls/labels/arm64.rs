//! The code of arm64, whose instructions are words: `adrp` loads the page of a label, an `add` soon after it completes the address, and
//! calls have their second argument in `x1` (AAPCS64).

use super::{CHUNK, Elf, MAX_CODE, MAX_INSTRUCTIONS, Part, Strings};

/// What `adrp` counts in.
const PAGE: u64 = 4096;
/// Bytes of an instruction.
const WORD: u64 = 4;
/// Most instructions from `adrp` to `add`.
const NEAR: usize = 16;
/// The register of the second argument.
const SECOND: u32 = 1 << 1;

/// Tells each place where the address of a label is complete, while it is wanted.
pub(super) fn each_load(elf: &Elf<'_>, part: Part, strings: &Strings, tell: &mut dyn FnMut(u64, usize) -> bool) {
    let size = part.size.min(MAX_CODE);
    let mut done = 0;
    while done < size {
        let length = (CHUNK + NEAR as u64 * WORD).min(size - done);
        let Some(bytes) = part.at.checked_add(done).and_then(|at| elf.bytes(at, length)) else { return };
        let words = words(&bytes);
        let starts = part.address.wrapping_add(done);
        for at in 0..words.len().min((CHUNK / WORD) as usize) {
            if let Some((at, label)) = loaded(&words[at..], starts.wrapping_add(at as u64 * WORD), strings)
                && !tell(at, label)
            {
                return;
            }
        }
        done += CHUNK;
    }
}

/// What is called next after the instruction at an address, with what that has made as the second argument.
pub(super) fn called_with(elf: &Elf<'_>, address: u64) -> Option<u64> {
    let bytes = elf.code_from(address, (MAX_INSTRUCTIONS as u64 + 1) * WORD)?;
    called(&words(&bytes), address)
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
}

/// Where the address of a label is complete that begins with the first of these instructions, and the label.
fn loaded(words: &[u32], address: u64, strings: &Strings) -> Option<(u64, usize)> {
    let (first, rest) = words.split_first()?;
    if first & 0x9f00_0000 != 0x9000_0000 {
        return None;
    }
    let distance = signed((first >> 5 & 0x7_ffff) << 2 | first >> 29 & 3, 21).checked_mul(PAGE as i64)?;
    let page = (address & !(PAGE - 1)).wrapping_add_signed(distance);
    strings.range(page..page.checked_add(PAGE)?).next()?;
    let register = first & 31;
    for (further, word) in rest.iter().take(NEAR).enumerate() {
        if word & 0xffc0_0000 == 0x9100_0000
            && word >> 5 & 31 == register
            && let Some(label) = strings.get(&(page + u64::from(word >> 10 & 0xfff)))
        {
            return Some((address.wrapping_add((further as u64 + 1) * WORD), *label));
        }
        if written(*word) & 1 << register != 0 {
            break;
        }
    }
    None
}

/// What the first of these instructions has made is followed to the next call.
fn called(words: &[u32], address: u64) -> Option<u64> {
    let (first, rest) = words.split_first()?;
    let mut holders: u32 = 1 << (first & 31);
    for (further, word) in rest.iter().take(MAX_INSTRUCTIONS).enumerate() {
        // `b` and `bl`
        if word & 0x7c00_0000 == 0x1400_0000 {
            let own = address.wrapping_add((further as u64 + 1) * WORD);
            let distance = signed(word & 0x3ff_ffff, 26) * WORD as i64;
            return (holders & SECOND != 0).then(|| own.wrapping_add_signed(distance));
        }
        // `br`, `blr`, `ret`
        if word & 0xfe00_0000 == 0xd600_0000 {
            return None;
        }
        // `mov` from a register to another.
        let is_copy = word & 0xffe0_ffe0 == 0xaa00_03e0 && holders & 1 << (word >> 16 & 31) != 0;
        holders &= !written(*word);
        if is_copy {
            holders |= 1 << (word & 31);
        }
        if holders == 0 {
            return None;
        }
    }
    None
}

/// The registers that an instruction writes, at least (Arm Architecture Reference Manual, C4.1): those of loads, and the last five bits
/// of what computes.
fn written(word: u32) -> u32 {
    let last = 1 << (word & 31);
    match word >> 25 & 15 {
        // Loads and stores: pairs, and single ones.
        0b0100 | 0b0110 | 0b1100 | 0b1110 => match word >> 27 & 7 {
            0b101 if word & 1 << 22 != 0 => last | 1 << (word >> 10 & 31),
            0b101 => 0,
            _ if word >> 22 & 3 != 0 => last,
            _ => 0,
        },
        // Branches.
        0b1010 | 0b1011 => 0,
        _ => last,
    }
}

/// A number of so many bits, the highest of which is its sign.
fn signed(number: u32, bits: u32) -> i64 {
    let unused = 32 - bits;
    i64::from((number << unused) as i32 >> unused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_two_parts_is_put_together() {
        let strings = Strings::from([(0x8_8d60, 0)]);
        // adrp x1, 0x88000; mov x0, x19; add x1, x1, #0xd60
        let code = [0xb000_00a1, 0xaa13_03e0, 0x9135_8021];
        assert_eq!(loaded(&code, 0x7_3a20, &strings), Some((0x7_3a28, 0)));
        assert_eq!(loaded(&code, 0x7_4a20, &strings), None, "another page");
        // mov x1, #0 between them
        assert_eq!(loaded(&[code[0], 0xd280_0001, code[2]], 0x7_3a20, &strings), None);
    }

    #[test]
    fn the_label_is_followed_to_the_second_argument() {
        // add x1, x1, #0xd60; mov x0, x19; bl +0x100
        assert_eq!(called(&[0x9135_8021, 0xaa13_03e0, 0x9400_0040], 0x1000), Some(0x1108));
        // add x2, x2, #0xd60; mov x1, x2; b -4
        assert_eq!(called(&[0x9135_8042, 0xaa02_03e1, 0x17ff_ffff], 0x1000), Some(0x1004));
        // add x2, x2, #0xd60; bl: the third argument.
        assert_eq!(called(&[0x9135_8042, 0x9400_0040], 0x1000), None);
        // add x1, x1, #0xd60; ldr x1, [x0]; bl
        assert_eq!(called(&[0x9135_8021, 0xf940_0001, 0x9400_0040], 0x1000), None);
        // add x1, x1, #0xd60; str x1, [x0]; bl +4
        assert_eq!(called(&[0x9135_8021, 0xf900_0001, 0x9400_0001], 0x1000), Some(0x100c));
    }

    proptest::proptest! {
        #[test]
        fn no_code_is_a_panic(code: Vec<u32>, address: u64) {
            let _ = (called(&code, address), loaded(&code, address, &Strings::from([(0, 0), (address, 1), (u64::MAX, 2)])));
        }
    }
}
