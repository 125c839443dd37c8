//! Conversations, whole, split and cut.

mod follow;
mod probe;
mod properties;
mod silence;

use super::session::RedisSession;
use super::{Group, RedisExchange};
use crate::exchange::{Ending, Exchange};
use crate::session::{Close, Output, Reason, Session};
use crate::stream::Direction::{ToClient, ToServer};
use crate::stream::{Actor, Chunk, Direction, Stamp};

fn stamp(ns: u64) -> Stamp {
    Stamp { first_ns: ns, last_ns: ns, actor: Actor { pid: 1, tid: 1, context: 0 }, arrived_ns: 0 }
}

/// Drives a session, keeping positions and a clock of 1 µs a call.
struct Talk {
    session: RedisSession,
    out: Output,
    now: u64,
    pos: [u64; 2],
}

impl Talk {
    fn new(from_start: bool) -> Self {
        Self { session: RedisSession::new(from_start), out: Output::default(), now: 0, pos: [0; 2] }
    }

    fn say(&mut self, direction: Direction, bytes: &[u8]) -> &mut Self {
        self.part(direction, bytes, true)
    }

    fn part(&mut self, direction: Direction, bytes: &[u8], ends_call: bool) -> &mut Self {
        self.now += 1000;
        let pos = &mut self.pos[usize::from(direction == ToClient)];
        let chunk = Chunk { pos: *pos, bytes, ends_call, stamp: stamp(self.now) };
        *pos += bytes.len() as u64;
        self.session.data(direction, &chunk, &mut self.out);
        self
    }

    fn gap(&mut self, direction: Direction, len: u64) -> &mut Self {
        self.now += 1000;
        self.pos[usize::from(direction == ToClient)] += len;
        self.session.gap(direction, len, stamp(self.now), &mut self.out);
        self
    }

    fn c(&mut self, words: &str) -> &mut Self {
        self.say(ToServer, &command(words))
    }

    fn s(&mut self, bytes: &str) -> &mut Self {
        self.say(ToClient, bytes.as_bytes())
    }

    fn redis(&self, at: usize) -> &RedisExchange {
        redis(&self.out.exchanges[at])
    }

    fn texts(&self) -> Vec<&str> {
        self.out.exchanges.iter().map(|exchange| &*redis(exchange).text).collect()
    }
}

fn redis(exchange: &Exchange) -> &RedisExchange {
    exchange.detail.downcast().unwrap()
}

fn command(words: &str) -> Vec<u8> {
    let words: Vec<_> = words.split(' ').collect();
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
    bytes
}

fn commands(lines: &[&str]) -> Vec<u8> {
    lines.iter().flat_map(|line| command(line)).collect()
}

#[test]
fn a_command_and_its_reply() {
    let mut talk = Talk::new(true);
    talk.c("get user:1").s("$3\r\nbob\r\n");
    let exchange = &talk.out.exchanges[0];
    assert_eq!((exchange.request.first_ns, exchange.end_ns, exchange.ending), (1000, 2000, Ending::Answered));
    assert_eq!((exchange.request.bytes, exchange.response.unwrap().bytes, exchange.actor.pid), (25, 9, 1));
    assert_eq!((&*talk.redis(0).command, &*talk.redis(0).text, talk.redis(0).database), ("GET", "GET user:1", Some(0)));
    assert_eq!((talk.redis(0).group, talk.redis(0).batch_size, &talk.redis(0).error), (Group::Single, None, &None));
}

