//! The process context that an OpenTelemetry SDK publishes in the memory of its process (OTEP 4719): a small mapping with a name, in
//! it a header, behind that the resource as protobuf. All of it is what the process likes, and may change while it is read.

use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;

use super::elf::Elf;
use super::files;
use super::memory::Memory;
use super::program::Cache;
use crate::process::Published;
use crate::process::pinned::Pinned;

/// Most bytes of the list of mappings that are read.
const MAX_MAPS: u64 = 8 << 20;
/// Most mappings with such a name that are looked at; there should be one.
const MAX_MAPPINGS: usize = 4;
/// Most bytes of a resource; SDKs publish some hundred.
const MAX_PAYLOAD: u32 = 64 * 1024;
/// Names of the mapping: of a memory file or without one, as far as the kernel names mappings.
const NAMES: [&[u8]; 3] = [b"[anon_shmem:OTEL_CTX]", b"[anon:OTEL_CTX]", b"/memfd:OTEL_CTX"];
const SIGNATURE: [u8; 8] = *b"OTEL_CTX";
const VERSION: u32 = 2;
/// In the header: version, size of the payload, time of publication (0 while it is being changed), address of the payload.
const VERSION_AT: u64 = 8;
const SIZE_AT: u64 = 12;
const TIME_AT: u64 = 16;
const PAYLOAD_AT: u64 = 24;
/// The attribute that says how spans of threads are told, the ways that are known (OTEP 4947), and the variable.
const SCHEMA: &str = "threadlocal.schema_version";
const SCHEMAS: [&str; 2] = ["tlsdesc_v1_dev", "tls_v1"];
const VARIABLE: &str = "otel_thread_ctx_v1";
/// How often what changes while it is read is read again.
const MAX_READS: usize = 3;

/// `opentelemetry.proto.processcontext.v1development.ProcessContext`, as far as it is needed.
#[derive(Clone, PartialEq, prost::Message)]
struct Context {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    attributes: Vec<KeyValue>,
}

/// Where executables have the variable of their threads; nothing for those that have none.
pub(super) type Variables = Cache<Option<i64>>;

/// What a process publishes, if it does.
pub(super) fn read(pinned: &Pinned, variables: &mut Variables) -> Option<Published> {
    let (published, tells_spans) = resource(pinned)?;
    let span_at = if tells_spans { variable(pinned, variables) } else { None };
    Some(Published { span_at, ..published })
}

/// Where the threads of a process have the address of the span that they are in, if its executable has that variable: libraries lie
/// where the loader has put them.
fn variable(pinned: &Pinned, variables: &mut Variables) -> Option<i64> {
    let held = pinned.target("exe").ok()?;
    variables.get_or(files::identity(&held)?, || Elf::read(&files::open(&held)?)?.of_thread(VARIABLE))
}

/// The resource that a process publishes, and whether it tells the spans of its threads.
fn resource(pinned: &Pinned) -> Option<(Published, bool)> {
    let maps = pinned.read("maps", MAX_MAPS)?;
    let mut headers = mappings(&maps).take(MAX_MAPPINGS).peekable();
    headers.peek()?;
    let memory = Memory::of(pinned.file("mem")?);
    headers.find_map(|header| context(&memory, header))
}

/// Where such mappings begin, by `/proc/PID/maps`: `begin-end permissions offset device inode name`.
fn mappings(maps: &[u8]) -> impl Iterator<Item = u64> {
    maps.split(|byte| *byte == b'\n').filter_map(|line| {
        let line = line.strip_suffix(b" (deleted)").unwrap_or(line);
        if !NAMES.iter().any(|name| line.ends_with(name)) {
            return None;
        }
        let mut fields = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
        let (begin, _) = fields.next()?.split_once('-')?;
        // It is the whole name.
        let name = fields.nth(4)?.as_bytes();
        u64::from_str_radix(begin, 16).ok().filter(|_| NAMES.contains(&name))
    })
}

