use super::link::MAX_TAGS;
use super::*;
use proptest::prelude::*;

const ACK: u8 = 0x10;
const FIN: u8 = 0x01;
pub(super) const ETHERTYPE_IPV4: u16 = 0x0800;
pub(super) const ETHERTYPE_IPV6: u16 = 0x86dd;

fn tcp_header(options: usize) -> Vec<u8> {
    let mut bytes = vec![0; 20 + options];
    bytes[..2].copy_from_slice(&1234_u16.to_be_bytes());
    bytes[2..4].copy_from_slice(&80_u16.to_be_bytes());
    bytes[4..8].copy_from_slice(&7_u32.to_be_bytes());
    bytes[8..12].copy_from_slice(&9_u32.to_be_bytes());
    bytes[12] = u8::try_from((20 + options) / 4).unwrap() << 4;
    bytes[13] = ACK | FIN;
    bytes
}

pub(super) fn v4(payload: &[u8]) -> Vec<u8> {
    let tcp = tcp_header(12);
    let total = u16::try_from(24 + tcp.len() + payload.len()).unwrap();
    let mut bytes = vec![0x46, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 0, 0, 0];
    bytes[2..4].copy_from_slice(&total.to_be_bytes());
    [bytes, tcp, payload.to_vec()].concat()
}

/// `headers`: extension headers as (own type, bytes); their "next header" fields are filled in.
pub(super) fn v6(headers: &[(u8, Vec<u8>)], payload: &[u8]) -> Vec<u8> {
    let mut rest = Vec::new();
    for (index, (_, bytes)) in headers.iter().enumerate() {
        let mut bytes = bytes.clone();
        bytes[0] = headers.get(index + 1).map_or(6, |(kind, _)| *kind);
        rest.extend(bytes);
    }
    rest.extend(tcp_header(0));
    rest.extend(payload);
    let mut bytes = vec![0x60, 0, 0, 0, 0, 0, headers.first().map_or(6, |(kind, _)| *kind), 64];
    bytes[4..6].copy_from_slice(&u16::try_from(rest.len()).unwrap().to_be_bytes());
    let addresses = ["2001:db8::1", "2001:db8::2"].map(|text| text.parse::<std::net::Ipv6Addr>().unwrap().octets());
    [bytes, addresses.concat(), rest].concat()
}

fn segment<'a>(frame: &Frame<'a>) -> Result<Segment<'a>, Skipped> {
    packet(frame).map(|packet| match packet {
        Packet::Tcp(segment) => segment,
        Packet::Udp(datagram) => panic!("{datagram:?}"),
    })
}

pub(super) fn parse(link: Link, bytes: &[u8]) -> Result<Segment<'_>, Skipped> {
    segment(&Frame { at_ns: 0, link: Some(link), original_len: bytes.len(), bytes })
}

pub(super) fn expect(link: Link, before: &[u8], packet: &[u8]) {
    let bytes = [before, packet, &[0xee; 6]].concat();
    let found = parse(link, &bytes).unwrap();
    assert_eq!(found.payload, b"hello", "{link:?}: padding is not payload");
    assert_eq!((found.source.port(), found.destination.port(), found.len), (1234, 80, 5));
    assert_eq!((found.seq, found.ack, found.syn, found.fin, found.rst), (7, Some(9), false, true, false));
}

#[test]
fn link_layers() {
    let ether = |kind: u16| [vec![0; 12], kind.to_be_bytes().to_vec()].concat();
    for (packet, kind) in [(v4(b"hello"), ETHERTYPE_IPV4), (v6(&[], b"hello"), ETHERTYPE_IPV6)] {
        let tag = [0x81, 0x00, 0, 5];
        expect(Link::Ethernet, &ether(kind), &packet);
        expect(Link::Ethernet, &[&[0; 12][..], &tag, &kind.to_be_bytes()].concat(), &packet);
        expect(Link::Ethernet, &[&[0; 12][..], &[0x88, 0xa8, 0, 1], &tag, &kind.to_be_bytes()].concat(), &packet);
        expect(Link::RawIp, &[], &packet);
        expect(Link::Loopback, &[2, 0, 0, 0], &packet);
        expect(Link::Loopback, &[0, 0, 0, 2], &packet);
        expect(Link::Cooked1, &[vec![0; 14], kind.to_be_bytes().to_vec()].concat(), &packet);
        expect(Link::Cooked2, &[kind.to_be_bytes().to_vec(), vec![0; 18]].concat(), &packet);
        // Device "any" of loopback (ARPHRD_LOOPBACK), of a tun device (ARPHRD_NONE), and a tag behind the second version.
        for device in [772_u16, 0xfffe] {
            let cooked = [&[0, 0][..], &device.to_be_bytes(), &[0; 10], &kind.to_be_bytes()].concat();
            expect(Link::Cooked1, &cooked, &packet);
        }
        let tagged = [&[0x81, 0x00][..], &[0; 18], &[0, 5], &kind.to_be_bytes()].concat();
        expect(Link::Cooked2, &tagged, &packet);
    }
    let tags =
        [&[0; 12][..], &[0x81, 0x00, 0, 5].repeat(MAX_TAGS + 1), &ETHERTYPE_IPV4.to_be_bytes(), &v4(b"")].concat();
    assert_eq!(parse(Link::Ethernet, &tags), Err(Skipped::OtherProtocol), "tags without an end");
    assert_eq!(parse(Link::Ethernet, &[&ether(0x0806), &[0; 40][..]].concat()), Err(Skipped::OtherProtocol));
}

