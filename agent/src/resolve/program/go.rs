//! Programs of Go: the version that built them, where functions begin that are probed, and where the scheduler is.
//!
//! The version stands in section `.go.buildinfo` (`debug/buildinfo` of the Go library), in the section itself since Go 1.18; older
//! programs point elsewhere and are left alone.

mod functions;
mod scheduler;

use super::elf::Elf;
use functions::Functions;
pub(super) use scheduler::Scheduler;
use std::fs::File;

const MAGIC: &[u8] = b"\xff Go buildinf:";
/// Set in the flags when the strings stand in the section.
const INLINE: u8 = 2;
const FLAGS_AT: usize = 15;
const STRINGS_AT: usize = 32;
/// Longest version that is believed: `go1.26.0 X:experiments` may be long.
const MAX_VERSION: usize = 255;
/// Functions that are probed at their beginning, by the kernel program that runs there.
const PROBED: [(&str, &str); 6] = [
    // Sends a request of an HTTP/1 client: called by the goroutine that asks, with its connection.
    ("go_round_trip", "net/http.(*persistConn).roundTrip"),
    // The goroutines that handle a stream of HTTP/2 begin there, with the stream: the library's own, that which it was made from, and gRPC's.
    ("go_stream_http", "net/http.(*http2serverConn).runHandler"),
    ("go_stream_http", "golang.org/x/net/http2.(*serverConn).runHandler"),
    ("go_stream_grpc", "google.golang.org/grpc.(*Server).handleStream"),
    // Puts a message on a stream of a gRPC client: called by the goroutine that asks. In 1.69 and newer, and in older ones.
    ("go_ask_grpc", "google.golang.org/grpc/internal/transport.(*http2Client).write"),
    ("go_ask_grpc", "google.golang.org/grpc/internal/transport.(*http2Client).Write"),
];

/// A program of Go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoProgram {
    /// The version of Go that built it (`go1.22.1`).
    pub version: Box<str>,
    /// Where it can be probed in its file, bytes, and which kernel program runs there.
    pub probed: Vec<(&'static str, u64)>,
    /// Where its scheduler is, if the code says so.
    pub(super) scheduler: Option<Scheduler>,
}

/// What is known of a program, if it is Go's.
pub(super) fn program(file: &File) -> Option<GoProgram> {
    let elf = Elf::read(file)?;
    let section = elf.section(".go.buildinfo")?;
    let length = section.size.min((STRINGS_AT + 2 + MAX_VERSION) as u64);
    let version = in_section(&elf.bytes(section.at, length)?)?;
    let functions = Functions::read(&elf);
    let probed = functions.as_ref().map_or_else(Vec::new, |functions| {
        PROBED.iter().filter_map(|(program, function)| Some((*program, functions.probed(function)?))).collect()
    });
    let scheduler = functions.as_ref().and_then(|functions| scheduler::find(&elf, functions));
    Some(GoProgram { version, probed, scheduler })
}

/// Where in its file a function of a program can be probed, before it has done anything.
pub(super) fn probed(file: &File, function: &str) -> Option<u64> {
    Functions::read(&Elf::read(file)?)?.probed(function)
}

fn in_section(section: &[u8]) -> Option<Box<str>> {
    if !section.starts_with(MAGIC) || section.get(FLAGS_AT)? & INLINE == 0 {
        return None;
    }
    // A varint: the version is short, so one or two bytes.
    let (length, rest) = match section.get(STRINGS_AT..)? {
        [length @ 0..=0x7f, rest @ ..] => (usize::from(*length), rest),
        [low, high @ 0..=0x7f, rest @ ..] => (usize::from(low & 0x7f) | usize::from(*high) << 7, rest),
        _ => return None,
    };
    let text = std::str::from_utf8(rest.get(..length.min(MAX_VERSION + 1))?).ok()?;
    (length <= MAX_VERSION && text.starts_with("go")).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(file: &File) -> Option<Box<str>> {
        program(file).map(|program| program.version)
    }

    fn section(version: &str) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([8, INLINE]);
        bytes.resize(STRINGS_AT, 0);
        bytes.push(u8::try_from(version.len()).unwrap());
        bytes.extend(version.bytes());
        bytes
    }

    #[test]
    fn the_version_stands_in_the_section() {
        assert_eq!(in_section(&section("go1.22.1")).as_deref(), Some("go1.22.1"));
        assert_eq!(in_section(&section("devel")), None);
        let whole = section("go1.22.1");
        for end in 0..whole.len() {
            assert_eq!(in_section(&whole[..end]), None);
        }
    }

    /// An ELF file of three sections: none, the names, and the one that is looked for.
    fn executable(section: &[u8]) -> Vec<u8> {
        let names = b"\0.shstrtab\0.go.buildinfo\0";
        let (names_at, section_at) = (64, 64 + names.len());
        let table_at = section_at + section.len();
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(16, 0);
        bytes.extend([2, 0, 62, 0, 1, 0, 0, 0]);
        bytes.resize(40, 0);
        bytes.extend((table_at as u64).to_le_bytes());
        bytes.extend([0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 64, 0, 3, 0, 1, 0]);
        bytes.extend(names);
        bytes.extend(section);
        for (name, kind, at, length) in
            [(0, 0, 0, 0), (1, 3, names_at, names.len()), (11, 1, section_at, section.len())]
        {
            let start = bytes.len();
            bytes.extend([name, 0, 0, 0, kind, 0, 0, 0]);
            bytes.resize(start + 24, 0);
            bytes.extend((at as u64).to_le_bytes());
            bytes.extend((length as u64).to_le_bytes());
            bytes.resize(start + 64, 0);
        }
        bytes
    }

    /// A file that is gone when it is closed.
    fn file(bytes: &[u8]) -> File {
        use std::io::Write as _;
        let held = rustix::fs::memfd_create("program", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        let mut file = File::from(held);
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn the_section_is_found_in_a_program() {
        let whole = executable(&section("go1.26.8"));
        assert_eq!(version(&file(&whole)).as_deref(), Some("go1.26.8"));
        for end in (0..whole.len()).step_by(7) {
            assert_eq!(version(&file(&whole[..end])), None, "cut at {end}");
        }
    }

    #[test]
    fn invented_sizes_are_not_believed() {
        let whole = executable(&section("go1.26.8"));
        let table_at = usize::try_from(u64::from_le_bytes(whole[40..48].try_into().unwrap())).unwrap();
        // The number of sections stands in the size of the first one, as for very many of them.
        let mut many = whole.clone();
        many[60..62].fill(0);
        many[table_at + 32..table_at + 40].copy_from_slice(&(1u64 << 25).to_le_bytes());
        assert_eq!(version(&file(&many)), None);
        for (at, value) in [(32, u64::MAX), (32, 1 << 40), (24, u64::MAX), (24, u64::MAX - 100)] {
            for section in [1, 2] {
                let mut broken = whole.clone();
                let at = table_at + section * 64 + at;
                broken[at..at + 8].copy_from_slice(&value.to_le_bytes());
                assert_eq!(version(&file(&broken)), None, "{value:x} at {at}");
            }
        }
    }

    #[test]
    fn other_programs_have_none() {
        assert_eq!(version(&File::open(std::env::current_exe().unwrap()).unwrap()), None);
        assert_eq!(version(&File::open("/etc/passwd").unwrap()), None);
    }

    proptest::proptest! {
        #[test]
        fn no_header_is_a_panic(at in 0..64usize, value: u64) {
            let mut whole = executable(&section("go1.26.8"));
            whole[at..at + 8].copy_from_slice(&value.to_le_bytes());
            let _ = version(&file(&whole));
        }
    }
}
