//! Where a function in the middle of its work keeps five words that are wanted of it: in registers that it does not lose by calling
//! others, or in its frame on the stack. It fits into the 64 bits that the kernel keeps with a probe (`bpf_get_attach_cookie`).

/// Bits of one place.
const BITS: u32 = 12;
/// Bits of its number; the others are its kind.
const NUMBER_BITS: u32 = 10;
/// Set where the frame is found by the register of its base, else by the stack pointer.
const BY_BASE: u64 = 1 << 63;

/// Where one word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this register.
    Register(Kept),
    /// In the frame, so many words from where it is found.
    Frame(i16),
    /// It is the address of a place in the frame, so many words from where it is found.
    Address(i16),
    /// It is known: this number.
    Number(u16),
}

/// A register that functions leave as it was (System V ABI, x86-64), by its place in `pt_regs`, in words
/// (arch/x86/include/asm/ptrace.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept(u8);

impl Kept {
    /// `r15`
    pub const R15: Self = Self(0);
    /// `r14`
    pub const R14: Self = Self(1);
    /// `r13`
    pub const R13: Self = Self(2);
    /// `r12`
    pub const R12: Self = Self(3);
    /// `rbp`
    pub const RBP: Self = Self(4);
    /// `rbx`
    pub const RBX: Self = Self(5);
    /// No more than so many places.
    pub const PLACES: usize = 8;

    /// Its place: less than [`Kept::PLACES`], as a verifier can see.
    #[inline(always)]
    #[must_use]
    pub const fn place(self) -> usize {
        self.0 as usize & (Self::PLACES - 1)
    }
}

impl Place {
    /// `None`: it is too far away.
    const fn bits(self) -> Option<u64> {
        const HALF: i16 = 1 << (NUMBER_BITS - 1);
        let (kind, number) = match self {
            Self::Register(register) => (0, register.0 as u16),
            Self::Frame(words) | Self::Address(words) if words < -HALF || words >= HALF => return None,
            Self::Frame(words) => (1, words as u16),
            Self::Address(words) => (2, words as u16),
            Self::Number(number) if number >= 1 << NUMBER_BITS => return None,
            Self::Number(number) => (3, number),
        };
        Some(kind << NUMBER_BITS | (number & ((1 << NUMBER_BITS) - 1)) as u64)
    }

    #[inline(always)]
    const fn of(bits: u64) -> Self {
        const UNUSED: u32 = 16 - NUMBER_BITS;
        let number = (bits & ((1 << NUMBER_BITS) - 1)) as u16;
        // Its highest bit is its sign.
        let words = ((number << UNUSED) as i16) >> UNUSED;
        match bits >> NUMBER_BITS & 3 {
            0 => Self::Register(Kept(number as u8)),
            1 => Self::Frame(words),
            2 => Self::Address(words),
            _ => Self::Number(number),
        }
    }
}

/// Five words of a function, and what its frame is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// Their places.
    pub places: [Place; 5],
    /// By `rbp`, else by `rsp`.
    pub by_base: bool,
}

impl Words {
    /// As one number; `None` if one of them is too far away.
    #[must_use]
    pub const fn packed(self) -> Option<u64> {
        let mut all = if self.by_base { BY_BASE } else { 0 };
        let mut at = 0;
        while at < self.places.len() {
            let Some(bits) = self.places[at].bits() else { return None };
            all |= bits << (BITS * at as u32);
            at += 1;
        }
        Some(all)
    }

    /// What was packed.
    #[inline(always)]
    #[must_use]
    pub const fn unpacked(packed: u64) -> Self {
        let mut places = [Place::Number(0); 5];
        let mut at = 0;
        while at < places.len() {
            places[at] = Place::of(packed >> (BITS * at as u32));
            at += 1;
        }
        Self { places, by_base: packed & BY_BASE != 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_again() {
        let places = [
            Place::Register(Kept::R15),
            Place::Frame(-512),
            Place::Address(511),
            Place::Number(1023),
            Place::Register(Kept::RBX),
        ];
        for by_base in [false, true] {
            let words = Words { places, by_base };
            assert_eq!(Words::unpacked(words.packed().unwrap()), words);
        }
        let near = Words {
            places: [
                Place::Frame(0),
                Place::Frame(-1),
                Place::Address(-1),
                Place::Number(0),
                Place::Register(Kept::RBP),
            ],
            by_base: false,
        };
        assert_eq!(Words::unpacked(near.packed().unwrap()), near);
    }

    #[test]
    fn what_is_too_far_away_is_not_packed() {
        for place in [Place::Frame(512), Place::Frame(-513), Place::Address(512), Place::Number(1024)] {
            assert_eq!(Words { places: [place; 5], by_base: false }.packed(), None);
        }
    }
}
