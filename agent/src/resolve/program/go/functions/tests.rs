use std::fs::File;
use std::io::Write as _;

use super::*;

/// Where the file is linked to.
pub(in crate::resolve::program::go) const BASE: u64 = 0x40_0000;
/// Beginning of the code in the file.
pub(in crate::resolve::program::go) const CODE: u64 = 0x200;
/// The name that is looked for.
const NAME: &str = "net/http.(*persistConn).roundTrip";
/// `lea -0x1a8(%rsp), %r12; cmp 0x10(%r14), %r12; jbe …`
const PROLOGUE: [u8; 18] =
    [0x4c, 0x8d, 0xa4, 0x24, 0x58, 0xfe, 0xff, 0xff, 0x4d, 0x3b, 0x66, 0x10, 0x0f, 0x86, 0x68, 0x0e, 0, 0];
/// Where in it the probe goes.
const JUMP: u64 = 12;

/// A section: name, type, bytes.
pub(in crate::resolve::program::go) type Section<'a> = (&'a str, u32, Vec<u8>);

/// Code, one function every 32 bytes.
fn code(functions: usize) -> Section<'static> {
    let mut bytes = vec![0x90; 32 * functions];
    bytes.chunks_exact_mut(32).for_each(|function| function[..18].copy_from_slice(&PROLOGUE));
    (".text", 1, bytes)
}

/// The table of these functions, each of which begins 32 bytes after the one before.
pub(in crate::resolve::program::go) fn table(magic: u8, text: u64, functions: &[&str]) -> Vec<u8> {
    let mut names = b"\0".to_vec();
    let mut descriptions = Vec::new();
    let first = 8 * functions.len();
    let mut pairs = Vec::new();
    for (index, function) in functions.iter().enumerate() {
        let from = 32 * index as u32;
        pairs.extend(from.to_le_bytes());
        pairs.extend(((first + descriptions.len()) as u32).to_le_bytes());
        descriptions.extend(from.to_le_bytes());
        descriptions.extend((names.len() as u32).to_le_bytes());
        descriptions.extend([7; 36]);
        names.extend(function.bytes());
        names.push(0);
    }
    let (names_at, pairs_at) = (72_u64, 72 + names.len() as u64);
    let mut bytes = vec![magic, 0xff, 0xff, 0xff, 0, 0, 1, 8];
    for word in [functions.len() as u64, 0, text, names_at, pairs_at, pairs_at, pairs_at, pairs_at] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(names);
    bytes.extend(pairs);
    bytes.extend(descriptions);
    bytes
}

