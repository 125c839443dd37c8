//! Commands without replies, and what ends that.

use super::*;

/// Text and first word of the reply's error, or the reply's length.
fn told(talk: &Talk) -> Vec<(String, Option<u64>)> {
    talk.out
        .exchanges
        .iter()
        .map(|exchange| (redis(exchange).text.to_string(), exchange.response.map(|reply| reply.bytes)))
        .collect()
}

#[test]
fn reset_turns_replies_on_before_it_is_answered() {
    let mut talk = Talk::new(true);
    talk.say(ToServer, &commands(&["CLIENT REPLY OFF", "SET x 1", "RESET", "GET x", "LPUSH x a", "PING"]));
    talk.s("+RESET\r\n$1\r\n1\r\n-WRONGTYPE Operation\r\n+PONG\r\n");
    let wanted = [
        ("CLIENT REPLY ?", None),
        ("SET x ?", None),
        ("RESET", Some(8)),
        ("GET x", Some(7)),
        ("LPUSH x ?", Some(22)),
        ("PING", Some(7)),
    ];
    assert_eq!(told(&talk), wanted.map(|(text, bytes)| (text.to_owned(), bytes)));
    assert_eq!((talk.redis(4).error.as_deref(), talk.redis(5).database), (Some("WRONGTYPE"), Some(0)));
}

#[test]
fn reset_after_skip_is_what_is_skipped() {
    let mut talk = Talk::new(true);
    talk.say(ToServer, &commands(&["CLIENT REPLY SKIP", "RESET", "PING"])).s("+PONG\r\n");
    let wanted = [("CLIENT REPLY ?", None), ("RESET", None), ("PING", Some(7))];
    assert_eq!(told(&talk), wanted.map(|(text, bytes)| (text.to_owned(), bytes)));
}

#[test]
fn subscriptions_are_confirmed_even_so() {
    let mut talk = Talk::new(true);
    talk.say(ToServer, &commands(&["CLIENT REPLY OFF", "SUBSCRIBE a"]));
    talk.s("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n");
    talk.c("UNSUBSCRIBE").s("*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n");
    talk.c("CLIENT REPLY ON").s("+OK\r\n").c("GET k").s("-WRONGTYPE x\r\n");
    assert_eq!(talk.out.exchanges.len(), 5);
    assert_eq!((talk.texts()[4], talk.redis(4).error.as_deref()), ("GET k", Some("WRONGTYPE")));
    assert_eq!(talk.out.counts, Output::default().counts);
}
