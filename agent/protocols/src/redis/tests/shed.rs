//! Turns that were left out on purpose.

use super::*;

#[test]
fn the_others_are_told_and_the_database_is_not_known_any_more() {
    let mut talk = Talk::new(true);
    talk.c("SELECT 3").s("+OK\r\n").c("GET a").s("$1\r\n1\r\n");
    assert_eq!(talk.redis(1).database, Some(3));
    talk.skip(ToServer, command("SELECT 4").len()).c("GET b").skip(ToClient, 5).s("$1\r\n2\r\n");
    assert_eq!(talk.texts().last(), Some(&"GET b"));
    assert_eq!(talk.redis(2).database, None);
    talk.left_out(&command("GET x"), b"$1\r\n2\r\n").c("SELECT 5").s("+OK\r\n").c("GET c").s("$1\r\n3\r\n");
    assert_eq!(talk.redis(4).database, Some(5));
    assert_eq!(talk.out.counts, [0; Reason::ALL.len()]);
}

#[test]
fn nothing_of_a_transaction_or_a_subscription_is_left_out() {
    let mut talk = Talk::new(true);
    assert_eq!(talk.session.shedding(), Shedding::Any);
    talk.c("MULTI").s("+OK\r\n");
    assert_eq!(talk.session.shedding(), Shedding::Never);
    talk.c("EXEC").s("*0\r\n");
    assert_eq!(talk.session.shedding(), Shedding::Any);
    talk.c("SUBSCRIBE a").s("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    assert_eq!(talk.session.shedding(), Shedding::Never);
}

#[test]
fn pipelines_are_told_as_before() {
    let mut talk = Talk::new(true);
    let (asked, answered) = (commands(&["GET a", "GET b"]), b"$1\r\n1\r\n$1\r\n2\r\n");
    for _ in 0..3 {
        talk.skip(ToServer, asked.len()).say(ToServer, &asked).skip(ToClient, answered.len()).say(ToClient, answered);
    }
    assert_eq!(talk.texts(), ["GET a", "GET b"].repeat(3));
    assert_eq!(talk.out.counts, [0; Reason::ALL.len()]);
}
