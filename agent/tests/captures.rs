//! The capture reader against tshark: for each capture the same bytes in each direction.
#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use wirespan::event::{Change, Endpoint, Event, Flow, Role, Transport, Vantage};
use wirespan::recording::{self, file::Writer};

/// Payload by (source, destination).
type Streams = BTreeMap<(String, String), Vec<u8>>;
/// Length and CRC-32 of the payload by (source, destination).
type Sums = BTreeMap<(String, String), (usize, String)>;

fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/replay/captures")
}

fn text(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Inet(address) => address.to_string(),
        Endpoint::Unix(path) => path.to_string(),
    }
}

/// Reads the TCP connections of a file to its end; every gap and every cut payload would show as bytes missing.
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
                if open.transport == Transport::Udp {
                    continue;
                }
                // In mid-stream the beginning is only what the peer had acknowledged.
                if open.from_start {
                    positions.insert((open.connection, Flow::Sent), open.first_sent);
                    positions.insert((open.connection, Flow::Received), open.first_received);
                }
                ends.insert(open.connection, (text(&open.local), text(&open.remote)));
            }
            Event::Data(data) => {
                let Some((local, remote)) = ends.get(&data.connection).cloned() else { continue };
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
fn expected() -> BTreeMap<String, Sums> {
    let mut expected: BTreeMap<_, Sums> = BTreeMap::new();
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
            .map(|(key, bytes)| (key, (bytes.len(), format!("{:08x}", crc32fast::hash(&bytes)))))
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
                assert_eq!(open.established_ns, Some(1_595_247_620_400_000), "the third segment, not the third frame");
                assert_eq!(open.syn_retransmits, 1);
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

/// Position, and what was captured from there on.
type Run = (u64, Vec<u8>);

/// Runs of bytes by connection ends and flow (sent or not).
fn placed(bytes: Vec<u8>) -> BTreeMap<(String, bool), Vec<Run>> {
    let mut source = recording::from_reader(std::io::Cursor::new(bytes)).unwrap();
    let (mut ends, mut placed, mut next) = (HashMap::new(), BTreeMap::new(), HashMap::new());
    while let Some(event) = source.next().unwrap() {
        match event {
            Event::Open(open) => {
                ends.insert(open.connection, format!("{} {}", text(&open.local), text(&open.remote)));
            }
            Event::Data(data) => {
                let end = data.position + u64::from(data.len);
                let before = next.insert((data.connection, data.flow), end).unwrap_or(0);
                assert!(data.position >= before, "never backwards");
                let key = (ends[&data.connection].clone(), data.flow == Flow::Sent);
                placed.entry(key).or_insert_with(Vec::new).push((data.position, data.head.to_vec()));
            }
            _ => {}
        }
    }
    placed
}

/// Frames lost, repeated and out of order: what comes out is part of the truth, and in its place.
#[test]
fn a_damaged_capture_gives_a_subset_in_place() {
    let whole = std::fs::read(captures().join("redis-large-values.pcap")).unwrap();
    let (header, mut rest) = whole.split_at(24);
    let mut frames = Vec::new();
    while let Some(captured) = rest.get(8..12).and_then(|field| field.first_chunk()) {
        let (frame, after) = rest.split_at(16 + u32::from_le_bytes(*captured) as usize);
        frames.push(frame);
        rest = after;
    }
    // No gaps here: a stream is its first position and its bytes.
    let truth: BTreeMap<_, _> = placed(whole.clone())
        .into_iter()
        .map(|(key, runs)| (key, (runs[0].0, runs.into_iter().flat_map(|(_, bytes)| bytes).collect::<Vec<_>>())))
        .collect();
    let (mut found, mut possible) = (0, 0);
    for seed in 0..40 {
        let mut ids = wirespan::trace::ids::Ids::seeded(seed);
        let mut random = |below: usize| usize::from(ids.span_id()[0]) % below;
        let mut damaged: Vec<&[u8]> = Vec::new();
        for frame in &frames {
            // One in eight lost, one in eight twice; the others up to three places early.
            for _ in 0..[0, 2, 1, 1, 1, 1, 1, 1][random(8)] {
                let place = damaged.len() - random(4).min(damaged.len());
                damaged.insert(place, frame);
            }
        }
        for (key, runs) in placed([header, &damaged.concat()].concat()) {
            let (first, bytes) = &truth[&key];
            for (position, run) in runs {
                let at = usize::try_from(position - first).unwrap();
                assert_eq!(bytes.get(at..at + run.len()), Some(&*run), "seed {seed}, {key:?}");
                found += run.len();
            }
        }
        possible += truth.values().map(|(_, bytes)| bytes.len()).sum::<usize>();
    }
    println!("{found} of {possible} bytes");
    assert!(found > possible / 2, "{found} of {possible} bytes");
}
