//! What a loss costs, and what it does not.

use super::*;
use Direction::{ToClient, ToServer};
use rustls::crypto::ring::cipher_suite as suites;
use rustls::version::TLS13;

/// Ten answers of different lengths; the third to the fifth call of the server after the handshake are lost.
#[test]
fn after_lost_calls_the_rest_is_shown_in_its_place() {
    for (suite, version) in whole::all() {
        let ends = Ends::new(suite, version, false);
        let mut pair = Pair::new(&ends);
        pair.settle();
        let before = pair.so_far.calls.len();
        for len in [100, 200, 300, 20_000, 500, 600, 700] {
            pair.say(ToClient, &text(len));
        }
        let conversation = pair.so_far.clone();
        let mut listener = Listener::new();
        let mut secrets = conversation.secrets.iter().peekable();
        for (index, call) in conversation.calls.iter().enumerate() {
            while let Some((_, secret)) = secrets.next_if(|(at, _)| *at <= index) {
                listener.secret(secret);
            }
            if (before + 2..before + 5).contains(&index) {
                listener.talk.now += 1000;
                listener.talk.skip(call.direction, call.bytes.len() as u64);
            } else {
                listener.call(call.direction, &call.bytes);
            }
        }
        let told = &listener.told[1];
        let lens: Vec<usize> = told.shown.iter().map(|(_, bytes)| bytes.len()).collect();
        let first = told.shown[0].0;
        assert_eq!(lens, [100, 200, 600, 700], "{suite:?}");
        assert_eq!(told.gaps, [(first + 300, 300 + 20_000 + 500)], "{suite:?}");
        let places: Vec<u64> = told.shown.iter().map(|(pos, _)| pos - first).collect();
        assert_eq!(places, [0, 100, 21_100, 21_700], "{suite:?}");
        assert_eq!(listener.talk.count(Reason::Resync), 1);
    }
}

/// The client's first data is lost, before any record of it was proved.
#[test]
fn a_loss_before_the_first_proof_is_a_gap() {
    for (suite, version) in whole::all() {
        let ends = Ends::new(suite, version, false);
        let mut pair = Pair::new(&ends);
        pair.settle();
        let before = pair.so_far.calls.len();
        pair.say(ToServer, &text(100)).say(ToServer, &text(200)).say(ToServer, &text(300));
        let mut conversation = pair.so_far.clone();
        let rest = conversation.calls.split_off(before);
        let mut listener = Listener::new();
        listener.hear(&conversation);
        listener.talk.skip(ToServer, rest[0].bytes.len() as u64);
        listener.call(ToServer, &rest[1].bytes);
        listener.call(ToServer, &rest[2].bytes);
        let told = &listener.told[0];
        assert_eq!(told.shown.iter().map(|(_, bytes)| bytes.len()).collect::<Vec<_>>(), [200, 300], "{suite:?}");
        assert_eq!(told.shown[1].0, told.shown[0].0 + 200);
        assert_eq!(told.gaps.len(), 1, "{suite:?}");
        assert_eq!(told.gaps[0].0 + told.gaps[0].1, told.shown[0].0);
    }
}

/// Records of 16 KiB of which head and tail are copied.
#[test]
fn heads_and_tails_of_records_are_shown() {
    for (suite, version) in whole::all() {
        let ends = Ends::new(suite, version, false);
        let mut pair = Pair::new(&ends);
        pair.settle().say(ToClient, b"first");
        let before = pair.so_far.calls.len();
        pair.say(ToClient, &text(12_000)).say(ToClient, b"last");
        let conversation = pair.so_far.clone();
        for tail in [0, 10, 17, 18, 100] {
            let mut listener = Listener::new();
            listener.hear(&Conversation { calls: conversation.calls[..before].to_vec(), ..conversation.clone() });
            let call = &conversation.calls[before];
            if tail == 0 {
                listener.talk.now += 1000;
                listener.talk.part(ToClient, &call.bytes[..1000], false);
                listener.talk.skip(ToClient, call.bytes.len() as u64 - 1000);
            } else {
                listener.talk.beyond(ToClient, &call.bytes, 1000, tail);
            }
            listener.take();
            listener.call(ToClient, &conversation.calls[before + 1].bytes);
            let told = &listener.told[1];
            let (head, trailer) = (
                1000 - if version == &TLS13 || suite == suites::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 {
                    5
                } else {
                    13
                },
                16 + usize::from(version == &TLS13),
            );
            let shown_tail = tail.saturating_sub(trailer);
            let first = told.shown[0].0;
            let mut expected = vec![(first, b"first".to_vec()), (first + 5, text(12_000)[..head].to_vec())];
            if shown_tail > 0 {
                expected.push((first + 12_005 - shown_tail as u64, text(12_000)[12_000 - shown_tail..].to_vec()));
            }
            expected.push((first + 12_005, b"last".to_vec()));
            assert!(
                told.shown == expected,
                "{suite:?} {tail} {:?}",
                told.shown.iter().map(|(pos, bytes)| (pos - first, bytes.len())).collect::<Vec<_>>()
            );
            assert_eq!(told.gaps, [(first + 5 + head as u64, (12_000 - head - shown_tail) as u64)], "{suite:?} {tail}");
            assert_eq!(listener.talk.out.counts, [0; Reason::ALL.len()]);
        }
    }
}

