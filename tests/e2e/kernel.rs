//! What the kernel tells of connections themselves: set-up, waits, quality, ends; DNS; listen queues. Client and server are
//! threads of the test.

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::thread::{sleep, spawn};
use std::time::Duration;

use wirespan::event::{Change, Endpoint, Flow, Role, Transport};

use crate::harness::agent::granted;
use crate::harness::process::settle;
use crate::harness::recorded::Recorded;
use crate::harness::{Agent, Folder, run, workload};

/// What each backend records of some traffic of processes that a selector names.
pub fn recorded(select: &str, traffic: impl FnOnce()) -> Vec<(&'static str, Recorded)> {
    let select = [select.to_owned()];
    let mut agents: Vec<_> =
        granted().into_iter().map(|backend| (backend, Agent::start("record", backend, &select, &[]))).collect();
    traffic();
    settle();
    let end = |(backend, agent): &mut (&'static str, Agent)| {
        agent.stop();
        (*backend, Recorded::read(&agent.file("recording")))
    };
    agents.iter_mut().map(end).collect()
}

pub fn own() -> String {
    format!("pid={}", std::process::id())
}

pub fn server() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Connected at once, accepted after 30 ms, read 50 ms after the data came.
#[test]
fn set_up_and_waits_have_times() {
    let (listener, port) = server();
    let told = recorded(&own(), || {
        let server = spawn(move || {
            sleep(Duration::from_millis(30));
            let (mut sock, _) = listener.accept().unwrap();
            sleep(Duration::from_millis(50));
            let mut request = [0; 100];
            assert_eq!(sock.read(&mut request).unwrap(), 4);
            sock.write_all(b"reply").unwrap();
            assert_eq!(sock.read(&mut request).unwrap(), 0);
        });
        let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        client.write_all(b"ping").unwrap();
        client.read_exact(&mut [0; 5]).unwrap();
        drop(client);
        server.join().unwrap();
    });
    for (backend, told) in told {
        let (client, server) = (told.only(Role::Client, port), told.only(Role::Server, port));
        assert_eq!((client.transport, client.syn_retransmits), (Transport::Tcp, 0));
        let set_up = client.established_ns.unwrap() - client.at_ns;
        assert!(set_up < 20_000_000, "{backend}: {set_up}");
        assert_eq!(server.established_ns, Some(server.at_ns));
        // Where the kernel grants no fexit, the accept is not seen by `sockets`.
        match server.accepted_ns {
            Some(accepted) => assert!(accepted - server.at_ns > 15_000_000),
            None => assert_eq!(backend, "sockets"),
        }
        let requests = told.data(server);
        assert_eq!(requests[0].bytes, b"ping");
        if granted().contains(&"sockets") {
            assert!(requests[0].waited.unwrap() > 45_000_000, "{backend}: {:?}", requests[0].waited);
        }
        assert_ne!(client.tid, requests[0].tid);
        assert_eq!(told.changes(client), [(Change::Closed, 0)]);
        assert_eq!(told.changes(server), [(Change::ReceivedFin, 0), (Change::SentFin, 0), (Change::Closed, 0)]);
        for (open, sent, received) in [(client, 4, 5), (server, 5, 4)] {
            let stats = told.stats.iter().find(|stats| stats.connection == open.connection && stats.last).unwrap();
            assert_eq!((stats.bytes_sent, stats.bytes_received), (Some(sent), Some(received)), "{backend}");
            assert_eq!((stats.retransmits, stats.turns), (Some(0), 2));
            assert!(stats.rtt_us.unwrap() > 0);
        }
    }
}

