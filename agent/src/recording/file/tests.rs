use super::*;
use crate::event::{Data, Flow};
use crate::recording::from_reader;
use std::io::Cursor;
use wirespan_protocols::stream::Actor;

fn events() -> Vec<Event<'static>> {
    let data = |position, head: &'static [u8]| {
        let actor = Actor { pid: 1, tid: 2, context: 3 };
        let flow = Flow::Sent;
        Event::Data(Data {
            shed: Default::default(),
            connection: 9,
            flow,
            position,
            len: 100,
            head,
            tail: b"",
            first_ns: 5,
            last_ns: 6,
            arrived_ns: None,
            actor,
        })
    };
    vec![Event::Clock { offset_ns: -7 }, data(0, b"GET /"), Event::Tick { at_ns: 9 }, data(100, b"")]
}

fn recording() -> Vec<u8> {
    let mut writer = Writer::new(Vec::new()).unwrap();
    for event in events() {
        writer.write(&event).unwrap();
    }
    writer.finish().unwrap()
}

/// What was recorded yesterday is read tomorrow: the check value that the catalogue of CRC algorithms gives for this one.
#[test]
fn the_checksum_is_that_of_the_format() {
    assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
    let bytes = recording();
    // The length of the first body, its checksum, the body.
    let len = usize::try_from(u32::from_le_bytes(*bytes[12..].first_chunk().unwrap())).unwrap();
    assert_eq!(bytes[16..20], crc32fast::hash(&bytes[20..20 + len]).to_le_bytes());
}

/// All events as text, and the error at the end if there is one.
fn read(bytes: Vec<u8>) -> (Vec<String>, Option<String>) {
    let mut source = match from_reader(Cursor::new(bytes)) {
        Ok(source) => source,
        Err(error) => return (Vec::new(), Some(format!("{error:#}"))),
    };
    let mut seen = Vec::new();
    loop {
        match source.next() {
            Ok(Some(event)) => seen.push(format!("{event:?}")),
            Ok(None) => return (seen, None),
            Err(error) => {
                let error = format!("{error:#}");
                assert!(matches!(source.next(), Ok(None)), "nothing after an error");
                return (seen, Some(error));
            }
        }
    }
}

fn texts() -> Vec<String> {
    events().iter().map(|event| format!("{event:?}")).collect()
}

#[test]
fn what_was_written_is_read() {
    assert_eq!(read(recording()), (texts(), None));
}

#[test]
fn cut_anywhere_it_gives_what_is_there_and_one_error() {
    let whole = recording();
    for len in 0..whole.len() {
        let (seen, error) = read(whole[..len].to_vec());
        assert!(error.is_some_and(|text| !text.contains('\n')), "cut at {len}");
        assert_eq!(seen, texts()[..seen.len()], "cut at {len}");
    }
}

#[test]
fn any_flipped_bit_is_noticed() {
    let whole = recording();
    for bit in 0..whole.len() * 8 {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let (seen, error) = read(damaged);
        assert!(error.is_some(), "bit {bit}");
        assert_eq!(seen, texts()[..seen.len()], "bit {bit}");
    }
}

#[test]
fn a_missing_or_added_record_is_noticed() {
    let mut added = recording();
    added.push(0);
    assert!(read(added).1.is_some_and(|text| text.contains("follows")));
    let mut writer = Writer::new(Vec::new()).unwrap();
    writer.events = 1;
    assert!(read(writer.finish().unwrap()).1.is_some_and(|text| text.contains("missing")));
}
