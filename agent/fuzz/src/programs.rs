//! Programs of Go to begin with, as small as they can be.

/// Where they are linked to.
const BASE: u64 = 0x40_0000;
/// Where the code begins in the file.
const CODE: usize = 0x80;
/// The function that is looked for.
const NAME: &[u8] = b"net/http.(*persistConn).roundTrip";

/// A section: name, type, bytes.
type Section = (&'static str, u64, Vec<u8>);

/// One with a version alone, one with a table of functions, one that gets the beginning of its code from a relocation.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let code = || (".text", 1, b"\x49\x3b\x66\x10\x76\x00\x55\xc3".repeat(4));
    let fixed = (".gopclntab", 1, functions(BASE + CODE as u64));
    // Its place in the file follows from the order of sections.
    let at = BASE + CODE as u64 + 32 + 24;
    let relocation = (".rela", 4, [at, 8, BASE + CODE as u64].iter().flat_map(|word| word.to_le_bytes()).collect());
    let movable = (".data.rel.ro.gopclntab", 1, functions(0));
    [vec![version()], vec![code(), fixed, version()], vec![code(), movable, relocation, version()]]
        .iter()
        .map(|sections| file(sections))
        .collect()
}

fn version() -> Section {
    let mut info = b"\xff Go buildinf:\x08\x02".to_vec();
    info.resize(32, 0);
    info.extend(b"\x08go1.22.1\x00");
    (".go.buildinfo", 1, info)
}

/// The table of one function.
fn functions(text: u64) -> Vec<u8> {
    let names = [b"\0", NAME, b"\0"].concat();
    let (names_at, pairs_at) = (72, 72 + names.len() as u64);
    let mut table = b"\xf1\xff\xff\xff\0\0\x01\x08".to_vec();
    for word in [1, 0, text, names_at, pairs_at, pairs_at, pairs_at, pairs_at] {
        table.extend(word.to_le_bytes());
    }
    table.extend(names);
    // It begins with the code, and is described behind this pair: the same beginning, its name.
    for word in [0_u32, 8, 0, 1] {
        table.extend(word.to_le_bytes());
    }
    table
}

/// A file of these sections, each linked to where it stands.
fn file(sections: &[Section]) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(CODE, 0);
    let mut names = b"\0.shstrtab\0".to_vec();
    let mut headers = vec![[0_u64; 8]];
    for (name, kind, bytes) in sections {
        file.resize(file.len().next_multiple_of(32), 0);
        let at = file.len() as u64;
        headers.push([names.len() as u64 | kind << 32, 0, BASE + at, at, bytes.len() as u64, 0, 0, 0]);
        names.extend(name.bytes());
        names.push(0);
        file.extend(bytes);
    }
    headers.push([1 | 3 << 32, 0, 0, file.len() as u64, names.len() as u64, 0, 0, 0]);
    file.extend(&names);
    file.resize(file.len().next_multiple_of(8), 0);
    let table_at = file.len() as u64;
    for word in headers.iter().flatten() {
        file.extend(word.to_le_bytes());
    }
    let last = headers.len() as u8 - 1;
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(16, &[3, 0, 62, 0, 1]);
    put(32, &64_u64.to_le_bytes());
    put(40, &table_at.to_le_bytes());
    put(52, &[64, 0, 56, 0, 1, 0, 64, 0, last + 1, 0, last, 0]);
    // One segment: all of it, as code.
    put(64, &[1, 0, 0, 0, 5]);
    put(64 + 16, &BASE.to_le_bytes());
    put(64 + 32, &table_at.to_le_bytes());
    file
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    #[test]
    fn all_that_is_read_is_in_them() {
        let path = std::env::temp_dir().join(format!("wirespan-seed-{}", std::process::id()));
        let found = super::seeds().into_iter().map(|seed| {
            std::fs::File::create(&path).unwrap().write_all(&seed).unwrap();
            let program = wirespan::resolve::go_program(&std::fs::File::open(&path).unwrap()).unwrap();
            (&*program.version == "go1.22.1", program.probed)
        });
        let probed = vec![("go_round_trip", 0x84)];
        assert_eq!(found.collect::<Vec<_>>(), [(true, vec![]), (true, probed.clone()), (true, probed)]);
        std::fs::remove_file(&path).unwrap();
    }
}
