//! Small captures made for what was once read wrongly, each for a whole kind; `captures/cases/README.md` says what each
//! must give.

mod calls;
mod databases;
mod endings;
mod made;
mod phantoms;
mod prefaces;
mod setups;
mod upgrades;

use std::collections::BTreeMap;
use std::process::Output;

use wirespan_tests::span;
use wirespan_tests::spans::Spans;

/// What a capture gives: spans, and what was dropped by reason.
struct Told {
    /// Those of requests.
    spans: Spans,
    all: Spans,
    /// The line `dropped` of the account.
    dropped: BTreeMap<String, u64>,
    /// Everything that was written.
    output: String,
}

impl Told {
    #[track_caller]
    fn read(output: &Output) -> Self {
        let account = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{account}");
        let output = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = account.lines().find_map(|line| line.split_once("dropped: ")).map_or("", |(_, counts)| counts);
        let pairs = line.split(", ").filter_map(|pair| pair.split_once(' '));
        let dropped = pairs.map(|(reason, count)| (reason.to_owned(), count.parse().unwrap())).collect();
        let all = Spans::from(span::parse(&output));
        Self { spans: all.requests(), all, dropped, output }
    }
}

/// Replays `captures/cases/NAME.pcap`.
#[track_caller]
fn case(name: &str) -> Told {
    Told::read(&super::replay(&format!("cases/{name}.pcap"), &["--output", "otlp-json"]))
}
