//! The Huffman code of RFC 7541, appendix B. It is canonical: codes of one length follow each other in the order of their
//! symbols, and shorter codes come first; so the lengths alone define it.

/// Bits of the code of each byte, and of the end of a string (256).
pub(super) const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
    28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12,
    10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6,
    5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22,
    22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20,
    22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28,
    27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28,
    27, 27, 27, 27, 27, 26, 30,
];

/// The longest code, bits.
const LONGEST: usize = 30;
/// Bits that are looked up at once: nearly all text has no longer codes.
const FAST: usize = 9;
/// The symbol that no string may hold.
const END: u16 = 256;

/// Codes by their length.
struct Tables {
    /// Symbols in the order of their codes.
    symbols: [u16; 257],
    /// First code of a length, and the place of its symbol.
    first: [(u32, u16); LONGEST + 1],
    /// How many codes a length has.
    count: [u16; LONGEST + 1],
    /// What begins with these bits: a byte and the bits of its code; 0 bits where that is longer.
    fast: [(u8, u8); 1 << FAST],
}

static TABLES: Tables = tables();

const fn tables() -> Tables {
    let mut tables =
        Tables { symbols: [0; 257], first: [(0, 0); LONGEST + 1], count: [0; LONGEST + 1], fast: [(0, 0); 1 << FAST] };
    let (mut code, mut place, mut length) = (0u32, 0u16, 1);
    while length <= LONGEST {
        code <<= 1;
        tables.first[length] = (code, place);
        let mut symbol = 0u16;
        while symbol < 257 {
            if LENGTHS[symbol as usize] as usize == length {
                tables.symbols[place as usize] = symbol;
                if length <= FAST {
                    let begin = (code as usize) << (FAST - length);
                    let mut at = begin;
                    while at < begin + (1 << (FAST - length)) {
                        tables.fast[at] = ((symbol & 0xff) as u8, length as u8);
                        at += 1;
                    }
                }
                tables.count[length] += 1;
                code += 1;
                place += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    tables
}

/// Appends what `bytes` encode to `text`. `None` if they are not valid (RFC 7541, section 5.2): a symbol that ends the string,
/// or padding that is no beginning of it or longer than seven bits. At most 8/5 of their number come out.
pub(super) fn decode(bytes: &[u8], text: &mut Vec<u8>) -> Option<()> {
    text.reserve(bytes.len() * 8 / 5);
    let mut rest = bytes.iter();
    // The next bits are the highest ones of `held`.
    let (mut held, mut bits) = (0u64, 0usize);
    loop {
        while bits <= 56 {
            let Some(byte) = rest.next() else { break };
            held |= u64::from(*byte) << (56 - bits);
            bits += 8;
        }
        if bits == 0 {
            return Some(());
        }
        let (byte, length) = TABLES.fast[(held >> (64 - FAST)) as usize];
        let used = usize::from(length);
        if length != 0 && used <= bits {
            text.push(byte);
            held <<= used;
            bits -= used;
            continue;
        }
        // At the end, less than a byte of ones may be left.
        if bits < 8 && held == !0 << (64 - bits) {
            return Some(());
        }
        let (byte, used) = long(held, bits)?;
        text.push(byte);
        held <<= used;
        bits -= used;
    }
}

/// A symbol whose code is longer than [`FAST`] bits.
fn long(held: u64, bits: usize) -> Option<(u8, usize)> {
    for length in FAST + 1..=LONGEST.min(bits) {
        let code = u32::try_from(held >> (64 - length)).ok()?;
        let (first, place) = TABLES.first[length];
        let past = code.checked_sub(first)?;
        if past < u32::from(TABLES.count[length]) {
            let symbol = *TABLES.symbols.get(usize::from(place) + usize::try_from(past).ok()?)?;
            return (symbol != END).then_some((u8::try_from(symbol).ok()?, length));
        }
    }
    None
}

#[cfg(test)]
pub(crate) fn encode(text: &[u8]) -> Vec<u8> {
    let code = |byte: u8| {
        let length = usize::from(LENGTHS[usize::from(byte)]);
        let (first, place) = TABLES.first[length];
        let place = usize::from(place);
        let at = TABLES.symbols[place..].iter().position(|symbol| *symbol == u16::from(byte)).unwrap();
        (first + u32::try_from(at).unwrap(), length)
    };
    let (mut out, mut held, mut bits) = (Vec::new(), 0u64, 0);
    for byte in text {
        let (code, length) = code(*byte);
        held = held << length | u64::from(code);
        bits += length;
        while bits >= 8 {
            bits -= 8;
            out.push((held >> bits) as u8);
        }
    }
    if bits > 0 {
        out.push((held << (8 - bits)) as u8 | (0xff >> bits));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(bytes: &[u8]) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        decode(bytes, &mut text).map(|()| text)
    }

    #[test]
    fn examples_of_the_rfc() {
        let host = [0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff];
        assert_eq!(decoded(&host).unwrap(), b"www.example.com");
        assert_eq!(decoded(&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf]).unwrap(), b"no-cache");
        assert_eq!(encode(b"no-cache"), [0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf]);
    }

    #[test]
    fn what_is_not_valid() {
        // A whole byte of padding, padding with a zero, the end of a string, a code that goes on.
        for bytes in [&[0xff][..], &[0x1f, 0xff], &[0x00, 0x00, 0x01], &[0xff, 0xff, 0xff, 0xfc], &[0xff, 0xff, 0xfe]] {
            assert_eq!(decoded(bytes), None, "{bytes:x?}");
        }
        assert_eq!(decoded(&[]).unwrap(), b"");
    }

    proptest! {
        #[test]
        fn what_is_encoded_comes_out(text in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(decoded(&encode(&text)), Some(text));
        }

        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            if let Some(text) = decoded(&bytes) {
                prop_assert!(text.len() <= bytes.len() * 8 / 5);
            }
        }
    }
}
