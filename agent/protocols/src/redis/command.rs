//! What a command is: its name, its redacted text, and what it does to the connection.

use super::request::{Args, KEPT_ARGS};
use super::table::{Keys, find, is_container};

/// Longest command word that is kept.
const MAX_NAME: usize = 48;
/// Longest redacted text.
const MAX_TEXT: usize = 1024;

/// What a command does to its connection, once the server has agreed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    #[default]
    None,
    /// May wait for as long as it likes.
    Blocking,
    /// SELECT.
    Select(Option<u32>),
    /// MULTI.
    Multi,
    /// EXEC.
    Exec,
    /// DISCARD.
    Discard,
    /// RESET.
    Reset,
    /// HELLO, with the version asked for.
    Hello(Option<u8>),
    /// One of the SUBSCRIBE family, with the number of channels.
    Subscribe(u64),
    /// One of the UNSUBSCRIBE family, with the number of channels; 0 is all of them.
    Unsubscribe(u64),
    /// MONITOR.
    Monitor,
    /// CLIENT REPLY ON.
    ReplyOn,
    /// CLIENT REPLY OFF.
    ReplyOff,
    /// CLIENT REPLY SKIP.
    ReplySkip,
    /// SHUTDOWN: the end of the connection is its success.
    Shutdown,
    /// PSYNC, SYNC, REPLCONF ACK: from here on it is a replication stream.
    Replication,
}

/// A command as it will be reported.
#[derive(Debug)]
pub struct Command {
    /// Upper case, with the subcommand.
    pub name: Box<str>,
    /// Redacted.
    pub text: Box<str>,
    /// Digest or function name.
    pub stored_procedure: Option<Box<str>>,
    /// What it does.
    pub effect: Effect,
}

/// Reads a command. `None` when too much of it was lost to say what it is or what it does.
pub fn read(args: &Args) -> Option<Command> {
    let mut name = upper(args.get(0)?);
    let mut words = 1;
    if is_container(name.as_bytes()) {
        if args.lost(1) {
            return None;
        }
        if let Some(sub) = args.get(1).filter(|sub| is_word(sub)) {
            name.push(' ');
            name.push_str(&upper(sub));
            words = 2;
        }
    }
    let effect = effect(&name, args)?;
    let keys = find(&name).unwrap_or(Keys::None);
    Some(Command {
        text: text(&name, words, keys, args).into(),
        stored_procedure: stored_procedure(&name, args),
        effect,
        name: name.into(),
    })
}

/// Whether a command of this name must be understood in full (its arguments decide about the connection).
fn effect(name: &str, args: &Args) -> Option<Effect> {
    let channels = args.total.saturating_sub(1);
    let effect = match name {
        "SELECT" => Effect::Select(args.number(1).and_then(|index| u32::try_from(index).ok())),
        "MULTI" => Effect::Multi,
        "EXEC" => Effect::Exec,
        "DISCARD" => Effect::Discard,
        "RESET" => Effect::Reset,
        "HELLO" => Effect::Hello(args.number(1).and_then(|version| u8::try_from(version).ok())),
        "SUBSCRIBE" | "PSUBSCRIBE" | "SSUBSCRIBE" if channels > 0 => return Some(Effect::Subscribe(channels)),
        "UNSUBSCRIBE" | "PUNSUBSCRIBE" | "SUNSUBSCRIBE" => return Some(Effect::Unsubscribe(channels)),
        "MONITOR" => Effect::Monitor,
        "SHUTDOWN" => Effect::Shutdown,
        "PSYNC" | "SYNC" => Effect::Replication,
        "REPLCONF" if args.is(1, "ACK") => Effect::Replication,
        "CLIENT REPLY" if args.lost(2) => return None,
        "CLIENT REPLY" if args.is(2, "ON") => Effect::ReplyOn,
        "CLIENT REPLY" if args.is(2, "OFF") => Effect::ReplyOff,
        "CLIENT REPLY" if args.is(2, "SKIP") => Effect::ReplySkip,
        "BLPOP" | "BRPOP" | "BRPOPLPUSH" | "BLMOVE" | "BLMPOP" | "BZPOPMIN" | "BZPOPMAX" | "BZMPOP" | "WAIT"
        | "WAITAOF" | "DEBUG SLEEP" => return Some(Effect::Blocking),
        "XREAD" | "XREADGROUP" if args.find(1, "BLOCK").is_some() => return Some(Effect::Blocking),
        _ => return Some(Effect::None),
    };
    if args.any_lost() { None } else { Some(effect) }
}

