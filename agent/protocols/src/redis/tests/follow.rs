//! Followed again after a loss: as soon as it can be, and never with the reply of another command.

use std::collections::{HashMap, VecDeque};

use super::*;

/// A client and a server that talk in calls, some of which nobody sees.
struct Line {
    talk: Talk,
    /// Where the reply to each command is, by position.
    truth: HashMap<u64, u64>,
    waiting: VecDeque<u64>,
    asked: usize,
    unseen: [u64; 2],
    seed: u64,
}

impl Line {
    fn new(seed: u64) -> Self {
        let (truth, waiting) = (HashMap::new(), VecDeque::new());
        Self { talk: Talk::new(true), truth, waiting, asked: 0, unseen: [0; 2], seed }
    }

    /// A number below `limit`.
    fn pick(&mut self, limit: u64) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % limit
    }

    fn call(&mut self, direction: Direction, bytes: &[u8], seen: bool) {
        let unseen = &mut self.unseen[usize::from(direction == ToClient)];
        if !seen {
            *unseen += bytes.len() as u64;
            self.talk.now += 1000;
            return;
        }
        let before = std::mem::take(unseen);
        if before > 0 {
            self.talk.gap(direction, before);
        }
        self.talk.say(direction, bytes);
    }

    /// One call with `count` commands.
    fn ask(&mut self, count: usize, seen: bool) {
        let one = command("GET key");
        let at = self.talk.pos[0] + self.unseen[0];
        self.waiting.extend((0..count).map(|index| at + (index * one.len()) as u64));
        self.asked += count;
        self.call(ToServer, &one.repeat(count), seen);
    }

    /// One call with the replies to the `count` oldest commands.
    fn tell(&mut self, count: usize, seen: bool) {
        let mut at = self.talk.pos[1] + self.unseen[1];
        for asked in self.waiting.drain(..count) {
            self.truth.insert(asked, at);
            at += 9;
        }
        self.call(ToClient, &b"$3\r\nabc\r\n".repeat(count), seen);
    }

    fn tell_all(&mut self, seen: bool) {
        self.tell(self.waiting.len(), seen);
    }

    /// How many commands were reported; each with its own reply.
    #[track_caller]
    fn right(&self) -> usize {
        for exchange in &self.talk.out.exchanges {
            let reply = exchange.response.unwrap().pos;
            assert_eq!(self.truth.get(&exchange.request.pos), Some(&reply), "{exchange:?}");
        }
        self.talk.out.exchanges.len()
    }

    /// What was not reported. Neither a command nor its reply are counted if both were not seen.
    fn given_up(&self) -> u64 {
        let reasons = [Reason::LostRequest, Reason::LostResponse, Reason::UnmatchedResponse];
        reasons.iter().map(|reason| self.talk.out.counts[*reason as usize]).sum()
    }
}

#[test]
fn pipelines_are_followed_again_with_the_next_one() {
    for (asked_unseen, told_unseen) in [(true, false), (false, true), (true, true)] {
        let mut line = Line::new(1);
        for round in 0..1000 {
            let lossy = round % 50 == 10;
            line.ask(16, !(lossy && asked_unseen));
            line.tell_all(!(lossy && told_unseen));
        }
        // The one that was lost, and the one that shows it.
        assert!(line.right() >= 16 * 960, "{}", line.right());
        assert_eq!(line.right() as u64 + line.given_up(), 16_000 - if told_unseen && asked_unseen { 320 } else { 0 });
    }
}

#[test]
fn a_reply_that_is_too_large_to_read_costs_at_most_itself() {
    let list = b"*9000\r\n$1\r\na\r\n";
    // A driver that sends its set-up at once, or bit by bit without waiting.
    for calls in [vec![4], vec![1, 1, 2]] {
        let mut line = Line::new(1);
        calls.iter().for_each(|count| line.ask(*count, true));
        line.tell_all(true);
        for round in 0..120 {
            line.ask(1, true);
            if round % 10 == 3 {
                line.truth.insert(line.waiting.pop_front().unwrap(), line.talk.pos[1]);
                line.talk.part(ToClient, list, false).gap(ToClient, 60_000).say(ToClient, b"$1\r\na\r\n");
            } else {
                line.tell_all(true);
            }
        }
        // The last ones may still be on trial.
        line.talk.now += 200_000_000;
        line.ask(1, true);
        let right = line.talk.out.exchanges.len();
        assert_eq!(
            right,
            if calls.len() == 1 { 124 } else { line.asked - 1 - usize::try_from(line.given_up()).unwrap() }
        );
        assert!(right >= 100, "{right}");
    }
}

