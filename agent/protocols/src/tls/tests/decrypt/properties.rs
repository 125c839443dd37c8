//! Splits change nothing; losses, cuts, changes and other keys only take away.

use std::sync::OnceLock;

use super::*;
use Direction::{ToClient, ToServer};
use proptest::prelude::*;

/// Conversations of all suites, with key updates where there are any.
fn conversations() -> &'static [Conversation] {
    static ALL: OnceLock<Vec<Conversation>> = OnceLock::new();
    ALL.get_or_init(|| {
        let real = whole::all().into_iter().map(|(suite, version)| {
            let ends = Ends::new(suite, version, false);
            let mut pair = Pair::new(&ends);
            pair.settle();
            for len in [1, 300, 5000, 20_000, 30] {
                pair.say(ToServer, &text(len)).say(ToClient, &text(2 * len));
            }
            for len in [20, 40, 700, 50, 18_000, 60, 70, 80, 90] {
                pair.say(ToServer, &text(len)).say(ToClient, &text(len));
            }
            pair.bye(ToServer).bye(ToClient);
            pair.so_far.clone()
        });
        real.chain(fixed::all().into_iter().map(|(_, conversation)| conversation)).collect()
    })
}

/// Suites whose records have a constant overhead.
fn is_constant(index: usize) -> bool {
    !(6..11).contains(&index)
}

/// How a conversation is seen.
#[derive(Clone, Debug, Default)]
struct View {
    /// Most bytes of a call, or of a part of one.
    step: usize,
    splits_calls: bool,
    /// Bytes of the beginning and of the end of each call that are copied, if it is longer.
    ends: Option<(usize, usize)>,
    /// Bytes of a direction that are lost.
    lost: Option<(Direction, usize, usize)>,
    /// A byte of a direction that is another.
    flipped: Option<(Direction, usize)>,
    /// Calls that pass before a secret that was logged.
    late: usize,
    /// Secrets of another conversation.
    wrong: bool,
}

fn play(index: usize, view: &View) -> Listener {
    let conversation = &conversations()[index];
    let mut secrets = conversation.secrets.clone();
    if view.wrong {
        for (_, secret) in &mut secrets {
            let bytes: Vec<u8> = secret.bytes().iter().map(|byte| byte ^ 1).collect();
            *secret = Secret::new(secret.kind, &bytes).unwrap();
        }
    }
    let (mut listener, mut at) = (Listener::new(), [0usize; 2]);
    for (number, call) in conversation.calls.iter().enumerate() {
        for (_, secret) in secrets.iter().filter(|(at, _)| at + view.late == number) {
            listener.secret(secret);
        }
        let direction = call.direction;
        let mut bytes = call.bytes.clone();
        let from = &mut at[direction as usize];
        if let Some((side, place)) = view.flipped
            && side == direction
            && let Some(byte) = place.checked_sub(*from).and_then(|place| bytes.get_mut(place))
        {
            *byte ^= 0x10;
        }
        if let Some((head, tail)) = view.ends {
            listener.talk.beyond(direction, &bytes, head, tail);
            listener.take();
            continue;
        }
        listener.talk.now += 1000;
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (part, next) = rest.split_at(rest.len().min(view.step.max(1)));
            rest = next;
            let end = *from + part.len();
            let lost = view.lost.is_some_and(|(side, start, stop)| side == direction && *from < stop && end > start);
            *from = end;
            if lost {
                listener.talk.skip(direction, part.len() as u64);
            } else {
                listener.talk.part(direction, part, view.splits_calls || rest.is_empty());
            }
            listener.take();
        }
    }
    for (_, secret) in secrets.iter().filter(|(at, _)| at + view.late >= conversation.calls.len()) {
        listener.secret(secret);
    }
    listener
}

/// What is told of a direction if all of it is seen, and each byte at its position, from the first on.
type Mapped = (Told, u64, Vec<Option<u8>>);

fn whole(index: usize) -> &'static [Mapped; 2] {
    static ALL: OnceLock<Vec<[Mapped; 2]>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let told = |index| play(index, &View { step: usize::MAX, ..View::default() }).told;
        let mapped = |told: Told| {
            let first = told.shown[0].0;
            let mut bytes = Vec::new();
            for (pos, shown) in &told.shown {
                bytes.resize(usize::try_from(pos - first).unwrap(), None);
                bytes.extend(shown.iter().copied().map(Some));
            }
            (told, first, bytes)
        };
        (0..conversations().len()).map(|index| told(index).map(mapped)).collect()
    });
    &all[index]
}

