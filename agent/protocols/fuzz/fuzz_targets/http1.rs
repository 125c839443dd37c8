//! `cargo fuzz run http1`
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wirespan_protocols_fuzz::drive(&wirespan_protocols::http1::PROTOCOL, data));
