//! Commands that wait for their replies, in order, and the batches that they were sent in.

use std::collections::VecDeque;

use super::RedisExchange;
use super::command::Effect;
use crate::exchange::Window;
use crate::stream::Actor;

/// Most commands that wait on one connection; the oldest is given up beyond that (its reply is still counted off).
pub const MAX_PENDING: usize = 4096;

/// A command that was sent.
#[derive(Debug)]
pub struct Pending {
    pub request: Window,
    pub actor: Actor,
    /// `None` when it must not be reported (part of it was lost).
    pub detail: Option<Box<RedisExchange>>,
    pub effect: Effect,
    /// Sent between MULTI and EXEC.
    pub in_multi: bool,
    /// Messages of a reply that comes in several (SUBSCRIBE), so far.
    pub confirmed: u64,
    /// The reply so far, when it comes in several messages.
    pub reply: Option<Window>,
}

#[derive(Debug)]
struct Batch {
    size: u32,
    left: u32,
    closed: bool,
}

/// The queue of one connection.
#[derive(Debug, Default)]
pub struct Queue {
    pending: VecDeque<Pending>,
    batches: VecDeque<Batch>,
    detail_bytes: usize,
    /// Replies that will come before that of the first pending command and belong to commands that were given up.
    pub ghosts: u64,
}

impl Queue {
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.ghosts == 0
    }

    pub fn len(&self) -> usize {
        self.pending.len()
    }

    pub fn front(&mut self) -> Option<&mut Pending> {
        self.pending.front_mut()
    }

    pub fn push(&mut self, pending: Pending) {
        match self.batches.back_mut().filter(|batch| !batch.closed) {
            Some(batch) => {
                batch.size += 1;
                batch.left += 1;
            }
            None => self.batches.push_back(Batch { size: 1, left: 1, closed: false }),
        }
        self.detail_bytes += detail_bytes(&pending);
        self.pending.push_back(pending);
    }

    /// The first byte of a reply was seen: what is sent from now on was not sent together with its command.
    pub fn reply_begins(&mut self) {
        if self.ghosts == 0
            && let Some(batch) = self.batches.front_mut()
        {
            batch.closed = true;
        }
    }

    /// The oldest command, with the size of its batch.
    pub fn pop(&mut self) -> Option<(Pending, u32)> {
        let pending = self.pending.pop_front()?;
        self.detail_bytes = self.detail_bytes.saturating_sub(detail_bytes(&pending));
        let Some(batch) = self.batches.front_mut() else { return Some((pending, 1)) };
        let size = batch.size;
        batch.left = batch.left.saturating_sub(1);
        if batch.left == 0 {
            self.batches.pop_front();
        }
        Some((pending, size))
    }

    pub fn clear(&mut self) {
        self.pending.clear();
        self.batches.clear();
        self.ghosts = 0;
        self.detail_bytes = 0;
    }

    /// Whether a command is waiting that may change the database.
    pub fn changes_database(&self) -> bool {
        self.pending.iter().any(|pending| matches!(pending.effect, Effect::Select(_) | Effect::Reset | Effect::Exec))
    }

    pub fn shrink(&mut self) {
        if self.pending.is_empty() {
            self.pending = VecDeque::new();
            self.batches = VecDeque::new();
        }
    }

    pub fn heap_bytes(&self) -> usize {
        self.pending.capacity() * size_of::<Pending>()
            + self.batches.capacity() * size_of::<Batch>()
            + self.detail_bytes
    }
}

fn detail_bytes(pending: &Pending) -> usize {
    pending.detail.as_ref().map_or(0, |detail| size_of::<RedisExchange>() + detail.command.len() + detail.text.len())
}
