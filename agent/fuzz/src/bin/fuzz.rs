//! All targets in one program; `FUZZ_TARGET` chooses one. `cargo xtask fuzz` builds and runs it.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use wirespan_fuzz::{Target, chosen};

static TARGET: OnceLock<Target> = OnceLock::new();

fuzz_target!(|data: &[u8]| TARGET.get_or_init(chosen).run(data));
