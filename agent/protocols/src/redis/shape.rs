//! What replies to a command look like: enough to notice that a reply is that of another one.

use super::resp::Head;

/// Whether `head` can be the reply to `command`. Only the commonest commands are known; an error, and `QUEUED`, may
/// answer any.
pub fn fits(command: &str, head: &Head) -> bool {
    if head.error.is_some() || (head.kind == b'+' && head.word.bytes() == b"QUEUED") {
        return true;
    }
    let kinds: &[u8] = match command {
        "GET" | "GETDEL" | "GETEX" | "GETRANGE" | "GETSET" | "HGET" | "LINDEX" | "DUMP" | "ECHO" => b"$_",
        "SET" => b"+$_",
        "PING" => b"+$*",
        "AUTH" | "FLUSHALL" | "FLUSHDB" | "HMSET" | "LSET" | "LTRIM" | "MSET" | "MULTI" | "PSETEX" | "RENAME"
        | "RESET" | "SELECT" | "SETEX" | "TYPE" | "WATCH" | "UNWATCH" => b"+",
        "APPEND" | "DBSIZE" | "DECR" | "DECRBY" | "DEL" | "EXISTS" | "EXPIRE" | "EXPIREAT" | "HDEL" | "HEXISTS"
        | "HINCRBY" | "HLEN" | "HSET" | "INCR" | "INCRBY" | "LLEN" | "LPUSH" | "LREM" | "PERSIST" | "PEXPIRE"
        | "PTTL" | "PUBLISH" | "RPUSH" | "SADD" | "SCARD" | "SETNX" | "SISMEMBER" | "SREM" | "STRLEN" | "TTL"
        | "UNLINK" | "XACK" | "XLEN" | "ZCARD" | "ZCOUNT" | "ZREM" => b":",
        "HGETALL" | "HKEYS" | "HMGET" | "HSCAN" | "HVALS" | "KEYS" | "LRANGE" | "MGET" | "SCAN" | "SINTER"
        | "SMEMBERS" | "SSCAN" | "SUNION" | "XRANGE" | "ZSCAN" => b"*%~",
        "EXEC" => b"*_",
        _ => return true,
    };
    kinds.contains(&head.kind)
}

#[cfg(test)]
mod tests {
    use super::super::resp::Scanner;
    use super::*;

    #[test]
    fn a_reply_tells_whose_it_cannot_be() {
        for (command, reply, right) in [
            ("GET", "$1\r\nx\r\n", true),
            ("GET", "$-1\r\n", true),
            ("GET", ":1\r\n", false),
            ("GET", "-ERR x\r\n", true),
            ("INCR", "$1\r\n1\r\n", false),
            ("INCR", "+QUEUED\r\n", true),
            ("HGETALL", "%0\r\n", true),
            ("EXEC", "*-1\r\n", true),
            ("FT.SEARCH", "$1\r\nx\r\n", true),
        ] {
            let mut scanner = Scanner::new();
            scanner.step(reply.as_bytes());
            assert_eq!(fits(command, &scanner.head), right, "{command} {reply:?}");
        }
    }
}
