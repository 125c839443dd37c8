//! What the server's answers make of a connection: database, protocol version, transaction, subscriptions.

use super::command::Effect;
use super::queue::Pending;
use super::resp::Head;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Replies {
    On,
    Off,
    SkipNext,
}

/// See the module.
#[derive(Debug)]
pub struct State {
    /// The selected database, if known.
    pub database: Option<u32>,
    /// Commands queued since MULTI.
    pub queued: u64,
    /// A SELECT or RESET was queued: what the transaction leaves behind.
    queued_database: Option<Option<u32>>,
    /// MULTI was sent, and no EXEC since.
    in_multi: bool,
    replies: Replies,
    resp3: Option<bool>,
    monitor: bool,
    /// Channels, patterns and shard channels, as far as confirmations told.
    subscribed: [u64; 3],
}

/// Which of the three a confirmation or a command is about.
fn family(word: &[u8]) -> Option<(usize, bool)> {
    Some(match word {
        b"subscribe" => (0, true),
        b"psubscribe" => (1, true),
        b"ssubscribe" => (2, true),
        b"unsubscribe" => (0, false),
        b"punsubscribe" => (1, false),
        b"sunsubscribe" => (2, false),
        _ => return None,
    })
}

impl State {
    pub fn new(from_start: bool) -> Self {
        Self {
            database: from_start.then_some(0),
            queued: 0,
            queued_database: None,
            in_multi: false,
            replies: Replies::On,
            resp3: from_start.then_some(false),
            monitor: false,
            subscribed: [0; 3],
        }
    }

    /// Whether commands are carried out and answered at once, and nothing else is.
    pub fn is_plain(&self) -> bool {
        !self.in_multi && self.replies == Replies::On && !self.is_subscribed()
    }

    /// Commands may have passed unseen.
    pub fn lose(&mut self) {
        self.database = None;
        self.queued_database = None;
        self.in_multi = false;
        self.replies = Replies::On;
        self.resp3 = None;
    }

    /// The outcome of this command will not be known.
    pub fn unknown(&mut self, effect: Effect) {
        match effect {
            Effect::Select(_) | Effect::Exec | Effect::Reset => self.database = None,
            Effect::Hello(_) => self.resp3 = None,
            _ => {}
        }
    }

    /// A command is sent; whether it is part of a transaction.
    pub fn sent(&mut self, effect: Effect) -> bool {
        let inside = self.in_multi;
        match effect {
            Effect::Multi => self.in_multi = true,
            Effect::Exec | Effect::Discard | Effect::Reset => self.in_multi = false,
            _ => {}
        }
        inside || matches!(effect, Effect::Multi)
    }

    /// Whether the command that is sent has no reply.
    pub fn is_silent(&mut self, effect: Effect) -> bool {
        let silent = match (effect, self.replies) {
            (Effect::ReplyOff, _) => {
                self.replies = Replies::Off;
                return true;
            }
            (Effect::ReplyOn, _) => {
                self.replies = Replies::On;
                return false;
            }
            (Effect::ReplySkip, Replies::On | Replies::SkipNext) => {
                self.replies = Replies::SkipNext;
                return true;
            }
            // It turns replies on before it is answered itself; only `SKIP` still holds for it.
            (Effect::Reset, Replies::On | Replies::Off) => {
                self.replies = Replies::On;
                return false;
            }
            (_, replies) => replies != Replies::On,
        };
        if self.replies == Replies::SkipNext {
            self.replies = Replies::On;
        }
        silent
    }

    pub fn is_subscribed(&self) -> bool {
        self.monitor || self.subscribed.iter().any(|count| *count > 0)
    }

    /// Whether a message from the server answers no command. `front`: what the oldest waiting command does.
    pub fn is_push(&mut self, head: &Head, front: Option<Effect>) -> bool {
        let waits = matches!(front, Some(Effect::Subscribe(_) | Effect::Unsubscribe(_)));
        let word = head.word.bytes();
        match head.kind {
            b'>' => {
                self.resp3 = Some(true);
                !(waits && family(word).is_some())
            }
            b'+' if self.monitor => word.first().is_some_and(u8::is_ascii_digit),
            b'*' if self.resp3 != Some(true) => {
                let message = match word {
                    b"message" | b"smessage" => head.len == 3,
                    b"pmessage" => head.len == 4,
                    _ => false,
                };
                if message {
                    if front.is_none() && !self.is_subscribed() {
                        // Seen from the middle of a subscriber's connection.
                        self.subscribed[0] = 1;
                    }
                    return self.is_subscribed() || waits;
                }
                let Some((at, up)) = family(word).filter(|_| head.len == 3 && !waits) else { return false };
                if self.replies == Replies::Off {
                    // Confirmations come even so, from newer servers.
                    self.subscribed[at] = if up { self.subscribed[at].max(1) } else { 0 };
                    return true;
                }
                // The server may end a subscription by itself.
                (at, up) == (2, false) && self.is_subscribed()
            }
            _ => false,
        }
    }

    /// One message for a command of the SUBSCRIBE family came, the `confirmed`-th: does another follow?
    pub fn more_confirmations(&mut self, effect: Effect, confirmed: u64, head: &Head) -> bool {
        let wanted = match effect {
            Effect::Subscribe(wanted) | Effect::Unsubscribe(wanted) => wanted,
            _ => return false,
        };
        let Some((at, up)) = family(head.word.bytes()).filter(|_| head.error.is_none()) else { return false };
        let total = head.integer.max(0).unsigned_abs();
        let others = if at == 2 { 0 } else { self.subscribed[1 - at] };
        let before = self.subscribed[at];
        self.subscribed[at] = if up { total.saturating_sub(others).max(1) } else { total.saturating_sub(others) };
        if wanted > 0 { confirmed < wanted } else { !up && before > 1 && self.subscribed[at] > 0 }
    }

    /// A command was answered: whether it was only queued.
    pub fn answered(&mut self, pending: &Pending, head: &Head) -> bool {
        if head.error.is_some() {
            if pending.effect == Effect::Exec {
                self.queued_database = None;
            }
            return false;
        }
        if head.kind == b'+' && head.word.bytes() == b"QUEUED" {
            self.queued += 1;
            if let Effect::Select(index) = pending.effect {
                self.queued_database = Some(index);
            }
            return true;
        }
        match pending.effect {
            Effect::Select(index) => self.database = index,
            Effect::Multi => self.queued = 0,
            Effect::Exec => {
                if let Some(index) = self.queued_database.take().filter(|_| !head.null) {
                    self.database = if head.nested_error.is_some() { None } else { index };
                }
            }
            Effect::Discard => {
                self.queued = 0;
                self.queued_database = None;
            }
            Effect::Reset => {
                let (replies, in_multi) = (self.replies, self.in_multi);
                *self = Self { replies, in_multi, ..Self::new(true) };
            }
            Effect::Hello(Some(version)) => self.resp3 = Some(version >= 3),
            Effect::Monitor => self.monitor = true,
            _ => {}
        }
        false
    }
}
