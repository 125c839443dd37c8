//! Finds tracepoints in the kernel's BTF (Documentation/bpf/btf.rst): just enough to attach programs to them.

use anyhow::{Context as _, Result, bail};

const TYPEDEF: u32 = 8;

/// The type id by which a `tp_btf` program names its tracepoint: that of `typedef btf_trace_NAME`.
pub fn tracepoint(blob: &[u8], name: &str) -> Result<u32> {
    let wanted = format!("btf_trace_{name}\0");
    let word = |at: usize| -> Result<u32> {
        let bytes = blob.get(at..at + 4).context("the kernel's BTF is cut short")?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    };
    let header = word(4)? as usize;
    let types = header + word(8)? as usize;
    let end = types + word(12)? as usize;
    let strings = header + word(16)? as usize;
    let (mut at, mut id) = (types, 0);
    while at < end {
        id += 1;
        let (name_at, info) = (word(at)? as usize, word(at + 4)?);
        let kind = info >> 24 & 0x1f;
        if kind == TYPEDEF && blob.get(strings + name_at..).is_some_and(|s| s.starts_with(wanted.as_bytes())) {
            return Ok(id);
        }
        at += 12 + trailer(kind, (info & 0xffff) as usize)?;
    }
    bail!("this kernel has no tracepoint {name}")
}

/// Bytes that follow a type's three words.
fn trailer(kind: u32, members: usize) -> Result<usize> {
    Ok(match kind {
        // Pointer, forward, typedef, volatile, const, restrict, function, float, type tag.
        2 | 7..=12 | 16 | 18 => 0,
        // Integer, variable, declaration tag.
        1 | 14 | 17 => 4,
        // Array.
        3 => 12,
        // Structure, union, section, 64-bit enumeration.
        4 | 5 | 15 | 19 => 12 * members,
        // Enumeration, prototype.
        6 | 13 => 8 * members,
        _ => bail!("the kernel's BTF has types of unknown kind {kind}"),
    })
}
