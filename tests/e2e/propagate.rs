//! `wirespan.propagate`: the only thing that changes what programs send.

use std::path::Path;
use std::process::Command;

use crate::harness::run;

/// Everything but the header arrives as it was sent, both ways; or this kernel is one of those that are left alone.
#[test]
fn a_header_is_put_into_requests_and_every_other_byte_stays() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("kernels/propagate.py");
    let told = run(Command::new("python3").arg(script).arg(wirespan_tests::binary()).arg("3"));
    println!("{told}");
    assert!(told.contains("all bytes are right"));
}