/// What is shown stands where it stands if all is seen, and what is left out is told.
fn is_subset(index: usize, some: &Listener) -> Result<(), TestCaseError> {
    for (some, (all, first, at)) in some.told.iter().zip(whole(index)) {
        let mut end = 0;
        for (pos, bytes) in &some.shown {
            prop_assert!(*pos >= end, "in order: {} after {}", pos, end);
            end = pos + bytes.len() as u64;
            let from = usize::try_from(pos - first).unwrap();
            let same = at
                .get(from..from + bytes.len())
                .is_some_and(|at| at.iter().zip(bytes).all(|(at, byte)| *at == Some(*byte)));
            prop_assert!(same, "{} bytes at {}", bytes.len(), pos);
        }
        let told: u64 = some.gaps.iter().map(|(_, len)| len).sum();
        let (shown, said) = (some.bytes().len() as u64, all.bytes().len() as u64);
        let last = |told: &Told| told.shown.last().map(|(pos, bytes)| pos + bytes.len() as u64);
        // What was lost before the first proof has no known length.
        let begins = some.shown.first().is_some_and(|(pos, _)| pos == first);
        if begins && last(some) == last(all) {
            prop_assert!(told + shown >= said, "{} + {} of {}", told, shown, said);
        }
    }
    Ok(())
}

/// What is shown was said, wherever: in blocks, positions after a loss are estimated.
fn was_said(index: usize, some: &Listener) -> Result<(), TestCaseError> {
    for (some, said) in some.told.iter().zip(&conversations()[index].plain) {
        for (_, bytes) in &some.shown {
            prop_assert!(said.windows(bytes.len()).any(|window| window == bytes));
        }
    }
    Ok(())
}

fn side(up: bool) -> Direction {
    if up { ToServer } else { ToClient }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn splits_change_nothing(index in 0usize..16, step in 1usize..3000, splits_calls: bool) {
        let view = View { step, splits_calls, ..View::default() };
        let (all, some) = (whole(index), play(index, &view));
        for ((all, ..), some) in all.iter().zip(&some.told) {
            prop_assert!(all.bytes() == some.bytes());
            prop_assert_eq!((&all.gaps, all.end), (&some.gaps, some.end));
        }
        is_subset(index, &some)?;
    }

    #[test]
    fn losses_only_take_away(index in 0usize..16, step in 1usize..3000, splits_calls: bool, up: bool, start in 0usize..60_000, len in 1usize..50_000) {
        let lost = Some((side(up), start, start + len));
        let some = play(index, &View { step, splits_calls, lost, ..View::default() });
        if is_constant(index) { is_subset(index, &some)?; } else { was_said(index, &some)?; }
    }

    #[test]
    fn cuts_only_take_away(index in 0usize..16, head in 0usize..9000, tail in 0usize..300) {
        let some = play(index, &View { ends: Some((head, tail)), ..View::default() });
        if is_constant(index) { is_subset(index, &some)?; } else { was_said(index, &some)?; }
    }

    #[test]
    fn changed_bytes_are_not_shown(index in 0usize..16, up: bool, place in 0usize..40_000, step in 500usize..60_000) {
        let some = play(index, &View { step, flipped: Some((side(up), place)), ..View::default() });
        if is_constant(index) { is_subset(index, &some)?; } else { was_said(index, &some)?; }
    }

    #[test]
    fn other_keys_show_nothing(index in 0usize..16, step in 1usize..60_000) {
        let some = play(index, &View { step, wrong: true, ..View::default() });
        prop_assert_eq!(some.told, [Told::default(), Told::default()]);
    }

    /// What is under way waits, and comes in order.
    #[test]
    fn late_keys_lose_nothing_that_can_wait(index in 0usize..16, step in 100usize..3000, late in 0usize..3) {
        let some = play(index, &View { step, late, ..View::default() });
        if some.talk.count(Reason::KeyLate) == 0 {
            for ((all, ..), some) in whole(index).iter().zip(&some.told) {
                prop_assert!(all.bytes() == some.bytes());
            }
        }
        prop_assert!(some.order.is_sorted_by_key(|(ns, _)| *ns), "{:?}", some.order);
    }

    /// Whatever comes, nothing is shown that was not said, and nothing panics.
    #[test]
    fn any_bytes(index in 0usize..16, script in prop::collection::vec((0usize..40, 0u8..8, any::<u16>()), 0..60)) {
        let conversation = &conversations()[index];
        let mut listener = Listener::new();
        for (_, secret) in &conversation.secrets {
            listener.secret(secret);
        }
        for (call, what, len) in script {
            let call = &conversation.calls[call % conversation.calls.len()];
            let len = usize::from(len) % (call.bytes.len() + 1);
            match what {
                0 => listener.talk.skip(call.direction, len as u64),
                1 => listener.talk.part(call.direction, &call.bytes[..len], false),
                2 => listener.talk.part(call.direction, &call.bytes[len..], true),
                3 => listener.talk.part(call.direction, &vec![0x17; len], true),
                4 => listener.talk.part(call.direction, &b"\x17\x03\x03\0\x20".repeat(len / 5), true),
                5 => listener.rest(len as u64 * 100_000),
                _ => listener.talk.part(call.direction, &call.bytes, true),
            }
            listener.talk.now += 1000;
            listener.take();
            prop_assert!(listener.talk.session.heap_bytes() < 200_000);
        }
        listener.talk.close(Close::Reset);
    }
}
