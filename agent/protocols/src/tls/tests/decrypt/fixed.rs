//! Connections of OpenSSL, for suites that rustls lacks (`fixtures/make.py`).

use super::*;
use pair::Call;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

pub(super) fn read(text: &str) -> Conversation {
    let mut conversation = Conversation::default();
    for line in text.lines() {
        let (word, rest) = line.split_once(' ').unwrap();
        match word {
            ">" => conversation.calls.push(Call { direction: Direction::ToServer, bytes: hex(rest) }),
            "<" => conversation.calls.push(Call { direction: Direction::ToClient, bytes: hex(rest) }),
            "plain>" => conversation.plain[0] = hex(rest),
            "plain<" => conversation.plain[1] = hex(rest),
            label => {
                let (random, secret) = rest.split_once(' ').unwrap();
                if let Some(kind) = SecretKind::labelled(label.as_bytes())
                    && (conversation.random == [0; 32] || hex(random) == conversation.random)
                {
                    conversation.random = hex(random).try_into().unwrap();
                    conversation.secrets.push((conversation.calls.len(), Secret::new(kind, &hex(secret)).unwrap()));
                }
            }
        }
    }
    conversation
}

/// All but the one that renegotiates.
pub(super) fn all() -> Vec<(&'static str, Conversation)> {
    [
        ("cbc_sha", include_str!("fixtures/cbc_sha.txt")),
        ("cbc_sha_etm", include_str!("fixtures/cbc_sha_etm.txt")),
        ("cbc_sha256", include_str!("fixtures/cbc_sha256.txt")),
        ("cbc_sha384", include_str!("fixtures/cbc_sha384.txt")),
        ("cbc_sha384_etm", include_str!("fixtures/cbc_sha384_etm.txt")),
        ("ccm", include_str!("fixtures/ccm.txt")),
        ("ccm8", include_str!("fixtures/ccm8.txt")),
        ("ccm13", include_str!("fixtures/ccm13.txt")),
        ("chacha", include_str!("fixtures/chacha.txt")),
        ("gcm", include_str!("fixtures/gcm.txt")),
    ]
    .map(|(name, text)| (name, read(text)))
    .into()
}

#[test]
fn other_suites_are_decrypted() {
    for (name, conversation) in all() {
        assert!(!conversation.plain[0].is_empty() && !conversation.secrets.is_empty(), "{name}");
        println!("{name}");
        let mut listener = Listener::new();
        listener.hear(&conversation);
        assert_whole(&listener, &conversation);
    }
}

/// Where the kernel encrypts, what is sent is plain text from the end of the handshake on.
#[test]
fn what_is_no_record_is_given_up() {
    for (name, conversation) in all() {
        let mut listener = Listener::new();
        listener.hear(&conversation);
        listener.call(Direction::ToClient, b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n");
        assert_eq!((listener.talk.count(Reason::Malformed), listener.talk.out.left), (1, true), "{name}");
    }
}

#[test]
fn a_renegotiation_is_given_up() {
    let conversation = read(include_str!("fixtures/renegotiated.txt"));
    let mut listener = Listener::new();
    listener.hear(&conversation);
    assert_eq!(listener.told[0].bytes(), b"before\n");
    assert_eq!(listener.talk.count(Reason::Renegotiated), 1);
    assert!(listener.talk.out.left);
}