fn stored_procedure(name: &str, args: &Args) -> Option<Box<str>> {
    if !matches!(name, "EVALSHA" | "EVALSHA_RO" | "FCALL" | "FCALL_RO") {
        return None;
    }
    let mut shown = String::new();
    escape(args.get(1)?, &mut shown);
    Some(shown.into())
}

fn is_word(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes.len() <= MAX_NAME
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn upper(bytes: &[u8]) -> String {
    let mut name = String::with_capacity(bytes.len().min(MAX_NAME));
    escape(&bytes[..bytes.len().min(MAX_NAME)], &mut name);
    name.make_ascii_uppercase();
    name
}

/// Which of the arguments may be shown.
struct Shown {
    /// First, last and step.
    range: (u64, u64, u64),
    also: Option<u64>,
}

impl Shown {
    fn new(keys: Keys, args: &Args) -> Self {
        let last = args.total.saturating_sub(1);
        // A count is believed only as far as there are arguments.
        let counted = |at: u64| {
            let count = usize::try_from(at).ok().and_then(|at| args.number(at)).unwrap_or(0).max(0).unsigned_abs();
            (at + 1, at.saturating_add(count).min(last), 1)
        };
        let none = (1, 0, 1);
        let (range, also) = match keys {
            Keys::Range(first, to, step) => {
                let to = if to < 0 {
                    args.total.saturating_sub(u64::from(to.unsigned_abs()))
                } else {
                    u64::from(to.unsigned_abs())
                };
                ((u64::from(first.unsigned_abs()), to, u64::from(step)), None)
            }
            Keys::Fields(at) => ((u64::from(at), last, 2), Some(1)),
            Keys::Counted(at) => (counted(u64::from(at)), Some(u64::from(at))),
            Keys::StoreCounted => (counted(2), Some(1)),
            Keys::Streams => match args.find(1, "STREAMS") {
                Some(at) => {
                    let at = at as u64;
                    ((at + 1, at + (last - at.min(last)) / 2, 1), Some(at))
                }
                None => (none, None),
            },
            Keys::None | Keys::Hidden => (none, None),
        };
        Self { range, also }
    }

    fn has(&self, index: u64) -> bool {
        let (first, last, step) = self.range;
        self.also == Some(index) || (index >= first && index <= last && (index - first).is_multiple_of(step.max(1)))
    }
}

fn text(name: &str, words: usize, keys: Keys, args: &Args) -> String {
    let mut text = String::with_capacity(name.len() + 24);
    text.push_str(name);
    if keys == Keys::Hidden {
        return text;
    }
    let shown = Shown::new(keys, args);
    for index in words..args.kept() {
        if text.len() >= MAX_TEXT {
            break;
        }
        text.push(' ');
        match args.get(index).filter(|_| shown.has(index as u64)) {
            Some([]) => text.push_str("\"\""),
            Some(arg) => {
                escape(arg, &mut text);
                if args.cut(index) {
                    text.push('…');
                }
            }
            None => text.push('?'),
        }
    }
    if text.len() >= MAX_TEXT {
        let cut = (0..=MAX_TEXT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(cut);
        text.push_str(" …");
    } else if args.total > KEPT_ARGS as u64 {
        text.push_str(" …");
    }
    text
}

/// Whether what will be reported of a command depends on an argument that was lost.
pub fn is_damaged(command: &Command, args: &Args) -> bool {
    if !args.any_lost() {
        return false;
    }
    match find(&command.name).unwrap_or(Keys::None) {
        Keys::None => false,
        Keys::Hidden => false,
        // Where the keys are depends on other arguments.
        Keys::Counted(_) | Keys::StoreCounted | Keys::Streams => true,
        keys => {
            let shown = Shown::new(keys, args);
            (0..args.kept()).any(|index| args.lost(index) && shown.has(index as u64))
        }
    }
}

/// Text as it is, anything else as `\xNN`.
fn escape(bytes: &[u8], to: &mut String) {
    use std::fmt::Write;
    for part in bytes.utf8_chunks() {
        for letter in part.valid().chars() {
            if letter.is_control() {
                let _ = write!(to, "\\x{:02x}", u32::from(letter));
            } else {
                to.push(letter);
            }
        }
        for byte in part.invalid() {
            let _ = write!(to, "\\x{byte:02x}");
        }
    }
}
