//! `cargo fuzz run tls`
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wirespan_protocols_fuzz::drive(&wirespan_protocols::tls::PROTOCOL, data));
