//! Turns that were left out on purpose.

use super::*;
use proptest::prelude::*;

proptest! {
    /// Whatever is left out, the other exchanges are told as if nothing were missing, and nothing is counted.
    #[test]
    fn the_others_are_told(left_out in prop::collection::vec(any::<bool>(), 1..40), bodies in prop::collection::vec(0usize..3, 40)) {
        let mut talk = Talk::new();
        let (mut untold, mut expected) = ([0, 0], Vec::new());
        for (index, (left_out, body)) in left_out.iter().zip(bodies).enumerate() {
            let request = match body {
                0 => get(&format!("/{index}")),
                body => format!("POST /{index} HTTP/1.1\r\nHost: h\r\nContent-Length: {body}\r\n\r\n{}", "x".repeat(body)),
            };
            let response = ok(&"y".repeat(body * 100));
            if *left_out {
                untold[0] += request.len();
                untold[1] += response.len();
                continue;
            }
            for (direction, bytes) in [(Direction::ToServer, request), (Direction::ToClient, response)] {
                let len = std::mem::take(&mut untold[usize::from(direction == Direction::ToClient)]);
                talk.left_out(direction, len);
                talk.tick();
                talk.chunk(direction, bytes.as_bytes(), true);
            }
            expected.push(format!("{} /{index} 200", if body == 0 { "GET" } else { "POST" }));
        }
        prop_assert_eq!(talk.seen(), expected);
        prop_assert_eq!(talk.out.counts, [0; Reason::ALL.len()]);
    }
}

#[test]
fn within_an_exchange_it_is_a_loss() {
    let mut talk = Talk::new();
    talk.ask("POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n");
    talk.answer("HTTP/1.1 100 Continue\r\n\r\n");
    talk.left_out(Direction::ToServer, 10).ask(get("/b"));
    talk.left_out(Direction::ToClient, ok("").len()).answer(ok(""));
    // Whose answer it is cannot be known.
    assert_eq!(talk.seen(), [""; 0]);
    assert_eq!(talk.count(Reason::LostResponse), 2);
}

#[test]
fn what_is_not_understood_is_not_left_out() {
    assert_eq!(Talk::open(false).shedding(), Shedding::Never);
    assert_eq!(Talk::new().shedding(), Shedding::Any);
}