/// The datagram in an IP packet, its payload and its length on the wire.
fn datagram(bytes: &[u8], original_len: usize) -> Result<(String, Vec<u8>, u32), Skipped> {
    match packet(&Frame { at_ns: 0, link: Some(Link::RawIp), original_len, bytes })? {
        Packet::Udp(found) => {
            Ok((format!("{} {}", found.source, found.destination), found.payload.to_vec(), found.len))
        }
        Packet::Tcp(segment) => panic!("{segment:?}"),
    }
}

#[test]
fn datagrams() {
    let udp = |len: u16, payload: &[u8]| {
        [&1234_u16.to_be_bytes()[..], &53_u16.to_be_bytes(), &(len + 8).to_be_bytes(), &[0, 0], payload].concat()
    };
    let four = |flags: u16, body: &[u8]| {
        let total = u16::try_from(20 + body.len()).unwrap().to_be_bytes();
        let flags = flags.to_be_bytes();
        let head = [0x45, 0, total[0], total[1], 0, 0, flags[0], flags[1], 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        [&head[..], body].concat()
    };
    let ends = "10.0.0.1:1234 10.0.0.2:53".to_owned();
    let whole = four(0x4000, &udp(5, b"hello"));
    let padded = [&whole[..], &[0xee; 9]].concat();
    assert_eq!(datagram(&padded, padded.len()), Ok((ends.clone(), b"hello".to_vec(), 5)));
    assert_eq!(datagram(&whole[..30], whole.len()), Ok((ends.clone(), b"he".to_vec(), 5)), "cut by the capture");
    // The first fragment of a datagram of 3000 bytes, and the second.
    let first = four(0x2000, &udp(3000, b"hello"));
    assert_eq!(datagram(&first, first.len()), Ok((ends, b"hello".to_vec(), 3000)));
    let second = four(0x00b9, b"the rest");
    assert_eq!(datagram(&second, second.len()), Err(Skipped::Fragment));
    for len in [0, 4, 7] {
        let bytes = four(0, &[&[0, 1, 0, 53, 0, len, 0, 0][..]].concat());
        assert_eq!(datagram(&bytes, bytes.len()).is_ok(), len == 0, "a length below that of its header");
    }
    assert_eq!(datagram(&whole[..27], whole.len()), Err(Skipped::Malformed));
    let mut six = v6(&[], b"");
    six.truncate(40);
    (six[4], six[5], six[6]) = (0, 13, 17);
    six.extend(udp(5, b"hello"));
    assert_eq!(datagram(&six, six.len()).unwrap().1, b"hello");
}

#[test]
fn addresses() {
    let (four, six) = (v4(b""), v6(&[], b""));
    let ends =
        |bytes: &[u8]| parse(Link::RawIp, bytes).map(|found| (found.source.to_string(), found.destination.to_string()));
    assert_eq!(ends(&four), Ok(("10.0.0.1:1234".into(), "10.0.0.2:80".into())));
    assert_eq!(ends(&six), Ok(("[2001:db8::1]:1234".into(), "[2001:db8::2]:80".into())));
}

#[test]
fn extension_headers() {
    let hop = vec![0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let authentication = vec![0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let atomic = vec![0, 0, 0, 0, 0, 0, 0, 1];
    let all = [(0, hop.clone()), (43, hop.clone()), (60, hop.clone()), (51, authentication), (44, atomic)];
    expect(Link::RawIp, &[], &v6(&all, b"hello"));
    assert_eq!(parse(Link::RawIp, &v6(&[(44, vec![0, 0, 0, 1, 0, 0, 0, 1])], b"x")), Err(Skipped::Fragment));
    assert_eq!(parse(Link::RawIp, &v6(&vec![(0, hop); 9], b"x")), Err(Skipped::Malformed), "too many");
}

#[test]
fn fragments_are_told_from_whole_packets() {
    for (flags, expected) in [(0x4000_u16, true), (0x8000, true), (0x2000, false), (0x0001, false)] {
        let mut packet = v4(b"hello");
        packet[6..8].copy_from_slice(&flags.to_be_bytes());
        assert_eq!(parse(Link::RawIp, &packet).is_ok(), expected, "{flags:x}");
    }
}

#[test]
fn a_cut_frame_keeps_its_length() {
    let packet = v4(b"hello");
    for cut in 0..=5 {
        let bytes = &packet[..packet.len() - cut];
        let found = segment(&Frame { at_ns: 0, link: Some(Link::RawIp), original_len: packet.len(), bytes }).unwrap();
        assert_eq!((found.len, found.payload), (5, &b"hello"[..5 - cut]));
    }
    // Cut within the TCP options: the payload is unseen, its length is not.
    let bytes = &packet[..24 + 20];
    let found = segment(&Frame { at_ns: 0, link: Some(Link::RawIp), original_len: packet.len(), bytes }).unwrap();
    assert_eq!((found.len, found.payload), (5, &b""[..]));
}

#[test]
fn offloaded_segments_have_no_ip_length() {
    for mut packet in [v4(b"hello"), v6(&[], b"hello")] {
        let at = if packet[0] >> 4 == 4 { 2 } else { 4 };
        packet[at..at + 2].fill(0);
        assert_eq!(parse(Link::RawIp, &packet).unwrap().payload, b"hello");
    }
}

proptest! {
    #[test]
    fn nothing_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..120), link in 0u16..300, six in any::<bool>()) {
        let frame = |bytes: &[u8]| { let _ = packet(&Frame { at_ns: 0, link: Link::of(link), original_len: bytes.len(), bytes }); };
        frame(&bytes);
        let mut real = if six { v6(&[(0, vec![0; 8])], b"payload") } else { v4(b"payload") };
        for (index, byte) in bytes.drain(..).enumerate() {
            let at = (index * 31 + usize::from(byte)) % real.len();
            real[at] = byte;
            let _ = packet(&Frame { at_ns: 0, link: Some(Link::RawIp), original_len: real.len(), bytes: &real });
            frame(&real[..at]);
        }
    }
}
