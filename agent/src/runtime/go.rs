//! Go: the goroutine, whose number stands in `g` (runtime/runtime2.go).

use wirespan_common::context::{
    GO_CHANNEL, GO_CLIENT_CONN, GO_CONDITION, GO_NUMBER, GO_NUMBERS, GO_PARENT, GO_PROCESSOR, GO_SCHED, RUNTIME_GO,
    Runtime,
};

/// Where things stand in the structures of these minor versions of Go 1, bytes: the same on all 64-bit architectures.
struct Layout {
    versions: std::ops::RangeInclusive<u32>,
    /// `goid` in `g`.
    number: u32,
    /// `isClientConn` in `persistConn` (net/http/transport.go); 0 before there was `http.ClientConn`.
    client_conn: u32,
    /// `parentGoid` in `g`; 0 before there was one.
    parent: u32,
    /// `oldp` in `m`.
    processor: u32,
    /// `goidcache` in `p`, followed by `goidcacheend`.
    numbers: u32,
    /// `waitReasonChanReceive` (runtime/runtime2.go).
    channel: u32,
    /// `waitReasonSyncCondWait`.
    condition: u32,
}

/// From the debug information of programs of each version but 1.18 and 1.20; the reasons from the sources of 1.21 to 1.26.
const LAYOUTS: [Layout; 5] = [
    Layout { versions: 18..=20, number: 152, client_conn: 0, parent: 0, ..GO_1_21 },
    GO_1_21,
    Layout { versions: 23..=24, number: 160, parent: 280, numbers: 376, ..GO_1_21 },
    Layout { versions: 25..=25, processor: 216, numbers: 376, condition: 21, ..GO_1_21 },
    Layout { versions: 26..=26, client_conn: 162, parent: 280, channel: 19, condition: 21, ..GO_1_21 },
];
/// That of Go 1.21 and 1.22.
const GO_1_21: Layout = Layout {
    versions: 21..=22,
    number: 152,
    client_conn: 0,
    parent: 272,
    processor: 224,
    numbers: 384,
    channel: 14,
    condition: 20,
};

/// How goroutines are found in a process whose program was built by this version of Go (`go1.22.1`, `go1.26.0 X:experiments`);
/// `sched`: the address of `runtime.sched`, if it is known.
#[must_use]
pub fn of(version: &str, sched: Option<u64>) -> Option<Runtime> {
    let minor: String = version.strip_prefix("go1.")?.chars().take_while(char::is_ascii_digit).collect();
    let minor: u32 = minor.parse().ok()?;
    let layout = LAYOUTS.iter().find(|layout| layout.versions.contains(&minor))?;
    let mut runtime = Runtime { kind: RUNTIME_GO, ..Runtime::default() };
    runtime.places[GO_NUMBER] = layout.number;
    runtime.places[GO_CLIENT_CONN] = layout.client_conn;
    runtime.places[GO_PARENT] = layout.parent;
    runtime.places[GO_PROCESSOR] = layout.processor;
    runtime.places[GO_NUMBERS] = layout.numbers;
    runtime.places[GO_CHANNEL] = layout.channel;
    runtime.places[GO_CONDITION] = layout.condition;
    runtime.addresses[GO_SCHED] = sched.unwrap_or_default();
    Some(runtime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_are_known_have_their_place() {
        let place = |version| of(version, None).map(|runtime| runtime.places[0]);
        let places = ["go1.18", "go1.22.12", "go1.23rc1", "go1.24.1 X:nocoverageredesign", "go1.26.0"].map(place);
        assert_eq!(places, [Some(152), Some(152), Some(160), Some(160), Some(152)]);
    }

    #[test]
    fn places_are_those_of_the_version() {
        let places = |version| of(version, None).map(|runtime| runtime.places);
        assert_eq!(places("go1.19"), Some([152, 0, 0, 224, 384, 14, 20]), "it has no parentGoid");
        assert_eq!(places("go1.21.13"), Some([152, 0, 272, 224, 384, 14, 20]));
        assert_eq!(places("go1.25.4"), Some([152, 0, 272, 216, 376, 14, 21]));
        assert_eq!(places("go1.26.0"), Some([152, 162, 280, 224, 384, 19, 21]));
    }

    #[test]
    fn the_scheduler_is_known_where_it_was_found() {
        let sched = |known| of("go1.26.0", known).unwrap().addresses[GO_SCHED];
        assert_eq!((sched(Some(0x58_8600)), sched(None)), (0x58_8600, 0));
    }

    #[test]
    fn others_have_none() {
        for version in ["go1.17.3", "go1.27.0", "go1.", "go2.0", "devel go1.26-abc", "", "go1.99999999999999"] {
            assert_eq!(of(version, None), None, "{version}");
        }
    }
}