/// A program of these sections, the first of which begins at [`CODE`], each linked to where it stands in the file; and where each does.
pub(in crate::resolve::program::go) fn executable(sections: &[Section<'_>]) -> (Vec<u8>, Vec<u64>) {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(CODE as usize, 0);
    let mut names = b"\0.shstrtab\0".to_vec();
    let mut headers = vec![[0_u64; 8]];
    let mut places = Vec::new();
    for (name, kind, bytes) in sections {
        file.resize(file.len().next_multiple_of(32), 0);
        places.push(file.len() as u64);
        headers.push([
            names.len() as u64 | u64::from(*kind) << 32,
            0,
            BASE + file.len() as u64,
            file.len() as u64,
            bytes.len() as u64,
            0,
            0,
            0,
        ]);
        names.extend(name.bytes());
        names.push(0);
        file.extend(bytes);
    }
    headers.push([1 | 3 << 32, 0, 0, file.len() as u64, names.len() as u64, 0, 0, 0]);
    file.extend(names);
    file.resize(file.len().next_multiple_of(8), 0);
    let table_at = file.len() as u64;
    headers.iter().flatten().for_each(|word| file.extend(word.to_le_bytes()));
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    // Type and machine; where segments and sections are; how large and how many.
    put(16, &[3, 0, 62, 0, 1]);
    put(32, &64_u64.to_le_bytes());
    put(40, &table_at.to_le_bytes());
    let last = headers.len() as u8 - 1;
    put(52, &[64, 0, 56, 0, 1, 0, 64, 0, last + 1, 0, last, 0]);
    // One segment: all of the file, as code.
    put(64, &[1, 0, 0, 0, 5]);
    put(64 + 16, &BASE.to_le_bytes());
    put(64 + 32, &table_at.to_le_bytes());
    (file, places)
}

fn found(bytes: &[u8]) -> Option<u64> {
    let held = rustix::fs::memfd_create("program", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    let mut file = File::from(held);
    file.write_all(bytes).unwrap();
    Functions::read(&Elf::read(&file)?)?.probed(NAME)
}

fn relocation(at: u64, to: u64) -> Vec<u8> {
    [at, 8, to].iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[test]
fn a_function_is_found_by_its_name() {
    for magic in [0xf0, 0xf1] {
        let table = table(magic, BASE + CODE, &["main.main", "net/http.(*persistConn).roundTripX", NAME, "z"]);
        let (file, _) = executable(&[code(4), (".gopclntab", 1, table)]);
        assert_eq!(found(&file), Some(CODE + 64 + JUMP));
    }
    let without = table(0xf1, BASE + CODE, &["main.main"]);
    assert_eq!(found(&executable(&[code(4), (".gopclntab", 1, without)]).0), None);
}

#[test]
fn a_movable_program_has_its_beginning_in_a_relocation() {
    let table = || table(0xf1, 0, &["main.main", NAME]);
    let sections = |to: Vec<u8>| [code(2), (".data.rel.ro.gopclntab", 1, table()), (".rela", 4, to)];
    let (_, places) = executable(&sections(vec![0; 48]));
    let both = [relocation(1, 2), relocation(BASE + places[1] + 24, BASE + CODE)].concat();
    assert_eq!(found(&executable(&sections(both)).0), Some(CODE + 32 + JUMP));
    assert_eq!(found(&executable(&sections(relocation(1, 2))).0), None, "none is guessed");
}

#[test]
fn the_table_may_lie_among_other_data() {
    let data = [vec![0xf1; 96], table(0xf1, BASE + CODE, &["main.main", NAME])].concat();
    assert_eq!(found(&executable(&[code(2), (".data.rel.ro", 1, data)]).0), Some(CODE + 32 + JUMP));
}

#[test]
fn newer_programs_have_their_beginning_in_the_module() {
    let mut module = vec![0; 200];
    module[176..184].copy_from_slice(&(BASE + CODE).to_le_bytes());
    let table = || table(0xf1, 0, &["main.main", NAME]);
    let (file, _) = executable(&[code(2), (".gopclntab", 1, table()), (".go.module", 1, module)]);
    assert_eq!(found(&file), Some(CODE + 32 + JUMP));
    let movable = |to: Vec<u8>| {
        executable(&[code(2), (".gopclntab", 1, table()), (".go.module", 1, vec![0; 200]), (".rela", 4, to)])
    };
    let (_, places) = movable(Vec::new());
    let (file, _) = movable(relocation(BASE + places[2] + 176, BASE + CODE));
    assert_eq!(found(&file), Some(CODE + 32 + JUMP));
}

#[test]
fn only_the_beginning_of_a_function_is_probed() {
    let sections = |text| [code(4), (".gopclntab", 1, table(0xf1, text, &["main.main", NAME]))];
    assert_eq!(found(&executable(&sections(BASE + CODE + 1)).0), None);
    assert_eq!(found(&executable(&sections(u64::MAX)).0), None);
    let small = [0x49, 0x3b, 0x66, 0x10, 0x76, 0x20];
    assert_eq!((place(EM_X86_64, &small), place(EM_X86_64, &small[1..])), (Some(4), None));
    assert_eq!((place(EM_X86_64, &small[..4]), place(EM_X86_64, &PROLOGUE[..12])), (None, None));
    let arm = 0xf940_0b90_u32.to_le_bytes();
    assert_eq!((place(EM_AARCH64, &arm), place(EM_X86_64, &arm), place(3, &small)), (Some(0), None, None));
}

proptest::proptest! {
    #[test]
    fn no_table_is_a_panic(at in 0..120_usize, value: u64, cut in 0..600_usize) {
        let table = table(0xf1, 0, &["main.main", NAME]);
        let (mut file, places) = executable(&[code(2), (".gopclntab", 1, table), (".rela", 4, relocation(1, 2))]);
        let at = places[1] as usize + at;
        file[at..at + 8].copy_from_slice(&value.to_le_bytes());
        let _ = found(&file);
        file.truncate(file.len().saturating_sub(cut));
        let _ = found(&file);
    }
}
