//! A delay line between two TUN devices.

use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read, write};

/// How soon a line notices that it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// What a line does to packets, changed while it runs.
#[derive(Default)]
pub struct Rules {
    black_hole: AtomicBool,
    syns: AtomicU32,
    lost_syns: AtomicU64,
    dropped: AtomicU64,
    end: AtomicBool,
}

impl Rules {
    /// Loses every packet from now on, or none.
    pub fn black_hole(&self, on: bool) {
        self.black_hole.store(on, Ordering::Relaxed);
    }

    /// Loses the next so many SYN packets of those who connect.
    pub fn lose_syns(&self, count: u32) {
        self.syns.store(count, Ordering::Relaxed);
    }

    /// Packets lost by these rules.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// SYN packets among them.
    #[must_use]
    pub fn lost_syns(&self) -> u64 {
        self.lost_syns.load(Ordering::Relaxed)
    }

    fn loses(&self, packet: &[u8]) -> bool {
        let fewer = |left: u32| left.checked_sub(1);
        let syn = is_syn(packet);
        let lost = self.black_hole.load(Ordering::Relaxed)
            || (syn && self.syns.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer).is_ok());
        self.dropped.fetch_add(u64::from(lost), Ordering::Relaxed);
        self.lost_syns.fetch_add(u64::from(lost && syn), Ordering::Relaxed);
        lost
    }
}

/// Is it an IPv4 packet with a TCP SYN and no ACK (RFC 791, RFC 9293)?
fn is_syn(packet: &[u8]) -> bool {
    let Some(&first) = packet.first() else { return false };
    let header = usize::from(first & 0xf) * 4;
    first >> 4 == 4
        && packet.get(9) == Some(&6)
        && packet.get(header + 13).is_some_and(|flags| flags & 0b0001_0010 == 0b0000_0010)
}

/// Two threads that pass packets on, one each way.
pub struct Line {
    rules: Arc<Rules>,
    threads: Vec<JoinHandle<()>>,
}

impl Line {
    /// Passes on what each end sends after a delay.
    pub fn new((a, b): (OwnedFd, OwnedFd), delay: Duration) -> Self {
        let rules = Arc::new(Rules::default());
        let (a, b) = (Arc::new(a), Arc::new(b));
        let directions = [(Arc::clone(&a), Arc::clone(&b)), (b, a)];
        let threads = directions.map(|(from, to)| {
            let rules = Arc::clone(&rules);
            thread::spawn(move || pass_on(&from, &to, delay, &rules))
        });
        Self { rules, threads: threads.into() }
    }

    /// What it does to packets.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.rules.end.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn pass_on(from: &OwnedFd, to: &OwnedFd, delay: Duration, rules: &Rules) {
    // The kernel rounds waits up by 50 µs otherwise.
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
    let mut waiting: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
    let mut room = vec![0; 1 << 16];
    while !rules.end.load(Ordering::Relaxed) {
        let now = Instant::now();
        while waiting.front().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, packet)) = waiting.pop_front() {
                // A full device loses it, as a full link would.
                let _ = write(to, &packet);
            }
        }
        let patience = waiting.front().map_or(LOOK, |(due, _)| due.saturating_duration_since(now));
        let timeout = Timespec::try_from(patience).ok();
        let mut events = [PollFd::from_borrowed_fd(from.as_fd(), PollFlags::IN)];
        match poll(&mut events, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return,
        }
        // Until it answers that there is none left.
        while let Ok(length) = read(from, &mut room) {
            let packet = &room[..length];
            if !rules.loses(packet) {
                waiting.push_back((Instant::now() + delay, packet.to_vec()));
            }
        }
    }
}