/// The context whose header lies there.
fn context<F: Fn(u64, &mut [u8]) -> bool>(memory: &Memory<F>, header: u64) -> Option<(Published, bool)> {
    let at = |offset: u64| header.checked_add(offset);
    if memory.bytes(header)? != SIGNATURE || memory.half(at(VERSION_AT)?)? != VERSION {
        return None;
    }
    for _ in 0..MAX_READS {
        let published_ns = memory.word(at(TIME_AT)?)?;
        let size = memory.half(at(SIZE_AT)?)?;
        let payload = memory.word(at(PAYLOAD_AT)?)?;
        let bytes = if size <= MAX_PAYLOAD { memory.block(payload, size.into()) } else { None };
        if published_ns != 0 && memory.word(at(TIME_AT)?)? == published_ns {
            return decode(published_ns, &bytes?);
        }
    }
    None
}

fn decode(published_ns: u64, payload: &[u8]) -> Option<(Published, bool)> {
    let Context { resource, attributes } = Context::decode(payload).ok()?;
    let tells_spans = texts(&attributes).any(|(key, value)| key == SCHEMA && SCHEMAS.contains(&value));
    Some((Published::new(published_ns, texts(&resource?.attributes)), tells_spans))
}

/// Keys and values of those that are texts.
fn texts(attributes: &[KeyValue]) -> impl Iterator<Item = (&str, &str)> {
    attributes.iter().filter_map(|attribute| match attribute.value.as_ref()?.value.as_ref()? {
        any_value::Value::StringValue(text) => Some((attribute.key.as_str(), text.as_str())),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use opentelemetry_proto::tonic::common::v1::AnyValue;
    use proptest::prelude::*;

    use super::*;

    const HEADER: u64 = 0x7f00_0000_0000;
    const PAYLOAD: u64 = HEADER + 32;

    fn payload(attributes: &[(&str, any_value::Value)]) -> Vec<u8> {
        let attribute = |(key, value): &(&str, any_value::Value)| KeyValue {
            key: (*key).to_owned(),
            value: Some(AnyValue { value: Some(value.clone()) }),
            ..KeyValue::default()
        };
        let resource = Resource { attributes: attributes.iter().map(attribute).collect(), ..Resource::default() };
        Context { resource: Some(resource), attributes: Vec::new() }.encode_to_vec()
    }

    fn text(text: &str) -> any_value::Value {
        any_value::Value::StringValue(text.to_owned())
    }

    fn published(version: u32, size: usize, at_ns: u64, payload: &[u8]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend(version.to_le_bytes());
        bytes.extend(u32::try_from(size).unwrap().to_le_bytes());
        bytes.extend(at_ns.to_le_bytes());
        bytes.extend(PAYLOAD.to_le_bytes());
        bytes.extend(payload);
        bytes
    }

    fn found<B: AsRef<[u8]>>(memory: impl Fn() -> B) -> Option<Published> {
        whole(memory).map(|(published, _)| published)
    }

    /// Reads what lies at [`HEADER`], as `memory` has it at each read.
    fn whole<B: AsRef<[u8]>>(memory: impl Fn() -> B) -> Option<(Published, bool)> {
        let read = |at: u64, into: &mut [u8]| {
            let bytes = memory();
            let part = usize::try_from(at.wrapping_sub(HEADER)).ok();
            let part = part.and_then(|at| bytes.as_ref().get(at..at.checked_add(into.len())?));
            part.is_some_and(|part| {
                into.copy_from_slice(part);
                true
            })
        };
        context(&Memory(read), HEADER)
    }

    #[test]
    fn the_texts_of_the_resource_are_taken() {
        let payload = payload(&[
            ("service.name", text("shop")),
            ("cores", any_value::Value::IntValue(4)),
            ("service.instance.id", text("627cc493")),
        ]);
        let found = found(|| published(2, payload.len(), 9, &payload)).unwrap();
        let expected = Published::new(9, [("service.name", "shop"), ("service.instance.id", "627cc493")]);
        assert_eq!((found, expected.attributes.len()), (expected, 2));
    }

    #[test]
    fn spans_are_told_in_a_way_that_is_known() {
        let tells = |version: &str| {
            let value = Some(AnyValue { value: Some(text(version)) });
            let attribute = KeyValue { key: SCHEMA.to_owned(), value, ..KeyValue::default() };
            let context = Context { resource: Some(Resource::default()), attributes: vec![attribute] };
            let payload = context.encode_to_vec();
            whole(|| published(2, payload.len(), 9, &payload)).unwrap().1
        };
        assert_eq!(["tlsdesc_v1_dev", "tls_v1", "go_pprof_labels_v1", ""].map(tells), [true, true, false, false]);
    }

    #[test]
    fn what_is_not_as_it_should_be_is_left_alone() {
        let payload = payload(&[("service.name", text("shop"))]);
        let whole = published(2, payload.len(), 9, &payload);
        assert!(found(|| &whole).is_some());
        for (why, bytes) in [
            ("another version", published(1, payload.len(), 9, &payload)),
            ("it is being changed", published(2, payload.len(), 0, &payload)),
            ("too large", published(2, MAX_PAYLOAD as usize + 1, 9, &payload.repeat(20_000))),
            ("not there", published(2, payload.len() + 1, 9, &payload)),
            ("no protobuf", published(2, payload.len() - 1, 9, &payload)),
            ("no signature", whole.iter().map(|byte| byte ^ 1).collect()),
            ("cut off", whole[..20].to_vec()),
        ] {
            assert_eq!(found(|| &bytes), None, "{why}");
        }
    }

    #[test]
    fn what_changes_while_it_is_read_is_read_again() {
        let (first, second) = (payload(&[("service.name", text("a"))]), payload(&[("service.name", text("b"))]));
        let reads = Cell::new(0);
        let memory = || {
            reads.set(reads.get() + 1);
            // The time is the third to be read, the payload the sixth.
            let (at_ns, payload) = if reads.get() <= 3 { (1, &first) } else { (2, &second) };
            published(2, payload.len(), at_ns, payload)
        };
        assert_eq!(found(memory), Some(Published::new(2, [("service.name", "b")])));
        let reads = Cell::new(0);
        let restless = || {
            reads.set(reads.get() + 1);
            published(2, first.len(), reads.get(), &first)
        };
        assert_eq!(found(restless), None);
        assert!(reads.get() < 30);
    }

    #[test]
    fn the_mapping_has_one_of_three_names() {
        let line = |name: &str| format!("7f0000000000-7f0000002000 rw-p 00000000 00:01 77    {name}\n");
        for name in ["/memfd:OTEL_CTX (deleted)", "[anon_shmem:OTEL_CTX]", "[anon:OTEL_CTX]", "/memfd:OTEL_CTX"] {
            let maps = [line("/usr/lib/libc.so.6"), line(name)].concat();
            assert_eq!(mappings(maps.as_bytes()).collect::<Vec<_>>(), [HEADER], "{name}");
        }
        for name in ["/tmp/memfd:OTEL_CTX", "/tmp/a [anon:OTEL_CTX]", "[anon:OTEL_CTXX]", "/memfd:OTEL_CTX2", ""] {
            assert_eq!(mappings(line(name).as_bytes()).next(), None, "{name}");
        }
        for odd in ["[anon:OTEL_CTX]", "x-y rw-p 0 0 0 [anon:OTEL_CTX]", "7f rw-p 0 0 0 [anon:OTEL_CTX]"] {
            assert_eq!(mappings(odd.as_bytes()).next(), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn no_memory_is_a_panic(size: u32, at_ns: u64, at: u64, bytes: Vec<u8>) {
            let mut header = published(2, 0, at_ns, &bytes);
            header[12..16].copy_from_slice(&size.to_le_bytes());
            let _ = found(|| &header);
            header[12..16].copy_from_slice(&u32::try_from(bytes.len()).unwrap().to_le_bytes());
            let _ = found(|| &header);
            header[24..32].copy_from_slice(&at.to_le_bytes());
            let _ = found(|| &header);
        }

        #[test]
        fn no_list_of_mappings_is_a_panic(maps: Vec<u8>) {
            let _ = mappings(&maps).count();
        }
    }
}