/// What is left unread by one receive has no time of its own; what comes after all was read has.
#[test]
fn bytes_that_were_left_behind_have_no_time_of_arrival() {
    if !granted().contains(&"sockets") {
        return;
    }
    let (listener, port) = server();
    let told = recorded(&own(), || {
        let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (mut sock, _) = listener.accept().unwrap();
        client.write_all(b"0123456789").unwrap();
        sleep(Duration::from_millis(5));
        sock.read_exact(&mut [0; 4]).unwrap();
        client.write_all(b"abc").unwrap();
        sleep(Duration::from_millis(5));
        sock.read_exact(&mut [0; 9]).unwrap();
        client.write_all(b"more").unwrap();
        sleep(Duration::from_millis(5));
        sock.read_exact(&mut [0; 4]).unwrap();
    });
    for (backend, told) in told {
        let server = told.only(Role::Server, port);
        let known: Vec<_> = told.data(server).iter().map(|read| (read.bytes.len(), read.waited.is_some())).collect();
        assert_eq!(known, [(4, true), (9, false), (4, true)], "{backend}");
    }
}

/// Each with its cause, also without any data.
#[test]
fn ends_have_their_cause() {
    let (refusing, refused) = server();
    drop(refusing);
    let (silent, silent_port) = server();
    let (unread, unread_port) = server();
    let told = recorded(&own(), || {
        TcpStream::connect(("127.0.0.1", refused)).unwrap_err();
        let client = TcpStream::connect(("127.0.0.1", silent_port)).unwrap();
        let (sock, _) = silent.accept().unwrap();
        drop(sock);
        sleep(Duration::from_millis(5));
        drop(client);
        // Closed with data that it has not read: a reset.
        let client = TcpStream::connect(("127.0.0.1", unread_port)).unwrap();
        let (mut sock, _) = unread.accept().unwrap();
        sock.write_all(b"never read").unwrap();
        sleep(Duration::from_millis(5));
        drop(client);
        sock.read(&mut [0; 10]).unwrap_err();
    });
    for (backend, told) in told {
        let open = told.only(Role::Client, refused);
        assert_eq!(open.established_ns, None, "{backend}");
        // ECONNREFUSED
        assert_eq!(told.changes(open), [(Change::Failed, 111)], "{backend}");
        // The server closes first. Nothing was ever moved, and both ends are told of.
        let (client, server) = (told.only(Role::Client, silent_port), told.only(Role::Server, silent_port));
        assert_eq!(told.changes(server)[0], (Change::Closed, 0), "{backend}");
        assert_eq!(told.changes(client)[..2], [(Change::ReceivedFin, 0), (Change::SentFin, 0)], "{backend}");
        let (client, server) = (told.only(Role::Client, unread_port), told.only(Role::Server, unread_port));
        assert_eq!(told.changes(client), [(Change::ResetBySelf, 0)], "{backend}");
        assert_eq!(told.changes(server), [(Change::ResetByPeer, 104)], "{backend}");
    }
}

/// A query that glibc sends: A and AAAA in one call; and by hand, connected and not.
#[test]
fn dns_over_udp_is_told_datagram_by_datagram() {
    const SERVER: &str = "127.0.0.77:53";
    let server = UdpSocket::bind(SERVER).unwrap();
    server.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let answers = move || {
        let mut query = [0; 1500];
        while let Ok((len, from)) = server.recv_from(&mut query) {
            // A response without answers.
            query[2] |= 0x80;
            server.send_to(&query[..len], from).unwrap();
        }
    };
    let query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04test\x00\x00\x01\x00\x01";
    let told = recorded(&own(), || {
        let server = spawn(answers);
        let mut answer = [0; 100];
        let connected = UdpSocket::bind("127.0.0.1:0").unwrap();
        connected.connect(SERVER).unwrap();
        connected.send(query).unwrap();
        connected.recv(&mut answer).unwrap();
        let free = UdpSocket::bind("127.0.0.1:0").unwrap();
        free.send_to(query, SERVER).unwrap();
        free.recv_from(&mut answer).unwrap();
        // Another port is none of ours.
        free.send_to(b"other", "127.0.0.77:5353").unwrap();
        server.join().unwrap();
    });
    for (backend, told) in told {
        // Other tests are threads of this process, too.
        let ours = |end: &Endpoint| matches!(end, Endpoint::Inet(address) if address.ip().to_string() == "127.0.0.77");
        let own = told.opens.iter().filter(|open| open.transport == Transport::Udp && ours(&open.remote));
        let lookups: Vec<_> = own.collect();
        assert_eq!(lookups.len(), 2, "{backend}");
        for open in lookups {
            assert_eq!(open.remote, Endpoint::Inet(SERVER.parse().unwrap()), "{backend}");
            let data = told.data(open);
            assert_eq!([data[0].flow, data[1].flow], [Flow::Sent, Flow::Received], "{backend}");
            assert_eq!(data[0].bytes, query, "{backend}");
            assert_eq!(data[1].bytes[2..], [&[0x81], &query[3..]].concat(), "{backend}");
        }
    }
}