#[test]
fn texts_keep_keys_and_hide_values() {
    for (words, name, text) in [
        ("SET k secret EX 10", "SET", "SET k ? ? ?"),
        ("MSET a 1 b 2", "MSET", "MSET a ? b ?"),
        ("hset h f1 v1 f2 v2", "HSET", "HSET h f1 ? f2 ?"),
        ("DEL a b c", "DEL", "DEL a b c"),
        ("EVAL script 2 k1 k2 arg", "EVAL", "EVAL ? 2 k1 k2 ?"),
        ("ZUNIONSTORE d 2 a b WEIGHTS 1 2", "ZUNIONSTORE", "ZUNIONSTORE d ? a b ? ? ?"),
        ("XREAD COUNT 2 STREAMS s1 s2 0 0", "XREAD", "XREAD ? ? STREAMS s1 s2 ? ?"),
        ("BLPOP q1 q2 0", "BLPOP", "BLPOP q1 q2 ?"),
        ("AUTH user pass", "AUTH", "AUTH"),
        ("auth pass", "AUTH", "AUTH"),
        ("HELLO 3 AUTH user pass SETNAME me", "HELLO", "HELLO"),
        ("ACL SETUSER bob >pass", "ACL SETUSER", "ACL SETUSER"),
        ("config set requirepass pass", "CONFIG SET", "CONFIG SET ? ?"),
        ("MIGRATE h 6379 k 0 10 AUTH pass", "MIGRATE", "MIGRATE ? ? k ? ? ? ?"),
        ("OBJECT ENCODING k", "OBJECT ENCODING", "OBJECT ENCODING k"),
        ("JSON.SET doc $ 1", "JSON.SET", "JSON.SET ? ? ?"),
        ("CLIENT SETNAME me", "CLIENT SETNAME", "CLIENT SETNAME ?"),
    ] {
        let mut talk = Talk::new(true);
        talk.c(words).s("+OK\r\n");
        assert_eq!((&*talk.redis(0).command, &*talk.redis(0).text), (name, text));
    }
}

#[test]
fn binary_and_long_keys_are_escaped_and_capped() {
    let mut talk = Talk::new(true);
    talk.say(ToServer, b"*2\r\n$3\r\nGET\r\n$4\r\na\x00\xffb\r\n").s("$-1\r\n");
    assert_eq!(talk.redis(0).text.as_ref(), "GET a\\x00\\xffb");
    let long = "k".repeat(5000);
    talk.c(&format!("GET {long}")).s("$-1\r\n");
    assert_eq!(talk.redis(1).text.len(), 4 + 128 + '…'.len_utf8());
    talk.c(&format!("DEL {}", vec!["kkkkkkkk"; 100].join(" "))).s(":0\r\n");
    assert!(talk.redis(2).text.ends_with(" …") && talk.redis(2).text.len() < 1200);
}

#[test]
fn a_pipeline_of_twenty_has_twenty_times() {
    let mut talk = Talk::new(true);
    talk.say(ToServer, &commands(&["INCR n"; 20]));
    for at in 1..=20 {
        talk.s(&format!(":{at}\r\n"));
    }
    assert_eq!(talk.out.exchanges.len(), 20);
    for (at, exchange) in talk.out.exchanges.iter().enumerate() {
        assert_eq!(exchange.end_ns, 2000 + 1000 * at as u64);
        assert_eq!((redis(exchange).group, redis(exchange).batch_size), (Group::Pipeline, Some(20)));
    }
    talk.c("GET n").s("$2\r\n20\r\n");
    assert_eq!((talk.redis(20).group, talk.redis(20).batch_size), (Group::Single, None));
}

#[test]
fn errors_are_whatever_word_it_is() {
    for (reply, error) in [
        ("-WRONGTYPE Operation against\r\n", "WRONGTYPE"),
        ("-MOVED 3999 127.0.0.1:6381\r\n", "MOVED"),
        ("-NEW_WORD2\r\n", "NEW_WORD2"),
        ("-something odd\r\n", "ERR"),
        ("!21\r\nSYNTAX invalid syntax\r\n", "SYNTAX"),
    ] {
        let mut talk = Talk::new(true);
        talk.c("GET k").s(reply);
        assert_eq!(talk.redis(0).error.as_deref(), Some(error));
    }
}

#[test]
fn nulls_and_resp3_types_are_replies() {
    for reply in [
        "$-1\r\n",
        "*-1\r\n",
        "_\r\n",
        "#t\r\n",
        ",1.5\r\n",
        "(123456789012345678901234567890\r\n",
        "=7\r\ntxt:abc\r\n",
        "%1\r\n+a\r\n*2\r\n:1\r\n~1\r\n$1\r\nx\r\n",
        "*?\r\n:1\r\n*0\r\n.\r\n",
        "$?\r\n;3\r\nabc\r\n;0\r\n",
        "%0\r\n",
        "|1\r\n+ttl\r\n:3\r\n*2\r\n:1\r\n|1\r\n+x\r\n*1\r\n:1\r\n:2\r\n",
    ] {
        let mut talk = Talk::new(true);
        talk.c("GET k").s(reply).c("GET z").s("-ERR x\r\n");
        assert_eq!(talk.texts(), ["GET k", "GET z"], "{reply:?}");
        assert_eq!((&talk.redis(0).error, talk.redis(1).error.as_deref()), (&None, Some("ERR")), "{reply:?}");
    }
}

