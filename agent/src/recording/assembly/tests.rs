use super::*;
use proptest::prelude::*;

fn feed(assembly: &mut Assembly, out: &mut Vec<Piece>, position: u64, payload: &[u8], at_ns: u64) {
    let len = u32::try_from(payload.len()).unwrap();
    assembly.insert(position, len, payload, at_ns, &mut |piece| out.push(piece));
}

fn started(position: u64) -> Assembly {
    let mut assembly = Assembly::default();
    assembly.start(position);
    assembly
}

fn shown(out: &[Piece]) -> Vec<(u64, &[u8], u64)> {
    out.iter().map(|piece| (piece.position, &*piece.bytes, piece.at_ns)).collect()
}

#[test]
fn early_segments_wait_and_are_there_when_the_hole_is_filled() {
    let (mut assembly, mut out) = (started(10), Vec::new());
    feed(&mut assembly, &mut out, 13, b"def", 1);
    feed(&mut assembly, &mut out, 16, b"g", 2);
    assert!(out.is_empty() && assembly.has_hole());
    feed(&mut assembly, &mut out, 10, b"abc", 9);
    assert_eq!(shown(&out), [(10, &b"abc"[..], 9), (13, b"def", 9), (16, b"g", 9)]);
    assert!(!assembly.has_hole());
    assert_eq!(assembly.held_bytes(), 0);
}

#[test]
fn the_first_copy_wins() {
    let (mut assembly, mut out) = (started(0), Vec::new());
    feed(&mut assembly, &mut out, 0, b"abcd", 1);
    feed(&mut assembly, &mut out, 6, b"gh", 2);
    feed(&mut assembly, &mut out, 2, b"XXefXXij", 3);
    assert_eq!(shown(&out), [(0, &b"abcd"[..], 1), (4, b"ef", 3), (6, b"gh", 3), (8, b"ij", 3)]);
}

#[test]
fn keep_alive_probes_and_old_duplicates_are_nothing() {
    let (mut assembly, mut out) = (started(0), Vec::new());
    feed(&mut assembly, &mut out, 0, b"abcd", 1);
    feed(&mut assembly, &mut out, 3, b"\0", 2);
    feed(&mut assembly, &mut out, 3, b"", 3);
    feed(&mut assembly, &mut out, 0, b"abcd", 4);
    assert_eq!(out.len(), 1);
    assert!(!assembly.has_hole());
}

#[test]
fn a_segment_that_the_capture_cut_keeps_its_length() {
    let (mut assembly, mut out) = (started(0), Vec::new());
    assembly.insert(0, 100, b"head", 1, &mut |piece| out.push(piece));
    feed(&mut assembly, &mut out, 100, b"next", 2);
    // A second copy that overlaps its unseen part: nothing of it is new.
    feed(&mut assembly, &mut out, 50, b"XX", 3);
    assert_eq!(out.iter().map(|piece| (piece.position, piece.len)).collect::<Vec<_>>(), [(0, 100), (100, 4)]);
    assert_eq!(out[0].bytes, b"head");
}

#[test]
fn sequence_numbers_wrap() {
    let mut assembly = Assembly::default();
    let first = assembly.extend(u32::MAX - 1);
    assembly.start(first);
    let mut out = Vec::new();
    feed(&mut assembly, &mut out, first, b"abcd", 1);
    let next = assembly.extend(2);
    assert_eq!(next, first + 4);
    feed(&mut assembly, &mut out, next, b"ef", 2);
    assert_eq!(shown(&out), [(first, &b"abcd"[..], 1), (first + 4, b"ef", 2)]);
    assert_eq!(assembly.extend(u32::MAX), first + 1, "an old one is still below");
}

#[test]
fn a_hole_that_was_acknowledged_before_is_given_up_at_once() {
    let (mut assembly, mut out) = (started(0), Vec::new());
    assembly.acknowledge(5, 1);
    feed(&mut assembly, &mut out, 5, b"next", 2);
    assert_eq!(shown(&out), [(5, &b"next"[..], 2)]);
}

