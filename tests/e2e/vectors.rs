//! Calls of many buffers: what is copied of them is right, and so is what comes after, however many there are.

use std::io::{IoSlice, IoSliceMut, Read as _, Write as _};
use std::net::TcpStream;
use std::thread::spawn;

use serde_json::json;
use wirespan::event::{Flow, Role};
use wirespan_tests::spans::Spans;

use crate::harness::agent::granted;
use crate::harness::{Agent, run, servers, workload};
use crate::kernel::{own, recorded, server};

/// Most that is copied of a turn, of a call beyond that, and of the end of a call.
const BUDGET: usize = 15 * 1024;
const FLOOR: usize = 64;
const TAIL: usize = 192;
/// Buffers at the end in which the tail is looked for.
const LAST: usize = 16;

/// Number and size of the buffers of a call; sizes differ so that no border is where another call has one.
const CALLS: [(usize, usize); 9] =
    [(1, 9), (2, 40), (16, 100), (17, 100), (33, 7), (100, 13), (100, 400), (1024, 3), (1024, 50)];

/// Bytes of which no two stretches of some length are alike.
fn bytes(len: usize) -> Vec<u8> {
    (0_u32..).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).take(len).collect()
}

/// What the kernel copies of a call that moved `moved` in a turn of which `used` bytes are copied already.
fn copied(moved: &[u8], used: &mut usize) -> (usize, usize) {
    let head = BUDGET.saturating_sub(*used).min(moved.len()).max(FLOOR.min(moved.len()));
    *used += head;
    (head, TAIL.min(moved.len() - head))
}

#[test]
fn heads_and_tails_of_any_number_of_buffers() {
    let (listener, port) = server();
    let told = recorded(&own(), || {
        let server = spawn(move || {
            let (mut sock, _) = listener.accept().unwrap();
            for (count, size) in CALLS {
                let mut left = count * size;
                while left > 0 {
                    let mut room = vec![0; count * size];
                    let mut parts: Vec<_> = room.chunks_mut(size).map(IoSliceMut::new).collect();
                    left -= sock.read_vectored(&mut parts).unwrap();
                }
                sock.write_all(b"next").unwrap();
            }
        });
        let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        for (count, size) in CALLS {
            let bytes = bytes(count * size);
            let parts: Vec<_> = bytes.chunks(size).map(IoSlice::new).collect();
            assert_eq!(client.write_vectored(&parts).unwrap(), bytes.len(), "a blocking send takes all");
            client.read_exact(&mut [0; 4]).unwrap();
        }
        server.join().unwrap();
    });
    for (backend, told) in told {
        for (role, flow) in [(Role::Client, Flow::Sent), (Role::Server, Flow::Received)] {
            let mut calls = told.data(told.only(role, port)).into_iter().filter(|moved| moved.flow == flow);
            for (count, size) in CALLS {
                let bytes = bytes(count * size);
                let (mut at, mut used) = (0, 0);
                while at < bytes.len() {
                    let what = format!("{backend}, {role:?}: {count} of {size}, byte {at}");
                    let call = calls.next().unwrap_or_else(|| panic!("{what}: no call"));
                    let moved = &bytes[at..at + call.len];
                    let (head, tail) = copied(moved, &mut used);
                    assert_eq!((call.bytes.len(), call.tail.len()), (head, tail), "{what}");
                    assert_eq!(call.bytes, moved[..head], "{what}");
                    assert_eq!(call.tail, moved[moved.len() - tail..], "{what}");
                    at += call.len;
                }
            }
        }
    }
}

/// The end of a call lies in more buffers than are looked at for it: what there is, is its end.
#[test]
fn a_tail_in_crumbs() {
    let (listener, port) = server();
    let bytes = bytes(1000 * 20 + 24 * 2);
    let sent = bytes.clone();
    let told = recorded(&own(), || {
        let reader = spawn(move || {
            let (mut sock, _) = listener.accept().unwrap();
            sock.read_to_end(&mut Vec::new()).unwrap();
        });
        let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (whole, crumbs) = sent.split_at(20_000);
        let parts: Vec<_> = whole.chunks(20).chain(crumbs.chunks(2)).map(IoSlice::new).collect();
        assert_eq!(client.write_vectored(&parts).unwrap(), sent.len());
        drop(client);
        reader.join().unwrap();
    });
    for (backend, told) in told {
        let calls = told.data(told.only(Role::Client, port));
        let call = calls.iter().find(|moved| moved.flow == Flow::Sent).unwrap();
        assert_eq!(call.bytes, bytes[..BUDGET], "{backend}");
        assert_eq!(call.tail, bytes[bytes.len() - LAST * 2..], "{backend}");
    }
}

/// Commands in as many buffers as a client of Node makes of them, one more after them.
#[test]
fn commands_in_many_buffers() {
    for backend in granted() {
        let server = servers::redis();
        let mut agent = Agent::run(backend, &server.select_port(), &[]);
        run(workload("redis_client.py").args(["many_buffers", &server.port.to_string()]));
        let spans: Spans = agent.finish();
        println!("{backend}: {}", agent.stderr());
        for spans in [spans.servers(), spans.clients()] {
            // 17, 100 and 1,024 buffers, five to a command; the one after each batch.
            let expected: usize = [17, 100, 1024].iter().map(|buffers: &usize| buffers.div_ceil(5) + 1).sum();
            assert_eq!(spans.iter().filter(|span| span.text("db.operation.name") == "ECHO").count(), expected);
            for span in spans.iter() {
                span.failed(false).has(&json!({ "db.system.name": "redis" }));
            }
        }
        for counter in ["resync", "malformed", "lost_request", "unreadable_vector"] {
            assert_eq!(agent.told(counter), 0, "{backend}: {counter}");
        }
    }
}
