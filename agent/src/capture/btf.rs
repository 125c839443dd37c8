//! A reader of BTF (Documentation/bpf/btf.rst) that knows just enough to find members of structures, tracepoints and
//! functions in `/sys/kernel/btf/vmlinux`. Input is untrusted: every length is checked, nothing panics.

use std::collections::HashMap;

const MAGIC: u16 = 0xeb9f;
const KIND_INT: u32 = 1;
const KIND_ARRAY: u32 = 3;
const KIND_STRUCT: u32 = 4;
const KIND_UNION: u32 = 5;
const KIND_ENUM: u32 = 6;
const KIND_TYPEDEF: u32 = 8;
const KIND_VOLATILE: u32 = 9;
const KIND_CONST: u32 = 10;
const KIND_FUNC: u32 = 12;
const KIND_FUNC_PROTO: u32 = 13;
const KIND_VAR: u32 = 14;
const KIND_DATASEC: u32 = 15;
const KIND_DECL_TAG: u32 = 17;
const KIND_TYPE_TAG: u32 = 18;
const KIND_ENUM64: u32 = 19;

/// Deepest nesting of anonymous structures and type modifiers that is followed.
const MAX_DEPTH: u32 = 16;

/// Why a BTF blob cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// It does not begin with the magic number, or in another byte order.
    #[error("this is no BTF of this byte order")]
    Magic,
    /// It ends within a type.
    #[error("the BTF is cut short")]
    Truncated,
    /// A kind of type that this reader does not know: its size is unknown, so nothing after it can be read.
    #[error("BTF kind {0} is unknown")]
    Kind(u32),
}

/// An index over a BTF blob.
pub struct Btf<'a> {
    types: &'a [u8],
    strings: &'a [u8],
    /// Byte offset in `types` of each type; ids start at 1.
    offsets: Vec<u32>,
    structures: HashMap<&'a str, u32>,
    functions: HashMap<&'a str, u32>,
    typedefs: HashMap<&'a str, u32>,
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).and_then(|slice| slice.try_into().ok()).map(u32::from_ne_bytes)
}

impl<'a> Btf<'a> {
    /// Indexes a blob: one pass over its types.
    ///
    /// # Errors
    /// When the blob is not BTF, cut short, or holds a kind of type that is not known.
    pub fn parse(blob: &'a [u8]) -> Result<Self, Error> {
        if blob.get(..2) != Some(&MAGIC.to_ne_bytes()) {
            return Err(Error::Magic);
        }
        let field = |index: usize| word(blob, 4 + index * 4).map(|value| value as usize).ok_or(Error::Truncated);
        let [header, type_at, type_len, string_at, string_len] =
            [field(0)?, field(1)?, field(2)?, field(3)?, field(4)?];
        let section = |at: usize, len: usize| {
            let from = header.checked_add(at).ok_or(Error::Truncated)?;
            blob.get(from..from.checked_add(len).ok_or(Error::Truncated)?).ok_or(Error::Truncated)
        };
        let mut btf = Self {
            types: section(type_at, type_len)?,
            strings: section(string_at, string_len)?,
            offsets: Vec::new(),
            structures: HashMap::new(),
            functions: HashMap::new(),
            typedefs: HashMap::new(),
        };
        btf.index()?;
        Ok(btf)
    }

    fn index(&mut self) -> Result<(), Error> {
        let mut at = 0;
        while at < self.types.len() {
            let [name, info] = [0, 4].map(|skip| word(self.types, at + skip));
            let (name, info) = (name.ok_or(Error::Truncated)?, info.ok_or(Error::Truncated)?);
            let (kind, members) = (info >> 24 & 0x1f, (info & 0xffff) as usize);
            self.offsets.push(u32::try_from(at).map_err(|_| Error::Truncated)?);
            let id = u32::try_from(self.offsets.len()).map_err(|_| Error::Truncated)?;
            let name = self.string(name);
            if !name.is_empty() {
                match kind {
                    KIND_STRUCT => _ = self.structures.entry(name).or_insert(id),
                    KIND_FUNC => _ = self.functions.insert(name, id),
                    KIND_TYPEDEF => _ = self.typedefs.insert(name, id),
                    _ => {}
                }
            }
            at += 12
                + match kind {
                    KIND_INT | KIND_VAR | KIND_DECL_TAG => 4,
                    KIND_ARRAY => 12,
                    KIND_STRUCT | KIND_UNION | KIND_DATASEC | KIND_ENUM64 => members * 12,
                    KIND_ENUM | KIND_FUNC_PROTO => members * 8,
                    0 | 2 | 7..=12 | 16 | KIND_TYPE_TAG => 0,
                    unknown => return Err(Error::Kind(unknown)),
                };
        }
        Ok(())
    }