/// glibc's resolver sends both of its queries with one call.
#[test]
fn both_queries_of_a_resolver_are_told() {
    const SERVER: &str = "127.0.0.78:53";
    let server = UdpSocket::bind(SERVER).unwrap();
    server.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let folder = Folder::new();
    let configuration = folder.write("resolv.conf", "nameserver 127.0.0.78\n");
    let told = recorded("comm=getent", || {
        let server = spawn(move || {
            let mut query = [0; 1500];
            for _ in 0..2 {
                let (len, from) = server.recv_from(&mut query).unwrap();
                // NXDOMAIN
                query[2] |= 0x80;
                query[3] = 3;
                server.send_to(&query[..len], from).unwrap();
            }
        });
        let script =
            format!("mount --bind {} /etc/resolv.conf && exec getent ahosts both.test", configuration.display());
        let _ = Command::new("unshare").args(["-m", "sh", "-c", &script]).output().unwrap();
        server.join().unwrap();
    });
    for (backend, told) in told {
        let sent: Vec<_> =
            told.data.iter().filter(|moved| moved.flow == Flow::Sent && moved.bytes.len() > 12).collect();
        let kind = |moved: &&&crate::harness::recorded::Moved| moved.bytes[moved.bytes.len() - 3];
        let of_us = |moved: &&&crate::harness::recorded::Moved| moved.bytes.windows(5).any(|part| part == b"\x04both");
        let mut kinds: Vec<_> = sent.iter().filter(of_us).map(|moved| kind(&moved)).collect();
        kinds.sort_unstable();
        // A and AAAA
        assert_eq!(kinds, [1, 28], "{backend}");
    }
}

#[test]
fn listen_queues_are_told() {
    let (listener, port) = server();
    let _waiting: Vec<_> = (0..3).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    let told = recorded(&own(), || sleep(Duration::from_millis(500)));
    drop(listener);
    for (backend, told) in told {
        let queue = told.listeners.iter().find(|queue| queue.port == port);
        let queue = queue.unwrap_or_else(|| panic!("{backend}: nothing of the queue of port {port}"));
        assert_eq!((queue.queued, queue.drops), (3, 0), "{backend}");
        assert!(queue.limit >= 3);
    }
}

/// Both ends of each are told, and their ends too, though no data ever moves.
#[test]
fn short_connections_are_all_counted() {
    const COUNT: usize = 5000;
    let mut port = 0;
    let told = recorded("comm=churn", || {
        let told = run(workload("churn.c").args([&COUNT.to_string(), "10000"]));
        port = told.split_ascii_whitespace().last().unwrap().parse().unwrap();
    });
    let of = |end: &Endpoint| matches!(end, Endpoint::Inet(address) if address.port() == port);
    for (backend, told) in told {
        let own: Vec<_> = told.opens.iter().filter(|open| of(&open.local) || of(&open.remote)).collect();
        let role = |role| own.iter().filter(|open| open.role == Some(role)).count();
        assert_eq!((role(Role::Client), role(Role::Server)), (COUNT, COUNT), "{backend}");
        let ids: HashSet<_> = own.iter().map(|open| open.connection).collect();
        let ends = told.changes.iter().filter(|(connection, change, _)| change.is_end() && ids.contains(connection));
        assert_eq!((ids.len(), ends.count()), (2 * COUNT, 2 * COUNT), "{backend}: every one has one end");
    }
}
