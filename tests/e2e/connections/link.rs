//! The tests' own network does what it says.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use wirespan_tests::network::{Network, SERVER};

use crate::harness::process::free_port;
use crate::harness::skipped;

const DELAY: Duration = Duration::from_millis(20);

/// How long a connect takes, in milliseconds, and an exchange of one byte each way after it.
fn times(network: &Network) -> (u128, u128) {
    let port = free_port();
    let listener = network.server.inside(|| TcpListener::bind((SERVER, port)).unwrap());
    let begin = Instant::now();
    let mut client = network.client.inside(|| TcpStream::connect((SERVER, port)).unwrap());
    let connected = begin.elapsed();
    let (mut server, _) = listener.accept().unwrap();
    let begin = Instant::now();
    let mut byte = [7];
    client.write_all(&byte).unwrap();
    server.read_exact(&mut byte).unwrap();
    server.write_all(&byte).unwrap();
    client.read_exact(&mut byte).unwrap();
    (connected.as_millis(), begin.elapsed().as_millis())
}

#[test]
fn a_link_delays_each_way() {
    let network = match Network::new(DELAY) {
        Ok(network) => network,
        Err(why) => return skipped(&why),
    };
    let (connect, exchange) = times(&network);
    assert!((40..60).contains(&connect) && (40..60).contains(&exchange), "{connect} and {exchange} ms");
}

#[test]
fn a_line_loses_what_it_is_told_to() {
    let network = match Network::controlled(DELAY) {
        Ok(network) => network,
        Err(why) => return skipped(&why),
    };
    network.rules().lose_syns(1);
    let (connect, exchange) = times(&network);
    // A second passes before a SYN is sent again (RFC 6298, 2.1).
    assert!((1000..1200).contains(&connect) && exchange < 100, "{connect} and {exchange} ms");
    assert_eq!((network.rules().dropped(), network.rules().lost_syns()), (1, 1));
    network.rules().black_hole(true);
    let address = format!("{SERVER}:9").parse().unwrap();
    let refused = network.client.inside(|| TcpStream::connect_timeout(&address, Duration::from_millis(200)));
    assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
    network.rules().black_hole(false);
    let refused = network.client.inside(|| TcpStream::connect_timeout(&address, Duration::from_millis(2000)));
    assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
}
