//! Joined midway: nothing is believed until both directions agree.

use super::*;

fn joined() -> Talk {
    Talk::open(false)
}

/// A write of an upload that looks like a request, and is one.
fn secret(n: u32) -> String {
    get(&format!("/secret/{n}"))
}

#[test]
fn writes_of_an_upload_are_no_requests() {
    // Whole requests, lines that go on, and a mixture with other bytes.
    let kinds: [fn(u32) -> String; 3] = [
        secret,
        |n| format!("GET /secret/{n} HTTP/1.1\r\n{}", "x".repeat(100)),
        |n| if n.is_multiple_of(3) { secret(n) } else { "y".repeat(50) },
    ];
    for write in kinds {
        for writes in [2, 3, 262] {
            let mut talk = joined();
            for n in 0..writes {
                talk.ask(write(n));
            }
            talk.answer(ok("stored"));
            assert_eq!(talk.seen(), Vec::<String>::new());
            // The client rests before it goes on.
            talk.now += 2_000_000_000;
            talk.ask(get("/after")).answer(ok("")).ask(get("/last")).answer(ok("")).close(Close::Orderly);
            assert_eq!(talk.seen(), ["GET /after 200", "GET /last 200"]);
            assert!(talk.begun.values().all(|begun| begun.at_ns > 2_000_000_000), "{:?}", talk.begun);
        }
    }
}

#[test]
fn an_upload_that_never_ends_has_none() {
    for how in [Close::Orderly, Close::Reset] {
        let mut talk = joined();
        for n in 0..20 {
            talk.ask(secret(n));
        }
        talk.close(how);
        assert_eq!((talk.seen(), talk.count(Reason::Unproven)), (Vec::new(), 20));
    }
    let mut talk = joined();
    talk.ask(secret(1));
    talk.session.abandon(Reason::UnderWay, &mut talk.out);
    assert_eq!((talk.seen(), talk.count(Reason::UnderWay)), (Vec::new(), 1));
}

#[test]
fn what_follows_a_loss_in_the_same_turn_is_no_request() {
    let mut talk = joined();
    talk.lose(Direction::ToServer, 300).ask(secret(1)).answer(ok("stored"));
    assert_eq!(talk.seen(), Vec::<String>::new());
    talk.ask(get("/after")).answer(ok(""));
    assert_eq!(talk.seen(), ["GET /after 200"]);
}

#[test]
fn an_interim_response_asks_for_a_body() {
    let mut talk = joined();
    talk.answer("HTTP/1.1 100 Continue\r\n\r\n").ask(secret(1)).answer(ok("stored"));
    assert_eq!(talk.seen(), Vec::<String>::new());
    let body = secret(123_456);
    talk.ask(format!("POST /p HTTP/1.1\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n", body.len()));
    talk.answer("HTTP/1.1 100 Continue\r\n\r\n").ask(body).answer(ok(""));
    assert_eq!(talk.seen(), ["POST /p 200"]);
}

#[test]
fn what_fits_is_told_with_its_own_times() {
    let mut talk = joined();
    talk.ask(get("/1")).answer("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
    assert_eq!((talk.seen(), talk.begun.len()), (Vec::new(), 0), "its end is to come");
    talk.answer("cd").ask(get("/2")).answer(ok(""));
    let all = talk.exchanges();
    assert_eq!(all.iter().map(line).collect::<Vec<_>>(), ["GET /1 200", "GET /2 200"]);
    assert_eq!((all[0].request.first_ns, all[0].end_ns, all[1].end_ns), (1000, 3010, 5010));

    // Large bodies of which little was copied, and one that the end of the connection ends.
    let mut talk = joined();
    talk.ask("POST /big HTTP/1.1\r\nContent-Length: 100000\r\n\r\n").lose(Direction::ToServer, 100_000);
    talk.answer("HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n").lose(Direction::ToClient, 900_000);
    talk.ask(get("/old")).answer("HTTP/1.0 200 OK\r\n\r\nall that comes").close(Close::Orderly);
    assert_eq!(talk.seen(), ["POST /big 200", "GET /old 200"]);
    assert_eq!(talk.count(Reason::Unproven), 0);
}
