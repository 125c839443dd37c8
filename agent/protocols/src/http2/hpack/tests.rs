//! The examples of RFC 7541, an encoder of our own, and what a loss does.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

pub(crate) type Pair = (Vec<u8>, Vec<u8>);

/// Fields as text; what is unknown is `?`.
pub(crate) fn told(decoder: &mut Decoder, block: &[u8]) -> Result<Vec<Pair>, Invalid> {
    let mut fields = Vec::new();
    decoder.decode(block, |field| {
        let lost = field.kind == Name::Unknown;
        fields.push(if lost { (b"?".to_vec(), Vec::new()) } else { (field.name.to_vec(), field.value.to_vec()) });
    })?;
    Ok(fields)
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn lines(decoder: &mut Decoder, block: &str) -> String {
    let line = |(name, value): Pair| [&name[..], b": ", &value, b"\n"].concat();
    let text: Vec<u8> = told(decoder, &hex(block)).unwrap().into_iter().flat_map(line).collect();
    String::from_utf8(text).unwrap()
}

/// Appendix C.3 and C.4: the same requests without and with the Huffman code.
#[test]
fn requests_of_the_rfc() {
    let plain = [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ];
    let coded = [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ];
    let begin = ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\n";
    let last =
        ":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\ncustom-key: custom-value\n";
    for blocks in [plain, coded] {
        let mut decoder = Decoder::new(true);
        assert_eq!(lines(&mut decoder, blocks[0]), begin);
        assert_eq!(lines(&mut decoder, blocks[1]), format!("{begin}cache-control: no-cache\n"));
        assert_eq!(lines(&mut decoder, blocks[2]), last);
    }
}

/// Appendix C.6: a table of 256 bytes, which evicts.
#[test]
fn responses_of_the_rfc() {
    let mut decoder = Decoder::new(true);
    decoder.table.resize(256);
    let first = "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 \
                 63c7 8f0b 97c8 e9ae 82ae 43d3";
    let common = "cache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\nlocation: https://www.example.com\n";
    assert_eq!(lines(&mut decoder, first), format!(":status: 302\n{common}"));
    assert_eq!(lines(&mut decoder, "4883 640e ffc1 c0bf"), format!(":status: 307\n{common}"));
    let third = "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 \
                 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07";
    let text = lines(&mut decoder, third);
    assert!(text.starts_with(":status: 200\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:22 GMT\n"), "{text}");
    assert!(text.ends_with("set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1\n"), "{text}");
    assert_eq!(decoder.table.get(3).map(|entry| entry.value().len()), None);
}

#[test]
fn what_is_not_valid() {
    for block in ["80", "be", "ff", "ffffffffff0f", "41", "4103", "0085ffffffffff00", "8220", "00", "3fffffffff7f"] {
        assert_eq!(told(&mut Decoder::new(true), &hex(block)), Err(Invalid), "{block}");
    }
    // In mid-connection an index may be one of before.
    assert_eq!(lines(&mut Decoder::new(false), "be"), "?: \n");
    assert_eq!(lines(&mut Decoder::new(false), "7e0161"), "?: \n");
}

/// An encoder that makes any valid block.
#[derive(Default)]
pub(crate) struct Encoder {
    table: VecDeque<Pair>,
    pub(crate) limit: usize,
}

fn number(out: &mut Vec<u8>, first: u8, bits: u32, value: usize) {
    let most = (1usize << bits) - 1;
    if value < most {
        out.push(first | value as u8);
        return;
    }
    out.push(first | most as u8);
    let mut rest = value - most;
    while rest >= 128 {
        out.push(rest as u8 | 128);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn text(out: &mut Vec<u8>, text: &[u8], is_coded: bool) {
    let coded = huffman::encode(text);
    let (first, bytes) = if is_coded { (0x80, &*coded) } else { (0, text) };
    number(out, first, 7, bytes.len());
    out.extend_from_slice(bytes);
}

impl Encoder {
    pub(crate) fn new() -> Self {
        Self { table: VecDeque::new(), limit: 4096 }
    }

    fn evict(&mut self) {
        let size =
            |table: &VecDeque<Pair>| table.iter().map(|(name, value)| name.len() + value.len() + 32).sum::<usize>();
        while size(&self.table) > self.limit {
            self.table.pop_back();
        }
    }

    pub(crate) fn resize(&mut self, out: &mut Vec<u8>, limit: usize) {
        self.limit = limit;
        self.evict();
        number(out, 0x20, 5, limit);
    }

    fn index(&self, matches: impl Fn(&[u8], &[u8]) -> bool) -> Option<usize> {
        let fixed = fixed::ENTRIES.iter().map(|(_, name, value)| (name.as_bytes(), value.as_bytes()));
        let own = self.table.iter().map(|(name, value)| (&name[..], &value[..]));
        fixed.chain(own).position(|(name, value)| matches(name, value)).map(|at| at + 1)
    }

    /// `how`: which of the representations, and whether texts are coded.
    pub(crate) fn field(&mut self, out: &mut Vec<u8>, (name, value): &Pair, how: u8) {
        if how & 3 != 3
            && let Some(index) = self.index(|known, known_value| known == name && known_value == value)
        {
            return number(out, 0x80, 7, index);
        }
        let (first, bits) = [(0x40, 6), (0x40, 6), (0, 4), (0x10, 4)][usize::from(how & 3)];
        let index = self.index(|known, _| known == name).filter(|_| how & 4 == 0);
        number(out, first, bits, index.unwrap_or(0));
        if index.is_none() {
            text(out, name, how & 8 != 0);
        }
        text(out, value, how & 16 != 0);
        if first == 0x40 {
            self.table.push_front((name.clone(), value.clone()));
            self.evict();
        }
    }
}

fn pair() -> impl Strategy<Value = Pair> {
    let name = prop_oneof![
        Just(":path"),
        Just("user-agent"),
        Just("grpc-status"),
        Just("x-a"),
        Just("x-long-name-of-a-field"),
        Just(":status")
    ];
    let value = prop_oneof!["[a-c]{0,2}", "[ -~]{0,60}", "x{200,400}", Just("200".to_owned())];
    (name, value).prop_map(|(name, value)| (name.as_bytes().to_vec(), value.into_bytes()))
}

type Plan = Vec<(Vec<(Pair, u8)>, Option<usize>)>;

fn plan() -> impl Strategy<Value = Plan> {
    let sizes = prop_oneof![Just(0usize), 30..300usize, Just(4096usize), Just(70_000usize)];
    prop::collection::vec(
        (prop::collection::vec((pair(), any::<u8>()), 1..8), prop::option::weighted(0.1, sizes)),
        1..40,
    )
}

fn blocks(plan: &Plan) -> Vec<(Vec<u8>, Vec<Pair>)> {
    let mut encoder = Encoder::new();
    let block = |(fields, size): &(Vec<(Pair, u8)>, Option<usize>)| {
        let mut out = Vec::new();
        if let Some(size) = size {
            encoder.resize(&mut out, *size);
        }
        fields.iter().for_each(|(pair, how)| encoder.field(&mut out, pair, *how));
        (out, fields.iter().map(|(pair, _)| pair.clone()).collect())
    };
    plan.iter().map(block).collect()
}

proptest! {
    #[test]
    fn what_is_encoded_comes_out(plan in plan()) {
        let mut decoder = Decoder::new(true);
        for (block, fields) in blocks(&plan) {
            prop_assert_eq!(told(&mut decoder, &block), Ok(fields));
        }
    }

    /// Whatever blocks are lost, each field comes out as it was sent or unknown.
    #[test]
    fn a_loss_makes_nothing_up(plan in plan(), lost in prop::collection::vec(prop::bool::weighted(0.2), 40), from_start in any::<bool>()) {
        let mut decoder = Decoder::new(from_start);
        let skip = if from_start { 0 } else { plan.len() / 3 };
        for ((block, fields), lost) in blocks(&plan).into_iter().zip(lost).skip(skip) {
            if lost {
                decoder.lose();
                continue;
            }
            let told = told(&mut decoder, &block).unwrap();
            prop_assert_eq!(told.len(), fields.len());
            for (told, sent) in told.into_iter().zip(fields) {
                prop_assert!(told == sent || told.0 == b"?", "{:?} for {:?}", told, sent);
            }
        }
    }

    #[test]
    fn nothing_panics(blocks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..20), from_start in any::<bool>()) {
        let mut decoder = Decoder::new(from_start);
        for block in blocks {
            let _ = told(&mut decoder, &block);
            prop_assert!(decoder.table.heap_bytes() <= table::MOST * 4);
        }
    }
}
