use super::super::tests::{ETHERTYPE_IPV4, ETHERTYPE_IPV6, expect, parse, v4, v6};
use super::super::{Frame, Link, MAX_TUNNELS, Packet, Segment, packet};
use super::*;
use proptest::prelude::*;

/// An IPv4 packet between two hosts of the underlay.
fn outer(protocol: u8, body: &[u8]) -> Vec<u8> {
    let total = u16::try_from(20 + body.len()).unwrap().to_be_bytes();
    let head = [0x45, 0, total[0], total[1], 0, 0, 0, 0, 64, protocol, 0, 0, 192, 168, 0, 1, 192, 168, 0, 2];
    [&head[..], body].concat()
}

fn udp(source: u16, destination: u16, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(8 + body.len()).unwrap();
    let head = [source, destination, len, 0].map(u16::to_be_bytes).concat();
    outer(17, &[&head[..], body].concat())
}

fn ethernet(kind: u16, body: &[u8]) -> Vec<u8> {
    [&[0; 12][..], &kind.to_be_bytes(), body].concat()
}

/// Each way to wrap a packet of a given EtherType, by name.
fn wrapped(kind: u16, body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let frame = ethernet(kind, body);
    let tagged = [&[0; 12][..], &[0x81, 0, 0, 5], &kind.to_be_bytes(), body].concat();
    let vxlan = |frame: &[u8]| [&[8, 0, 0, 0, 0, 0, 42, 0][..], frame].concat();
    let kind = kind.to_be_bytes();
    let gre = |flags: u8, more: &[u8]| outer(47, &[&[flags, 0][..], &kind, more, body].concat());
    let own = if kind == ETHERTYPE_IPV4.to_be_bytes() { 4 } else { 41 };
    vec![
        ("VXLAN", udp(50_000, 4789, &vxlan(&frame))),
        ("VXLAN of Linux", udp(50_000, 8472, &vxlan(&frame))),
        ("VXLAN with a tag", udp(50_000, 4789, &vxlan(&tagged))),
        ("Geneve", udp(50_000, 6081, &[&[0, 0, 0x65, 0x58, 0, 0, 42, 0][..], &frame].concat())),
        ("Geneve with options", udp(1, 6081, &[&[2, 0x40, 0x65, 0x58, 0, 0, 1, 0][..], &[7; 8], &frame].concat())),
        ("Geneve of IP", udp(1, 6081, &[&[0, 0][..], &kind, &[0, 0, 1, 0], body].concat())),
        ("GRE", gre(0, &[])),
        ("GRE with a key", gre(0x20, &[0, 0, 0, 9])),
        ("GRE with all", gre(0xb0, &[1; 12])),
        ("GRE of Ethernet", outer(47, &[&[0, 0, 0x65, 0x58][..], &frame].concat())),
        ("IP in IP", outer(own, body)),
    ]
}

#[test]
fn the_inner_packet_counts() {
    for (body, kind) in [(v4(b"hello"), ETHERTYPE_IPV4), (v6(&[], b"hello"), ETHERTYPE_IPV6)] {
        for (name, packet) in wrapped(kind, &body) {
            let found = parse(Link::RawIp, &packet).unwrap_or_else(|why| panic!("{name}: {why:?}"));
            assert_ne!(found.source.ip().to_string(), "192.168.0.1", "{name}");
            expect(Link::RawIp, &[], &packet);
            expect(Link::Ethernet, &ethernet(ETHERTYPE_IPV4, b""), &packet);
        }
    }
}

#[test]
fn a_cut_frame_keeps_the_inner_length() {
    for (name, whole) in wrapped(ETHERTYPE_IPV4, &v4(b"hello")) {
        let frame = |bytes| Frame { at_ns: 0, link: Some(Link::RawIp), original_len: whole.len(), bytes };
        for cut in 0..whole.len() {
            match packet(&frame(&whole[..whole.len() - cut])) {
                Ok(Packet::Tcp(Segment { len: 5, payload, .. })) => {
                    assert!(b"hello".starts_with(payload), "{name}, {cut} cut");
                }
                // The header of the tunnel is cut off, too: a datagram of nobody.
                Ok(Packet::Udp(datagram)) => assert!(datagram.payload.len() < 8, "{name}, {cut} cut"),
                other => assert_eq!(other, Err(Skipped::Malformed), "{name}, {cut} cut"),
            }
        }
    }
}

