//! Code of rustls 0.23 as rustc 1.95 made it, with several optimizations; and the library in this program itself.

use iced_x86::{Decoder, DecoderOptions};

use super::*;

/// Pieces of code, by their addresses.
struct Pieces(Vec<(u64, Vec<u8>)>);

impl Pieces {
    fn of(pieces: &[(u64, &str)]) -> Self {
        let bytes = |text: &str| {
            let digits = text.split_ascii_whitespace().collect::<String>();
            (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
        };
        Self(pieces.iter().map(|(address, text)| (*address, bytes(text))).collect())
    }

    fn at(&self, address: u64) -> Option<Vec<u8>> {
        let piece = |(begin, bytes): &(u64, Vec<u8>)| {
            let at = usize::try_from(address.checked_sub(*begin)?).ok()?;
            bytes.get(at..).filter(|bytes| !bytes.is_empty()).map(<[u8]>::to_vec)
        };
        self.0.iter().find_map(piece)
    }

    /// What is found behind a question whose answer is looked at there, in the first piece.
    fn words(&self, looked_at: u64) -> Option<Words> {
        let (begin, bytes) = &self.0[0];
        let decoder = Decoder::with_ip(64, bytes, *begin, DecoderOptions::NONE);
        let before: Vec<Instruction> = decoder.into_iter().take_while(|one| one.ip() < looked_at).collect();
        let code = |address, _| self.at(address);
        let log = machine::follow(&code, looked_at, Machine::new(), &|machine, _| log(machine))?;
        words(&before, &log, &|_, length| (length == 23).then_some(4))
    }
}

/// `-O3`: a function of its own, in which the label is in registers.
const FUNCTION: &str =
    "488d05d62c0f00 4d8b3c06 488d0523dcf1ff 4d8b2406 4c8bb42400010000 4c89f7 4c89fe 4c89e2 ff942410010000
    84c0 743b 488bb424c0000000 4883fe41 737a 488b8c2418010000 488b842408010000 48893424 4c8d8c2480000000 41b820000000
    4c89f7 4c89fe 4c89e2 ffd0";
const FUNCTION_AT: u64 = 0x10_2bcb;

#[test]
fn a_function_of_its_own() {
    let places = [
        Place::Register(Kept::R15),
        Place::Register(Kept::R12),
        Place::Frame(0x118 / 8),
        Place::Address(0x80 / 8),
        Place::Frame(0xc0 / 8),
    ];
    let pieces = Pieces::of(&[(FUNCTION_AT, FUNCTION)]);
    assert_eq!(pieces.words(FUNCTION_AT + 0x2e), Some(Words { places, by_base: false }));
}

/// `-O3` with the whole program at once: a part of another function, which knows the label.
#[test]
fn a_part_of_another_function() {
    let code = "488d356f91f2ff ba17000000 4c8ba42488000000 4c89e7 4c8bac2480000000 41ffd5
        84c0 7444 488bb424f0000000 4883fe41 0f835c030000 48893424 488d353391f2ff 4c8d8c24b0000000 ba17000000 41b820000000
        4c89e7 488b8c24c0010000 ff542478";
    let places =
        [Place::Number(4), Place::Number(4), Place::Frame(0x1c0 / 8), Place::Address(0xb0 / 8), Place::Frame(0xf0 / 8)];
    let pieces = Pieces::of(&[(0xf_0dd2, code)]);
    assert_eq!(pieces.words(0xf_0df4), Some(Words { places, by_base: false }));
}

/// `-Oz`: the secret is got by calling functions.
#[test]
fn calls_on_the_way() {
    let code =
        "418d47ff 0fb6c0 c1e003 488d0d8c21f4ff 4c8b3c08 488d0da11b0800 4c8b2408 4c89f7 4c89e6 4c89fa ff942490000000
        84c0 7431 488d7c2410 e8148ffcff 488b8c2498000000 4c8b942488000000 48891424 6a20 4158 4c89f7 4c89e6 4c89fa 4989c1
        41ffd2";
    let places = [
        Place::Register(Kept::R12),
        Place::Register(Kept::R15),
        Place::Frame(0x98 / 8),
        Place::Address(0x10 / 8),
        Place::Frame(0x50 / 8),
    ];
    let as_ref = (0xa_39cd, "488b7740 488d1528780b00 e936dcffff");
    let index = (0xa_1613, INDEX);
    let pieces = Pieces::of(&[(0xd_aa7b, code), as_ref, index]);
    assert_eq!(pieces.words(0xd_aaab), Some(Words { places, by_base: false }));
}

const INDEX: &str = "4883fe41 7307 4889f8 4889f2 c3";

#[test]
fn another_question_is_none() {
    // `mov rsi, r15` before the question: by another register, it is about something else.
    let other = FUNCTION.replacen("4c89fe", "4c89e6", 1);
    assert_eq!(Pieces::of(&[(FUNCTION_AT, &other)]).words(FUNCTION_AT + 0x2e), None);
    // Another object.
    let other = FUNCTION.replacen("4c89f7", "4c89ff", 1);
    assert_eq!(Pieces::of(&[(FUNCTION_AT, &other)]).words(FUNCTION_AT + 0x2e), None);
    // Another length of the random.
    let other = FUNCTION.replace("41b820000000", "41b821000000");
    assert_eq!(Pieces::of(&[(FUNCTION_AT, &other)]).words(FUNCTION_AT + 0x2e), None);
}

#[test]
fn labels_that_decrypt_something() {
    assert_eq!(known(b"CLIENT_TRAFFIC_SECRET_0"), Some(4));
    assert_eq!(known(b"CLIENT_EARLY_TRAFFIC_SECRET"), Some(1));
    for text in [&b""[..], b"CLIENT_TRAFFIC_SECRET_", b"EXPORTER_SECRET", b"CLIENT_RANDOM", &[b'C'; 40]] {
        assert_eq!(known(text), None, "{text:?}");
    }
}

/// This program carries rustls, for OTLP; another linker or machine may make something else of it.
#[test]
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn this_program() {
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    let elf = Elf::read(&file).unwrap();
    assert!(is_in(&elf));
    let (name, spots) = spots(&elf);
    let count = |program: &str| spots.iter().filter(|spot| spot.program == program).count();
    assert_eq!(name, "rustls");
    // One function, or a part of others for each label; clients and servers, full and resumed.
    assert!([1, 5].contains(&count(BEHIND_QUESTION)), "{}", count(BEHIND_QUESTION));
    assert!((1..=4).contains(&count(AT_CALL)), "{}", count(AT_CALL));
}
