//! The capture reader against tshark: for each capture the same bytes in each direction.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use wirespan::event::{Change, Endpoint, Event, Flow, Role, Vantage};
use wirespan::recording::{self, checksum::crc32, file::Writer};

/// Payload by (source, destination).
type Streams = BTreeMap<(String, String), Vec<u8>>;

fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/replay/captures")
}

fn text(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Inet(address) => address.to_string(),
        Endpoint::Unix(path) => path.to_string(),
    }
}

/// Reads a file to its end; every gap and every cut payload would show as bytes missing.
fn streams(path: &Path) -> Streams {
    let mut source = recording::open(path).unwrap();
    let (mut ends, mut streams, mut positions) = (BTreeMap::new(), Streams::new(), HashMap::new());
    let mut first = true;
    while let Some(event) = source.next().unwrap() {
        assert_eq!(matches!(event, Event::Clock { offset_ns: 0 }), first, "the clock comes first, and once");
        first = false;
        match event {
            Event::Open(open) => {
                assert_eq!(open.vantage, Vantage::Wire);
                // In mid-stream the beginning is only what the peer had acknowledged.
                if open.from_start {
                    positions.insert((open.connection, Flow::Sent), open.first_sent);
                    positions.insert((open.connection, Flow::Received), open.first_received);
                }
                ends.insert(open.connection, (text(&open.local), text(&open.remote)));
            }
            Event::Data(data) => {
                let (local, remote) = ends[&data.connection].clone();
                let key = if data.flow == Flow::Sent { (local, remote) } else { (remote, local) };
                streams.entry(key).or_default().extend(data.head);
                let next = positions.insert((data.connection, data.flow), data.position + u64::from(data.len));
                assert_eq!(next.unwrap_or(data.position), data.position, "no jump in these captures");
            }
            _ => {}
        }
    }
    streams
}

/// One line of `streams.tsv`: capture, source, destination, length, CRC-32.
fn expected() -> BTreeMap<String, BTreeMap<(String, String), (usize, String)>> {
    let mut expected: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for line in std::fs::read_to_string(captures().join("streams.tsv")).unwrap().lines() {
        let [capture, source, destination, len, sum] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let of_capture = expected.entry(capture.to_owned()).or_default();
        of_capture.insert((source.to_owned(), destination.to_owned()), (len.parse().unwrap(), sum.to_owned()));
    }
    expected
}

#[test]
fn the_same_bytes_as_tshark_in_every_capture() {
    let expected = expected();
    let mut seen = 0;
    for entry in std::fs::read_dir(captures()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.contains(".pcap") {
            continue;
        }
        let found: BTreeMap<_, _> = streams(&path)
            .into_iter()
            .map(|(key, bytes)| (key, (bytes.len(), format!("{:08x}", crc32(&bytes)))))
            .collect();
        assert_eq!(found, expected.get(&name).cloned().unwrap_or_default(), "{name}");
        seen += 1;
    }
    assert!(seen >= expected.len() && seen >= 10, "{seen} captures");
}

#[test]
fn a_handshake_with_a_repeated_syn_and_no_data() {
    let mut source = recording::open(&captures().join("tcp-syn-retransmission.pcap")).unwrap();
    let mut told = Vec::new();
    while let Some(event) = source.next().unwrap() {
        match event {
            Event::Open(open) => {
                assert_eq!((open.role, open.from_start), (Some(Role::Server), true));
                assert_eq!(
                    (text(&open.remote), text(&open.local)),
                    ("10.30.0.223:80".into(), "220.181.111.188:12345".into())
                );
                assert_eq!(open.at_ns, 1_595_247_295_000_000, "the first SYN");
                assert_eq!((open.first_received as u32, open.first_sent as u32), (3_350_029_207, 4_208_276_644));
            }
            Event::State(state) => told.push(state.change),
            Event::Data(data) => panic!("{data:?}"),
            _ => {}
        }
    }
    assert_eq!(told, [Change::ReceivedFin, Change::SentFin, Change::Closed]);
}

#[test]
fn a_capture_recorded_and_read_again_is_the_same() {
    for capture in ["http1-headers.pcap", "redis-large-values.pcap"] {
        let mut events = Vec::new();
        let mut writer = Writer::new(Vec::new()).unwrap();
        let mut source = recording::open(&captures().join(capture)).unwrap();
        while let Some(event) = source.next().unwrap() {
            writer.write(&event).unwrap();
            events.push(format!("{event:?}"));
        }
        let mut again = recording::from_reader(std::io::Cursor::new(writer.finish().unwrap())).unwrap();
        for event in &events {
            assert_eq!(format!("{:?}", again.next().unwrap().unwrap()), *event);
        }
        assert!(again.next().unwrap().is_none());
    }
}