/// Of a pipeline that is longer than the budget the rest is counted, and more is asked for.
#[test]
fn a_pipeline_that_is_longer_than_what_is_copied() {
    let one = command("SET key value");
    let mut talk = Talk::new(true);
    for whole in [false, true] {
        assert_eq!(talk.session.budget().is_some(), whole);
        talk.say(ToServer, &one.repeat(100));
        for _ in 0..10 {
            let call = one.repeat(100);
            if whole {
                talk.say(ToServer, &call);
            } else {
                let tail = call.len() - 192;
                talk.part(ToServer, &call[..64], false).gap(ToServer, tail as u64 - 64).say(ToServer, &call[tail..]);
            }
        }
        talk.s(&"+OK\r\n".repeat(1100));
        talk.now += 200_000_000;
    }
    talk.say(ToServer, &one).s("+OK\r\n");
    let counted = |reason: Reason| talk.out.counts[reason as usize];
    let given_up = counted(Reason::LostRequest) + counted(Reason::UnmatchedResponse);
    assert_eq!(talk.out.exchanges.len() as u64 + given_up, 2201);
    assert!(talk.out.exchanges.len() >= 1202);
    // A single value needs no more than its length, however long.
    let mut talk = Talk::new(true);
    talk.c("GET k").part(ToClient, b"$900000\r\nxxx", false).gap(ToClient, 899_000).say(ToClient, &[b'x'; 997]);
    talk.s("\r\n");
    assert_eq!((talk.out.exchanges.len(), talk.session.budget()), (1, None));
}

#[test]
fn a_client_that_sends_ahead_now_and_then() {
    let (mut reported, mut asked, mut seen) = (0, 0, 0);
    for seed in 0..40 {
        let mut line = Line::new(seed);
        let rests = 2 + line.pick(8);
        for _ in 0..2000 {
            let lossy = line.pick(400);
            let count = usize::try_from(1 + line.pick(3)).unwrap();
            line.ask(count, lossy != 0);
            seen += if lossy == 0 { 0 } else { count };
            let stays = if line.pick(rests) == 0 { line.pick(line.waiting.len() as u64 + 1) } else { 0 };
            let told = line.waiting.len() - usize::try_from(stays).unwrap();
            if told > 0 {
                line.tell(told, lossy != 1);
            }
        }
        reported += line.right();
        asked += line.asked;
        seen -= line.waiting.len();
    }
    assert!(reported > asked * 8 / 10, "{reported} of {asked} ({seen} seen)");
}

#[test]
fn a_client_that_never_rests_is_not_guessed_at() {
    for depth in 2..8 {
        let mut line = Line::new(depth);
        line.ask(1, true);
        (1..depth).for_each(|_| line.ask(1, true));
        for round in 0..500 {
            line.tell(1, round != 100);
            line.ask(1, round != 300);
        }
        let before = line.right();
        assert!((90..=101).contains(&before), "{before} at depth {depth}");
        // Until it is silent.
        line.tell_all(true);
        line.talk.now += 200_000_000;
        line.ask(3, true);
        line.tell_all(true);
        assert_eq!(line.right(), before + 3);
        // Neither the command of round 300 nor its reply, which came while replies could not be read.
        assert_eq!(line.right() as u64 + line.given_up(), line.asked as u64 - 1);
    }
}

#[test]
fn a_trial_ends_with_the_first_reply_that_is_left_over() {
    let mut line = Line::new(1);
    // At rest three times of four.
    for round in 0..32 {
        line.ask(1, true);
        if round % 4 == 0 {
            line.ask(1, true);
            line.tell(1, true);
            line.ask(1, true);
        }
        line.tell_all(true);
    }
    let before = line.right();
    line.ask(2, true);
    line.tell(1, false);
    // What seems to begin at rest does not.
    line.tell(0, true);
    line.ask(1, true);
    line.talk.gap(ToClient, 0);
    line.tell(1, true);
    line.ask(1, true);
    line.tell(2, true);
    assert_eq!(line.right(), before);
    for _ in 0..20 {
        line.ask(1, true);
        line.tell_all(true);
    }
    assert!(line.right() >= before + 15, "{} {before}", line.right());
}
