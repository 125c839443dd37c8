//! Connections of which everything is seen.

use super::*;
use Direction::{ToClient, ToServer};
use rustls::crypto::ring::cipher_suite as suites;
use rustls::version::{TLS12, TLS13};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};

/// All suites of rustls.
pub(super) fn all() -> Vec<(SupportedCipherSuite, &'static SupportedProtocolVersion)> {
    vec![
        (suites::TLS13_AES_128_GCM_SHA256, &TLS13),
        (suites::TLS13_AES_256_GCM_SHA384, &TLS13),
        (suites::TLS13_CHACHA20_POLY1305_SHA256, &TLS13),
        (suites::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, &TLS12),
        (suites::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, &TLS12),
        (suites::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, &TLS12),
    ]
}

/// A handshake, some requests, a farewell.
pub(super) fn conversation(ends: &Ends) -> Conversation {
    let mut pair = Pair::new(ends);
    pair.settle();
    for len in [1, 300, 5000, 40_000] {
        pair.say(ToServer, &text(len)).say(ToClient, &text(2 * len));
    }
    pair.bye(ToServer).bye(ToClient);
    pair.so_far.clone()
}

#[test]
fn every_suite_is_decrypted() {
    for (suite, version) in all() {
        for asks in [false, true] {
            let ends = Ends::new(suite, version, asks);
            for _ in 0..2 {
                let conversation = conversation(&ends);
                let mut listener = Listener::new();
                listener.hear(&conversation);
                assert_eq!(listener.talk.out.wants_secrets, Some(conversation.random), "{suite:?}");
                assert_whole(&listener, &conversation);
                assert!(listener.told.iter().all(|told| told.end), "{suite:?}");
                let phase = listener.talk.phase();
                assert_eq!(
                    (tls(&phase).version.unwrap(), phase.error),
                    (if version == &TLS13 { "1.3" } else { "1.2" }, None)
                );
                listener.talk.close(Close::Orderly);
                assert_eq!(listener.talk.exchanges(), [], "{suite:?}");
            }
        }
    }
}

/// Records of a call are one piece, which ends it; a record of two calls has the times of both.
#[test]
fn pieces_have_the_times_of_their_calls() {
    for (suite, version) in all() {
        let ends = Ends::new(suite, version, false);
        let mut pair = Pair::new(&ends);
        pair.settle().say(ToClient, &text(100)).say(ToClient, &text(40_000));
        let mut listener = Listener::new();
        listener.hear(&pair.so_far);
        let lens: Vec<usize> = listener.told[1].shown.iter().map(|(_, bytes)| bytes.len()).collect();
        assert_eq!(lens, [100, 32_768, 7232], "{suite:?}");
        assert!(listener.stamps.iter().all(|(stamp, ends)| *ends && stamp.last_ns == stamp.first_ns + 10));

        let before = pair.so_far.calls.len();
        pair.say(ToClient, b"in two calls").say(ToClient, b"and one");
        let calls = &pair.so_far.calls[before..];
        let (head, tail) = calls[0].bytes.split_at(5);
        listener.stamps.clear();
        listener.call(ToClient, head);
        let first = listener.talk.now;
        listener.call(ToClient, &[tail, &calls[1].bytes[..7]].concat());
        let second = listener.talk.now;
        listener.call(ToClient, &calls[1].bytes[7..]);
        let times: Vec<_> =
            listener.stamps.iter().map(|(stamp, ends)| (stamp.first_ns, stamp.last_ns, *ends)).collect();
        assert_eq!(times, [(first, second + 10, false), (second, second + 1010, true)], "{suite:?}");
    }
}
