//! Both file formats, written here by hand.

use super::*;
use crate::event::Event;
use crate::recording::{EventSource, from_reader};
use std::io::Cursor;

/// An IPv4 segment of five bytes, in a frame of `link`.
fn packet(seq: u8) -> Vec<u8> {
    let ip = [0x45, 0, 0, 45, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1];
    let tcp = [200, 0, 0, 80, 0, 0, 0, seq, 0, 0, 0, 1, 0x50, 0x10, 0, 0, 0, 0, 0, 0];
    [&ip[..], &tcp, b"hello"].concat()
}

fn bytes32(order: Order, value: u32) -> [u8; 4] {
    if order == Order::Little { value.to_le_bytes() } else { value.to_be_bytes() }
}

fn bytes16(order: Order, value: u16) -> [u8; 2] {
    if order == Order::Little { value.to_le_bytes() } else { value.to_be_bytes() }
}

/// A classic file with two packets at 3 s + 7 units, 3 s + 8 units.
fn classic(order: Order, magic: u32) -> Vec<u8> {
    let word = |value| bytes32(order, value);
    let mut file = [word(magic), [0; 4], [0; 4], [0; 4], word(65535), word(101)].concat();
    for index in 0..2 {
        let packet = packet(index * 5);
        let len = word(u32::try_from(packet.len()).unwrap());
        file.extend([word(3), word(7 + u32::from(index)), len, len].concat());
        file.extend(packet);
    }
    file
}

fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let length = bytes32(order, u32::try_from(body.len() + 12).unwrap());
    [&bytes32(order, kind)[..], &length, &body, &length].concat()
}

/// One section: interface 0 in µs, interface 1 in 2^-10 s with an offset of 100 s, one packet on each, one simple packet.
fn section(order: Order) -> Vec<u8> {
    let (word, half) = (|value| bytes32(order, value), |value| bytes16(order, value));
    let header = [&word(0x1a2b_3c4d)[..], &half(1), &half(0), &[0xff; 8]].concat();
    let plain = [&half(101)[..], &half(0), &word(0)].concat();
    let offset = if order == Order::Little { 100_i64.to_le_bytes() } else { 100_i64.to_be_bytes() };
    let options =
        [&half(9)[..], &half(1), &[0x80 | 10, 0, 0, 0], &half(14), &half(8), &offset, &half(0), &half(0)].concat();
    let scaled = [&half(101)[..], &half(0), &word(40), &options].concat();
    let enhanced = |interface, units, seq| {
        let packet = packet(seq);
        let len = word(u32::try_from(packet.len()).unwrap());
        block(order, 6, &[&word(interface)[..], &word(0), &word(units), &len, &len, &packet].concat())
    };
    let simple = block(order, 3, &[&word(45)[..], &packet(10)].concat());
    [
        block(order, 0x0a0d_0d0a, &header),
        block(order, 1, &plain),
        block(order, 5, b"statistics"),
        block(order, 1, &scaled),
        enhanced(0, 3_000_007, 0),
        enhanced(1, 512, 5),
        simple,
    ]
    .concat()
}

/// Times and lengths of the data, and the error at the end.
fn read(file: &[u8]) -> (Vec<(u64, u32, usize)>, Option<String>) {
    let mut source: Box<dyn EventSource> = match from_reader(Cursor::new(file.to_vec())) {
        Ok(source) => source,
        Err(error) => return (Vec::new(), Some(format!("{error:#}"))),
    };
    let mut seen = Vec::new();
    loop {
        match source.next() {
            Ok(Some(Event::Data(data))) => seen.push((data.first_ns, data.len, data.head.len())),
            Ok(Some(_)) => {}
            Ok(None) => return (seen, None),
            Err(error) => {
                assert!(matches!(source.next(), Ok(None)));
                return (seen, Some(format!("{error:#}")));
            }
        }
    }
}

#[test]
fn classic_files_of_every_kind() {
    for order in [Order::Little, Order::Big] {
        for (magic, unit) in [(0xa1b2_c3d4, 1000), (0xa1b2_3c4d, 1)] {
            let times = [(3_000_000_000 + 7 * unit, 5, 5), (3_000_000_000 + 8 * unit, 5, 5)];
            assert_eq!(read(&classic(order, magic)), (times.to_vec(), None), "{order:?} {magic:x}");
        }
    }
}

#[test]
fn pcapng_sections_of_either_order() {
    // The time of interface 1 is 100.5 s; the simple packet was cut at nothing (interface 0) and has no time of its own.
    let times = [(3_000_007_000, 5, 5), (100_500_000_000, 5, 5), (100_500_000_000, 5, 5)];
    for order in [Order::Little, Order::Big] {
        assert_eq!(read(&section(order)), (times.to_vec(), None), "{order:?}");
    }
    // The second section brings the same bytes again: retransmissions.
    assert_eq!(read(&[section(Order::Little), section(Order::Big)].concat()), (times.to_vec(), None));
}

#[test]
fn cut_anywhere_a_file_gives_what_is_there_and_at_most_one_error() {
    for file in [classic(Order::Little, 0xa1b2_c3d4), section(Order::Big)] {
        let (whole, _) = read(&file);
        for len in 0..file.len() {
            let (seen, error) = read(&file[..len]);
            assert_eq!(seen, whole[..seen.len()], "cut at {len}");
            assert!(error.as_ref().is_none_or(|text| !text.contains('\n')));
            assert!(error.is_some() || seen.len() < whole.len(), "cut at {len}");
        }
    }
}

#[test]
fn damage_is_one_clear_error() {
    let mut huge = classic(Order::Little, 0xa1b2_c3d4);
    huge[24 + 8..24 + 12].fill(0xff);
    assert_eq!(read(&huge).1.unwrap(), "the capture is damaged at byte 24: a packet of 4294967295 bytes");
    let mut link = classic(Order::Little, 0xa1b2_c3d4);
    link[20] = 147;
    assert!(read(&link).1.unwrap().contains("link type 147"));
    let good = section(Order::Little);
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] = 0xff;
        // No panic, no huge allocation; whether it is noticed depends on what the byte meant.
        let _ = read(&bad);
    }
    let mut unlike = good.clone();
    *unlike.last_mut().unwrap() ^= 1;
    assert!(read(&unlike).1.unwrap().contains("lengths"));
}

#[test]
fn a_snap_length_cuts_simple_packets() {
    let order = Order::Little;
    let header = [&bytes32(order, 0x1a2b_3c4d)[..], &[1, 0, 0, 0], &[0xff; 8]].concat();
    let interface = [&[101, 0, 0, 0][..], &bytes32(order, 42)].concat();
    let simple = [&bytes32(order, 45)[..], &packet(0)[..42]].concat();
    let file = [block(order, 0x0a0d_0d0a, &header), block(order, 1, &interface), block(order, 3, &simple)].concat();
    assert_eq!(read(&file), (vec![(0, 5, 2)], None));
}
