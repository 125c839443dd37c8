//! Followed again after a loss: as soon as it can be, and never with the answer of another request.

use super::build::*;
use super::*;
use Direction::{ToClient, ToServer};

fn ask(number: usize) -> Vec<u8> {
    [once(&format!("SELECT * FROM t{}", number % 100)), sync()].concat()
}

/// As many rows as the number of the table.
fn answer(number: usize) -> Vec<u8> {
    [answered(number % 100), ready(b'I')].concat()
}

fn many(make: fn(usize) -> Vec<u8>, numbers: std::ops::Range<usize>) -> Vec<u8> {
    numbers.flat_map(make).collect()
}

/// How many were reported, each with its own answer.
#[track_caller]
fn right(wire: &mut Wire) -> usize {
    let lines = wire.lines();
    for line in &lines {
        let (table, rows) = line.strip_prefix("SELECT * FROM t").unwrap().split_once("|SELECT|").unwrap();
        assert_eq!(table, rows.split('|').next().unwrap(), "{line}");
    }
    lines.len()
}

fn given_up(wire: &Wire) -> u64 {
    wire.counted(Reason::LostRequest) + wire.counted(Reason::LostResponse)
}

#[test]
fn pipelines_are_followed_again_with_the_next_one() {
    let mut wire = Wire::ready();
    let mut seen = 0;
    for round in 0..500 {
        let four = round * 4..round * 4 + 4;
        wire.client(&many(ask, four.clone()));
        let answers = many(answer, four);
        if round % 50 == 10 {
            wire.gap(ToClient, answers.len() as u64);
        } else {
            wire.server(&answers);
        }
        seen += right(&mut wire);
    }
    assert_eq!((seen, given_up(&wire)), (4 * 490, 4 * 10));
}

#[test]
fn requests_that_nobody_saw_cost_no_more_than_themselves() {
    let mut wire = Wire::ready();
    let mut seen = 0;
    for round in 0..500 {
        let four = round * 4..round * 4 + 4;
        let asked = many(ask, four.clone());
        if round % 50 == 10 {
            wire.gap(ToServer, asked.len() as u64);
        } else {
            wire.client(&asked);
        }
        wire.server(&many(answer, four));
        seen += right(&mut wire);
    }
    assert!(seen >= 4 * 480, "{seen}");
}

#[test]
fn a_client_that_sends_ahead_now_and_then() {
    let mut wire = Wire::ready();
    let (mut seen, mut number) = (0, 0);
    for round in 0..2000 {
        wire.client(&ask(number));
        if round % 5 == 0 {
            wire.client(&ask(number + 1)).server(&answer(number)).client(&ask(number + 2));
            wire.server(&many(answer, number + 1..number + 3));
            number += 2;
        } else if round % 200 == 13 {
            wire.gap(ToClient, answer(number).len() as u64);
        } else {
            wire.server(&answer(number));
        }
        number += 1;
        seen += right(&mut wire);
    }
    // What is on trial at the end is proven by the end.
    wire.close(Close::Orderly);
    seen += right(&mut wire);
    assert!(seen > number * 95 / 100, "{seen} of {number}");
    assert_eq!(seen as u64 + given_up(&wire), number as u64);
}

/// What a silence proves need not wait for the next statement.
#[test]
fn a_trial_ends_with_a_silence() {
    let mut wire = Wire::ready();
    // It sends ahead now and then.
    for number in (0..40).step_by(4) {
        wire.client(&ask(number)).client(&ask(number + 1)).server(&answer(number)).client(&ask(number + 2));
        wire.server(&many(answer, number + 1..number + 3));
        wire.client(&ask(number + 3)).server(&answer(number + 3));
    }
    let before = right(&mut wire);
    wire.client(&ask(40));
    wire.gap(ToClient, answer(40).len() as u64);
    for number in 41..44 {
        wire.client(&ask(number)).server(&answer(number));
    }
    assert_eq!(before, 40);
    assert_eq!(right(&mut wire), 0, "on trial");
    wire.session.rest(wire.now + 50_000_000, &mut wire.out);
    assert!(right(&mut wire) >= 2);
}