#[test]
fn a_hole_that_is_acknowledged_later_gets_some_grace() {
    for (packets, at_ns) in [(GRACE_PACKETS + 1, 5), (1, 5 + GRACE_NS + 1)] {
        let (mut assembly, mut out) = (started(0), Vec::new());
        feed(&mut assembly, &mut out, 5, b"next", 2);
        assembly.review(4, &mut |piece| out.push(piece));
        assembly.acknowledge(9, 5);
        for _ in 1..packets {
            assembly.review(5, &mut |piece| out.push(piece));
            assert!(out.is_empty());
        }
        assembly.review(at_ns, &mut |piece| out.push(piece));
        assert_eq!(shown(&out), [(5, &b"next"[..], 2)], "{packets} packets");
    }
}

#[test]
fn a_hole_that_nobody_acknowledges_is_given_up_in_the_end() {
    let (mut assembly, mut out) = (started(0), Vec::new());
    feed(&mut assembly, &mut out, 5, b"next", 2);
    assembly.review(2 + PATIENCE_NS, &mut |piece| out.push(piece));
    assert!(out.is_empty());
    assembly.review(3 + PATIENCE_NS, &mut |piece| out.push(piece));
    assert_eq!(shown(&out), [(5, &b"next"[..], 2)]);
}

#[test]
fn the_end_comes_after_all_bytes() {
    let (mut assembly, mut out) = (started(0), Vec::new());
    assembly.finish(4, 1);
    assert_eq!(assembly.ended(), None);
    feed(&mut assembly, &mut out, 0, b"abcdBEYOND", 7);
    assert_eq!((assembly.ended(), shown(&out)), (Some(7), vec![(0, &b"abcd"[..], 7)]));
}

#[test]
fn a_gap_at_the_very_end_is_a_piece_without_bytes() {
    let (mut assembly, mut out) = (started(0), Vec::new());
    feed(&mut assembly, &mut out, 0, b"ab", 1);
    assembly.finish(10, 2);
    assembly.give_up_all(3, &mut |piece| out.push(piece));
    assert_eq!(out[1], Piece { position: 2, len: 8, bytes: Vec::new(), at_ns: 3 });
    assert_eq!(assembly.ended(), Some(3));
}

#[test]
fn what_is_held_is_bounded() {
    let (mut assembly, mut out) = (started(0), Vec::new());
    for index in 0..20_000 {
        feed(&mut assembly, &mut out, 1 + index * 2, b"x", index);
        assert!(assembly.held.len() <= MAX_HELD_SEGMENTS);
    }
    assert!(!out.is_empty());
    let block = vec![0; 1 << 20];
    for index in 1..40_u64 {
        feed(&mut assembly, &mut out, index << 21, &block, 1);
        assert!(assembly.held_bytes() <= MAX_HELD_BYTES);
    }
}

proptest! {
    /// Cut a stream into segments that overlap, deliver them in any order, some twice: the same bytes come out, once,
    /// in order, with times that never go back.
    #[test]
    fn any_order_and_duplication_gives_the_same_bytes(
        stream in prop::collection::vec(any::<u8>(), 1..400),
        cuts in prop::collection::vec((0usize..400, 1usize..60), 0..60),
        order in any::<u64>(),
        initial in any::<u32>(),
    ) {
        let mut parts: Vec<(usize, usize)> = (0..stream.len()).step_by(17).map(|at| (at, 17)).collect();
        parts.extend(cuts);
        let mut random = crate::trace::ids::Ids::seeded(order);
        parts.sort_by_cached_key(|_| random.span_id());
        let mut assembly = Assembly::default();
        let first = assembly.extend(initial);
        assembly.start(first);
        let mut out = Vec::new();
        for (index, (at, len)) in parts.iter().enumerate() {
            let Some(rest) = stream.get(*at..) else { continue };
            let payload = &rest[..rest.len().min(*len)];
            let position = assembly.extend(initial.wrapping_add(u32::try_from(*at).unwrap()));
            feed(&mut assembly, &mut out, position, payload, index as u64);
        }
        prop_assert!(!assembly.has_hole());
        prop_assert_eq!(assembly.held_bytes(), 0);
        let mut expected = first;
        for piece in &out {
            prop_assert_eq!(piece.position, expected);
            expected += u64::from(piece.len);
        }
        prop_assert!(out.is_sorted_by_key(|piece| piece.at_ns));
        prop_assert_eq!(out.iter().flat_map(|piece| piece.bytes.clone()).collect::<Vec<_>>(), stream);
    }
}
