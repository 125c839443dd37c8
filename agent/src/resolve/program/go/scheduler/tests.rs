use std::fs::File;
use std::io::Write as _;

use super::super::functions::tests::{BASE, CODE, executable, table};
use super::*;

/// From programs of Go 1.21, 1.23 and 1.26: the code, its address, and that of `runtime.sched`. The first one with `runtime.gcController` and
/// a count of 32 bits before it.
const X86_64: [(&str, u64, u64); 3] = [
    (
        "488d0d31421100 f0480fc139 ba01000000 488d35df670e00 f00fc116 90 b910000000 488d154a660e00 f0480fc10a 488d5101",
        0x43_bded,
        0x52_2460,
    ),
    ("90 41b810000000 4c8d0d78811100 f04d0fc101 4d8d4801", 0x43_eeba, 0x55_7040),
    ("90 41ba10000000 4c8d1da9511300 f04d0fc113 4d8d5a01", 0x45_3449, 0x58_8600),
];
/// The same of arm64, Go 1.21 and 1.26.
const ARM64: [(&[u32], u64, u64); 2] = [
    (&[0xd503_201f, 0xb27c_03e2, 0xd000_0763, 0x9111_0063, 0xf8e2_0064, 0x8b02_0084], 0x4_c740, 0x13_a440),
    (&[0x3600_00e8, 0xb27c_03e8, 0xb000_09e9, 0x9128_8129, 0xf8e8_012a, 0x8b08_014a], 0x5_f734, 0x19_ca20),
];

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

#[test]
fn it_is_found_in_the_code_of_x86_64() {
    for (code, from, sched) in X86_64 {
        let code = bytes(code);
        assert_eq!(in_x86_64(&code, from), Some(sched));
        // With one byte changed it is something else, or somewhere else.
        let taken = code.windows(4).position(|four| four == [16, 0, 0, 0]).unwrap();
        for at in [taken, taken + 4, taken + 7, taken + 11] {
            let mut other = code.clone();
            other[at] ^= 0x10;
            assert_ne!(in_x86_64(&other, from), Some(sched), "{at}");
        }
    }
}

#[test]
fn it_is_found_in_the_code_of_arm64() {
    for (code, from, sched) in ARM64 {
        let bytes = |code: &[u32]| code.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        assert_eq!(in_arm64(&bytes(code), from), Some(sched));
        for (word, bit) in [(1, 0), (2, 0), (3, 0), (4, 5)] {
            let mut other = code.to_vec();
            other[word] ^= 1 << bit;
            assert_eq!(in_arm64(&bytes(&other), from), None, "another register: {word}");
        }
    }
}

/// A program whose second function counts.
fn program(is_movable: bool) -> Option<Scheduler> {
    let mut code = vec![0x90; 64];
    let counts = bytes("90 41ba10000000 4c8d1d00100000 f04d0fc113");
    code[32..32 + counts.len()].copy_from_slice(&counts);
    let functions = table(0xf1, BASE + CODE, &["main.main", NEWPROC]);
    let (mut file, _) = executable(&[(".text", 1, code), (".gopclntab", 1, functions)]);
    file[16] = if is_movable { 3 } else { 2 };
    let mut held = File::from(rustix::fs::memfd_create("program", rustix::fs::MemfdFlags::CLOEXEC).unwrap());
    held.write_all(&file).unwrap();
    let elf = Elf::read(&held)?;
    find(&elf, &Functions::read(&elf)?)
}

#[test]
fn it_is_where_the_program_is() {
    let sched = BASE + CODE + 32 + 14 + 0x1000;
    assert_eq!(program(false).unwrap().in_process(|| unreachable!()), Some(sched));
    let movable = program(true).unwrap();
    assert_eq!(movable.in_process(|| Some(0x5555_5540_0000)), Some(0x5555_5540_0000 - BASE + sched));
    assert_eq!((movable.in_process(|| None), movable.in_process(|| Some(1))), (None, None), "it is not known where");
}

proptest::proptest! {
    #[test]
    fn no_code_is_a_panic(code: Vec<u8>, from: u64) {
        let _ = (in_x86_64(&code, from), in_arm64(&code, from));
        let count = [bytes("90 41ba10000000 4c8d1d"), code, bytes("f04d0fc113")].concat();
        let _ = in_x86_64(&count, from);
    }
}