#[test]
fn what_never_rests_is_counted_and_not_guessed_at() {
    let mut wire = Wire::ready();
    wire.client(&ask(0)).client(&ask(1)).client(&ask(2));
    let mut seen = 0;
    for number in 0..1000 {
        if number == 100 {
            wire.gap(ToClient, answer(number).len() as u64);
        } else {
            wire.server(&answer(number));
        }
        wire.client(&ask(number + 3));
        seen += right(&mut wire);
    }
    assert!((97..=100).contains(&seen), "{seen}");
    wire.server(&many(answer, 1000..1003));
    wire.now += 50_000_000;
    wire.client(&many(ask, 1003..1007)).server(&many(answer, 1003..1007));
    assert_eq!(right(&mut wire), 4);
    assert_eq!(seen as u64 + 4 + given_up(&wire), 1007);
}

#[test]
fn large_results_of_a_pipeline_where_the_server_is() {
    let mut wire = Wire::ready();
    // It was seen to end a call with each of its turns.
    wire.client(&many(ask, 0..4));
    (0..4).for_each(|number| {
        wire.server(&answer(number));
    });
    assert_eq!(right(&mut wire), 4);
    wire.client(&many(ask, 20..40));
    for number in 20..40 {
        let rows = row(9000).repeat(number);
        let response =
            [parsed(), bound(), columns(), rows, complete(&format!("SELECT {number}")), ready(b'I')].concat();
        for part in response.chunks(8192) {
            if part.len() > 256 {
                wire.cut_call(ToClient, part, 64, 192);
            } else {
                wire.server(part);
            }
        }
    }
    assert_eq!(right(&mut wire), 20);
    assert_eq!(given_up(&wire), 0);
    // A call that is missing may have ended one.
    wire.client(&many(ask, 2000..2004));
    let big = [parsed(), bound(), columns(), row(3000).repeat(20)].concat();
    wire.cut_call(ToClient, &big[..8192], 64, 192).gap(ToClient, 8192);
    for number in 2001..2004 {
        wire.server(&answer(number));
    }
    assert_eq!((right(&mut wire), given_up(&wire)), (0, 4));
    wire.client(&many(ask, 1..4)).server(&many(answer, 1..4));
    assert_eq!(right(&mut wire), 3);
}

#[test]
fn several_results_at_once_need_more_than_their_ends() {
    let mut wire = Wire::ready();
    let big = [parsed(), bound(), columns(), row(300).repeat(400), complete("SELECT 400"), ready(b'I')].concat();
    // One alone does not.
    wire.client(&[once("SELECT a"), sync()].concat()).cut_call(ToClient, &big, 64, 192);
    assert_eq!((wire.lines().len(), wire.session.budget()), (1, None));
    wire.client(&many(ask, 0..2)).cut_call(ToClient, &big.repeat(2), 64, 192);
    assert!(wire.session.budget().is_some());
}

#[test]
fn a_statement_whose_preparation_was_not_answered_is_known() {
    let mut wire = Wire::ready();
    wire.client(&[parse("S_1", "SELECT x"), bind("", "S_1"), execute("", 0), sync()].concat()).gap(ToClient, 60);
    let again = [bind("", "S_1"), execute("", 0), sync()].concat();
    for _ in 0..2 {
        wire.client(&again).server(&[bound(), executed(1), ready(b'I')].concat());
    }
    assert_eq!(wire.lines(), ["SELECT x|SELECT|1|- prepared", "SELECT x|SELECT|1|- prepared"]);
    // Another text under the same name: either may hold.
    wire.client(&[close(b'S', "S_1"), parse("S_1", "SELECT y"), sync()].concat()).gap(ToClient, 30);
    wire.client(&again).server(&[bound(), executed(1), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["-|SELECT|1|- prepared"]);
}
