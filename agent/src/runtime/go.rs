//! Go: the goroutine, whose number stands in `g` (runtime/runtime2.go).

use wirespan_common::context::{RUNTIME_GO, Runtime};

/// Minor versions of Go 1 and where `goid` stands in `g`, bytes: the same on all 64-bit architectures. Between 1.23 and 1.24 there is
/// one word more in front of it (`syscallbp`), and from 1.25 on one less (`ret` of `gobuf` went).
const GOID: [(std::ops::RangeInclusive<u32>, u32); 3] = [(18..=22, 152), (23..=24, 160), (25..=26, 152)];

/// How goroutines are found in a program that was built by this version of Go (`go1.22.1`, `go1.26.0 X:experiments`). The only
/// place is that of `goid`.
#[must_use]
pub fn of(version: &str) -> Option<Runtime> {
    let minor: String = version.strip_prefix("go1.")?.chars().take_while(char::is_ascii_digit).collect();
    let minor: u32 = minor.parse().ok()?;
    let (_, number_at) = GOID.iter().find(|(versions, _)| versions.contains(&minor))?;
    let mut runtime = Runtime { kind: RUNTIME_GO, ..Runtime::default() };
    runtime.places[0] = *number_at;
    Some(runtime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_are_known_have_their_place() {
        let place = |version| of(version).map(|runtime| runtime.places[0]);
        let places = ["go1.18", "go1.22.12", "go1.23rc1", "go1.24.1 X:nocoverageredesign", "go1.26.0"].map(place);
        assert_eq!(places, [Some(152), Some(152), Some(160), Some(160), Some(152)]);
    }

    #[test]
    fn others_have_none() {
        for version in ["go1.17.3", "go1.27.0", "go1.", "go2.0", "devel go1.26-abc", "", "go1.99999999999999"] {
            assert_eq!(of(version), None, "{version}");
        }
    }
}
