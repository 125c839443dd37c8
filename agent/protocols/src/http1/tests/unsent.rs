//! Bodies that the client may or may not send after it was refused.

use super::*;

fn put(length: usize) -> String {
    format!("PUT /file HTTP/1.1\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n")
}

const REFUSED: &str = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";

#[test]
fn a_body_that_is_sent_all_the_same_is_no_method() {
    let kinds = [
        vec!["s3cr3t-token".to_owned() + &get("/next")],
        vec!["s3cr3t-token".to_owned(), get("/next")],
        vec!["s3cr3t".to_owned(), "-token".to_owned() + &get("/next")],
        vec!["GET /secret ".to_owned(), get("/next")],
        vec!["DELETE-token".to_owned() + &get("/next")],
    ];
    for writes in kinds {
        let mut talk = Talk::new();
        talk.ask(put(12)).answer(REFUSED);
        for write in &writes {
            talk.ask(write);
        }
        talk.answer(ok(""));
        assert_eq!(talk.seen(), ["PUT /file 401", "GET /next 200"], "{writes:?}");
    }
}

#[test]
fn a_body_that_is_never_sent_costs_nothing() {
    for length in [12, get("/next").len() + 1, 1 << 40] {
        let mut talk = Talk::new();
        talk.ask(put(length)).answer(REFUSED).ask(get("/next")).answer(ok("")).ask(get("/last")).answer(ok(""));
        assert_eq!(talk.seen(), ["PUT /file 401", "GET /next 200", "GET /last 200"], "{length}");
    }
}

/// Whatever it was, nothing is told of it.
#[test]
fn a_body_that_looks_like_a_request() {
    let body = get("/secret");
    let mut talk = Talk::new();
    talk.ask(put(body.len())).answer(REFUSED).ask(&body).ask(get("/next")).answer(ok(""));
    talk.ask(get("/last")).answer(ok("")).close(Close::Orderly);
    let seen = talk.seen();
    assert_eq!(
        (seen.first().map(String::as_str), seen.last().map(String::as_str)),
        (Some("PUT /file 401"), Some("GET /last 200"))
    );
    assert!(seen.iter().all(|line| !line.contains("/secret")), "{seen:?}");
}

#[test]
fn a_line_that_was_cut_needs_a_method_that_is_known() {
    let mut talk = Talk::new();
    talk.ask("token-of-somebody /x").close(Close::Orderly);
    assert_eq!((talk.seen(), talk.count(Reason::LostRequest)), (Vec::new(), 1));
}
