//! Single messages: names, types, what is malformed.

use super::build::*;
use super::*;

/// What a query with this wire name says.
fn asked(wire: &[u8]) -> Vec<String> {
    let bytes = [header(7, 0x0100, [1, 0, 0, 0]), wire.to_vec(), vec![0, 1, 0, 1]].concat();
    let mut talk = Talk::udp();
    talk.ask(&bytes);
    let reply = [header(7, 0x8180, [1, 0, 0, 0]), wire.to_vec(), vec![0, 1, 0, 1]].concat();
    talk.answer(&reply).lines()
}

#[test]
fn names_are_lower_case_and_escaped() {
    assert_eq!(asked(&name("WwW.Example.COM")), ["www.example.com A 0"]);
    assert_eq!(asked(&[0]), [". A 0"]);
    assert_eq!(asked(b"\x05a.b\\c\x02\x00\xff\x00"), [r"a\.b\\c.\000\255 A 0"]);
    assert_eq!(asked(b"\x0c_sip._tcp hi\x00"), [r"_sip\._tcp\032hi A 0"]);
}

#[test]
fn names_have_a_limit() {
    let longest =
        [&[[&[63][..], &[b'x'; 63]].concat().repeat(3), [&[61][..], &[b'y'; 61]].concat()].concat()[..], &[0]].concat();
    assert_eq!(longest.len(), 255);
    let line = &asked(&longest)[0];
    assert_eq!(line.find(' '), Some(253));
    let longer = [&longest[..254], &[1, b'z', 0]].concat();
    assert!(asked(&longer).is_empty());
    // Escapes make it longer than what is kept.
    let odd = [[&[63][..], &[7; 63]].concat().repeat(3), vec![0]].concat();
    assert_eq!(asked(&odd)[0].find(' '), Some(255));
}

#[test]
fn types_have_names() {
    for (kind, text) in [(A, "A"), (AAAA, "AAAA"), (33, "SRV"), (65, "HTTPS"), (255, "ANY"), (65280, "TYPE65280")] {
        let mut talk = Talk::udp();
        talk.ask(&query(1, "x.test", kind)).answer(&reply(1, "x.test", kind, 3, &[]));
        assert_eq!(talk.lines(), [format!("x.test {text} 3")]);
    }
}

#[test]
fn pointers_go_backwards_only() {
    // The owner's name: through two pointers, to itself, forwards, into the header, behind the end.
    let through = [record(SAME, CNAME, SAME), record(&[1, b'y', 0xc0, 12], A, &[192, 0, 2, 1])];
    let mut talk = Talk::udp();
    talk.ask(&query(1, "x.test", A)).answer(&reply(1, "x.test", A, 0, &through));
    assert_eq!(talk.lines(), ["x.test A 0 192.0.2.1"]);
    let own = u8::try_from(HEADER + name("x.test").len() + 4).unwrap();
    for bad in [[0xc0, own], [0xc0, own + 2], [0xc0, 4], [0xff, 0xff], [0x80, 1], [0x40, 1]] {
        let mut talk = Talk::udp();
        talk.ask(&query(1, "x.test", A)).answer(&reply(1, "x.test", A, 0, &[record(&bad, A, &[192, 0, 2, 1])]));
        assert_eq!((talk.lines(), talk.counted()), (vec![], vec![("malformed", 1)]), "{bad:x?}");
    }
    // A question may be a pointer too, but not to itself.
    assert!(asked(SAME).is_empty());
}

const HEADER: usize = 12;

#[test]
fn only_messages_that_are_well_formed_to_their_end_count() {
    let good = reply(1, "x.test", A, 0, &[a(1), a(2)]);
    for len in 0..good.len() {
        let mut talk = Talk::udp();
        talk.ask(&query(1, "x.test", A));
        if len > 0 {
            talk.answer(&good[..len]);
        }
        assert!(talk.lines().is_empty(), "{len}");
    }
    let mut talk = Talk::udp();
    talk.ask(&query(1, "x.test", A)).answer(&[&good[..], &[0]].concat());
    assert!(talk.lines().is_empty(), "something after the end");
    talk.answer(&reply(1, "x.test", A, 0, &[record(SAME, A, &[1, 2, 3])]));
    assert!(talk.lines().is_empty(), "an address of three bytes");
    talk.answer(&good);
    assert_eq!(talk.lines(), ["x.test A 0 192.0.2.1 192.0.2.2"]);
    assert_eq!(talk.counted(), [("malformed", 2)]);
}

#[test]
fn an_answer_that_the_server_cut_is_an_answer() {
    let whole = reply(1, "x.test", A, 0, &[a(1), a(2)]);
    for len in [whole.len() - edns().len() - 5, 24] {
        let mut cut = whole[..len].to_vec();
        cut[2] |= 2;
        let mut talk = Talk::udp();
        talk.ask(&query(1, "x.test", A)).answer(&cut);
        let expected = if len == 24 { "x.test A 0" } else { "x.test A 0 192.0.2.1" };
        assert_eq!(talk.lines(), [expected]);
    }
}

#[test]
fn addresses_are_those_of_the_answer_section() {
    let answers = [record(SAME, CNAME, &name("y.test")), record(&name("y.test"), A, &[192, 0, 2, 9]), aaaa(1)];
    let mut bytes = reply(1, "x.test", A, 0, &answers);
    // One more, in the additional section, before the options.
    bytes.truncate(bytes.len() - edns().len());
    bytes.extend([record(&name("ns.test"), A, &[192, 0, 2, 200]), edns()].concat());
    bytes[11] = 2;
    let mut talk = Talk::udp();
    talk.ask(&query(1, "x.test", A)).answer(&bytes);
    assert_eq!(talk.lines(), ["x.test A 0 192.0.2.9 2001:db8::1"]);
    let many: Vec<_> = (0..40).map(a).collect();
    talk.ask(&query(2, "x.test", A)).answer(&reply(2, "x.test", A, 0, &many));
    assert_eq!(detail(&talk.take()[0]).addresses.len(), 16);
}