    fn string(&self, at: u32) -> &'a str {
        let tail = self.strings.get(at as usize..).unwrap_or_default();
        let end = tail.iter().position(|byte| *byte == 0).unwrap_or(0);
        std::str::from_utf8(&tail[..end]).unwrap_or_default()
    }

    /// Type `id` as (offset of its header, kind, number of members, size or type).
    fn header(&self, id: u32) -> Option<(usize, u32, u32, u32)> {
        let at = *self.offsets.get((id as usize).checked_sub(1)?)? as usize;
        let info = word(self.types, at + 4)?;
        Some((at, info >> 24 & 0x1f, info & 0xffff, word(self.types, at + 8)?))
    }

    /// Follows typedefs and qualifiers to the type itself.
    fn resolve(&self, mut id: u32) -> Option<u32> {
        for _ in 0..MAX_DEPTH {
            let (_, kind, _, target) = self.header(id)?;
            match kind {
                KIND_TYPEDEF | KIND_VOLATILE | KIND_CONST | KIND_TYPE_TAG => id = target,
                _ => return Some(id),
            }
        }
        None
    }

    /// Byte offset of `structure.path`; the path may name members of anonymous and of embedded structures
    /// (`__sk_common.skc_family`). `None` if there is no such member, or it is a bit field.
    #[must_use]
    pub fn offset(&self, structure: &str, path: &str) -> Option<u32> {
        let mut id = *self.structures.get(structure)?;
        let mut total = 0;
        for name in path.split('.') {
            let (offset, member) = self.member(self.resolve(id)?, name, 0)?;
            total += offset;
            id = member;
        }
        Some(total)
    }

    fn member(&self, id: u32, wanted: &str, depth: u32) -> Option<(u32, u32)> {
        let (at, kind, members, _) = self.header(id)?;
        if depth > MAX_DEPTH || !matches!(kind, KIND_STRUCT | KIND_UNION) {
            return None;
        }
        let is_bitfield = word(self.types, at + 4)? >> 31 == 1;
        for index in 0..members as usize {
            let from = at + 12 + index * 12;
            let (name, target, raw) =
                (word(self.types, from)?, word(self.types, from + 4)?, word(self.types, from + 8)?);
            let (bits, width) = if is_bitfield { (raw & 0xff_ffff, raw >> 24) } else { (raw, 0) };
            let name = self.string(name);
            if name == wanted {
                return (width == 0 && bits % 8 == 0).then_some((bits / 8, target));
            }
            if name.is_empty()
                && let Some((inner, found)) = self.member(self.resolve(target)?, wanted, depth + 1)
            {
                return Some((bits / 8 + inner, found));
            }
        }
        None
    }

    /// Whether the kernel declares the tracepoint `name` to BPF (`typedef void (*btf_trace_NAME)(…)`).
    #[must_use]
    pub fn has_tracepoint(&self, name: &str) -> bool {
        self.typedefs.contains_key(format!("btf_trace_{name}").as_str())
    }

    /// Whether the kernel has a function of that name with a BTF signature.
    #[must_use]
    pub fn has_function(&self, name: &str) -> bool {
        self.functions.contains_key(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `struct outer { int a; union { int b; struct inner c; }; }; struct inner { int d; int e; }`, and a typedef.
    fn fixture() -> Vec<u8> {
        let strings = b"\0int\0outer\0inner\0a\0b\0c\0d\0e\0btf_trace_hook\0";
        let name = |text: &str| {
            let needle = [b"\0", text.as_bytes(), b"\0"].concat();
            strings.windows(needle.len()).position(|window| window == needle).unwrap() as u32 + 1
        };
        let info = |kind: u32, members: u32| kind << 24 | members;
        let types: Vec<u32> = [
            vec![name("int"), info(1, 0), 4, 32],
            vec![name("inner"), info(4, 2), 8, name("d"), 1, 0, name("e"), 1, 32],
            vec![0, info(5, 2), 8, name("b"), 1, 0, name("c"), 2, 0],
            vec![name("outer"), info(4, 2), 12, name("a"), 1, 0, 0, 3, 32],
            vec![name("btf_trace_hook"), info(8, 0), 1],
        ]
        .concat();
        let types: Vec<u8> = types.iter().flat_map(|value| value.to_ne_bytes()).collect();
        let header = [24u32, 0, types.len() as u32, types.len() as u32, strings.len() as u32];
        let mut blob = [&MAGIC.to_ne_bytes()[..], &[1, 0]].concat();
        blob.extend(header.iter().flat_map(|value| value.to_ne_bytes()));
        blob.extend(types);
        blob.extend(strings);
        blob
    }

    #[test]
    fn finds_members_through_anonymous_unions_and_embedded_structures() {
        let blob = fixture();
        let btf = Btf::parse(&blob).unwrap();
        assert_eq!(btf.offset("outer", "a"), Some(0));
        assert_eq!(btf.offset("outer", "b"), Some(4));
        assert_eq!(btf.offset("outer", "c.e"), Some(8));
        assert_eq!(btf.offset("outer", "nothing"), None);
        assert!(btf.has_tracepoint("hook") && !btf.has_tracepoint("hoo"));
    }

    proptest! {
        #[test]
        fn damaged_blobs_never_panic(at in 0usize..220, value in any::<u8>(), cut in 0usize..260) {
            let mut blob = fixture();
            if let Some(byte) = blob.get_mut(at) { *byte = value }
            blob.truncate(cut);
            if let Ok(btf) = Btf::parse(&blob) { let _ = btf.offset("outer", "c.e"); }
        }
    }
}
