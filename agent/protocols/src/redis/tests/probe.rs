//! Recognised by content.

use super::*;

#[test]
fn recognised_by_content() {
    use crate::protocol::{Context, Probe};
    let ask = |bytes: &str, direction, from_start| {
        (super::super::PROTOCOL.probe)(bytes.as_bytes(), Context { direction, from_start })
    };
    let server = Some(ToServer);
    for request in ["*1\r\n$4\r\nPING\r\n", "*2\r\n$8\r\nJSON.GET\r\n$1\r\nk\r\n"] {
        assert_eq!(ask(request, None, false), Probe::Yes(ToServer));
    }
    assert_eq!(ask("PING\r\n", server, true), Probe::Yes(ToServer));
    assert_eq!(ask("PING\r\n", server, false), Probe::Maybe);
    assert_eq!(ask("*1\r\n$4\r\nPI", server, true), Probe::Maybe);
    for other in ["GET / HTTP/1.1\r\n", "EHLO mail\r\n", "get k\r\n", "USER me\r\n", "\x16\x03\x01", "*abc\r\n"] {
        assert_eq!(ask(other, server, false), Probe::No, "{other:?}");
    }
    for weak in ["+OK\r\n", ":1\r\n", "+OK POP3 ready\r\n", "-ERR no\r\n"] {
        assert_eq!(ask(weak, Some(ToClient), false), Probe::Maybe);
    }
    for sure in ["$3\r\nabc\r\n", "-NOAUTH Authentication required.\r\n", "+PONG\r\n"] {
        assert_eq!(ask(sure, None, false), Probe::Yes(ToClient));
    }
}

#[test]
fn inline_commands_are_certain_with_their_answer() {
    let answers = super::super::PROTOCOL.answers.unwrap();
    for (request, response) in [
        ("SET k \"a secret value\"\r\n", "+OK\r\n"),
        ("AUTH hunter2\r\n", "-WRONGPASS invalid username-password pair\r\n"),
        ("publish ch hello\r\n", ":1\r\n"),
        ("get k\n", "$-1\r\n"),
        ("GET k\r\n", "$50000\r\nxxx"),
        ("LRANGE l 0 -1\r\n", "*1\r\n$1\r\na\r\n"),
        ("INCR s\r\n", "-ERR value is not an integer or out of range\r\n"),
    ] {
        assert!(answers(request.as_bytes(), response.as_bytes()), "{request:?}");
    }
    for (request, response) in [
        // memcached, POP3, FTP, SMTP, NATS, IRC, finger.
        ("get k\r\n", "VALUE k 0 5\r\nhello\r\nEND\r\n"),
        ("set k 0 0 5\r\nhello\r\n", "STORED\r\n"),
        ("AUTH PLAIN\r\n", "+OK Logged in.\r\n"),
        ("QUIT\r\n", "221 Bye\r\n"),
        ("QUIT\r\n", "+OK bye\r\n"),
        ("PING\r\n", "PONG\r\n"),
        ("SUBSCRIBE foo 1\r\n", "+OK\r\n-ERR 'Authorization Violation'\r\n:"),
        ("NICK me\r\n", ":server 001 me\r\n"),
        ("bob\r\n", "-ERR no such user\r\n"),
        ("GET k\r\n", ":1\r\n"),
        ("GET / HTTP/1.0\r\n", "HTTP/1.0 200 OK\r\n"),
        ("SET k", "+OK\r\n"),
    ] {
        assert!(!answers(request.as_bytes(), response.as_bytes()), "{request:?} {response:?}");
    }
}