/// A call of many records of which the middle is lost.
#[test]
fn a_call_of_many_records_may_miss_its_middle() {
    for (suite, version) in whole::all() {
        let ends = Ends::new(suite, version, false);
        let mut pair = Pair::new(&ends);
        pair.settle().say(ToClient, b"first").say(ToClient, &text(32_000)).say(ToClient, b"last");
        let calls = pair.so_far.calls.len();
        let mut listener = Listener::new();
        let mut conversation = pair.so_far.clone();
        let rest = conversation.calls.split_off(calls - 2);
        listener.hear(&conversation);
        listener.talk.beyond(ToClient, &rest[0].bytes, 4000, 60);
        listener.take();
        listener.call(ToClient, &rest[1].bytes);
        let told = &listener.told[1];
        let first = told.shown[0].0;
        assert_eq!(told.shown.last().unwrap(), &(first + 32_005, b"last".to_vec()), "{suite:?}");
        let shown: usize = told.shown.iter().map(|(_, bytes)| bytes.len()).sum();
        let gaps: u64 = told.gaps.iter().map(|(_, len)| len).sum();
        assert_eq!(shown as u64 + gaps, 32_009, "{suite:?} {:?}", told.gaps);
        assert!(text(32_000).starts_with(&told.shown[1].1) && told.shown[1].1.len() > 3900);
    }
}

/// The capture begins a call again in the middle of a record: the next header is found, and proved.
#[test]
fn a_record_is_found_in_the_middle_of_a_call() {
    for (suite, version) in whole::all() {
        let ends = Ends::new(suite, version, false);
        let mut pair = Pair::new(&ends);
        pair.settle().say(ToClient, b"first");
        let before = pair.so_far.calls.len();
        for len in [800, 900, 50, 60] {
            pair.say(ToClient, &text(len));
        }
        let mut conversation = pair.so_far.clone();
        let rest: Vec<u8> = conversation.calls.split_off(before).into_iter().flat_map(|call| call.bytes).collect();
        for step in [7, 100, 5000] {
            let mut listener = Listener::new();
            listener.hear(&conversation);
            listener.talk.now += 1000;
            listener.talk.skip(ToClient, 1200);
            for part in rest[1200..].chunks(step) {
                listener.talk.part(ToClient, part, true);
                listener.take();
            }
            let bytes = listener.told[1].bytes();
            assert_eq!(bytes.len(), 5 + 50 + 60, "{suite:?}");
            assert_eq!(listener.told[1].gaps.len(), 1);
        }
    }
}

/// New keys, and new keys among what was lost.
#[test]
fn key_updates_are_followed() {
    for (suite, version) in whole::all().into_iter().filter(|(_, version)| *version == &TLS13) {
        let ends = Ends::new(suite, version, false);
        let mut pair = Pair::new(&ends);
        pair.settle();
        for len in [100, 200, 300] {
            pair.say(ToServer, &text(len)).update(ToServer).say(ToServer, &text(len + 1)).update(ToClient);
            pair.say(ToClient, &text(len + 2));
        }
        let conversation = pair.so_far.clone();
        let mut listener = Listener::new();
        listener.hear(&conversation);
        assert_whole(&listener, &conversation);

        let before = pair.so_far.calls.len();
        for len in [10, 20, 30] {
            pair.say(ToClient, &text(len)).update(ToClient);
        }
        pair.say(ToClient, &text(40)).say(ToClient, &text(50));
        for (index, call) in pair.so_far.calls[before..].iter().enumerate() {
            if (1..3).contains(&index) {
                listener.talk.skip(ToClient, call.bytes.len() as u64);
            } else {
                listener.call(ToClient, &call.bytes);
            }
        }
        let lens: Vec<usize> = listener.told[1].shown.iter().rev().take(3).map(|(_, bytes)| bytes.len()).collect();
        assert_eq!(lens, [50, 40, 10], "{suite:?}");
        // Two updates and 50 bytes; that there were two records under the keys between them cannot be known.
        let gaps: Vec<u64> = listener.told[1].gaps.iter().map(|(_, len)| *len).collect();
        assert_eq!(gaps, [5 + 20 + 5 + 30 + 22], "{suite:?}");
    }
}

/// Early data that was taken; what was said after the handshake goes on.
#[test]
fn early_data_is_shown() {
    let ends = Ends::new(suites::TLS13_AES_128_GCM_SHA256, &TLS13, false);
    Pair::new(&ends).settle().say(ToServer, b"x").say(ToClient, b"y").settle();
    let mut pair = Pair::new(&ends);
    let mut early = pair.client.early_data().expect("a ticket was given");
    std::io::Write::write_all(&mut early, b"GET / HTTP/1.1\r\n").unwrap();
    pair.settle().say(ToServer, b"\r\n").say(ToClient, b"HTTP/1.1 200 OK\r\n\r\n");
    let conversation = pair.so_far.clone();
    assert_eq!(conversation.plain[0], b"GET / HTTP/1.1\r\n\r\n");
    for first in [false, true] {
        let mut conversation = conversation.clone();
        // A server tells its secrets before what it says with them.
        conversation.secrets.iter_mut().filter(|_| first).for_each(|(at, _)| *at = 0);
        let mut listener = Listener::new();
        listener.hear(&conversation);
        assert_whole(&listener, &conversation);
    }
}
