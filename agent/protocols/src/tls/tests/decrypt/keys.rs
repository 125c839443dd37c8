//! Keys that come late, are others, or do not come.

use super::*;
use Direction::{ToClient, ToServer};

fn short() -> Vec<Conversation> {
    let real = whole::all().into_iter().map(|(suite, version)| {
        let ends = Ends::new(suite, version, false);
        let mut pair = Pair::new(&ends);
        pair.settle();
        for len in [10, 20] {
            pair.say(ToServer, &text(len)).say(ToClient, &text(len));
        }
        pair.so_far.clone()
    });
    real.chain(fixed::all().into_iter().map(|(_, conversation)| conversation)).collect()
}

fn outside(conversation: &Conversation) -> Talk {
    let mut talk = Talk::new();
    for call in &conversation.calls {
        talk.call(call.direction, &call.bytes);
    }
    talk
}

/// Without secrets all is told as if none could come, one second after the handshake or at the end.
#[test]
fn without_keys_the_outside_is_told() {
    for conversation in short() {
        let mut expected = outside(&conversation);
        let phases = expected.phases();
        expected.close(Close::Orderly);
        let exchanges = expected.exchanges();
        assert!(exchanges.len() >= 2, "{}", exchanges.len());
        for rests in [false, true] {
            let mut listener = Listener::new();
            for call in &conversation.calls {
                listener.call(call.direction, &call.bytes);
            }
            assert_eq!(listener.talk.phases(), phases, "the handshake waits for nothing");
            assert!(listener.talk.out.exchanges.is_empty());
            if rests {
                listener.rest(900_000_000);
                assert!(listener.talk.out.exchanges.is_empty());
                listener.rest(200_000_000);
                assert!(!listener.talk.out.exchanges.is_empty());
            }
            let shift = listener.talk.now;
            listener.talk.close(Close::Orderly);
            assert_eq!(listener.talk.exchanges(), exchanges, "{shift}");
            assert_eq!(listener.talk.count(Reason::NoKey), 1);
            assert_eq!(listener.told, [Told::default(), Told::default()]);
        }
    }
}

/// With the secrets of another connection too.
#[test]
fn with_other_keys_the_outside_is_told() {
    for conversation in short() {
        let mut expected = outside(&conversation);
        expected.close(Close::Orderly);
        let mut listener = Listener::new();
        let other = |secret: &Secret| {
            let bytes: Vec<u8> = secret.bytes().iter().map(|byte| byte ^ 0x80).collect();
            Secret::new(secret.kind, &bytes).unwrap()
        };
        let secrets = conversation.secrets.iter().map(|(at, secret)| (*at, other(secret))).collect();
        listener.hear(&Conversation { secrets, ..conversation.clone() });
        listener.talk.close(Close::Orderly);
        assert_eq!(listener.talk.exchanges(), expected.exchanges());
        assert_eq!(listener.talk.count(Reason::NotProved), 1);
    }
}

/// Many rounds under other keys: the outside leaves after as many as ever.
#[test]
fn with_other_keys_it_is_left_as_without() {
    let ends = Ends::new(whole::all()[0].0, whole::all()[0].1, false);
    let mut pair = Pair::new(&ends);
    pair.settle();
    for _ in 0..100 {
        pair.say(ToServer, b"ping").say(ToClient, b"pong");
    }
    let mut conversation = pair.so_far.clone();
    let mut expected = outside(&conversation);
    assert!(expected.out.left);
    for (_, secret) in &mut conversation.secrets {
        *secret = Secret::new(secret.kind, &[9; 32]).unwrap();
    }
    let mut listener = Listener::new();
    listener.hear(&conversation);
    assert!(listener.talk.out.left);
    assert_eq!(listener.talk.exchanges(), expected.exchanges());
    assert_eq!(listener.talk.count(Reason::NotProved), 1);
}

/// The secrets come after all that they open: its times are its own, and both directions come in order.
#[test]
fn what_waited_is_told_with_its_own_times() {
    for conversation in short() {
        let mut listener = Listener::new();
        for call in &conversation.calls {
            listener.call(call.direction, &call.bytes);
        }
        let now = listener.talk.now;
        for (_, secret) in conversation.secrets.iter().rev() {
            listener.secret(secret);
        }
        assert_whole(&listener, &conversation);
        assert!(listener.order.is_sorted_by_key(|(ns, _)| *ns) && listener.order[0].0 < now);
        let directions: Vec<_> = listener.order.iter().map(|(_, direction)| *direction).collect();
        assert_eq!(directions[..4], [ToServer, ToClient, ToServer, ToClient]);
    }
}

/// What a key's lateness costs is bounded.
#[test]
fn too_much_is_not_kept() {
    let ends = Ends::new(whole::all()[0].0, whole::all()[0].1, false);
    let mut pair = Pair::new(&ends);
    pair.settle();
    for _ in 0..60 {
        pair.say(ToServer, &text(1000));
    }
    let conversation = pair.so_far.clone();
    let mut listener = Listener::new();
    for (index, call) in conversation.calls.iter().enumerate() {
        listener.call(call.direction, &call.bytes);
        assert!(listener.talk.session.heap_bytes() < 60_000, "{}", listener.talk.session.heap_bytes());
        if index == 50 {
            for (_, secret) in &conversation.secrets {
                listener.secret(secret);
            }
        }
    }
    assert!(listener.talk.count(Reason::KeyLate) > 0);
    let told = &listener.told[0];
    assert_eq!(told.gaps.len(), 1, "{:?}", told.gaps);
    assert_eq!(told.bytes().len() as u64 + told.gaps[0].1, 60_000);
}

/// A connection that is decrypted is not left for its many rounds, and a secret that is known changes nothing.
#[test]
fn many_rounds_are_decrypted() {
    let ends = Ends::new(whole::all()[0].0, whole::all()[0].1, false);
    let mut pair = Pair::new(&ends);
    pair.settle();
    for _ in 0..100 {
        pair.say(ToServer, b"ping").say(ToClient, b"pong");
    }
    let conversation = pair.so_far.clone();
    let mut listener = Listener::new();
    listener.hear(&conversation);
    for (_, secret) in &conversation.secrets {
        listener.secret(secret);
    }
    assert_whole(&listener, &conversation);
    assert_eq!(listener.talk.budget(), Some(8192));
    let shown = format!("{:?}", listener.talk.session.heap_bytes());
    assert!(!shown.is_empty());
}
