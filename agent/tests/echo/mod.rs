//! A toy protocol: `ECHO 7 hello` is answered by `OK 7 hello`, or by `NO 7 reason`, each a line. The number is that of a
//! stream: requests of one stream are answered in order, those of others in any.

mod describe;

use std::collections::VecDeque;

use wirespan_protocols::describe::spoken::{FamilyName, Spoken};
use wirespan_protocols::exchange::{Ending, Exchange, Window};
use wirespan_protocols::phase::RequestStart;
use wirespan_protocols::protocol::{Context, Opening, Probe, Protocol};
use wirespan_protocols::session::{Close, EVERYTHING, Output, Reason, Session};
use wirespan_protocols::stream::{Actor, Chunk, Direction, Stamp};

const SPOKEN: Spoken = Spoken { name: "echo", family: FamilyName::Database };

/// The registry entry.
pub static PROTOCOL: Protocol = Protocol::new(SPOKEN, "Echo", probe, open);

/// What was asked, and how it was answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EchoExchange {
    pub text: String,
    pub refused: bool,
}

fn probe(bytes: &[u8], _context: Context) -> Probe {
    if bytes.starts_with(b"ECHO ") {
        Probe::Yes(Direction::ToServer)
    } else if bytes.starts_with(b"OK ") || bytes.starts_with(b"NO ") {
        Probe::Yes(Direction::ToClient)
    } else {
        Probe::No
    }
}

fn open(_opening: &Opening) -> Box<dyn Session> {
    Box::new(Echo::default())
}

struct Pending {
    stream: u64,
    text: String,
    window: Window,
    actor: Actor,
}

#[derive(Default)]
struct Echo {
    lines: [Vec<u8>; 2],
    pending: VecDeque<Pending>,
}

impl Echo {
    fn line(&mut self, direction: Direction, line: &str, window: Window, actor: Actor, out: &mut Output) -> Option<()> {
        let (word, rest) = line.split_once(' ')?;
        let (stream, text) = rest.split_once(' ')?;
        let stream = stream.parse().ok()?;
        if direction == Direction::ToServer {
            // What may be a driver's preamble is told when it is over: the beginning of a request ends the set-up.
            if stream != 0 {
                let (pos, at_ns) = (window.pos, window.first_ns);
                out.requests.push(RequestStart {
                    stream,
                    pos,
                    at_ns,
                    read_ns: at_ns,
                    actor,
                    traceparent: None,
                    print: None,
                });
            }
            self.pending.push_back(Pending { stream, text: text.to_owned(), window, actor });
            return Some(());
        }
        let place = self.pending.iter().position(|request| request.stream == stream)?;
        let request = self.pending.remove(place)?;
        out.exchanges.push(Exchange {
            stream,
            request: request.window,
            response: Some(window),
            actor: request.actor,
            ending: Ending::Answered,
            end_ns: window.last_ns,
            detail: Box::new(EchoExchange { text: request.text, refused: word == "NO" }),
        });
        Some(())
    }
}

impl Session for Echo {
    fn data(&mut self, direction: Direction, chunk: &Chunk<'_>, out: &mut Output) {
        let held = self.lines[direction as usize].len();
        self.lines[direction as usize].extend_from_slice(chunk.bytes);
        let mut at = chunk.pos - held as u64;
        while let Some(end) = self.lines[direction as usize].iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.lines[direction as usize].drain(..=end).collect();
            let mut window = Window::open(at, chunk.stamp);
            at += line.len() as u64;
            window.extend(at, chunk.stamp);
            let text = String::from_utf8_lossy(&line[..end]);
            if self.line(direction, &text, window, chunk.stamp.actor, out).is_none() {
                out.count(Reason::Malformed);
            }
        }
    }

    fn gap(&mut self, _direction: Direction, _len: u64, _stamp: Stamp, out: &mut Output) {
        out.left = true;
    }

    fn half_close(&mut self, _direction: Direction, _at_ns: u64, _out: &mut Output) {}

    fn close(&mut self, _how: Close, _at_ns: u64, out: &mut Output) {
        self.abandon(Reason::LostResponse, out);
    }

    fn abandon(&mut self, reason: Reason, out: &mut Output) {
        self.pending.drain(..).for_each(|_| out.count(reason));
    }

    fn expire(&mut self, _before_ns: u64, _out: &mut Output) {}

    fn budget(&self) -> Option<u32> {
        Some(EVERYTHING)
    }

    fn heap_bytes(&self) -> usize {
        self.lines.iter().map(Vec::capacity).sum()
    }
}