#[test]
fn transactions() {
    let mut talk = Talk::new(true);
    talk.c("MULTI").s("+OK\r\n").c("SET a 1").s("+QUEUED\r\n").c("LPUSH a 1").s("+QUEUED\r\n");
    talk.c("EXEC").s("*2\r\n+OK\r\n-WRONGTYPE x\r\n").c("GET a").s("$1\r\n1\r\n");
    assert_eq!(talk.texts(), ["MULTI", "SET a ?", "LPUSH a ?", "EXEC", "GET a"]);
    assert!((0..4).all(|at| talk.redis(at).group == Group::Transaction));
    assert_eq!((talk.redis(3).batch_size, talk.redis(3).error.as_deref()), (Some(2), Some("WRONGTYPE")));
    assert_eq!(talk.redis(4).group, Group::Single);
    talk.c("MULTI").s("+OK\r\n").c("NOPE").s("-ERR unknown\r\n").c("EXEC").s("-EXECABORT x\r\n");
    assert_eq!(talk.redis(7).error.as_deref(), Some("EXECABORT"));
    talk.say(ToServer, &commands(&["MULTI", "SET a 1", "INCR b", "EXEC"])).s("+OK\r\n+QUEUED\r\n+QUEUED\r\n*-1\r\n");
    assert_eq!((talk.redis(11).batch_size, &talk.redis(11).error), (Some(2), &None));
}

#[test]
fn the_database_is_what_was_selected_with_success() {
    let mut talk = Talk::new(true);
    talk.say(ToServer, &commands(&["SELECT 5", "GET a", "SELECT 99", "GET b"]));
    talk.s("+OK\r\n$-1\r\n-ERR DB index is out of range\r\n$-1\r\n");
    talk.c("MULTI").s("+OK\r\n").c("SELECT 2").s("+QUEUED\r\n").c("EXEC").s("*1\r\n+OK\r\n").c("GET c").s("$-1\r\n");
    talk.c("RESET").s("+RESET\r\n").c("GET d").s("$-1\r\n");
    let databases: Vec<_> = talk.out.exchanges.iter().map(|exchange| redis(exchange).database).collect();
    let some = |all: [u32; 10]| all.map(Some).to_vec();
    assert_eq!(databases, some([0, 5, 5, 5, 5, 5, 5, 2, 2, 0]));
    let mut talk = Talk::new(false);
    talk.c("GET a").s("$-1\r\n").c("SELECT 3").s("+OK\r\n").c("GET a").s("$-1\r\n");
    assert_eq!((talk.redis(0).database, talk.redis(2).database), (None, Some(3)));
}

