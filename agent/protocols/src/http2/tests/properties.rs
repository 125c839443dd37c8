//! Any split gives the same exchanges, any loss a part of them, and nothing panics.

use proptest::prelude::*;

use super::build::{self, DOWN, UP, message};
use super::*;

/// What a stream is: its size of request and response, and whether it is a call of gRPC, is reset, or fails.
type Plan = Vec<(usize, usize, u8)>;

fn plan() -> impl Strategy<Value = Plan> {
    prop::collection::vec((0..300usize, 0..300usize, 0..8u8), 1..12)
}

/// Streams of which each is answered after up to three more were asked.
fn conversation(plan: &Plan) -> Vec<Call> {
    let (mut client, mut server, mut calls) = peers();
    let mut asked = Vec::new();
    let answer = |(id, (_, size, how)): (u32, (usize, usize, u8)), server: &mut Peer, calls: &mut Vec<Call>| {
        let bytes = match how {
            0 => build::reset(id, 8),
            1..=3 => {
                let head = server.head(id, &[(":status", "200"), ("content-type", "application/grpc")], false);
                let body = [build::data(id, &message(size), false), build::padded(id, &message(0), 3, false)].concat();
                let end = server.head(id, &[("grpc-status", &how.to_string()), ("x-stream", &id.to_string())], true);
                [head, body, end].concat()
            }
            4 => build::split(&server.respond(id, 404, b""), 3),
            _ => server.respond(id, 200 + u16::try_from(id).unwrap(), &vec![1; size]),
        };
        calls.push((DOWN, Ok(bytes)));
    };
    for (at, one) in plan.iter().enumerate() {
        let id = 1 + 2 * u32::try_from(at).unwrap();
        let path = format!("/s/{id}");
        let bytes = match one.2 {
            1..=3 => [client.ask(id, &path), build::data(id, &message(one.0), true)].concat(),
            4 | 5 => client.get(id, &path),
            _ => client.post(id, &path, &vec![2; one.0 + 1]),
        };
        calls.push((UP, Ok(bytes)));
        asked.push((id, *one));
        if asked.len() > usize::from(one.2 % 4) {
            answer(asked.remove(0), &mut server, &mut calls);
        }
    }
    asked.into_iter().for_each(|one| answer(one, &mut server, &mut calls));
    calls
}

/// Whether what was told after a loss is what was told without, as far as it is told.
fn is_part(told: &Exchange, whole: &Exchange) -> bool {
    let (part, all) = (detail(told), detail(whole));
    let same = |part: Option<u64>, all: Option<u64>| part.is_none() || part == all;
    let same_text = |part: &Option<String>, all: &Option<String>| part.is_none() || part == all;
    let calls = |one: &Http2Exchange| {
        one.call.as_ref().map(|call| (call.request_messages, call.response_messages, call.status))
    };
    let same_call = match (calls(part), calls(all)) {
        (None, None) => true,
        (Some(part), Some(all)) => same(part.0, all.0) && same(part.1, all.1) && (part.2.is_none() || part.2 == all.2),
        // Nothing that is known told that it was one.
        (None, Some(_)) => false,
        (Some(_), None) => false,
    };
    let is_cut = told.ending != Ending::Answered;
    told.stream == whole.stream
        && part.method == all.method
        && (part.target == all.target || (part.target.is_empty() && part.target_truncated))
        && same_text(&part.host, &all.host)
        && same_text(&part.user_agent, &all.user_agent)
        && (part.status == all.status || is_cut)
        && same(part.request_body, all.request_body)
        && same(part.response_body, all.response_body)
        && same_call
        && told.request.first_ns == whole.request.first_ns
        && (told.end_ns == whole.end_ns || is_cut)
}

proptest! {
    #[test]
    fn any_split_gives_the_same(plan in plan(), cuts in prop::collection::vec(1..40usize, 1..30)) {
        let calls = conversation(&plan);
        let whole = Run::play(true, &calls).close();
        prop_assert_eq!(whole.out.exchanges.len(), plan.len());
        let mut cuts = cuts.into_iter().cycle();
        let mut run = Run::new(true);
        for (direction, bytes) in &calls {
            run.now += 10;
            let mut rest = &bytes.as_ref().unwrap()[..];
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(cuts.next().unwrap().min(rest.len()));
                run.bytes(*direction, piece, after.is_empty(), run.now);
                rest = after;
            }
        }
        let run = run.close();
        prop_assert_eq!(run.told(), whole.told());
        prop_assert_eq!(run.out.requests, whole.out.requests);
        prop_assert_eq!(run.out.exchanges, whole.out.exchanges);
    }

    #[test]
    fn any_loss_gives_a_part(plan in plan(), holes in prop::collection::vec((0..30usize, 0..200usize, 1..400usize), 1..4), midway in 0..6usize) {
        let calls = conversation(&plan);
        let whole = Run::play(true, &calls).close();
        let mut run = Run::new(midway < 3);
        for (at, (direction, bytes)) in calls.iter().enumerate() {
            let bytes = bytes.as_ref().unwrap();
            let hole = holes.iter().find(|(call, ..)| *call == at);
            let skipped = midway >= 3 && at < midway;
            let (begin, end) = match hole {
                _ if skipped => (0, bytes.len()),
                Some((_, begin, len)) => ((*begin).min(bytes.len()), (begin + len).min(bytes.len())),
                None => (0, 0),
            };
            run.now += 10;
            run.bytes(*direction, &bytes[..begin], begin == bytes.len(), run.now);
            if end > begin {
                let pos = &mut run.pos[*direction as usize];
                *pos += (end - begin) as u64;
                if !skipped {
                    run.session.gap(*direction, (end - begin) as u64, stamp(run.now), &mut run.out);
                }
            }
            if begin < bytes.len() {
                run.bytes(*direction, &bytes[end..], true, run.now);
            }
        }
        let now = run.now;
        run.session.close(Close::Orderly, now + 5, &mut run.out);
        for told in &run.out.exchanges {
            let of = whole.out.exchanges.iter().find(|whole| whole.stream == told.stream);
            prop_assert!(of.is_some_and(|whole| is_part(told, whole)), "{} of {:?}", line(told), of.map(line));
        }
    }

    #[test]
    fn nothing_panics(pieces in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..80), 0..300u64), 0..40), from_start in any::<bool>()) {
        let mut run = Run::new(from_start);
        if from_start {
            run.call(&(UP, Ok(build::opening())));
        }
        for (up, bytes, gap) in pieces {
            let direction = if up { UP } else { DOWN };
            run.now += 1;
            run.bytes(direction, &bytes, gap % 2 == 0, run.now);
            if gap > 200 {
                run.call(&(direction, Err(gap as usize)));
            }
        }
        prop_assert!(run.session.heap_bytes() < 1 << 20);
        run.close();
    }

    /// Frames of any kind, in any order.
    #[test]
    fn frames_in_any_order(frames in prop::collection::vec((any::<bool>(), 0..11u8, any::<u8>(), 0..8u32, prop::collection::vec(any::<u8>(), 0..12)), 0..60)) {
        let mut run = Run::new(true);
        run.call(&(UP, Ok(build::opening())));
        for (up, kind, flags, stream, payload) in frames {
            run.call(&(if up { UP } else { DOWN }, Ok(build::frame(kind, flags, stream, &payload))));
        }
        run.close();
    }
}
