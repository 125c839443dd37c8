//! Where in a program the method lies through which Node.js handles what it has read: `node::LibuvStreamWrap::OnUvRead`. Programs
//! that carry Node.js export its methods for add-ons, so the table that the loader uses has it, also in a stripped file, and a
//! renamed program is known by it. Four more say for whom HTTP/2 works (`ebpf/src/context/node/streams.rs`).

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use object::Endianness;
use object::elf::{EM_X86_64, ET_DYN, FileHeader64, PT_LOAD, ProgramHeader64, SHT_GNU_HASH, SectionHeader64, Sym64};
use object::pod::{Pod, from_bytes};
use object::read::elf::{FileHeader as _, ProgramHeader as _, SectionHeader as _, Sym as _};

use crate::resolve::elf::table;
use crate::runtime;
use wirespan_common::context::Runtime;

/// The method's name, as compilers write it on Linux.
const READ: &[u8] = b"_ZN4node15LibuvStreamWrap8OnUvReadElPK8uv_buf_t";
/// `node::http2::Http2Session::SendPendingData()`.
const FLUSH: &[u8] = b"_ZN4node5http212Http2Session15SendPendingDataEv";
/// `node::http2::Http2Stream::Http2Stream(Http2Session*, v8::Local<v8::Object>, int, nghttp2_headers_category, int)`.
const STREAM: &[u8] =
    b"_ZN4node5http211Http2StreamC1EPNS0_12Http2SessionEN2v85LocalINS4_6ObjectEEEi24nghttp2_headers_categoryi";
/// `node::http2::Http2Session::OnFrameReceive(nghttp2_session*, nghttp2_frame const*, void*)`.
const FRAME: &[u8] = b"_ZN4node5http212Http2Session14OnFrameReceiveEP15nghttp2_sessionPK13nghttp2_framePv";
/// `node::http2::Http2Session::OnDataChunkReceived(nghttp2_session*, unsigned char, int, unsigned char const*, unsigned long, void*)`.
const CHUNK: &[u8] = b"_ZN4node5http212Http2Session19OnDataChunkReceivedEP15nghttp2_sessionhiPKhmPv";
/// Kernel programs that say for whom HTTP/2 works, and before which method each runs.
const PROBED: [(&str, &[u8]); 4] =
    [("node_flush", FLUSH), ("node_stream", STREAM), ("node_frame", FRAME), ("node_chunk", CHUNK)];
/// Most names of one bucket that are compared.
const MAX_CHAIN: u32 = 256;
/// Mappings begin at multiples of this.
const PAGE: u64 = 4096;
/// Longest method that is believed, bytes.
const MAX_LENGTH: u64 = 64 * 1024;
/// What a function begins with that keeps a frame pointer: `push %rbp; mov %rsp,%rbp`, with `endbr64` before it or not.
const KEEPS_FRAMES: [&[u8]; 2] = [b"\x55\x48\x89\xe5", b"\xf3\x0f\x1e\xfa\x55\x48\x89\xe5"];

/// Where a method lies.
#[derive(Clone, Copy, Debug)]
struct Method {
    /// Its first byte, as an address in the program.
    start: u64,
    /// Bytes.
    length: u32,
    /// Where it stands in the file.
    at: u64,
}