#[test]
fn subscriptions_in_resp2() {
    let mut talk = Talk::new(true);
    talk.c("SUBSCRIBE a b").s("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    assert_eq!(talk.out.exchanges.len(), 0);
    talk.s("*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n");
    talk.s("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nho\r\n").c("PING");
    talk.s("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nho\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n").c("UNSUBSCRIBE");
    talk.s("*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:0\r\n");
    talk.c("LRANGE l 0 -1").s("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n");
    assert_eq!(talk.texts(), ["SUBSCRIBE ? ?", "PING", "UNSUBSCRIBE", "LRANGE l ? ?"]);
    assert_eq!(talk.out.counts, Output::default().counts);
}

#[test]
fn pushes_in_resp3_and_monitor_are_no_replies() {
    let mut talk = Talk::new(true);
    talk.c("HELLO 3").s("%1\r\n+proto\r\n:3\r\n").c("SUBSCRIBE a").s(">3\r\n+subscribe\r\n+a\r\n:1\r\n");
    talk.c("GET k").s(">3\r\n+message\r\n+a\r\n+x\r\n").s("$-1\r\n>2\r\n+invalidate\r\n*1\r\n+k\r\n");
    talk.c("LRANGE l 0 -1").s("*3\r\n+message\r\n+a\r\n+x\r\n");
    assert_eq!(talk.texts(), ["HELLO", "SUBSCRIBE ?", "GET k", "LRANGE l ? ?"]);
    let mut talk = Talk::new(true);
    talk.c("MONITOR").s("+OK\r\n").s("+1339518083.107412 [0 127.0.0.1:60866] \"keys\" \"*\"\r\n").c("PING");
    talk.s("+1339518083.107412 [0 127.0.0.1:60866] \"ping\"\r\n+PONG\r\n");
    assert_eq!(talk.texts(), ["MONITOR", "PING"]);
    assert_eq!(talk.out.exchanges[1].response.unwrap().bytes, 7);
}

#[test]
fn client_reply_off_and_skip() {
    let mut talk = Talk::new(true);
    let lines = ["CLIENT REPLY SKIP", "SET a 1", "SET b 1", "CLIENT REPLY OFF", "SET c 1", "CLIENT REPLY ON", "GET d"];
    talk.say(ToServer, &commands(&lines)).s("+OK\r\n+OK\r\n$-1\r\n");
    let mut got: Vec<_> = talk.out.exchanges.iter().map(|e| (&*redis(e).text, e.response.is_some())).collect();
    got.sort_unstable();
    let wanted = [
        ("CLIENT REPLY ?", false),
        ("CLIENT REPLY ?", false),
        ("CLIENT REPLY ?", true),
        ("GET d", true),
        ("SET a ?", false),
        ("SET b ?", true),
        ("SET c ?", false),
    ];
    assert_eq!(got, wanted);
}

#[test]
fn inline_commands_with_quotes() {
    let mut talk = Talk::new(true);
    talk.say(ToServer, b"\r\nPING\r\nset \"a b\" 'x y'\r\n").s("+PONG\r\n+OK\r\n");
    assert_eq!(talk.texts(), ["PING", "SET a b ?"]);
}

#[test]
fn values_of_megabytes_pass_by_length() {
    let mut talk = Talk::new(true);
    talk.part(ToServer, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5000000\r\n", false)
        .gap(ToServer, 5_000_000)
        .say(ToServer, b"\r\n");
    talk.s("+OK\r\n").c("GET k").part(ToClient, b"$5000000\r\nxxx", false).gap(ToClient, 4_999_000);
    assert_eq!(talk.out.exchanges.len(), 1);
    let mut tail = vec![b'x'; 997];
    tail.extend(b"\r\n");
    talk.say(ToClient, &tail);
    assert_eq!(talk.texts(), ["SET k ?", "GET k"]);
    assert_eq!(talk.out.exchanges[1].response.unwrap().bytes, 5_000_012);
    assert_eq!(talk.out.counts, Output::default().counts);
}

#[test]
fn a_long_list_ends_when_a_modest_client_goes_on() {
    let mut talk = Talk::new(true);
    talk.c("LRANGE l 0 -1").part(ToClient, b"*9000\r\n$1\r\na\r\n", false).gap(ToClient, 60_000).s("a\r\n$1\r\na\r\n");
    let end = talk.now;
    talk.c("GET k").s("$-1\r\n");
    assert_eq!(talk.texts(), ["LRANGE l ? ?", "GET k"]);
    assert_eq!((talk.out.exchanges[0].end_ns, talk.out.exchanges[0].response.unwrap().bytes), (end, 60_024));
    // Somebody who sends ahead: nothing is certain.
    let mut talk = Talk::new(true);
    talk.say(ToServer, &commands(&["LRANGE l 0 -1", "GET a"])).part(ToClient, b"*9000\r\n$1\r\na\r\n", false);
    talk.gap(ToClient, 60_000).s("a\r\n$1\r\na\r\n").c("GET k").s("$-1\r\n");
    assert_eq!((talk.out.exchanges.len(), talk.out.counts[Reason::LostResponse as usize]), (0, 2));
}

#[test]
fn started_in_the_middle() {
    let mut talk = Talk::new(false);
    talk.s("$3\r\nabc\r\n").c("GET a").s("-ERR a\r\n").c("GET b").s("$-1\r\n");
    assert_eq!(talk.texts(), ["GET a", "GET b"]);
    assert_eq!(talk.out.counts[Reason::UnmatchedResponse as usize], 1);
}

#[test]
fn after_a_loss_nothing_is_matched_to_another_request() {
    let mut talk = Talk::new(true);
    talk.c("GET a").gap(ToServer, 20).s("$-1\r\n").s("$-1\r\n").c("GET c").s("$-1\r\n");
    assert_eq!(talk.texts(), ["GET a"]);
    talk.now += 200_000_000;
    talk.c("GET d").s("$-1\r\n");
    // That nothing was left over says that all before it was right.
    assert_eq!((talk.texts(), talk.redis(2).database), (vec!["GET a", "GET c", "GET d"], None));
    assert_eq!(talk.out.exchanges[1].response.unwrap().pos, 10);
}

/// What a silence proves need not wait for the next command.
#[test]
fn a_trial_ends_with_a_silence() {
    let mut talk = Talk::new(true);
    talk.c("GET a").gap(ToServer, 20).s("$-1\r\n").s("$-1\r\n").c("GET c").s("$-1\r\n").c("GET d").s("$-1\r\n");
    talk.session.rest(talk.now + 50_000_000, &mut talk.out);
    assert_eq!(talk.texts(), ["GET a"]);
    talk.session.rest(talk.now + 200_000_000, &mut talk.out);
    assert_eq!(talk.texts(), ["GET a", "GET c", "GET d"]);
    // Something is missing still.
    let mut talk = Talk::new(true);
    talk.c("GET a").gap(ToServer, 20).s("$-1\r\n").s("$-1\r\n").c("GET c").s("$-1\r\n").c("GET d");
    talk.session.rest(talk.now + 200_000_000, &mut talk.out);
    assert_eq!(talk.texts(), ["GET a"]);
}

#[test]
fn endings() {
    let mut talk = Talk::new(true);
    talk.c("BLPOP q 0");
    talk.session.expire(1_000_000, &mut talk.out);
    assert!(talk.out.exchanges.is_empty());
    talk.session.close(Close::Reset, 5_000, &mut talk.out);
    assert_eq!((talk.out.exchanges[0].ending, talk.out.exchanges[0].end_ns), (Ending::Reset, 5_000));
    // However late, the answer is that of its command.
    let mut talk = Talk::new(true);
    talk.c("GET a");
    talk.session.expire(1_000_000, &mut talk.out);
    assert!(talk.out.exchanges.is_empty());
    talk.c("GET b").s("-ERR late\r\n").s("$-1\r\n");
    assert_eq!((talk.texts(), &talk.redis(1).error), (vec!["GET a", "GET b"], &None));
    talk.c("GET c").c("GET d");
    talk.session.abandon(Reason::UnderWay, &mut talk.out);
    assert_eq!(talk.out.counts[Reason::UnderWay as usize], 2);
}

#[test]
fn a_reply_that_is_handed_over_early_waits_for_its_request() {
    let mut talk = Talk::new(true);
    talk.now = 10_000;
    talk.s("$-1\r\n");
    talk.now = 5_000;
    talk.c("GET a");
    assert_eq!((talk.texts(), talk.out.exchanges[0].end_ns), (vec!["GET a"], 11_000));
}

#[test]
fn more_than_the_limit_in_one_pipeline() {
    let mut talk = Talk::new(true);
    talk.say(ToServer, &commands(&["GET a"; 5000])).s(&"$-1\r\n".repeat(5000)).c("GET b").s("-ERR\r\n");
    assert_eq!(talk.out.exchanges.len(), 4097);
    assert_eq!(talk.redis(4096).text.as_ref(), "GET b");
    assert_eq!(talk.redis(4096).error.as_deref(), Some("ERR"));
}

#[test]
fn replication_leaves() {
    let mut talk = Talk::new(true);
    talk.c("PSYNC ? -1");
    assert!(talk.out.left);
}

#[test]
fn scripts_name_their_procedure() {
    let mut talk = Talk::new(true);
    talk.c("EVALSHA abcdef 1 k v").s("-NOSCRIPT x\r\n").c("FCALL f 0").s("$-1\r\n");
    assert_eq!(
        (talk.redis(0).stored_procedure.as_deref(), talk.redis(1).stored_procedure.as_deref()),
        (Some("abcdef"), Some("f"))
    );
}
