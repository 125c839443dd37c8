//! A library as it lies in memory, made by hand.

use super::*;
use proptest::prelude::*;
use wirespan_common::context::{JVM_ENTRY, JVM_OWNER, JVM_STACK, JVM_VTHREAD};

const BASE: u64 = 0x7f00_0000_0000;
/// Where in the library the parts lie.
const DYNAMIC: usize = 0x100;
const SYMBOLS: usize = 0x200;
const STRINGS: usize = 0x400;
const NUMBERS: usize = 0x600;
const TABLE: usize = 0x800;
const NAMES: usize = 0x1000;
const SIZE: usize = 0x2000;
const STRIDE: usize = 56;

fn put(library: &mut [u8], at: usize, bytes: &[u8]) {
    library[at..at + bytes.len()].copy_from_slice(bytes);
}

fn put_word(library: &mut [u8], at: usize, word: usize) {
    put(library, at, &(word as u64).to_le_bytes());
}

/// With these members of structures, by offset. `is_relocated`: as glibc leaves the dynamic section.
fn library(members: &[(&str, &str, usize)], is_relocated: bool) -> Vec<u8> {
    let base = usize::try_from(BASE).unwrap();
    let mut library = vec![0; SIZE];
    put(&mut library, 0, b"\x7fELF\x02\x01");
    put_word(&mut library, 32, 64);
    put(&mut library, 56, &[1, 0]);
    put(&mut library, 64, &[2, 0, 0, 0]);
    put_word(&mut library, 64 + 16, DYNAMIC);
    let place = |at: usize| if is_relocated { base + at } else { at };
    for (index, (tag, value)) in [(5, place(STRINGS)), (6, place(SYMBOLS)), (10, 0x200), (0, 0)].into_iter().enumerate()
    {
        put_word(&mut library, DYNAMIC + 16 * index, tag);
        put_word(&mut library, DYNAMIC + 16 * index + 8, value);
    }
    let numbers = [
        ("s", base + TABLE),
        ("EntryArrayStride", STRIDE),
        ("EntryTypeNameOffset", 0),
        ("EntryFieldNameOffset", 8),
        ("EntryIsStaticOffset", 24),
        ("EntryOffsetOffset", 32),
        ("EntryAddressOffset", 40),
    ];
    let mut name_at = 1;
    for (index, (name, value)) in numbers.into_iter().enumerate() {
        let name = format!("gHotSpotVMStruct{name}");
        put(&mut library, STRINGS + name_at, name.as_bytes());
        put(&mut library, SYMBOLS + 24 * (index + 1), &u32::try_from(name_at).unwrap().to_le_bytes());
        put_word(&mut library, SYMBOLS + 24 * (index + 1) + 8, NUMBERS + 8 * index);
        put_word(&mut library, NUMBERS + 8 * index, value);
        name_at += name.len() + 1;
    }
    let mut name_at = NAMES;
    for (index, (structure, member, offset)) in members.iter().enumerate() {
        let entry = TABLE + STRIDE * index;
        for (at, name) in [(0, structure), (8, member)] {
            put(&mut library, name_at, name.as_bytes());
            put_word(&mut library, entry + at, base + name_at);
            name_at += name.len() + 1;
        }
        put_word(&mut library, entry + 32, *offset);
    }
    library
}

fn found(library: &[u8]) -> Option<Runtime> {
    let memory = Memory(|at: u64, into: &mut [u8]| {
        let at = at.checked_sub(BASE).and_then(|at| usize::try_from(at).ok());
        let part = at.and_then(|at| library.get(at..at.checked_add(into.len())?));
        part.map(|part| into.copy_from_slice(part)).is_some()
    });
    contexts(&memory, BASE)
}

const MEMBERS: [(&str, &str, usize); 6] = [
    ("Klass", "_name", 24),
    ("JavaThread", "_vthread", 1128),
    ("JavaThread", "_stack_base", 1048),
    ("JavaThread", "_stack_size", 1056),
    ("JavaThread", "_monitor_owner_id", 1312),
    ("JavaThread", "_cont_entry", 1560),
];

#[test]
fn members_are_found_in_the_memory_of_a_process() {
    for is_relocated in [false, true] {
        let places = found(&library(&MEMBERS, is_relocated)).unwrap().places;
        let found = [JVM_STACK, JVM_VTHREAD, JVM_OWNER, JVM_ENTRY].map(|place| places[place]);
        assert_eq!(found, [1048, 1128, 1312, 1560]);
    }
}

#[test]
fn what_is_not_a_library_or_not_filled_yet_is_none() {
    assert_eq!(found(&[]), None);
    assert_eq!(found(&vec![0; SIZE]), None);
    assert_eq!(found(&library(&[], true)), None);
    let mut early = library(&MEMBERS, true);
    put_word(&mut early, NUMBERS, 0);
    assert_eq!(found(&early), None);
    let mut odd = library(&MEMBERS, true);
    put_word(&mut odd, NUMBERS + 8, 0);
    assert_eq!(found(&odd), None, "entries of no size");
}

#[test]
fn it_is_known_by_the_mapping_of_its_beginning() {
    let maps = b"7f0000000000-7f0000100000 r--p 00000000 fe:00 12 /opt/a jdk/lib/server/libjvm.so (deleted)\n\
                 7f0000100000-7f0000200000 r-xp 00100000 fe:00 12 /opt/a jdk/lib/server/libjvm.so (deleted)\n";
    assert_eq!(base(maps), Some(BASE));
    for other in ["", "-", "x-y r--p 00000000 fe:00 12 /libjvm.so", "7f-80 r-xp 00100000 fe:00 12 /libjvm.so"] {
        assert_eq!(base(other.as_bytes()), None, "{other}");
    }
    assert_eq!(
        base(b"7f-80 r--p 00000000 fe:00 12 /opt/libjvm.so.debug\n7f-80 r--p 00000000 fe:00 12 /mylibjvm.so"),
        None
    );
}

#[test]
fn this_process_is_none() {
    let own = Pinned::open(std::path::Path::new("/proc"), std::process::id()).unwrap();
    assert!(find(&own).is_none());
}

proptest! {
    #[test]
    fn nothing_in_it_is_a_panic(changes in prop::collection::vec((0..SIZE, any::<u8>()), 1..40), words in prop::collection::vec((0..0x180usize, any::<u64>()), 0..4)) {
        let mut library = library(&MEMBERS, true);
        for (at, word) in words {
            put(&mut library, at * 8, &word.to_le_bytes());
        }
        for (at, byte) in changes {
            library[at] = byte;
        }
        let _ = found(&library);
    }
}