/// Where the methods lie.
#[derive(Clone, Debug)]
pub(super) struct NodeProgram {
    read: Method,
    flush: Option<Method>,
    /// Where it is to be probed in its file, and which kernel program runs there: all that HTTP/2 needs, or nothing.
    pub(super) probed: Vec<(&'static str, u64)>,
    /// Of a program that may be loaded anywhere: the lowest address in it.
    lowest: Option<u64>,
}

impl NodeProgram {
    /// How contexts are found in a process whose program begins there.
    pub(super) fn in_process(&self, begins: impl FnOnce() -> Option<u64>) -> Option<Runtime> {
        let moved = match self.lowest {
            Some(lowest) => begins()?.checked_sub(lowest & !(PAGE - 1))?,
            None => 0,
        };
        let place = |method: Method| Some((method.start.checked_add(moved)?, method.length));
        Some(runtime::node::of(place(self.read)?, self.flush.and_then(place)))
    }
}

/// Finds the methods in a program, if its functions keep frame pointers.
///
/// The program's author wrote the tables as he liked: every length in them has a limit.
pub(super) fn program(file: &File) -> Option<NodeProgram> {
    let header: FileHeader64<Endianness> = part(file, 0)?;
    let header = FileHeader64::<Endianness>::parse(object::pod::bytes_of(&header)).ok()?;
    let endian = header.endian().ok()?;
    let segments: Vec<ProgramHeader64<Endianness>> = table(file, header.e_phoff(endian), header.e_phnum(endian))?;
    let sections: Vec<SectionHeader64<Endianness>> = table(file, header.e_shoff(endian), header.e_shnum(endian))?;
    let loaded = || segments.iter().filter(|segment| segment.p_type(endian) == PT_LOAD);
    let lowest = loaded().map(|segment| segment.p_vaddr(endian)).min()?;
    let method = |name: &[u8]| {
        let symbol = symbol(file, &sections, endian, name)?;
        let (start, length) = (symbol.st_value(endian), symbol.st_size(endian));
        if start == 0 || length == 0 || length > MAX_LENGTH || start.checked_add(length).is_none() {
            return None;
        }
        let holds = |segment: &&ProgramHeader64<Endianness>| {
            start.checked_sub(segment.p_vaddr(endian)).is_some_and(|at| at < segment.p_filesz(endian))
        };
        let segment = loaded().find(holds)?;
        let at = segment.p_offset(endian).checked_add(start - segment.p_vaddr(endian))?;
        Some(Method { start, length: u32::try_from(length).ok()?, at })
    };
    let on_stacks = |name: &[u8]| {
        // Elsewhere (arm64) all functions that call others do.
        method(name).filter(|method| {
            let begins: Option<[u8; 8]> = part(file, method.at);
            header.e_machine(endian) != EM_X86_64
                || begins.is_some_and(|begins| KEEPS_FRAMES.iter().any(|first| begins.starts_with(first)))
        })
    };
    let (read, flush) = (on_stacks(READ)?, on_stacks(FLUSH));
    let probed = PROBED.iter().map(|(program, name)| Some((*program, method(name)?.at)));
    let probed = flush.and_then(|_| probed.collect()).unwrap_or_default();
    let lowest = (header.e_type(endian) == ET_DYN).then_some(lowest);
    Some(NodeProgram { read, flush, probed, lowest })
}

/// A method among the symbols that the loader looks up by their hash (`.gnu.hash`): four words, a Bloom filter, the first
/// symbol of each bucket, and of each symbol its hash, whose lowest bit ends a bucket.
fn symbol(
    file: &File,
    sections: &[SectionHeader64<Endianness>],
    endian: Endianness,
    wanted: &[u8],
) -> Option<Sym64<Endianness>> {
    let table = sections.iter().find(|section| section.sh_type(endian) == SHT_GNU_HASH)?;
    let symbols = sections.get(usize::try_from(table.sh_link(endian)).ok()?)?;
    let names = sections.get(usize::try_from(symbols.sh_link(endian)).ok()?)?;
    let table = table.sh_offset(endian);
    let word = |at: u64| Some(part::<object::U32<Endianness>>(file, at)?.get(endian));
    let [buckets, first, filters] = [0, 4, 8].map(|at| table.checked_add(at).and_then(word));
    let (buckets, first, filters) = (buckets.filter(|buckets| *buckets != 0)?, first?, filters?);
    let hash = object::elf::gnu_hash(wanted);
    let starts = table.checked_add(16 + 8 * u64::from(filters))?;
    let chains = starts.checked_add(4 * u64::from(buckets))?;
    let of_bucket = word(starts.checked_add(4 * u64::from(hash % buckets))?)?;
    for index in of_bucket..of_bucket.saturating_add(MAX_CHAIN) {
        let other = word(chains.checked_add(4 * u64::from(index.checked_sub(first)?))?)?;
        if other | 1 == hash | 1 {
            let at = size_of::<Sym64<Endianness>>() as u64 * u64::from(index);
            let symbol: Sym64<Endianness> = part(file, symbols.sh_offset(endian).checked_add(at)?)?;
            let name = names.sh_offset(endian).checked_add(u64::from(symbol.st_name(endian)))?;
            let mut there = vec![0; wanted.len() + 1];
            file.read_exact_at(&mut there, name).ok()?;
            if there.split_last() == Some((&0, wanted)) {
                return Some(symbol);
            }
        }
        if other & 1 != 0 {
            return None;
        }
    }
    None
}

/// A structure that stands at a place of a file.
fn part<T: Pod>(file: &File, at: u64) -> Option<T> {
    let mut bytes = vec![0; size_of::<T>()];
    file.read_exact_at(&mut bytes, at).ok()?;
    from_bytes(&bytes).ok().map(|(part, _)| *part)
}