#[test]
fn what_is_no_tunnel_is_not_taken_for_one() {
    let body = v4(b"hello");
    let vxlan = [&[8, 0, 0, 0, 0, 0, 42, 0][..], &ethernet(ETHERTYPE_IPV4, &body)].concat();
    let mut damaged = vxlan.clone();
    damaged[1] = 1;
    let later = [&[0x40, 0, 0x65, 0x58, 0, 0, 0, 0][..], &ethernet(ETHERTYPE_IPV4, &body)].concat();
    for (name, datagram) in [
        ("an answer of a DNS server", udp(53, 4789, &vxlan)),
        ("the port of nobody", udp(4789, 4790, &vxlan)),
        ("other flags", udp(1, 4789, &damaged)),
        ("a later version", udp(1, 6081, &later)),
        ("nothing", udp(1, 4789, b"")),
    ] {
        let frame = Frame { at_ns: 0, link: Some(Link::RawIp), original_len: datagram.len(), bytes: &datagram };
        assert!(matches!(packet(&frame), Ok(Packet::Udp(_))), "{name}");
    }
    let arp = udp(1, 4789, &[&vxlan[..8], &ethernet(0x0806, &[0; 28])].concat());
    assert_eq!(parse(Link::RawIp, &arp), Err(Skipped::OtherProtocol));
    for (flags, version) in [(0x40, 0), (0x20, 1)] {
        let bytes = outer(47, &[&[flags, version, 8, 0, 0, 0, 0, 0][..], &body].concat());
        assert_eq!(parse(Link::RawIp, &bytes), Err(Skipped::OtherProtocol), "source routes, PPTP");
    }
}

/// The first fragment of a datagram holds the beginning of the inner packet; of other tunnels the length is not known.
#[test]
fn fragments_of_tunnels() {
    let body = v4(&[b'x'; 100]);
    for (name, mut whole) in wrapped(ETHERTYPE_IPV4, &body) {
        whole[6] = 0x20;
        whole.truncate(whole.len() - 50);
        let total = u16::try_from(whole.len()).unwrap().to_be_bytes();
        whole[2..4].copy_from_slice(&total);
        match parse(Link::RawIp, &whole) {
            Ok(segment) => assert_eq!((segment.len, segment.payload.len()), (100, 50), "{name}"),
            refused => assert_eq!((refused, whole[9] == 17), (Err(Skipped::Fragment), false), "{name}"),
        }
        whole[7] = 9;
        assert_eq!(parse(Link::RawIp, &whole), Err(Skipped::Fragment), "{name}");
    }
}

#[test]
fn tunnels_in_tunnels_have_an_end() {
    let mut bytes = v4(b"hello");
    for depth in 1..=MAX_TUNNELS + 1 {
        bytes = outer(4, &bytes);
        let found = parse(Link::RawIp, &bytes);
        assert_eq!(found.map(|segment| segment.len), if depth <= MAX_TUNNELS { Ok(5) } else { Err(Skipped::Nested) });
    }
}

proptest! {
    #[test]
    fn nothing_panics(changes in prop::collection::vec((0usize..200, any::<u8>()), 1..8), way in 0usize..11) {
        let (_, mut bytes) = wrapped(ETHERTYPE_IPV6, &v6(&[(0, vec![0; 8])], b"payload")).swap_remove(way);
        for (at, value) in changes {
            let at = at % bytes.len();
            bytes[at] = value;
            let _ = packet(&Frame { at_ns: 0, link: Some(Link::RawIp), original_len: bytes.len(), bytes: &bytes });
            let _ = packet(&Frame { at_ns: 0, link: Some(Link::RawIp), original_len: bytes.len(), bytes: &bytes[..at] });
        }
    }
}
